"""A router's threads go on whatever is raised in them, also where logging it fails as well."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.waiting import thread_named
from wamplite.router import listen_urls
from wamplite.router.housekeeper import Housekeeper
from wamplite.router.limits import Counters, Limits
from wamplite.router.listener import Listener, Settings
from wamplite.router.timers import FOREVER

from .conftest import MS, Admitting, eventually
from .test_faults_of_routing import Faulty, Refusing

FAULTS = [MemoryError(), SystemExit(1), ZeroDivisionError("a bug")]


@pytest.fixture(params=[False, True], ids=["logged", "logging fails as well"], autouse=True)
def logging_fails(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Run a test twice: the second time whatever is logged raises."""
    logger, filter_ = logging.getLogger("wamplite.router"), Refusing()
    if request.param:
        logger.addFilter(filter_)
    yield request.param
    logger.removeFilter(filter_)


class FaultyClock:
    """Something with a deadline, whose tick raises."""

    def __init__(self, fault: BaseException | None = None) -> None:
        self.fault = fault
        self.asked = 0
        self.ended: list[str] = []

    def tick(self, now: float) -> float:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return FOREVER

    def shutdown(self, why: str) -> None:
        self.ended.append(why)


def fail(fault: BaseException) -> None:
    raise fault


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_the_drain_thread_goes_on_after_timers_ticks_and_faults_of_its_own(
    fault: BaseException,
) -> None:
    with closing(Housekeeper(Limits(), Counters())) as housekeeper:
        housekeeper._once = Faulty(housekeeper._once, 2)  # type: ignore[method-assign]
        broken, sound, rang = FaultyClock(fault), FaultyClock(), threading.Event()
        housekeeper.later(5 * MS, lambda: fail(fault))
        housekeeper.later(5 * MS, rang.set)
        for clock in (broken, sound):
            housekeeper.add(clock, time.monotonic() + 5 * MS)
        assert rang.wait(5)
        eventually(lambda: sound.asked and broken.ended)
        assert thread_named("wamplite-housekeeper")


@pytest.mark.parametrize("place", ["_serve", "_accept_one", "_pause"])
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_an_accepting_thread_goes_on(place: str, fault: BaseException) -> None:
    accepted: list[str] = []

    def admit(connection: Any) -> None:
        accepted.append(connection.address)
        connection.stream.close()

    bound = listen_urls.parse("tcp://127.0.0.1:0")
    listener = Listener(bound, Settings(Limits()), None, Admitting(admit))  # type: ignore[arg-type]
    faulty = Faulty(getattr(listener, place), 2, fault=fault)
    setattr(listener, place, faulty)
    if place == "_pause":
        listener._accept_one = Faulty(listener._accept_one, 2, fault=OSError())  # type: ignore[method-assign]
    listener.start()
    with closing(listener):
        address = ("127.0.0.1", int(listener.url.rpartition(":")[2]))
        for _ in range(3):
            with socket.create_connection(address, 5) as client:
                assert client.recv(1) == b""
        assert accepted and not faulty.times
