"""The routing role: nothing is left lying, nobody routes for ever, one fault ends one member."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.waiting import thread_named
from wamplite.core.members import Identity, Join, Lost, Member, Violation
from wamplite.core.messages import Abort, Goodbye, Publish, Register, Subscribe
from wamplite.core.parsing import to_array
from wamplite.router.arrivals import Arrival
from wamplite.router.routing import CLOSING, ROUNDS, SHARE, Routing

from .conftest import eventually, made_routing

WHO = Identity("somebody", "anonymous", "anonymous", "static")


class Mailbox:
    """What a realm posts to; stands where a mailbox does."""

    def __init__(self, routing: Routing) -> None:
        self.routing = routing
        self.posted: list[Any] = []
        self.delivered: list[int] = []  # how many had been posted at each delivery
        self.ended = False
        self.failed = False

    def fail(self) -> None:
        self.failed = True

    def post(self, message: Any) -> bool:
        self.posted.append(to_array(message))
        if self not in self.routing.touched:
            self.routing.touched.append(self)  # type: ignore[arg-type]
        return True

    def deliver(self) -> None:
        self.delivered.append(len(self.posted))

    def end(self) -> None:
        self.ended = True


class Turn:
    """What a member's arrival takes; nobody waits to be told of its end."""

    def __init__(self) -> None:
        lock = threading.Lock()
        self.acquire, self.release = lock.acquire, lock.release

    def tell(self) -> None: ...


class Somebody:
    """A member with its box and its turn, as a connection holds them."""

    def __init__(self, routing: Routing, session: int) -> None:
        self.routing = routing
        self.box = Mailbox(routing)
        self.turn = Turn()
        self.member = Member(session, WHO, {}, self.box.post, self.box.post, self.box.end)
        self.arrive(Join())

    def arrive(self, *entries: Any, may_route: bool = True) -> None:
        self.bring(list(entries), may_route)

    def bring(self, entries: list[Any], may_route: bool = True) -> None:
        assert self.turn.acquire(timeout=5)
        self.routing.arrive(Arrival(self.member, entries, self.turn), may_route)

    def settled(self) -> bool:
        """Tell whether all that has arrived is handled."""
        if self.turn.acquire(timeout=5):
            self.turn.release()
            return True
        return False


@pytest.fixture
def routing() -> Iterator[Routing]:
    made = made_routing()
    yield made
    made.close()


def test_whoever_arrives_first_routes_on_its_own_thread(routing: Routing) -> None:
    threads = []
    routing.realm.joined.append(lambda *_: threads.append(threading.current_thread()))
    Somebody(routing, 1)
    assert threads == [threading.current_thread()]


def test_a_thread_that_must_not_route_lets_the_spare_thread(routing: Routing) -> None:
    threads = []
    routing.realm.broker.published.append(
        lambda *_: threads.append(threading.current_thread().name)
    )
    one = Somebody(routing, 1)
    one.arrive(Publish(1, {}, "com.topic"), may_route=False)
    assert one.settled()
    assert threads == ["wamplite-route-realm1"]


def test_all_that_is_posted_in_a_round_is_delivered_at_once(routing: Routing) -> None:
    one, two = Somebody(routing, 1), Somebody(routing, 2)
    two.arrive(Subscribe(1, {}, "com.topic"))
    one.arrive(*(Publish(number, {}, "com.topic", [number]) for number in range(1, 11)))
    assert [array[4] for array in two.box.posted[2:]] == [[number] for number in range(1, 11)]
    assert two.box.delivered == [1, 2, 12]


def test_a_long_arrival_takes_turns_with_the_others_and_keeps_its_order(routing: Routing) -> None:
    order: list[tuple[int, Any]] = []
    flood, other, last = (Somebody(routing, number) for number in (1, 2, 3))

    def note(publisher: Member, _: Any, publish: Publish) -> None:
        order.append((publisher.session, publish.request))
        if len(order) == 1:  # somebody else arrives while this one is being routed
            other.arrive(Publish(1, {}, "com.topic"))

    routing.realm.broker.published.append(note)
    flood.arrive(*(Publish(number, {}, "com.topic") for number in range(1, 3 * SHARE + 2)))
    assert flood.settled() and other.settled() and last.settled()
    assert [request for who, request in order if who == 1] == list(range(1, 3 * SHARE + 2))
    assert order.index((2, 1)) <= 2 * SHARE


@pytest.mark.parametrize("end", [Lost(""), Violation(""), Goodbye({}, "a.b"), Abort({}, "a.b")])
def test_of_those_who_end_with_much_one_does_in_a_round_and_others_are_served(
    routing: Routing, end: Any
) -> None:
    order: list[Any] = []
    much = [Somebody(routing, number) for number in (1, 2, 3)]
    little, nothing, other = (Somebody(routing, number) for number in (4, 5, 6))
    for who in much:
        requests = [Subscribe(at, {}, f"a.n{who.member.session}.{at}") for at in range(SHARE + 1)]
        who.arrive(*requests)
    little.arrive(Subscribe(1, {}, "a.n4"))
    routing.realm.left.append(lambda member, *_: order.append(member.session))
    routing.realm.broker.published.append(lambda *_: order.append("event"))
    other.box.deliver = lambda: order.append("delivered")  # type: ignore[method-assign]
    arrivals = [arrival(who, Publish(1, {}, "a.last"), end) for who in (*much, little, nothing)]
    routing.arrive_all([*arrivals, arrival(other, Publish(1, {"acknowledge": True}, "a.b"))])
    mine = ["event", 1, "event", 5, "event", "delivered"]
    assert order == [*mine, "event", 2, "event", 3, "event", 4]
    assert all(who.settled() for who in (*much, little, nothing, other))
    assert not routing.realm.broker.subscriptions


def arrival(who: Somebody, *entries: Any) -> Arrival:
    """Return what arrives of somebody."""
    assert who.turn.acquire(timeout=5)
    return Arrival(who.member, list(entries), who.turn)  # type: ignore[arg-type]


def test_what_is_handed_over_is_waiting_until_it_is_handled(routing: Routing) -> None:
    one, waiting = Somebody(routing, 1), []
    routing.realm.broker.published.append(lambda *_: waiting.append(routing.waiting))
    one.arrive(*(Publish(n, {}, "com.topic") for n in range(1, 2 * SHARE * ROUNDS)))
    assert one.settled() and {*waiting} == {0}  # it is in hand
    assert not routing.waiting
    started, held = threading.Event(), threading.Event()
    routing.run(lambda: (started.set(), held.wait(5)))
    assert started.wait(5) and not routing.waiting
    for _ in range(3):
        routing.run(lambda: None)
    assert routing.waiting == 3
    held.set()
    eventually(lambda: not routing.waiting)


def test_a_reader_hands_the_role_over_after_its_rounds(routing: Routing) -> None:
    threads: list[str] = []
    routing.realm.broker.published.append(
        lambda *_: threads.append(threading.current_thread().name)
    )
    one = Somebody(routing, 1)
    own = threading.current_thread().name
    one.arrive(*(Publish(n, {}, "com.topic") for n in range(1, SHARE * (ROUNDS + 2) + 1)))
    assert one.settled()
    assert threads.count(own) == SHARE * ROUNDS
    assert threads.count("wamplite-route-realm1") == 2 * SHARE


def test_nothing_is_left_lying_when_many_arrive_at_once(routing: Routing) -> None:
    handled: list[tuple[int, int]] = []
    routing.realm.broker.published.append(
        lambda publisher, _, publish: handled.append((publisher.session, publish.request))
    )
    crowd = [Somebody(routing, number) for number in range(1, 9)]

    def speak(one: Somebody) -> None:
        for request in range(1, 501):
            one.arrive(Publish(request, {}, "com.topic"))

    threads = [threading.Thread(target=speak, args=(one,)) for one in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(one.settled() for one in crowd)
    for one in crowd:
        mine = [request for who, request in handled if who == one.member.session]
        assert mine == list(range(1, 501))


def test_a_fault_in_a_handler_ends_that_member_alone_and_is_logged(
    routing: Routing, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = Somebody(routing, 1), Somebody(routing, 2)

    def broken(member: Member, publish: Publish) -> None:
        raise ZeroDivisionError("a bug")

    routing.realm.handlers[Publish] = broken
    with caplog.at_level(logging.ERROR, "wamplite.router"):
        one.arrive(Publish(1, {}, "com.topic"), Register(2, {}, "com.procedure"))
    assert one.settled()
    assert one.box.posted[1][0] == 3 and one.box.posted[1][2] == "wamplite.error.internal_error"
    assert one.box.ended and not one.member.open
    assert "a Publish could not be handled" in caplog.text and "a bug" in caplog.text
    two.arrive(Register(1, {}, "com.procedure"))
    assert two.box.posted[-1][0] == 65


def test_what_a_closed_member_still_sent_is_dropped(routing: Routing) -> None:
    one = Somebody(routing, 1)
    one.member.open = False
    one.arrive(Register(1, {}, "com.procedure"))
    assert one.settled()
    assert routing.realm.dealer.registrations == {}


def test_an_errand_runs_with_the_role_and_its_fault_is_logged(
    routing: Routing, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []
    with caplog.at_level(logging.ERROR, "wamplite.router"):
        routing.run(lambda: ran.append(threading.current_thread().name))
        routing.run(lambda: ran[7].upper())  # IndexError
        routing.run(lambda: ran.append("after"))
        eventually(lambda: len(ran) == 2)
    assert ran == ["wamplite-route-realm1", "after"]
    assert "IndexError" in caplog.text


def test_a_handler_that_wants_to_exit_does_not_take_the_role_along(
    routing: Routing, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = Somebody(routing, 1), Somebody(routing, 2)

    def leave(publisher: Member, *_: Any) -> None:
        if publisher is one.member:
            raise SystemExit

    routing.realm.broker.published.append(leave)
    with caplog.at_level(logging.ERROR, "wamplite.router"):
        one.arrive(Publish(1, {}, "com.topic"))
        assert one.settled()
        routing.run(lambda: sys.exit(1))
    assert not one.member.open
    two.arrive(Register(1, {}, "com.procedure"))
    assert two.settled() and two.box.posted[-1][0] == 65


def test_an_outbox_that_fails_keeps_nobody_else_from_its_bytes(
    routing: Routing, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Mailbox):
        def deliver(self) -> None:
            raise ZeroDivisionError("a bug")

    one, two, three = (Somebody(routing, number) for number in (1, 2, 3))
    for somebody in (one, two):
        somebody.arrive(Subscribe(1, {}, "com.topic"))
    one.box.__class__ = Broken
    with caplog.at_level(logging.ERROR, "wamplite.router"):
        three.arrive(Publish(1, {}, "com.topic", ["news"]))
    assert three.settled() and "could not be written" in caplog.text
    assert two.box.delivered[-1] == len(two.box.posted) == 3
    three.arrive(Publish(2, {}, "com.topic", ["more"]))
    assert two.box.delivered[-1] == 4


def hold_the_role(routing: Routing) -> tuple[Somebody, threading.Thread, threading.Event]:
    """Return somebody whose thread is routing and will go on when the event is set."""
    held, go = threading.Event(), threading.Event()

    def wait(*_: Any) -> None:
        held.set()
        assert go.wait(20)

    routing.realm.broker.published.append(wait)
    one = Somebody(routing, 1)
    messages = [Publish(number, {}, "com.topic") for number in range(1, SHARE * (ROUNDS + 2))]
    thread = threading.Thread(target=one.arrive, args=messages)
    thread.start()
    assert held.wait(20)
    return one, thread, go


def test_the_end_does_not_wait_for_a_reader_that_routes() -> None:
    routing = made_routing()
    one, thread, go = hold_the_role(routing)
    two = Somebody(routing, 2)  # its Join waits in the inbox
    begun = time.monotonic()
    routing.close()
    assert time.monotonic() - begun < CLOSING / 2 and not thread_named("wamplite-route-realm1")
    go.set()
    thread.join(20)  # it keeps the role beyond its rounds: there is nobody to hand it to
    assert not thread.is_alive()
    assert one.settled() and two.settled()
    assert one.member.open and two.member.session in routing.realm.members


def test_after_the_end_who_arrives_routes_and_finds_what_was_left() -> None:
    routing = made_routing()
    one = Somebody(routing, 1)
    routing.close()
    routing.close()
    ran: list[str] = []
    routing.run(lambda: ran.append(threading.current_thread().name))
    assert ran == []
    one.arrive(Register(1, {}, "com.procedure"))
    assert one.settled() and one.box.posted[-1][0] == 65
    assert ran == [threading.current_thread().name]


def test_the_role_is_never_lost_between_readers_the_spare_thread_and_the_end(
    hurried: None,
) -> None:
    for _ in range(30):
        routing = made_routing()
        crowd = [Somebody(routing, number) for number in range(1, 5)]
        ran: list[int] = []
        start_ = threading.Barrier(5)

        def speak(one: Somebody, start_: Any = start_, ran: Any = ran) -> None:
            start_.wait(20)
            for request in range(1, 21):
                one.arrive(Publish(request, {}, "com.topic"))
                one.routing.run(lambda: ran.append(1))

        threads = [threading.Thread(target=speak, args=(one,)) for one in crowd]
        for thread in threads:
            thread.start()
        start_.wait(20)
        routing.close()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
        assert all(one.settled() for one in crowd)
        crowd[0].arrive(Publish(99, {}, "com.topic"))
        assert crowd[0].settled() and len(ran) == 80
        assert not routing.waiting
