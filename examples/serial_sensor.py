"""Publish what a serial sensor sends: python examples/serial_sensor.py DEVICE [URL].

Start `wamplite router` first, and `wamplite sub com.example.sensor` to see the readings. DEVICE is
a path such as /dev/ttyUSB0, better its lasting name below /dev/serial/by-id; where there is no
hardware, `tools/simulated_sensor.py` prints the path of a made-up one. Each line is a JSON object.
The device may be unplugged and the router restarted at any time. Ctrl-C ends it.
"""

import logging
import sys

from wamplite import bridge

logging.basicConfig(level=logging.INFO, format="%(message)s")
if len(sys.argv) < 2:
    sys.exit("which device? python examples/serial_sensor.py DEVICE [URL]")
url = sys.argv[2] if len(sys.argv) > 2 else "ws://127.0.0.1:8080/ws"

# The sensor counts its readings itself, as `seq`: the bridge is to add no such number of its own.
sensor = bridge.Port(sys.argv[1], 9600).json().publish("com.example.sensor")
bridge.run(sensor, url=url, buffer={"marks": False})
