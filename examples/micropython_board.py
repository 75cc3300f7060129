"""A Raspberry Pi Pico with MicroPython on a serial line: it tells its temperature, and has a lamp.

On the computer: wamplite router --listen tcp://127.0.0.1:8080 --listen serial:///dev/ttyUSB0
On the board: this file as main.py beside what `wamplite micro` prints as uwamp.py; a USB adapter of
3.3 volts at GP0 (TX), GP1 (RX) and GND. Then: wamplite call com.example.board.lamp true
Without a board: python examples/micropython_board.py DEVICE plays one.
"""

import sys
import time

try:
    import uwamp
    from machine import ADC, UART, Pin

    line = UART(0, 115200, txbuf=2048, rxbuf=2048, timeout=20)
    lamp, sensor, now = Pin("LED", Pin.OUT).value, ADC(4).read_u16, time.ticks_ms
except ImportError:
    import serial

    from wamplite.micro import uwamp

    device = sys.argv[1] if sys.argv[1:] else sys.exit("which? micropython_board.py DEVICE")
    line = serial.Serial(device, 115200, timeout=0.02)
    lamp, sensor, now = print, lambda: 14000, lambda: time.monotonic_ns() // 1000000


def celsius():
    return round(27 - (sensor() * 3.3 / 65535 - 0.706) / 0.001721, 1)


wamp = uwamp.Serial("realm1")
wamp.register("com.example.board.lamp", lamp)
wamp.open(now())
told = now()
while True:
    line.write(wamp.step(line.read(256), now()))  # waits for bytes, 20 ms at most
    if wamp.joined and uwamp.since(told, now()) >= 1000:
        told = now()
        wamp.publish("com.example.board.temperature", celsius(), unit="C")
