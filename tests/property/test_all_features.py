"""A realm with every feature against a judge: whatever four sessions do, it keeps its promises.

Each request gets one answer, each CALL exactly one that is final and no progress behind it. No
EVENT comes without a subscription, no INVOCATION without a registration, no INTERRUPT without an
open invocation. Nothing is said to who has left; once all have left, no table holds anything.

WAMPLITE_STEPS=1000000 runs it long; a failure names its seed and step.
"""

from __future__ import annotations

import os
import random
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import pytest

from tests.core.world import (
    CALL,
    ERROR,
    GOODBYE,
    INVOCATION,
    PUBLISH,
    REGISTER,
    SUBSCRIBE,
    UNREGISTER,
    UNSUBSCRIBE,
    YIELD,
    World,
    take,
)
from wamplite import features
from wamplite.core.feature import announced, made

CANCEL = 49
STEPS = int(os.environ.get("WAMPLITE_STEPS", "40000"))
CLIENT = announced(
    ("publisher", "subscriber", "caller", "callee"), map(made, features.for_client("all"))
)
NAMES = {SUBSCRIBE: "SUBSCRIBED", UNSUBSCRIBE: "UNSUBSCRIBED", REGISTER: "REGISTERED"}
NAMES |= {UNREGISTER: "UNREGISTERED", PUBLISH: "PUBLISHED"}
URIS = ["a", "a.b", "a.bc", "c.b", "c.d.b", "no good", "wamp.x"]
PATTERNS = ["a", "a.b", "c..b", ".b", "c", "b c"]
META = ["wamp.session.on_join", "wamp.registration.on_create", "wamp.subscription.on_delete"]
KEPT = {"event_retention", "event_history"}  # outlive the sessions, as they should


class Seat:
    """One session, and what it may expect."""

    def __init__(self, world: World) -> None:
        self.peer = world.join(**CLIENT)
        self.request = 0
        self.asked: dict[int, int] = {}  # request -> code, of those that wait for an answer
        self.calls: dict[int, dict[str, Any]] = {}  # request -> options, in flight
        self.uris: dict[int, str] = {}  # of calls
        self.ending: dict[int, int] = {}  # request -> what it unsubscribes or unregisters
        self.limits: dict[int, float] = {}  # call -> when its time is over
        self.sending: set[int] = set()  # calls whose arguments go on
        self.subscriptions: set[int] = set()
        self.registrations: set[int] = set()
        self.open: dict[int, dict[str, Any]] = {}  # invocation -> its details
        self.gone = False


class Trial:
    """Four seats that do anything, and the judge of what they are sent."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.forwards = seed % 2 == 1  # or else the router keeps all limits
        self.world = World(
            *features.for_router("all"), max_calls=24, max_subscriptions=8, max_registrations=8
        )
        self.seats = [Seat(self.world) for _ in range(4)]
        self.said: Counter[str] = Counter()
        self.acts: list[tuple[int, Callable[[Seat], None]]] = [
            (10, self.subscribe),
            (5, self.unsubscribe),
            (14, self.publish),
            (8, self.register),
            (3, self.unregister),
            (22, self.call),
            (6, self.go_on),
            (6, self.cancel),
            (20, self.answer),
            (5, self.ask_the_router),
            (3, self.tick),
            (2, self.leave),
        ]

    # What is done

    def step(self) -> None:
        weights = [weight for weight, _ in self.acts]
        [(_, act)] = self.random.choices(self.acts, weights)
        act(self.random.choice(self.seats))
        self.read()

    def some(self, **options: Any) -> dict[str, Any]:
        """Return some of these options; what can be called is drawn."""
        chosen = self.random.sample(
            list(options), self.random.choice([0, 0, 1, 1, 2, len(options)])
        )
        return {key: options[key]() if callable(options[key]) else options[key] for key in chosen}

    def a_bool(self) -> bool:
        return self.random.random() < 0.7

    def sessions(self) -> list[int]:
        number = self.random.randint(0, 3)
        return [seat.peer.member.session for seat in self.random.sample(self.seats, number)]

    def authids(self) -> list[str]:
        return [f"peer{number}" for number in self.sessions()]

    def a_match(self) -> str:
        return self.random.choice(["exact", "prefix", "wildcard"])

    def say(self, seat: Seat, code: int, *rest: Any, answered: bool = True) -> int:
        seat.request += 1
        if answered:
            seat.asked[seat.request] = code
        self.world.send(seat.peer, [code, seat.request, *rest])
        return seat.request

    def subscribe(self, seat: Seat) -> None:
        options = self.some(match=self.a_match, get_retained=True)
        uri = self.random.choice([*PATTERNS, *URIS, *META])
        self.say(seat, SUBSCRIBE, options, uri)

    def unsubscribe(self, seat: Seat) -> None:
        self.end(seat, UNSUBSCRIBE, self.random.choice([*seat.subscriptions, 77]))

    def end(self, seat: Seat, code: int, number: int) -> None:
        seat.ending[seat.request + 1] = number
        self.say(seat, code, number)

    def register(self, seat: Seat) -> None:
        options = self.some(
            match=self.a_match,
            invoke=lambda: self.random.choice(["single", "roundrobin", "random", "first", "last",
                                               "partition"]),
            concurrency=lambda: self.random.randint(0, 2),
            force_reregister=lambda: self.random.random() < 0.3,
            disclose_caller=self.a_bool,
            forward_timeout=lambda: self.forwards and self.a_bool(),
        )  # fmt: skip
        self.say(seat, REGISTER, options, self.random.choice([*URIS, *PATTERNS]))

    def unregister(self, seat: Seat) -> None:
        self.end(seat, UNREGISTER, self.random.choice([*seat.registrations, 77]))

    def publish(self, seat: Seat) -> None:
        options = self.some(
            acknowledge=True, exclude_me=self.a_bool, disclose_me=self.a_bool, retain=True,
            exclude=self.sessions, eligible=self.sessions, exclude_authid=self.authids,
            eligible_authrole=["anonymous"],
        )  # fmt: skip
        answered = options.get("acknowledge", False)
        args = self.random.choice([[], [[1]], [[], {"k": 1}]])
        self.say(seat, PUBLISH, options, self.random.choice(URIS), *args, answered=answered)

    def call(self, seat: Seat) -> None:
        options = self.some(
            timeout=lambda: self.random.choice([0, 50, 300, 5000]),
            receive_progress=True, disclose_me=self.a_bool, progress=True,
            rkey=lambda: self.random.choice("xyz"),
        )  # fmt: skip
        if "rkey" in options and self.a_bool():
            options["runmode"] = "partition"
        self.begin(seat, options, self.random.choice(URIS), [1])

    def ask_the_router(self, seat: Seat) -> None:
        other = self.random.choice(self.seats).peer.member.session
        events = ["a", [1], {}]
        uri, args = self.random.choice(
            [
                ("session.count", []),
                ("session.kill", [other]),
                ("session.add_testament", events),
                ("session.flush_testaments", []),
                ("reflect.define", ["a.b", {"text": "x"}]),
                ("reflection.procedure.list", []),
                ("subscription.get_events", [self.random.choice([*seat.subscriptions, 1])]),
                ("registration.match", ["a.b"]),
                ("subscription.list", []),
                (
                    "registration.remove_callee",
                    [self.random.choice([*seat.registrations, 1]), other],
                ),
                ("nothing", []),
            ]
        )
        self.begin(seat, {}, f"wamp.{uri}", args)

    def begin(self, seat: Seat, options: dict[str, Any], uri: str, args: list[Any]) -> None:
        seat.calls[seat.request + 1] = options
        if options.get("progress"):
            seat.sending.add(seat.request + 1)
        seat.uris[seat.request + 1] = uri
        self.limit(seat, seat.request + 1)
        self.say(seat, CALL, options, uri, args, answered=False)

    def limit(self, seat: Seat, request: int) -> None:
        milliseconds = seat.calls[request].get("timeout", 0)
        if milliseconds and not self.forwards:
            seat.limits[request] = self.world.time.now() + milliseconds / 1000

    def go_on(self, seat: Seat) -> None:
        """Send another part of a call's arguments, perhaps the last."""
        if not seat.sending:
            return
        request = self.random.choice(sorted(seat.sending))
        options = {"progress": True} if self.a_bool() else {}
        if not options:
            seat.sending.discard(request)
        uri = seat.uris[request]
        self.world.send(seat.peer, [CALL, request, options, uri, [2]])

    def cancel(self, seat: Seat) -> None:
        request = self.random.choice([*seat.calls, max(1, seat.request - 1)])
        mode = self.random.choice(
            [{}, *({"mode": mode} for mode in ("skip", "kill", "killnowait"))]
        )
        self.world.send(seat.peer, [CANCEL, request, mode])

    def answer(self, seat: Seat) -> None:
        if seat.open:
            self.finish(seat, self.random.choice(list(seat.open)))

    def finish(self, seat: Seat, invocation: int) -> None:
        if seat.open[invocation].get("receive_progress") and self.random.random() < 0.6:
            self.world.send(seat.peer, [YIELD, invocation, {"progress": True}, [1]])
            return
        del seat.open[invocation]
        error = self.random.choice(["a.error", "wamp.error.unavailable", "wamp.error.canceled"])
        array = [YIELD, invocation, {}, [1]] if self.a_bool() else None
        self.world.send(seat.peer, array or [ERROR, INVOCATION, invocation, {}, error, [1]])

    def tick(self, _: Seat) -> None:
        self.world.time.tick(self.random.random() / 2)

    def leave(self, seat: Seat) -> None:
        how = self.random.random()
        if how < 0.4:
            self.world.send(seat.peer, [GOODBYE, {}, "wamp.close.close_realm"])
        elif how < 0.8:
            self.world.lose(seat.peer)
        else:
            self.world.violate(seat.peer)
        self.read()
        assert seat.gone or how >= 0.4, "no answer to GOODBYE"
        self.follow(seat)

    def follow(self, seat: Seat) -> None:
        """Let another session sit there."""
        assert not seat.peer.member.open
        seat.gone = True
        if seat in self.seats:
            self.seats[self.seats.index(seat)] = Seat(self.world)

    # What is judged

    def read(self) -> None:
        for seat in list(self.seats):
            for message in take(seat.peer):
                assert not seat.gone, f"said to who has left: {message}"
                self.said[message[0]] += 1
                getattr(self, f"on_{message[0].lower()}")(seat, *message[1:])
            if not seat.peer.member.open and seat in self.seats:
                self.follow(seat)
            late = [call for call, end in seat.limits.items() if end < self.world.time.now()]
            assert seat.gone or not late, f"their time is over, and nobody was told: {late}"

    def answered(self, seat: Seat, request: int, *codes: int) -> None:
        assert seat.asked.pop(request, None) in codes, f"a second answer, or another's: {request}"

    def on_subscribed(self, seat: Seat, request: int, subscription: int) -> None:
        self.answered(seat, request, SUBSCRIBE)
        seat.subscriptions.add(subscription)

    def on_unsubscribed(self, seat: Seat, request: int, *details: Any) -> None:
        if request:
            self.answered(seat, request, UNSUBSCRIBE)
        seat.subscriptions.remove(seat.ending[request] if request else details[0]["subscription"])

    def on_registered(self, seat: Seat, request: int, registration: int) -> None:
        self.answered(seat, request, REGISTER)
        seat.registrations.add(registration)

    def on_unregistered(self, seat: Seat, request: int, *details: Any) -> None:
        if request:
            self.answered(seat, request, UNREGISTER)
        seat.registrations.remove(seat.ending[request] if request else details[0]["registration"])

    def on_published(self, seat: Seat, request: int, publication: int) -> None:
        self.answered(seat, request, PUBLISH)

    def on_event(self, seat: Seat, subscription: int, *rest: Any) -> None:
        assert subscription in seat.subscriptions, "an EVENT without a subscription"

    def on_invocation(
        self, seat: Seat, number: int, registration: int, details: Any, *rest: Any
    ) -> None:
        if number in seat.open:  # its arguments go on
            seat.open[number] |= details
            return
        assert registration in seat.registrations, "an INVOCATION without a registration"
        seat.open[number] = details

    def on_interrupt(self, seat: Seat, number: int, options: Any) -> None:
        assert number in seat.open, "an INTERRUPT of what is not open"

    def on_result(self, seat: Seat, request: int, details: dict[str, Any], *rest: Any) -> None:
        assert request in seat.calls, "a RESULT behind the final one"
        if details.get("progress"):
            assert seat.calls[request].get("receive_progress"), "progress that nobody asked for"
            self.limit(seat, request)
        else:
            self.end_call(seat, request)

    def on_error(
        self, seat: Seat, kind: int, request: int, details: Any, error: str, *rest: Any
    ) -> None:
        if kind == CALL:
            assert request in seat.calls, "an ERROR behind the final answer"
            self.end_call(seat, request)
        else:
            self.answered(seat, request, kind)

    def end_call(self, seat: Seat, request: int) -> None:
        del seat.calls[request]
        seat.sending.discard(request)
        seat.limits.pop(request, None)

    def on_goodbye(self, seat: Seat, *rest: Any) -> None:
        seat.gone = True

    on_abort = on_goodbye

    # The end

    def settle(self) -> None:
        """Let everything that is open be answered: then nobody waits for anything."""
        for _ in range(10_000):
            self.world.time.tick()  # what waited for a callee is sent
            self.read()
            if not any(seat.open for seat in self.seats):
                break
            for seat in list(self.seats):
                for invocation in list(seat.open):
                    self.finish(seat, invocation)
        for seat in self.seats:
            assert not seat.asked, f"never answered: {seat.asked}"
            assert not seat.calls, f"never ended: {seat.calls}"

    def all_leave(self) -> None:
        for seat in self.seats:
            self.world.lose(seat.peer)
        self.world.time.tick(10)
        assert self.world.is_empty()
        for feature in self.world.realm.features:
            if feature.name not in KEPT:
                tables = {key: value for key, value in vars(feature).items() if is_table(value)}
                held = {key: table for key, table in tables.items() if holds(table)}
                assert not held, (feature.name, held)


def is_table(value: Any) -> bool:
    return isinstance(value, (dict, list, set, deque))


def holds(value: Any) -> bool:
    """Tell whether a container holds anything, empty containers within aside."""
    if isinstance(value, dict):
        return any(map(holds, value.values()))
    return bool(value) or not is_table(value)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_it_keeps_its_promises(seed: int) -> None:
    trial = Trial(seed)
    for number in range(STEPS // 4):
        try:
            trial.step()
            if number % 500 == 499:
                trial.settle()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, step {number}: {error}") from error
    trial.settle()
    trial.all_leave()
    rare = {"INTERRUPT", "ABORT", "GOODBYE", "EVENT", "RESULT", "ERROR", "UNREGISTERED"}
    assert all(trial.said[name] > STEPS / 2000 for name in rare), trial.said
