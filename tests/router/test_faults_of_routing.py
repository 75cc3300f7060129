"""Whatever raises while a realm routes, it goes on: nothing that arrived is lost or left lying.

Each fault is put in at one place, as running out of memory would: once, or for a while.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.waiting import thread_named
from wamplite.core.messages import Publish, Register, Subscribe
from wamplite.router.arrivals import Arrival
from wamplite.router.faults import log_fault
from wamplite.router.large import LargePlace, Places
from wamplite.router.routing import ROUNDS, SHARE, Routing
from wamplite.router.waits import ArrivalTurn

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

    def __call__(self, *args: Any, **named: Any) -> Any:
        if self.times and self.after:
            self.times -= 1
            self.inner(*args, **named)
            raise self.fault
        if self.times:
            self.times -= 1
            raise self.fault
        return self.inner(*args, **named)


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


@pytest.mark.parametrize("number", [2, SHARE + 2])
def test_what_failed_and_could_not_be_told_ends_its_member_and_is_not_handled_twice(
    routing: Routing, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    one = Somebody(routing, 1)
    monkeypatch.setattr("wamplite.router.routing.log_fault", Faulty(log_fault))
    routing.realm.handle = Faulty(routing.realm.handle, after=True)  # type: ignore[method-assign]
    one.arrive(*(Subscribe(request, {}, f"com.n{request}") for request in range(1, number + 1)))
    assert one.settled() and [array[0] for array in one.box.posted] == [2, 33, 3]
    assert not one.member.open and is_alive(routing)


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


@pytest.mark.parametrize("is_told", [True, False])
def test_an_outbox_that_cannot_be_written_loses_its_connection(
    routing: Routing, logging_fails: bool, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Somebody(routing, 1)
    if not is_told:
        monkeypatch.setattr("wamplite.router.routing.log_fault", Faulty(log_fault))
    one.box.deliver = Faulty(one.box.deliver)  # type: ignore[method-assign]
    one.arrive(Register(1, {}, "com.p"))
    assert one.settled() and one.box.failed
    assert is_alive(routing)


class Wakes:
    """Stands where the wake-ups of the spare thread are kept; what is done with them may fail."""

    def __init__(self, routing: Routing) -> None:
        self.inner: Any = routing._wakes
        self.put, self.get = Faulty(self.inner.put, 0), Faulty(self.inner.get, 0)
        routing._wakes = self  # type: ignore[assignment]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("times", [1, 3])
def test_the_role_is_handed_over_or_kept_whatever_fails(
    routing: Routing, after: bool, times: int, logging_fails: bool
) -> None:
    one, wakes = Somebody(routing, 1), Wakes(routing)
    wakes.put.times, wakes.put.after = times, after
    one.arrive(*(Publish(n, {}, "com.topic") for n in range(1, SHARE * (ROUNDS + 2) + 1)))
    assert one.settled()
    for _ in range(3):
        with suppress(MemoryError):
            routing.run(lambda: None)
    wakes.put.times = 0
    assert is_alive(routing)


def test_an_errand_that_was_refused_does_not_run_later(routing: Routing) -> None:
    wakes = Wakes(routing)
    wakes.put.times = 1
    ran: list[str] = []
    with pytest.raises(MemoryError):
        routing.run(lambda: ran.append("it was refused"))
    assert is_alive(routing) and not ran


def test_a_hand_over_that_failed_leaves_one_holder_of_the_role(routing: Routing) -> None:
    one, two, wakes = Somebody(routing, 1), Somebody(routing, 2), Wakes(routing)
    wakes.put.times = 1
    handled: list[tuple[int, int]] = []
    holders: set[threading.Thread] = set()
    closing = threading.Thread(target=routing.close)

    def published(member: Any, _: Any, publish: Publish) -> None:
        holders.add(threading.current_thread())
        handled.append((member.session, publish.request))
        if len(handled) == SHARE * ROUNDS + 1:  # the hand-over has failed
            closing.start()
            closing.join(0.1)  # the spare thread had time to take what is not its own
            two.arrive(*(Publish(number, {}, "com.topic") for number in range(1, 10)))

    routing.realm.broker.published.append(published)
    number = SHARE * (ROUNDS + 4)
    one.arrive(*(Publish(n, {}, "com.topic") for n in range(1, number + 1)))
    closing.join(10)
    assert one.settled() and two.settled() and not closing.is_alive()
    assert sorted(handled) == [(1, n) for n in range(1, number + 1)] + [
        (2, n) for n in range(1, 10)
    ]
    assert [n for who, n in handled if who == 1] == list(range(1, number + 1))
    assert holders == {threading.current_thread()}


def test_what_is_handed_over_is_waiting_until_it_is_routed(routing: Routing) -> None:
    one, wakes = Somebody(routing, 1), Wakes(routing)
    wakes.put.inner = lambda _: None  # the spare thread is late
    one.arrive(*(Publish(n, {}, "com.topic") for n in range(1, SHARE * (ROUNDS + 2))))
    assert routing.waiting == 1
    wakes.put.inner = wakes.inner.put
    wakes.inner.put(None)
    assert one.settled() and not routing.waiting


def test_the_spare_thread_ends_though_it_failed_as_it_woke() -> None:
    routing = made_routing()
    wakes = Wakes(routing)
    wakes.get.times, wakes.get.after = 1, True
    wakes.inner.put(None)
    eventually(lambda: not wakes.inner.qsize())  # it has woken, and waits by the stand-in
    routing.close()
    assert not routing._thread.is_alive()


def test_a_role_that_is_handed_over_just_before_the_end_is_taken() -> None:
    routing = made_routing()
    ran, guard = threading.Event(), routing._guard

    class Late:
        """The guard, behind which a thread is late once: the role is handed over, and the end."""

        is_armed = True

        def __enter__(self) -> None:
            guard.acquire()

        def __exit__(self, *_: object) -> None:
            guard.release()
            if self.is_armed and threading.current_thread() is routing._thread:
                self.is_armed = False
                late = threading.Thread(target=lambda: (routing.run(ran.set), routing.close()))
                late.start()
                eventually(lambda: routing._ended)

    routing._guard = Late()  # type: ignore[assignment]
    routing._wakes.put(None)  # it is woken for nothing
    assert ran.wait(5)
    routing._thread.join(5)
    assert not routing._thread.is_alive()


def test_a_place_that_cannot_be_given_back_does_not_keep_the_turn(routing: Routing) -> None:
    one, places = Somebody(routing, 1), Places(1)
    assert places.acquire(blocking=False)
    place = LargePlace(places)
    places.release = Faulty(places.release)  # type: ignore[method-assign]
    assert one.turn.acquire(timeout=5)
    routing.arrive(Arrival(one.member, [Subscribe(1, {}, "com.t")], one.turn, place))  # type: ignore[arg-type]
    assert one.settled() and is_alive(routing)


def test_who_could_not_be_told_of_the_end_of_its_arrival_is_told_later(routing: Routing) -> None:
    one, told, turn = Somebody(routing, 1), threading.Event(), ArrivalTurn()
    turn.take()
    turn.then(Faulty(told.set), lambda *_: None)
    routing.arrive(Arrival(one.member, [Subscribe(1, {}, "com.t")], turn))
    assert told.is_set() and is_alive(routing)


@pytest.mark.parametrize("place", ["_round", "_recover"])
def test_who_routes_keeps_the_role_where_its_fault_cannot_be_told(
    routing: Routing, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    one = Somebody(routing, 1)
    routing._round = Faulty(routing._round)  # type: ignore[method-assign]
    if place == "_recover":
        routing._recover = Faulty(routing._recover)  # type: ignore[method-assign]
    monkeypatch.setattr("wamplite.router.routing.log_fault", Faulty(log_fault))
    one.arrive(Subscribe(1, {}, "com.topic"))
    assert one.settled() and is_alive(routing)


@pytest.mark.parametrize("place", ["_route", "_round"])
def test_the_spare_thread_goes_on(routing: Routing, place: str, logging_fails: bool) -> None:
    setattr(routing, place, Faulty(getattr(routing, place), 3))
    ran = threading.Event()
    routing.run(ran.set)
    assert ran.wait(5) and thread_named("wamplite-route-realm1")
    assert is_alive(routing)
