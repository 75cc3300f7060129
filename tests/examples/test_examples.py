"""Each example does what its docstring says, against a running router."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import ROOT, RouterProcess, running, running_router, wamplite

EXAMPLES = ROOT / "examples"


def example(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)


def test_add_two_adds(router_process: RouterProcess) -> None:
    done = run(*example("add_two.py", router_process.ws))
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first == "2 + 3 = 5"
    assert second == "nobody adds three: wamp.error.no_such_procedure"


def test_thermometer_publishes_readings(router_process: RouterProcess) -> None:
    words = ["com.example.temperature", "-C", "1", "-F", "{0} {unit}", "--url", router_process.rs]
    with (
        running(*wamplite("sub", *words)) as sub,
        running(*example("thermometer.py", router_process.ws)) as thermometer,
    ):
        reading, unit = sub.line().split()
        assert -50 < float(reading) < 150 and unit == "C"
        thermometer.interrupt()
        thermometer.wait()


@pytest.mark.parametrize(
    "name", ["serial_sensor.py", "bridge_in_a_script.py", "micropython_board.py"]
)
def test_who_forgets_the_device_is_asked_for_it(name: str) -> None:
    done = run(*example(name))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("which") and f"{name} DEVICE" in done.stderr


def test_a_router_in_a_script_hears_a_greeting() -> None:
    done = run(*example("router_in_a_script.py"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "the program hears: hello\n", "")


def test_the_service_comes_back_when_its_router_does(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/router.sock"
    with running(*example("comes_back.py", url)) as service:
        for _ in range(2):
            with running_router(listen=[url]):
                assert service.line() == "joined realm1"
                assert set_light(url) == '{"kitchen":true}\n'
        service.interrupt()
        assert service.wait() in (0, 130)
        assert "Traceback" not in service.stderr()


def test_the_thermometer_that_reconnects_outlives_its_router(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/router.sock"
    words = ["com.example.temperature", "-C", "1", "-F", "{0} {unit}", "--url", url]
    with running(*example("reconnecting_thermometer.py", url)) as thermometer:
        for _ in range(2):
            with running_router(listen=[url]), running(*wamplite("sub", *words)) as sub:
                reading, unit = sub.line().split()
                assert -50 < float(reading) < 150 and unit == "C"
        thermometer.interrupt()
        assert thermometer.wait() in (0, 130)
        assert "Traceback" not in thermometer.stderr()


def set_light(url: str) -> str:
    """Call, a moment after the service has joined."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        done = run(*wamplite("call", "com.example.light.set", "kitchen", "true", "--url", url))
        if "no_such_procedure" not in done.stderr:
            assert done.returncode == 0, done.stderr
            return done.stdout
    raise TimeoutError("the service has not registered")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short_and_tested(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 40
    tests = "".join(test.read_text() for test in (ROOT / "tests").rglob("test_*.py"))
    assert path.name in tests
