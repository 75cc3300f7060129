"""The examples of bridges run, with devices made of pseudo-terminals."""

from __future__ import annotations

import binascii
import json
import re
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.bridge.pseudo import PseudoDevice
from tests.processes import ROOT, Program, RouterProcess, running
from tests.processes import wamplite as command
from tests.waiting import until

EXAMPLES = ROOT / "examples"
FILES = sorted(path.name for path in EXAMPLES.glob("bridge_*.toml"))

GGA = b"$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76\r\n"


class Answering:
    """A device that answers what is written to it; `answer` gets bytes and returns bytes."""

    def __init__(self, device: PseudoDevice, answer: Callable[[bytes], bytes]) -> None:
        self._device = device
        self._answer = answer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Answering:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        heard = b""
        while not self._stop.is_set():
            with suppress(AssertionError):  # nothing was written
                heard += self._device.read(0.1)
            if answer := self._answer(heard):
                heard = b""
                self._device.write(answer)


@pytest.fixture
def plug(tmp_path: Path, stack: ExitStack) -> Callable[[str], PseudoDevice]:
    def plug(name: str) -> PseudoDevice:
        (tmp_path / name).mkdir()
        return stack.enter_context(PseudoDevice(tmp_path / name)).plug()

    return plug


def placed(folder: Path, name: str, devices: dict[str, PseudoDevice], url: str = "") -> str:
    """Return the example with the devices that there are; it is what it was otherwise."""
    text = (EXAMPLES / name).read_text()
    for port, device in devices.items():
        text, found = re.subn(
            rf'(name = "{port}"\n(?:#.*\n)*device = )"[^"]*"', rf'\1"{device.path}"', text
        )
        assert found == 1
    text = text.replace("ws://127.0.0.1:8080/ws", url) if url else text
    text = text.replace("/var/lib/wamplite-bridge", str(folder)).replace(
        "settle = 2.0", "settle = 0.1"
    )
    (folder / name).write_text(text)
    return str(folder / name)


def start(stack: ExitStack, *words: str, opens: int = 1) -> Program:
    """Start a bridge, and wait until it has opened its devices: what came before is gone."""
    program = Program(sys.executable, "-W", "error", *command("bridge", *words)[1:])
    stack.callback(program.stop)
    program.await_stderr(": open at", opens)
    return program


def event(program: Program) -> list[Any]:
    """Return the next event on stdout."""
    told = json.loads(program.line())
    return [told["topic"], told["args"], told["kwargs"]]


@pytest.mark.parametrize("name", FILES)
def test_the_example_is_right(name: str) -> None:
    done = subprocess.run(
        command("bridge", "--check", str(EXAMPLES / name)),
        cwd=ROOT, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert ": fine, " in done.stdout.splitlines()[-1]


def test_there_are_the_examples_that_were_promised() -> None:
    kinds = {"gps", "arduino", "thermostat", "meter"}
    assert {f"bridge_{kind}.toml" for kind in kinds} <= set(FILES)


def test_a_gps_receiver_tells_its_position(
    tmp_path: Path, stack: ExitStack, plug: Callable[[str], PseudoDevice]
) -> None:
    gps = plug("gps")
    program = start(stack, placed(tmp_path, "bridge_gps.toml", {"gps": gps}), "--stdout", "json")
    gps.write(b"0,W,1*00\r\n" + GGA + GGA)
    told = [event(program) for _ in range(5)]
    sentence = ["boat.gps.sentence.GGA", [GGA.decode().strip()], {}]
    assert [one for one in told if one[0] == sentence[0]] == [sentence, sentence]
    ((_, args, position),) = (one for one in told if one[0] == "boat.gps.position")
    assert (args, position.keys()) == ([], {"latitude", "longitude", "ts"})
    assert position["latitude"] == pytest.approx(53.36134, abs=1e-5)
    assert ["boat.gps.num_sats", [8], {}] in told
    assert ["boat.gps.altitude", [61.7], {}] in told


def test_an_arduino_tells_what_has_moved(
    tmp_path: Path, stack: ExitStack, plug: Callable[[str], PseudoDevice]
) -> None:
    board = plug("board")
    file = placed(tmp_path, "bridge_arduino.toml", {"weather": board})
    program = start(stack, file, "--stdout", "json")
    lines = b"boot\r\ntemp,hum,pressure\r\n21.5,40,1013\r\n21.6,40,1013\r\n21.7,41,1013\r\n"
    stop = threading.Event()
    writer = threading.Thread(target=lambda: write_until(board, lines, stop))
    writer.start()
    try:
        got = [event(program) for _ in range(5)]
    finally:
        stop.set()
        writer.join()
    values = [[topic.removeprefix("home.weather."), *args] for topic, args, _ in got]
    assert values[:5] == [
        ["temp", 21.5],
        ["hum", 40],
        ["pressure", 1013],
        ["temp", 21.7],
        ["hum", 41],
    ]
    assert all(kwargs["ts"] > 1e9 for _, _, kwargs in got)


def write_until(board: PseudoDevice, lines: bytes, stop: threading.Event) -> None:
    """Write, and again: what comes while the board settles is thrown away."""
    while not stop.wait(0.2):
        board.write(lines)


def thermostat(heard: bytes) -> bytes:
    if match := re.fullmatch(rb"SET (\d+\.\d)\n", heard):
        return b"ROOM 20.5 VALVE 30\nOK SET=%s\n" % match[1]
    return b"SET=21.5\n" if heard == b"GET\n" else b""


def test_a_thermostat_takes_commands_and_reports(
    tmp_path: Path,
    stack: ExitStack,
    plug: Callable[[str], PseudoDevice],
    router_process: RouterProcess,
) -> None:
    heating = plug("heating")
    stack.enter_context(Answering(heating, thermostat))
    file = placed(tmp_path, "bridge_thermostat.toml", {"heating": heating}, router_process.rs)
    session = stack.enter_context(wamplite.connect(router_process.rs))
    rooms: list[Any] = []
    session.subscribe("home.heating", lambda room, valve, **_: rooms.append((room, valve)))
    program = start(stack, file)
    until(lambda: is_ready(session), "the bridge is there, and its device is open")
    heating.write(b"half a line\n")
    assert session.call("home.heating.set", 21.5) == "21.5"
    assert session.call("home.heating.get") == 21.5
    until(lambda: rooms, "the report between is published")
    assert rooms == [(20.5, 30)]
    with pytest.raises(wamplite.InvalidArgument):
        session.call("home.heating.set", "21\nNIGHT 1")
    program.interrupt()
    assert program.wait() == 0


def is_ready(session: wamplite.Session) -> bool:
    try:
        return bool(session.call("home.heating.get") == 21.5)
    except wamplite.ApplicationError:
        return False


def meter(heard: bytes) -> bytes:
    """Answer as a Modbus slave whose registers hold 230.5 V and 1234.0 kWh."""
    if len(heard) < 8:
        return b""
    address = int.from_bytes(heard[2:4], "big")
    answer = heard[:2] + b"\x04" + struct.pack(">f", 230.5 if address == 0 else 1234.0)
    return answer + crc(answer)


def crc(data: bytes) -> bytes:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


def test_the_slave_of_this_test_speaks_modbus() -> None:
    assert crc(bytes.fromhex("010400000002")) == binascii.unhexlify("71cb")


def test_two_devices_one_is_asked_and_one_speaks(
    tmp_path: Path, stack: ExitStack, plug: Callable[[str], PseudoDevice]
) -> None:
    asked, door = plug("asked"), plug("door")
    stack.enter_context(Answering(asked, meter))
    file = placed(tmp_path, "bridge_meter.toml", {"meter": asked, "door": door})
    text = Path(file).read_text().replace('parity = "E"\n', "")  # ptys have none
    Path(file).write_text(text.replace("every = 10\n", "every = 1\n"))
    program = start(stack, file, "--stdout", "json", opens=2)
    door.write(b"\x02D1\x03\x02D1\x03\x02D0\x03")
    by_topic: dict[str, list[Any]] = {"home.meter.kwh": []}
    while len(by_topic["home.meter.kwh"]) < 2:
        topic, args, kwargs = event(program)
        by_topic.setdefault(topic, []).append(args or kwargs)
    assert by_topic == {
        "home.meter.voltage": [[230.5]],  # once: it has not moved
        "home.meter.kwh": [[1234.0], [1234.0]],
        "home.door": [{"open": True}, {"open": False}],
    }


def test_a_script_needs_no_file(
    plug: Callable[[str], PseudoDevice], stack: ExitStack, router_process: RouterProcess
) -> None:
    device = plug("device")
    stack.enter_context(Answering(device, lambda heard: b"OK FAN=1\n" if b"\n" in heard else b""))
    session = stack.enter_context(wamplite.connect(router_process.rs))
    script = str(EXAMPLES / "bridge_in_a_script.py")
    with running(sys.executable, "-W", "error", script, device.path, router_process.rs) as program:
        until(lambda: fan(session) == "1", "the device answers")
        program.interrupt()
        assert program.wait() in (0, 130)


def fan(session: wamplite.Session) -> Any:
    try:
        return session.call("home.weather.fan", 1)
    except wamplite.ApplicationError:
        return None
