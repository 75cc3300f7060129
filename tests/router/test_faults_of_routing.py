"""Whatever raises while a realm routes, it goes on: nothing that arrived is lost or left lying.

Each fault is put in at one place, as running out of memory would: once, or for a while.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.waiting import thread_named
from wamplite.core.messages import Publish, Register, Subscribe
from wamplite.router.faults import log_fault
from wamplite.router.routing import ROUNDS, SHARE, Routing

from .conftest import eventually, made_routing
from .test_routing import Somebody


class Faulty:
    """Stands where a function stands, and raises the first times that it is called."""

    def __init__(
        self,
        inner: Callable[..., Any],
        times: int = 1,
        after: bool = False,
        fault: BaseException | None = None,
    ) -> None:
        self.inner = inner
        self.fault = fault or MemoryError()
        self.times = times
        self.after = after  # it has done its work when it raises

    def __call__(self, *args: Any) -> Any:
        if self.times and self.after:
            self.times -= 1
            self.inner(*args)
            raise self.fault
        if self.times:
            self.times -= 1
            raise self.fault
        return self.inner(*args)


class Refusing(logging.Filter):
    """A filter that fails, as one that somebody installed may."""

    def filter(self, record: logging.LogRecord) -> bool:
        raise MemoryError


class Unsliceable(list[Any]):
    """Entries that cannot be cut."""

    def __getitem__(self, index: Any) -> Any:
        raise MemoryError


@pytest.fixture
def routing() -> Iterator[Routing]:
    made = made_routing()
    yield made
    made.close()


@pytest.fixture(params=[False, True], ids=["logged", "logging fails as well"])
def logging_fails(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Run a test twice: the second time whatever is logged raises."""
    logger, filter_ = logging.getLogger("wamplite.router"), Refusing()
    if request.param:
        logger.addFilter(filter_)
    yield request.param
    logger.removeFilter(filter_)


def is_alive(routing: Routing) -> bool:
    """Let two new sessions come, one publish to the other, and an errand run."""
    ran = threading.Event()
    one, two = Somebody(routing, 101), Somebody(routing, 102)
    one.arrive(Subscribe(1, {}, "com.alive"))
    two.arrive(Publish(1, {}, "com.alive", ["news"]), may_route=False)
    assert one.settled() and two.settled()
    routing.run(ran.set)
    return (
        ran.wait(5)
        and one.box.posted[-1][0] == 36
        and one.box.delivered[-1] == len(one.box.posted)
        and not routing.waiting
    )


@pytest.mark.parametrize("place", ["_round", "_deliver", "_handle"])
@pytest.mark.parametrize(("times", "after"), [(1, False), (1, True), (5, False)])
def test_what_fails_beside_the_entries_is_tried_again(
    routing: Routing, place: str, after: bool, times: int, logging_fails: bool
) -> None:
    one, two = Somebody(routing, 1), Somebody(routing, 2)
    setattr(routing, place, Faulty(getattr(routing, place), times, after))
    one.arrive(Subscribe(1, {}, "com.topic"))
    two.arrive(*(Publish(number, {}, "com.topic", [number]) for number in range(1, 2 * SHARE)))
    assert one.settled() and two.settled()
    events = [array[4] for array in one.box.posted if array[0] == 36]
    assert events == [[number] for number in range(1, 2 * SHARE)]
    assert one.member.open and two.member.open
    assert is_alive(routing)


def test_entries_that_cannot_be_cut_end_their_member(routing: Routing, logging_fails: bool) -> None:
    one = Somebody(routing, 1)
    many = [Register(number, {}, f"com.p{number}") for number in range(1, SHARE + 2)]
    one.bring(Unsliceable(many))
    assert one.settled() and not one.member.open and one.box.ended
    assert not routing.realm.members
    assert is_alive(routing)


def test_nothing_is_handled_twice_where_a_fault_cannot_be_told(
    routing: Routing, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = Somebody(routing, 1), Somebody(routing, 2)
    monkeypatch.setattr("wamplite.router.routing.log_fault", Faulty(log_fault))
    routing.realm.handle = Faulty(routing.realm.handle, after=True)  # type: ignore[method-assign]
    one.arrive(Subscribe(1, {}, "com.topic"), Subscribe(2, {}, "com.topic"))
    assert one.settled() and [array[0] for array in one.box.posted] == [2, 33]
    two.arrive(Publish(1, {}, "com.topic", ["news"]))
    assert two.settled() and one.box.posted[-1][4:] == [["news"]]
    assert is_alive(routing)


def test_a_member_that_cannot_be_aborted_is_ended(routing: Routing, logging_fails: bool) -> None:
    one = Somebody(routing, 1)
    routing.realm.handle = Faulty(routing.realm.handle)  # type: ignore[method-assign]
    routing.realm.abort = Faulty(routing.realm.abort)  # type: ignore[method-assign]
    one.arrive(Register(1, {}, "com.p"), Register(2, {}, "com.q"))
    assert one.settled() and one.box.ended
    assert is_alive(routing)


def test_whatever_fails_as_a_member_leaves_the_rest_of_it_leaves(routing: Routing) -> None:
    one, realm = Somebody(routing, 1), routing.realm
    one.arrive(Register(1, {}, "com.p"), Subscribe(2, {}, "com.topic"))
    realm.dealer.unregistered.append(Faulty(lambda *_: None))
    left: list[Any] = []
    realm.left.append(lambda member, *_: left.append(member))
    routing.run(lambda: realm.abort(one.member, "com.why", "why"))
    eventually(lambda: left == [one.member])
    assert not realm.dealer.registrations and not realm.broker.subscriptions
    assert is_alive(routing)


def test_an_outbox_that_cannot_be_written_loses_its_connection(
    routing: Routing, logging_fails: bool
) -> None:
    one = Somebody(routing, 1)
    one.box.deliver = Faulty(one.box.deliver)  # type: ignore[method-assign]
    one.arrive(Register(1, {}, "com.p"))
    assert one.settled() and one.box.failed
    assert is_alive(routing)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("times", [1, 3])
def test_the_role_is_handed_over_or_kept_whatever_fails(
    routing: Routing, after: bool, times: int, logging_fails: bool
) -> None:
    one = Somebody(routing, 1)
    routing._spare.release = Faulty(routing._spare.release, times, after)  # type: ignore[method-assign]
    one.arrive(*(Publish(n, {}, "com.topic") for n in range(1, SHARE * (ROUNDS + 2) + 1)))
    assert one.settled()
    for _ in range(3):
        routing.run(lambda: None)
    assert is_alive(routing)
    routing._spare.release = Faulty(routing._spare.release, 0)  # type: ignore[method-assign]


@pytest.mark.parametrize("place", ["_route", "_round"])
def test_the_spare_thread_goes_on(routing: Routing, place: str, logging_fails: bool) -> None:
    setattr(routing, place, Faulty(getattr(routing, place), 3))
    ran = threading.Event()
    routing.run(ran.set)
    assert ran.wait(5) and thread_named("wamplite-route-realm1")
    assert is_alive(routing)
