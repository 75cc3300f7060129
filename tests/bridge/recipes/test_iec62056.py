"""The recipe for meters of IEC 62056-21, mode C: asked of one that looks at the line's speed."""

from __future__ import annotations

import functools
import operator
import re
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.bridge.polled_port import PolledPort
from tests.bridge.responder import Responder
from tests.processes import ROOT
from tests.waiting import until
from wamplite.bridge.configuration.tables import from_dict, from_file
from wamplite.core.errors import UsageError

RECIPE = ROOT / "examples" / "bridge" / "iec62056.toml"
SPEEDS = {b"0": termios.B300, b"4": termios.B4800, b"5": termios.B9600}
VALUES = (
    b"F.F(00)", b"0.0.0(12345678)", b"1.8.0(000051.775*kWh)", b"1.8.1(000020.000*kWh)",
    b"1.8.2(000031.775*kWh)", b"2.8.0(000000.000*kWh)", b"16.7.0(00.244*kW)",
)  # fmt: skip
READ = {
    "number": "12345678", "energy": 51.775, "energy_day": 20.0, "energy_night": 31.775,
    "returned": 0.0, "power": 0.244,
}  # fmt: skip


def block(*lines: bytes) -> bytes:
    """Return a data block with its check character."""
    told = b"".join(line + b"\r\n" for line in (*lines, b"!")) + b"\x03"
    return b"\x02" + told + bytes([functools.reduce(operator.xor, told)])


class Meter(Responder):
    """A meter that can do one speed above 300 baud; `spoil` changes its data blocks."""

    letter = b"5"
    spoil: Callable[[bytes], bytes] = staticmethod(lambda data: data)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.speeds: list[int] = []  # when a block was sent

    def heard(self, data: bytes) -> None:
        self.asked.append(data)
        if data == b"/?!\r\n" and self.speed == termios.B300:
            self.write(b"/ISk" + self.letter + b"MT174-0001\r\n")
        elif data == b"\x060" + self.letter + b"0\r\n":
            with suppress(AssertionError):  # the bridge may have given up, or be ending
                until(lambda: self.speed == SPEEDS[self.letter], "the line has my speed", 2.0)
                self.speeds.append(self.speed)
                self.write(self.spoil(block(*VALUES)))


@contextmanager
def reading(meter: Meter, folder: Path, **quicker: str) -> Iterator[PolledPort]:
    """Run the recipe; quicker: other values of its keys."""
    text = RECIPE.read_text()
    for key, value in {"every": "0.05", **quicker}.items():
        text = re.sub(rf"^( *{key} = )[^#\n]*", rf"\g<1>{value}", text, flags=re.M)
    (folder / "meter.toml").write_text(text)
    settings = from_file(folder / "meter.toml").ports[0]
    assert (settings.baudrate, settings.bytesize, settings.parity) == (300, 7, "E")
    with meter:
        line = {"baudrate": 300, "bytesize": 7, "parity": "E"}
        world = PolledPort(meter.path, settings.polls, **line)
        world.port.start()
        try:
            yield world
        finally:
            assert world.port.stop(5)


@pytest.mark.parametrize("letter", [b"0", b"4", b"5"])
def test_a_meter_is_read_at_the_speed_that_it_tells(tmp_path: Path, letter: bytes) -> None:
    meter = Meter(tmp_path)
    meter.letter = letter
    with reading(meter, tmp_path) as world:
        until(lambda: len(world.events) >= 2, "read twice")  # the second one at 300 baud again
    assert world.events[:2] == [("home.meter", READ)] * 2
    assert set(meter.speeds) == {SPEEDS[letter]}
    assert meter.asked[:4] == [b"/?!\r\n", b"\x060%s0\r\n" % letter] * 2


def test_the_speed_comes_back_after_each_reading(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    with reading(meter, tmp_path, every="3600") as world:
        until(lambda: world.events, "read")
        until(lambda: meter.speed == termios.B300, "back")
        assert world.port.device.mode.baudrate == 300


def test_a_block_that_its_check_character_refutes_is_no_reading(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    meter.spoil = lambda data: data.replace(b"51.775", b"91.775")
    with reading(meter, tmp_path, timeout="0.3", retries="0") as world:
        until(lambda: len(meter.speeds) == 2, "asked again")
        assert world.port.figures()["dropped"]["wrong checksum"] >= 1
        meter.spoil = lambda data: data
        until(lambda: world.events, "read at last")
    assert set(event[1]["energy"] for event in world.events) == {51.775}


def test_a_reading_that_failed_is_begun_again(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    meter.spoil = lambda data: data[:-1] if len(meter.speeds) == 1 else data
    with reading(meter, tmp_path, timeout="1.5", every="3600") as world:
        until(lambda: world.events, "read by the second attempt")
    assert world.events == [("home.meter", READ)]
    assert meter.asked == [b"/?!\r\n", b"\x06050\r\n"] * 2


def test_a_block_that_is_cut_off_is_no_reading_and_the_speed_comes_back(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    meter.spoil = lambda data: data[: len(data) // 2]
    with reading(meter, tmp_path, timeout="1.5", retries="0", every="3600") as world:
        until(lambda: meter.speeds, "sent")
        assert meter.speed == termios.B9600
        until(lambda: meter.speed == termios.B300, "back, when no more can come")
        until(lambda: world.port.figures()["failed_requests"] == 1, "failed")
    assert world.events == []


def test_a_speed_that_the_recipe_does_not_know_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    meter = Meter(tmp_path)
    meter.letter = b"9"
    with reading(meter, tmp_path, every="3600", retries="0"):
        until(lambda: "speed is '9', and there are speeds for 0, 1, 2" in caplog.text, "told")
        assert meter.speed == termios.B300
    assert meter.asked == [b"/?!\r\n"]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"write": "x", "baudrate": 9601}, "baudrate: expected one of 50, 75"),
        ({"write": "x", "baudrates": {"1": 600}}, 'baudrates: needs "baudrate_of"'),
        ({"timeout": 3}, 'expected "write", "write_hex" or "reply"'),
        ({"write": "x", "baudrate": 9600}, "the line behind socket:// is set at the adapter"),
        ({"write": "x", "retries": 1}, "retries: unknown key"),
    ],
)
def test_what_cannot_be_is_told_before(step: dict[str, object], words: str) -> None:
    ask = {"uri": "a.b", "write": "x", "reply": "y", "then": [step]}
    port = {"name": "p", "device": "socket://h:1", "procedure": [ask]}
    with pytest.raises(UsageError) as told:
        from_dict({"port": [port]})
    assert words in str(told.value)
