"""`tools/demo`, the first command that a newcomer types."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT, running

DEMO = [sys.executable, str(ROOT / "tools" / "demo.py")]


def test_readings_arrive_and_the_demo_ends_by_itself() -> None:
    done = subprocess.run([*DEMO, "--count", "3"], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["topic"] for event in events] == ["com.example.sensor"] * 3
    assert all(event["args"] or event["kwargs"] for event in events)


def test_a_real_device_is_read_where_one_is_named() -> None:
    sensor = [sys.executable, str(ROOT / "tools" / "simulated_sensor.py"), "--kind", "nmea"]
    with running(*sensor, "--interval", "0.2") as simulated:
        device = ["--device", simulated.line(), "--baud", "4800", "--decode", "nmea"]
        done = subprocess.run(
            [*DEMO, *device, "--count", "1"], capture_output=True, text=True, timeout=50
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kwargs"]["type"] == "MTA"


def test_the_command_for_another_terminal_works_as_it_is_told() -> None:
    with running(*DEMO) as demo:
        demo.line()
        (told,) = [line for line in demo.stderr().splitlines() if "another terminal" in line]
        command = shlex.split(told.partition("terminal:")[2])
        done = subprocess.run([*command, "-C", "1"], capture_output=True, text=True, timeout=30)
        assert json.loads(done.stdout)["topic"] == "com.example.sensor", done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_all_of_it_quietly(number: int) -> None:
    with running(*DEMO) as demo:
        demo.line()
        demo.interrupt(number)
        assert demo.wait() == 130
        told = demo.stderr().splitlines()
    assert [line.split()[0] for line in told[:4]] == ["router", "device:", "bridge", "subscriber,"]
    assert len(told) == 5 and told[0].startswith("router at rs://127.0.0.1:"), told
    assert not left_running(told[0])


def left_running(told: str) -> list[str]:
    """Name the programs that still run with the router's address among their words."""
    address = told.split()[2].rstrip(":").encode()
    return [
        path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline") if address in read(path)
    ]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""
