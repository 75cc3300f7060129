"""Either end of a serial line dies, or the cable is pulled: it heals within five seconds."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

import wamplite
from tests.processes import RouterProcess, running
from tests.processes import wamplite as command
from tests.serial_cable import Cable
from tests.waiting import until

HEALS = 5.0  # seconds
PATIENCE = 15.0


@pytest.fixture
def start(cable: Cable) -> Iterator[Callable[[], RouterProcess]]:
    with ExitStack() as stack:

        def begin() -> RouterProcess:
            listen = [cable.host_url, "rs://127.0.0.1:0"]
            router = RouterProcess(listen=listen, realms=["realm1"])
            stack.callback(router.stop)
            router.await_ready()
            return router

        yield begin


class Board:
    """A component on the cable, and when it has joined."""

    def __init__(self, cable: Cable) -> None:
        self.joins = 0
        self.component = wamplite.Component(cable.device_url)
        self.component.register("com.example.ping", lambda: "pong")
        self.component.on_join(self._joined)
        self.component.start()

    def _joined(self, _: wamplite.Session) -> None:
        self.joins += 1

    def await_join(self, number: int) -> None:
        """Wait for a session; the last one of these must come in time."""
        until(lambda: self.joins >= number)


@pytest.fixture
def device(cable: Cable) -> Iterator[Board]:
    device = Board(cable)
    yield device
    device.component.stop()
    assert device.component.error is None


def test_a_router_that_was_killed_is_joined_again(
    start: Callable[[], RouterProcess], device: Board
) -> None:
    first = start()
    device.await_join(1)
    first.stop(signal.SIGKILL)
    second = start()
    began = time.monotonic()
    device.await_join(2)
    assert time.monotonic() - began < HEALS
    with wamplite.connect(second.urls[1]) as caller:
        assert caller.call("com.example.ping") == "pong"


@pytest.mark.parametrize("end", ["host", "device"])
def test_a_cable_that_was_pulled_and_has_another_name_is_found(
    start: Callable[[], RouterProcess], cable: Cable, device: Board, end: str
) -> None:
    router = start()
    device.await_join(1)
    path = getattr(cable, end)
    cable.pull(path)
    time.sleep(0.5)
    cable.plug(path)
    began = time.monotonic()
    device.await_join(2)
    assert time.monotonic() - began < HEALS
    with wamplite.connect(router.urls[1]) as caller:
        until(lambda: is_served(caller))  # its session of before may leave just now


def test_a_device_that_was_killed_is_served_again(
    start: Callable[[], RouterProcess], cable: Cable
) -> None:
    router = start()
    serve = command("register", "-u", cable.device_url, "com.example.ping", "--", "echo", "pong")
    with wamplite.connect(router.urls[1]) as caller:
        with running(*serve) as first:
            until(lambda: is_served(caller))
            first.stop(signal.SIGKILL)
        with running(*serve):
            began = time.monotonic()
            until(lambda: is_served(caller))
            assert time.monotonic() - began < HEALS


def is_served(caller: wamplite.Session) -> bool:
    try:
        return caller.call("com.example.ping", options={"timeout": 0.5}) == "pong"
    except wamplite.ApplicationError:
        return False
