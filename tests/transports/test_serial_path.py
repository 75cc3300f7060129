"""What is no serial device is refused at once, wherever a serial device may be named."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import wamplite
from tests.processes import ROOT
from tests.processes import wamplite as command
from tests.serial_cable import Cable
from wamplite.transports import serial_path


def test_what_stands_where_a_device_should_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert serial_path.no_device(str(tmp_path)) == "a directory, not a serial device"
    assert serial_path.no_device(str(file)) == "a file, not a serial device"
    told = "a device of the kind 'mem', not a serial device"
    assert serial_path.no_device("/dev/null") == told


def test_a_device_is_one_and_so_may_what_is_not_there_become(tmp_path: Path, cable: Cable) -> None:
    for path in (cable.device, "/dev/tty", str(tmp_path / "absent"), "socket://127.0.0.1:9", "\0"):
        assert serial_path.no_device(path) == ""
        serial_path.check(path)


def test_where_the_kernel_does_not_tell_a_device_is_taken_for_one(tmp_path: Path) -> None:
    assert serial_path.no_device("/dev/null", tmp_path) == ""


def listening(path: str) -> None:
    with wamplite.Router() as router:
        router.listen(f"serial://{path}")


def serving(path: str) -> None:
    wamplite.Component(f"serial://{path}").run()


@pytest.mark.parametrize(
    "use", [listening, serving, lambda path: wamplite.connect(f"serial://{path}")]
)
def test_what_is_no_serial_device_is_not_waited_for(use: Callable[[str], None]) -> None:
    with pytest.raises(wamplite.UsageError, match="/dev/null: a device of the kind 'mem', not a"):
        use("/dev/null")


@pytest.mark.parametrize(
    "verb",
    [
        ("serial", "/dev/null", "--publish", "com.example.t"),
        ("router", "--listen", "serial:///dev/null"),
        ("sub", "com.example.t", "--url", "serial:///dev/null", "--retry"),
    ],
)
def test_a_program_that_was_given_none_ends_and_says_so(verb: tuple[str, ...]) -> None:
    done = subprocess.run(command(*verb), cwd=ROOT, capture_output=True, text=True, timeout=50)
    told = "wamplite: /dev/null: a device of the kind 'mem', not a serial device\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)
