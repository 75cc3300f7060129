"""Recipes for devices that want a checksum behind each command, asked of such devices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.polled_port import PolledPort
from tests.bridge.responder import Responder
from tests.processes import ROOT
from tests.waiting import until
from wamplite.bridge.configuration.tables import from_file
from wamplite.bridge.decoding.decoder import REFUSED
from wamplite.client.results import Invocation
from wamplite.core.errors import ApplicationError, InvalidArgument


class Device(Responder):
    """Takes what a CR ends, and answers it."""

    _rest = b""

    def __init__(self, folder: Path, answer: Callable[[bytes], bytes]) -> None:
        super().__init__(folder)
        self.answer = answer

    def heard(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r")
        for line in lines:
            self.asked.append(line)
            if reply := self.answer(line):
                self.write(reply + b"\r")


@contextmanager
def running(recipe: str, device: Device) -> Iterator[PolledPort]:
    text = (ROOT / "examples" / "bridge" / recipe).read_text()
    path = Path(device.path).parent / recipe
    path.write_text(re.sub("(?m)^device = .*", f'device = "{device.path}"', text))
    settings = from_file(path).ports[0]
    keys = {key: getattr(settings, key) for key in ("framing", "procedures", "pause", "baudrate")}
    with device:
        world = PolledPort(device.path, settings.polls, **keys)
        world.port.start()
        try:
            yield world
        finally:
            assert world.port.stop(5)


def call(world: PolledPort, uri: str, value: Any) -> Any:
    return world.port.procedures[uri](Invocation(uri, [value], {}, {}, 1, 1))


def summed(text: bytes) -> bytes:
    return b"%s%02X" % (text, sum(text) & 0xFF)


def module(asked: bytes) -> bytes:
    """Answer as a module does: it says nothing to what has a wrong checksum."""
    if summed(asked[:-2]) != asked:
        return b""
    if asked[1:3] == b"01":
        return summed(b">+05.123")
    return summed(b">" if asked[3:5] == b"05" else b"?02")


def test_modules_of_dcon_are_read_and_set(tmp_path: Path) -> None:
    device = Device(tmp_path, module)
    with running("adam.toml", device) as world:
        until(lambda: world.events, "read")
        assert call(world, "home.tank.relays", 5).args == [">"]
        with pytest.raises(ApplicationError) as refused:
            call(world, "home.tank.relays", 255)
        for wrong in (256, -1):
            with pytest.raises(InvalidArgument, match="does not fit {:02X}"):
                call(world, "home.tank.relays", wrong)
    assert world.events == [("home.tank.level", {"volt": 5.123})]
    assert (refused.value.error, refused.value.args) == (REFUSED, ("02",))
    assert device.asked == [b"#0184", b"@020507", b"@02FF2E"]


def crc(text: bytes) -> bytes:
    """Return the CRC of XMODEM as inverters send it, bit by bit."""
    value = 0
    for byte in text:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    sent = value.to_bytes(2, "big")
    for special in (b"(", b"\n", b"\r"):
        sent = sent.replace(special, bytes([special[0] + 1]))
    return sent


STATE = b"(230.4 50.0 230.1 49.9 0161 0119 003 460 57.50 012 100 0069 0014 103.8 57.45 00000"
# What an inverter is asked and answers, with the checksums that it is known to want and to send
ANSWERS = {
    b"QPIGS\xb7\xa9": STATE + crc(STATE),
    b"POP02\xe2\x0b": b"(ACK9 ",
    b"POP03\xf2\x2b": b"(NAKss",
}


def test_an_inverter_is_read_and_set(tmp_path: Path) -> None:
    device = Device(tmp_path, lambda asked: ANSWERS.get(asked, b""))
    with running("voltronic.toml", device) as world:
        until(lambda: world.events, "read")
        assert call(world, "home.inverter.priority", 2).args == ["ACK"]
        with pytest.raises(ApplicationError, match="NAK"):
            call(world, "home.inverter.priority", 3)
    read = {"grid": 230.4, "volt": 230.1, "hertz": 49.9, "watt": 119, "load": 3, "battery": 57.5}
    assert world.events == [("home.inverter", read)]


def test_an_inverter_that_refuses_costs_no_timeout(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    device = Device(tmp_path, lambda asked: b"(NAKss" if b"QPIGS" in asked else b"(ACK9 ")
    with running("voltronic.toml", device) as world:
        until(lambda: "home.inverter:" in caplog.text, "failed")
        assert call(world, "home.inverter.priority", 2).args == ["ACK"]
    assert "home.inverter: wamplite.error.refused: 'NAK'" in caplog.text
    assert world.events == []
