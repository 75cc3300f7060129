r"""A bridge without a file: python examples/bridge_in_a_script.py DEVICE [URL].

The device sends lines like "T=21.5 H=40", and answers "FAN 1" with "OK FAN=1". Start `wamplite
router` first; then `wamplite sub home.weather.temp` shows the temperature when it has moved, and
`wamplite call home.weather.fan 1` asks the device. Ctrl-C ends it.
"""

import logging
import sys

from wamplite import bridge

logging.basicConfig(level=logging.INFO, format="%(message)s")

if len(sys.argv) < 2:
    sys.exit("which device? python examples/bridge_in_a_script.py DEVICE [URL]")
weather = (
    bridge.Port(sys.argv[1], 115200, name="weather", silence=60)
    .lines(max_bytes=256)
    .regex(r"T=(?P<temp>-?\d+\.\d) H=(?P<hum>\d+)", types={"temp": "float", "hum": "int"})
    .publish("home.weather.{field}", deadband={"temp": 0.2}, max_interval=60, timestamp=True)
    .procedure("home.weather.fan", "FAN {0:d}\n", reply=r"OK FAN=(\d)")
)
bridge.run(weather, url=sys.argv[2] if len(sys.argv) > 2 else "ws://127.0.0.1:8080/ws")
