"""Publish this machine's temperature: python examples/reconnecting_thermometer.py [URL].

A reading each second. It may be started before the router, and goes on once a router that went
away is back; what is read meanwhile is lost. `wamplite sub com.example.temperature --retry`
shows the readings. Ctrl-C ends it.
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
with contextlib.suppress(KeyboardInterrupt), wamplite.Component(url, max_retry_delay=5) as app:
    app.register("com.example.temperature.read", read)
    while app.error is None:
        with contextlib.suppress(wamplite.SessionNotReady, wamplite.TransportLost):
            app.publish("com.example.temperature", read(), unit="C")
        time.sleep(1)
if app.error is not None:  # refused for good: no such realm, for instance
    sys.exit(f"{app.error}")
