"""The serial example, run as a user runs it, on a simulated sensor."""

from __future__ import annotations

import signal
import sys

import wamplite
from tests.processes import ROOT, RouterProcess, running
from tests.waiting import until

SENSOR = [sys.executable, str(ROOT / "tools" / "simulated_sensor.py")]


def test_the_example_publishes_what_the_simulated_sensor_sends(
    router_process: RouterProcess,
) -> None:
    readings: list[wamplite.Event] = []

    def on_reading(event: wamplite.Event) -> None:
        readings.append(event)

    with (
        wamplite.connect(router_process.rs) as session,
        running(*SENSOR, "--interval", "0.05") as sensor,
    ):
        session.subscribe("com.example.sensor", on_reading)
        example = (sys.executable, "examples/serial_sensor.py", sensor.line(), router_process.ws)
        with running(*example) as program:
            until(lambda: len(readings) >= 3, "three readings")
            program.interrupt(signal.SIGINT)
            assert program.wait() == 0
            assert "Traceback" not in program.stderr()
    assert all({"seq", "temperature", "humidity"} == set(event.kwargs) for event in readings)
    numbers = [event.kwargs["seq"] for event in readings]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_the_simulated_sensor_ends_at_a_signal() -> None:
    with running(*SENSOR, "--kind", "nmea", "--interval", "0.01", "--count", "2") as sensor:
        assert sensor.line().startswith("/dev/pts/")
        sensor.interrupt(signal.SIGTERM)
        assert sensor.wait() == 0
        assert sensor.stderr() == ""
