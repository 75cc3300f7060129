"""`wamplite bridge`: checks its file, prints or publishes, and ends when it should."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.pseudo import PseudoDevice
from tests.processes import ROOT, Program, RouterProcess
from tests.processes import wamplite as command
from wamplite import Router
from wamplite.auth import User, Users, methods
from wamplite.bridge.settings import PortSettings
from wamplite.cli import bridge

ENDING = 4.0  # seconds: 2 are promised, on a machine that does nothing else


@pytest.fixture
def device(tmp_path: Path) -> Iterator[PseudoDevice]:
    with PseudoDevice(tmp_path) as device:
        yield device.plug()


@pytest.fixture
def program(tmp_path: Path, device: PseudoDevice) -> Iterator[Any]:
    """Give `start(text, *options)`: the bridge of that file, with the device in it opened."""
    started: list[Program] = []

    def start(text: str, *options: str) -> Program:
        file = written(tmp_path, text.replace("DEVICE", device.path))
        program = Program(sys.executable, "-X", "dev", *command("bridge", file, *options)[1:])
        started.append(program)
        program.await_stderr(": open at")
        return program

    yield start
    for program in started:
        try:
            program.interrupt(signal.SIGTERM)
            program.wait()
            assert "Traceback" not in program.stderr()
        finally:
            program.stop()


def written(folder: Path, text: str) -> str:
    (folder / "bridge.toml").write_text(text)
    return str(folder / "bridge.toml")


def checked(file: str, *options: str) -> subprocess.CompletedProcess[str]:
    words = command("bridge", file, "--check", *options)
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=30)


PORT = '[[port]]\nname = "one"\ndevice = "DEVICE"\n'
PUBLISH = PORT + '[[port.publish]]\ntopic = "com.example.{port}"\n'


def test_check_says_that_all_is_fine(tmp_path: Path, device: PseudoDevice) -> None:
    publish = '[[port.publish]]\ntopic = "a.b"\n'
    there = PORT.replace("DEVICE", device.path)
    absent = '[[port]]\nname = "two"\ndevice = "/dev/absent"\n'
    usb = '[[port]]\nname = "three"\ndevice = "usb:ffff:ffff"\n'
    net = '[[port]]\nname = "four"\ndevice = "socket://127.0.0.1:9"\n'
    again = f'[[port]]\nname = "five"\ndevice = "{os.path.realpath(device.path)}"\n'
    folder = f'[[port]]\nname = "six"\ndevice = "{tmp_path}"\n'
    ports = [there, absent, usb, net, again, folder]
    file = written(tmp_path, publish.join([*ports, ""]))
    done = checked(file)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"one: {device.path}",
        "two: /dev/absent, not there now",
        "three: usb:ffff:ffff: no such device is plugged in",
        "four: socket://127.0.0.1:9",
        f"five: {os.path.realpath(device.path)}: the same device as that of one",
        f"six: {tmp_path}: a directory, not a serial device",
        f"{file}: fine, 6 ports, realm1 at ws://127.0.0.1:8080/ws",
    ]


def test_check_tells_that_nothing_comes_of_a_port(tmp_path: Path) -> None:
    done = checked(written(tmp_path, PORT.replace("DEVICE", "/dev/absent")))
    assert (done.returncode, done.stderr) == (0, "")
    said = "one: /dev/absent, not there now: what it sends is dropped: no [[port.publish]], nor a"
    assert done.stdout.startswith(said)


def test_check_tells_whose_device_may_not_be_opened(
    device: PseudoDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may open anything
    told = bridge.in_words(PortSettings(name="one", device=device.path), {})
    assert told.startswith(f"{device.path}: permission denied; add yourself to the group")


@pytest.mark.parametrize(
    ("address", "framing", "is_told"),
    [("127.0.0.1:502", "rtu", True), ("127.0.0.1:502", "tcp", False), ("[::1]:5020", "rtu", False)],
)
def test_check_tells_what_is_perhaps_modbus_tcp(
    tmp_path: Path, address: str, framing: str, is_told: bool
) -> None:
    text = PORT.replace("DEVICE", f"socket://{address}") + f'modbus_framing = "{framing}"\n'
    text += '[[port.poll]]\nevery = 1\ntopic = "a.b"\nmodbus = {unit = 1}\n'
    done = checked(written(tmp_path, text))
    assert (done.returncode, bridge.SPEAKS_TCP in done.stdout) == (0, is_told), done.stderr


def test_check_tells_which_text_may_be_meant_as_bytes(tmp_path: Path) -> None:
    framing = 'framing = {kind = "delimiter", delimiter = "<CR>"}\n'
    file = written(
        tmp_path, PUBLISH.replace("DEVICE", "/dev/absent").replace("[[port.p", f"{framing}[[port.p")
    )
    done = checked(file)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == [
        "one: /dev/absent, not there now",
        f"{file}:4: port \"one\": framing: delimiter: '<CR>' is these 4 characters; the bytes 0D"
        r' would be "\r"',
    ]


def test_check_tells_every_fault_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, PORT.replace("DEVICE", "/dev/x") + "baud = 1\nsettle = -1\n")
    done = checked(file)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f'wamplite: {file}:4: port "one": baud: unknown key; did you mean "baudrate"?',
        f'{file}:5: port "one": settle: expected a time in seconds or with a unit, such as 20,'
        ' "500 ms", "2 min", "7 d", from 0 to 1 min, not -1',
    ]


def test_check_looks_at_the_secret(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o644)
    session = f'[session]\nauthid = "a"\nsecret_file = "{secret}"\n'
    file = written(tmp_path, session + PORT.replace("DEVICE", "/dev/x"))
    done = checked(file)
    assert done.returncode == 2
    assert f"secret file {secret}: others may read it" in done.stderr
    secret.chmod(0o600)
    assert checked(file).returncode == 0


@pytest.mark.parametrize("trouble", ["", "there is no folder {}", "it is a folder"])
def test_check_looks_where_the_outbox_will_be(tmp_path: Path, trouble: str) -> None:
    folder = tmp_path / ("absent" if "no folder" in trouble else "")
    outbox = folder if trouble.startswith("it is") else folder / "outbox"
    buffer = f'[buffer]\npath = "{outbox}"\n'
    done = checked(written(tmp_path, buffer + PORT.replace("DEVICE", "/dev/x")))
    told = f"outbox: {outbox}{trouble and ': ' + trouble.format(folder)}"
    assert done.returncode == 0 and told in done.stdout.splitlines()


def test_check_looks_for_the_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    polled = '[[port.poll]]\nevery = 1.0\ntopic = "a"\n'
    polled += "modbus = {unit = 1, address = 1, function = 3}\n"
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['minimalmodbus'] = None")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    done = checked(written(tmp_path, PORT.replace("DEVICE", "/dev/x") + polled))
    assert done.returncode == 2
    assert done.stderr.count("Modbus needs minimalmodbus: pip install minimalmodbus") == 1


def test_printing_needs_no_outbox(program: Any, device: PseudoDevice) -> None:
    buffer = '[buffer]\npath = "/no/where/outbox"\n'
    printing = program(buffer + PUBLISH, "--stdout", "json")
    device.write(b"half\none\n")
    assert json.loads(printing.line())["args"] == ["one"]


def test_events_are_printed_without_any_router(program: Any, device: PseudoDevice) -> None:
    printing = program(PUBLISH, "--stdout", "json")
    device.write(b"half\none\ntwo\n")
    assert [json.loads(line) for line in printing.lines(2)] == [
        {"topic": "com.example.one", "args": ["one"], "kwargs": {}},
        {"topic": "com.example.one", "args": ["two"], "kwargs": {}},
    ]


def test_it_ends_when_nobody_reads_what_it_prints(program: Any, device: PseudoDevice) -> None:
    printing = program(PUBLISH, "--stdout", "json")
    device.write(b"half\none\n")
    printing.line()
    printing.process.stdout.close()
    device.write(b"two\n")
    assert printing.wait() == 0


def test_a_module_beside_the_file_may_decode(
    tmp_path: Path, program: Any, device: PseudoDevice
) -> None:
    (tmp_path / "my_meter.py").write_text("def decode(frame): return {'length': len(frame)}\n")
    text = PORT + 'decode = "python:my_meter:decode"\n'
    text += '[[port.publish]]\ntopic = "com.example.length"\n'
    printing = program(text, "--stdout", "json")
    device.write(b"half\nabc\n")
    assert json.loads(printing.line())["kwargs"] == {"length": 3}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_the_books_are_told(
    program: Any, device: PseudoDevice, router_process: RouterProcess, number: signal.Signals
) -> None:
    session = f'[session]\nurl = "{router_process.rs}"\n'
    running = program(session + PUBLISH, "--figures", "0.5")
    device.write(b"half\none\n")
    running.await_stderr("published=1 dropped=1")
    begin = time.monotonic()
    running.interrupt(number)
    assert running.wait() == 0
    assert time.monotonic() - begin < ENDING


def test_a_signal_ends_it_while_the_router_is_away(program: Any, device: PseudoDevice) -> None:
    running = program('[session]\nurl = "rs://127.0.0.1:9"\n' + PUBLISH)
    device.write(b"half\none\n")
    begin = time.monotonic()
    running.interrupt(signal.SIGTERM)
    assert running.wait() == 0
    assert time.monotonic() - begin < ENDING


@pytest.mark.parametrize(
    ("said", "is_told"),
    [
        ("", True),
        ('authid = "joe"\n', True),
        ('authid = "joe"\nsecret_file = "SECRET"\n', False),
    ],
)
def test_a_bridge_that_has_not_said_who_it_is_is_told_how(
    program: Any, tmp_path: Path, said: str, is_told: bool
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("wrong")
    secret.chmod(0o600)
    users = Users([User.of_password("joe", "a", "s3cret", iterations=4096)])
    with Router(authmethods=methods(users)) as router:
        url = router.listen("rs://127.0.0.1:0")
        said = said.replace("SECRET", str(secret))
        running = program(f'[session]\nurl = "{url}"\n{said}{PUBLISH}')
        assert running.wait() == 1
    told = "who we are: [session] says it: authid, with secret_file"
    assert (told in running.stderr()) is is_told


def test_a_refusal_for_good_is_the_end(program: Any, router_process: RouterProcess) -> None:
    running = program(f'[session]\nurl = "{router_process.rs}"\nrealm = "nowhere"\n' + PUBLISH)
    assert running.wait() == 1
    assert "wamp.error.no_such_realm" in running.stderr()
