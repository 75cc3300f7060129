"""A Raspberry Pi Pico with MicroPython on a serial line: it tells its temperature, and has a lamp.

On the computer: wamplite router --listen tcp://127.0.0.1:8080 --listen serial:///dev/ttyUSB0
On the board: this as main.py beside uwamp, uwamp_serial and uwamp_link, which `wamplite micro`
prints; a USB adapter of 3.3 volts at GP0, GP1, GND. Then: wamplite call com.example.board.lamp true
Without a board: python examples/micropython_board.py DEVICE plays one.
"""

import sys

try:
    from machine import ADC, UART, Pin

    line = UART(0, 115200, txbuf=2048, rxbuf=2048)
    lamp, sensor = Pin("LED", Pin.OUT).value, ADC(4).read_u16
except ImportError:
    import serial

    import wamplite.micro

    sys.path.append(*wamplite.micro.__path__)
    device = sys.argv[1] if sys.argv[1:] else sys.exit("which? micropython_board.py DEVICE")
    line = serial.Serial(device, 115200, timeout=0)
    lamp, sensor = print, lambda: 14000

import uwamp_link
import uwamp_serial

wamp = uwamp_serial.Serial("realm1")
wamp.register("com.example.board.lamp", lamp)
link = uwamp_link.Uart(wamp, line)
told = 0
while True:
    link.poll(20)
    now = uwamp_link.ticks_ms()
    if wamp.joined and uwamp_link.since(told, now) >= 1000:
        told = now
        celsius = round(27 - (sensor() * 3.3 / 65535 - 0.706) / 0.001721, 1)
        wamp.publish("com.example.board.temperature", celsius, unit="C")
