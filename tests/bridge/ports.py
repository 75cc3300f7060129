"""What tests of a port need: a sink that remembers, and states that were told."""

from __future__ import annotations

import time
from typing import Any

from wamplite.bridge import clock
from wamplite.bridge.device.device import DeviceState
from wamplite.bridge.settings import PortSettings


class Record:
    """A sink that keeps what it was told."""

    def __init__(self) -> None:
        self.opens = 0
        self.losses = 0
        self.idles = 0
        self.data = b""
        self.heard = 0.0
        self.gathers = True
        self.wanted: float | None = None
        self.times: list[float] = []

    def opened(self) -> None:
        self.opens += 1

    def received(self, data: bytes, heard: clock.Moment) -> None:
        self.data += data
        self.times.append(heard.shown)
        self.heard = time.monotonic()
        if b"raise" in data:
            raise RuntimeError("a sink that fails")

    def patience(self) -> float | None:
        return self.wanted

    def idle(self) -> None:
        self.idles += 1

    def lost(self) -> None:
        self.losses += 1


def settings(device: str, **more: Any) -> PortSettings:
    return PortSettings(name="test", device=device, **more)


class Told:
    """The states that a port was in, and why."""

    def __init__(self) -> None:
        self.states: list[DeviceState] = []
        self.reasons: list[str] = []

    def __call__(self, state: DeviceState, why: str) -> None:
        self.states.append(state)
        self.reasons.append(why)
