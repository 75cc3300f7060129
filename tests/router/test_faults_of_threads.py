"""A router's threads go on whatever is raised in them, also where logging it fails as well."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.waiting import thread_named
from wamplite.router import Router, listen_urls
from wamplite.router.accepting import Accepting
from wamplite.router.housekeeper import Housekeeper
from wamplite.router.limits import Counters, Limits
from wamplite.router.timers import FOREVER

from .conftest import MS, eventually, parts
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


@pytest.mark.parametrize("place", ["_serve", "_accept_one", "_tell"])
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
@pytest.mark.parametrize("is_shared", [False, True], ids=["thread", "shared reader"])
def test_accepting_goes_on(place: str, fault: BaseException, is_shared: bool) -> None:
    accepted: list[str] = []

    def serve(sock: socket.socket, address: str) -> None:
        accepted.append(address)
        sock.close()

    bound = listen_urls.bind(listen_urls.parse("tcp://127.0.0.1:0"))
    with Router() as router:
        listener = Accepting(bound, "here", serve, parts(router), is_shared)
        faulty = Faulty(getattr(listener, place), 2, fault=fault)
        setattr(listener, place, faulty)
        if place == "_tell":
            listener._accept_one = Faulty(listener._accept_one, 2, fault=OSError())  # type: ignore[method-assign]
        listener.start()
        with closing(listener):
            for _ in range(3):
                with socket.create_connection(bound.getsockname(), 5) as client:
                    assert client.recv(1) == b""
            assert accepted and not faulty.times
