"""The pause of a port is kept behind whatever was last on its line: a late reply, a reading."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.bridge.meter import CELLS, poll
from tests.bridge.modbus_slave import RtuSlave
from tests.bridge.polled_port import PolledPort
from tests.bridge.responder import Lines, Responder
from tests.waiting import until
from wamplite.bridge.asking.device_command import DeviceCommand
from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.decoding.decoder import DECODERS

PAUSE = 0.3
ANY = DECODERS["text"].made()
Polled = Callable[..., PolledPort]


def asked(word: str, timeout: float) -> PollSettings:
    return PollSettings(
        topic=f"t.{word}", every=3600, write=word + "\n", reply=ANY, timeout=timeout
    )


class Times:
    """When the device has said something, and when it was asked next."""

    def __init__(self) -> None:
        self.said: list[float] = []
        self.heard: list[float] = []

    def say(self, device: Responder, data: bytes) -> None:
        self.said.append(time.monotonic())
        device.write(data)


def test_a_pause_is_kept_behind_a_late_reply(polled: Polled, tmp_path: Path) -> None:
    times = Times()

    def answer(line: bytes) -> bytes | None:
        times.heard.append(time.monotonic())
        return b"B=2\n" if line == b"B" else None

    device = Lines(tmp_path, answer)
    world = polled(device, asked("A", 0.1), asked("B", 5.0), pause=PAUSE)
    until(lambda: world.port.figures()["failed_requests"] == 1, "given up")
    times.say(device, b"A=1\n")
    until(lambda: world.events, "the other one")
    assert world.events == [("t.B", "B=2")]
    assert world.port.figures()["late_replies"] == 1
    assert times.heard[1] - times.said[0] >= PAUSE


def test_a_pause_is_kept_behind_a_late_reply_of_modbus(polled: Polled, tmp_path: Path) -> None:
    times = Times()

    class Slave(RtuSlave):
        def heard(self, data: bytes) -> None:
            times.heard.append(time.monotonic())
            super().heard(data)

        def write(self, data: bytes) -> None:
            times.said.append(time.monotonic())
            super().write(data)

    slave = Slave(tmp_path, {1: CELLS}, lambda n: "late" if n == 0 else "", 0.3)
    late, prompt = poll("volt", every=3600, timeout=0.1), poll("amp", every=3600, timeout=5.0)
    world = polled(slave, late, prompt, pause=PAUSE)
    until(lambda: world.events, "the other one")
    assert world.port.figures()["late_replies"] == 1
    assert times.heard[1] - times.said[0] >= PAUSE


def test_a_pause_is_kept_behind_a_reading(polled: Polled, tmp_path: Path) -> None:
    times = Times()

    def answer(line: bytes) -> bytes | None:
        times.heard.append(time.monotonic())
        if line == b"A":
            times.say(device, b"A=1\n")
            time.sleep(PAUSE / 2)
            times.say(device, b"T=21\n")
            return None
        return b"B=2\n"

    device = Lines(tmp_path, answer)
    world = polled(device, asked("A", 5.0), asked("B", 5.0), pause=PAUSE)
    until(lambda: len(world.events) == 2, "both")
    assert times.heard[1] - times.said[1] >= PAUSE


def test_a_device_that_is_never_silent_is_asked_all_the_same(
    polled: Polled, tmp_path: Path
) -> None:
    device = Lines(tmp_path, lambda line: None)
    world = polled(device, pause=PAUSE)
    until(lambda: world.port.device.is_ready, "open")
    world.port.commands.post(DeviceCommand("a test", b"A\n"))
    world.port.commands.post(DeviceCommand("a test", b"B\n"))

    def all_asked() -> bool:
        device.write(b"T=21\n")
        return device.asked == [b"A", b"B"]

    until(all_asked, "asked")
