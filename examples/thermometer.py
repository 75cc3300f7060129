"""Publish this machine's temperature each second: python examples/thermometer.py [URL].

Start `wamplite router` first, and `wamplite sub com.example.temperature` to see the readings.
Ctrl-C ends it.
"""

import contextlib
import random
import sys
import time
from pathlib import Path

import wamplite

SENSOR = Path("/sys/class/thermal/thermal_zone0/temp")  # thousandths of a degree, on a Pi too


def read() -> float:
    """Return degrees Celsius; made up where there is no sensor."""
    if SENSOR.exists():
        return int(SENSOR.read_text()) / 1000
    return round(random.gauss(40, 1), 2)


url = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8080/ws"
with contextlib.suppress(KeyboardInterrupt), wamplite.connect(url, realm="realm1") as session:
    while True:
        session.publish("com.example.temperature", read(), unit="C")
        time.sleep(1)
