#!/usr/bin/env python3
"""A serial sensor made of a pseudo-terminal: prints the device's path, then sends readings.

    tools/simulated_sensor.py --kind nmea --interval 0.5

`json` sends {"seq": 7, "temperature": 21.53, "humidity": 40.8}, `nmea` the sentence $WIMTA (the
mean temperature of the air) and `text` the temperature alone. Like a real one it waits for
nobody: what is not read is lost. It ends at SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import math
import operator
import os
import signal
import sys
import tty

ENDING = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Simulate until told to stop."""
    options = parse()
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    master, slave = os.openpty()  # the slave stays open: else the device vanishes with its reader
    tty.setraw(slave)
    os.set_blocking(master, False)
    print(os.ttyname(slave), flush=True)
    number = 0
    while number != options.count and not signal.sigtimedwait(ENDING, options.interval):
        send(master, KINDS[options.kind](number))
        number += 1
    if number == options.count:
        signal.sigwait(
            ENDING
        )  # its end would take the device away, with what has not been read yet
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kind", choices=KINDS, default="json", help="default: json")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds; default: 1")
    parser.add_argument("--count", type=int, help="fall silent after so many readings")
    return parser.parse_args()


def send(master: int, line: bytes) -> None:
    """Write a line, or what of it fits."""
    with contextlib.suppress(BlockingIOError):
        os.write(master, line + b"\r\n")


def temperature(number: int) -> float:
    """Return the temperature of the moment: a slow wave and a fast one."""
    return 21.0 + 3.0 * math.sin(number / 40) + 0.2 * math.sin(number / 3)


def as_json(number: int) -> bytes:
    """Return a reading as a JSON object."""
    humidity = 45.0 - 4.0 * math.sin(number / 55)
    return json.dumps(
        {
            "seq": number,
            "temperature": round(temperature(number), 2),
            "humidity": round(humidity, 1),
        }
    ).encode()


def as_nmea(number: int) -> bytes:
    """Return a reading as an NMEA sentence."""
    body = f"WIMTA,{temperature(number):.1f},C".encode()
    return b"$%s*%02X" % (body, functools.reduce(operator.xor, body))


def as_text(number: int) -> bytes:
    """Return a reading as a bare number."""
    return f"{temperature(number):.2f}".encode()


KINDS = {"json": as_json, "nmea": as_nmea, "text": as_text}

if __name__ == "__main__":
    sys.exit(main())
