"""Publish what a serial sensor sends: python examples/serial_sensor.py DEVICE [URL].

Start `wamplite router` first, and `wamplite sub com.example.sensor` to see the readings. DEVICE is
a path such as /dev/ttyUSB0, better its lasting name below /dev/serial/by-id; where there is no
hardware, `tools/simulated_sensor.py` prints the path of a made-up one. Each line is a JSON object.
The device may be unplugged and the router restarted at any time. Ctrl-C ends it.
"""

import contextlib
import logging
import sys
import threading

import wamplite
from wamplite.bridge import SerialBridge

logging.basicConfig(level=logging.INFO, format="%(message)s")
if len(sys.argv) < 2:
    sys.exit("which device? python examples/serial_sensor.py DEVICE [URL]")
device = sys.argv[1]
url = sys.argv[2] if len(sys.argv) > 2 else "ws://127.0.0.1:8080/ws"
component = wamplite.Component(url, realm="realm1", max_retry_delay=2)

with (
    contextlib.suppress(KeyboardInterrupt),
    SerialBridge(device, "com.example.sensor", component, baud=9600, decode="json"),
):
    threading.Event().wait()
