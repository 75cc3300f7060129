"""Worlds around a device, for the tests of what it is asked; outboxes on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.boxes import StoredBox
from tests.bridge.device_world import DeviceWorld
from tests.bridge.polled_port import PolledPort
from tests.bridge.pseudo import PseudoDevice
from tests.bridge.responder import Responder
from tests.processes import RouterProcess
from wamplite.bridge.asking.polls import PollSettings


@pytest.fixture
def make(router_process: RouterProcess) -> Iterator[Callable[..., DeviceWorld]]:
    """Give `make(device, **port)`: a running world around a device that answers."""
    with ExitStack() as stack:

        def make(device: Responder, **more: Any) -> DeviceWorld:
            stack.enter_context(device)
            return stack.enter_context(DeviceWorld(router_process.rs, device, **more))

        yield make


@pytest.fixture
def polled() -> Iterator[Callable[..., PolledPort]]:
    """Give `polled(device, *polls, **port)`: a running port without a router."""
    with ExitStack() as stack:

        def make(device: Responder, *polls: PollSettings, **more: Any) -> PolledPort:
            stack.enter_context(device)
            port = PolledPort(device.path, polls, **more)
            port.port.start()
            stack.callback(lambda: port.port.stop(5))
            return port

        yield make


@pytest.fixture
def pseudo(tmp_path: Path) -> Iterator[PseudoDevice]:
    """Give a device that is not plugged in yet."""
    with PseudoDevice(tmp_path) as pseudo:
        yield pseudo


@pytest.fixture
def outbox_path(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def open_box(outbox_path: Path) -> Iterator[Callable[..., StoredBox]]:
    """Give `open(**settings)`: an outbox on the same file, started; the last one is ended."""
    boxes: list[StoredBox] = []

    def start(**more: object) -> StoredBox:
        boxes.append(StoredBox(outbox_path, **more))
        boxes[-1].start()
        return boxes[-1]

    yield start
    if boxes and not boxes[-1].journal._ending.is_set():
        boxes[-1].end()
