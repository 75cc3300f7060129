"""A realm with every feature against a judge: whatever four sessions do, it keeps its promises.

Each request gets one answer, each CALL exactly one that is final and no progress behind it. No
EVENT comes without a subscription, no INVOCATION without a registration, no INTERRUPT without an
open invocation. Each payload comes with the ppt keys that it was sent with, and nobody is told what
belongs to a feature that he did not announce. ABORT is for who has broken the protocol. Nothing is
said to who has left; once all have left, no table holds anything. Every option and every procedure
of the router is drawn; what comes of the latter in full is judged by the models beside this one.

WAMPLITE_STEPS=1000000 runs it long; a failure names its seed and step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from tests.amounts import steps
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
)
from tests.property.asked import URIS, procedures
from tests.property.judge import PARTS, PASSED, Judge, Seat, ppt_of
from wamplite.advanced.payload_passthru_mode import KEYS
from wamplite.core.messages import CODES, Call, Error, Publish, Yield
from wamplite.core.options import OPTIONS

CANCEL = 49
TYPES = {CODES[kind]: kind for kind in OPTIONS}
EVERY_OPTION = {(kind, key) for kind, keys in OPTIONS.items() for key in keys}
EVERY_OPTION |= {(kind, key) for kind in (Call, Publish, Yield, Error) for key in KEYS}
STEPS = steps(40_000)
PATTERNS = ["a", "a.b", "c..b", ".b", "c", "b c"]
SHARED = ["roundrobin", "first", "last", "random"]
META = ["wamp.session.on_join", "wamp.registration.on_create", "wamp.subscription.on_delete"]
KEPT = {"event_retention", "event_history"}  # outlive the sessions, as they should


class Trial(Judge):
    """Four seats that do anything."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.drawn: set[tuple[type, str]] = set()  # options
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
            (8, self.ask_the_router),
            (3, self.tick),
            (2, self.leave),
        ]
        self.procedures = procedures(self)

    # What is done

    def step(self) -> None:
        weights = [weight for weight, _ in self.acts]
        [(_, act)] = self.random.choices(self.acts, weights)
        act(self.random.choice(self.seats))
        self.read()

    def has_all(self) -> bool:
        """Tell whether chance has left out no option and no procedure."""
        return self.drawn >= EVERY_OPTION and self.served == set(self.procedures)

    def some(self, **options: Any) -> dict[str, Any]:
        """Return some of these options; what can be called is drawn."""
        number = min(self.random.choice([0, 0, 1, 1, 2, len(options)]), len(options))
        chosen = self.random.sample(list(options), number)
        return {key: options[key]() if callable(options[key]) else options[key] for key in chosen}

    def a_bool(self) -> bool:
        return self.random.random() < 0.7

    def sessions(self) -> list[int]:
        number = self.random.randint(0, 3)
        return [seat.peer.member.session for seat in self.random.sample(self.seats, number)]

    def authids(self) -> list[str]:
        return [f"peer{number}" for number in self.sessions()]

    def a_key(self) -> str:
        return self.random.choice("xyz")

    def a_match(self) -> str:
        return self.random.choice(["exact", "prefix", "wildcard"])

    def sealed(self) -> dict[str, Any]:
        """Return ppt keys to draw from: the scheme alone now and then, mostly nothing."""
        if self.random.random() < 0.8:
            return {}
        keys = {"ppt_scheme": "x_a", "ppt_serializer": "json", "ppt_cipher": "c", "ppt_keyid": "k"}
        return keys if self.a_bool() else {"ppt_scheme": "mqtt"}

    def payload(self, options: dict[str, Any]) -> Any:
        """Return a payload of its own, and note by which ppt keys it is sent.

        A sealed one is now and then no list, but one binary.
        """
        number = len(self.payloads) + 1
        self.payloads[number] = ppt_of(options)
        return b"%d" % number if self.payloads[number] and self.a_bool() else [number]

    def say(self, seat: Seat, code: int, *rest: Any, answered: bool = True) -> int:
        seat.request += 1
        if answered:
            seat.asked[seat.request] = code
        if isinstance(rest[0], dict):
            self.drawn |= {(TYPES[code], key) for key in rest[0]}
        self.world.send(seat.peer, [code, seat.request, *rest])
        return seat.request

    def subscribe(self, seat: Seat) -> None:
        options = self.some(match=self.a_match, get_retained=True, nkey=self.a_key)
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
        uri = self.random.choice([*URIS, *PATTERNS])
        if self.a_bool():  # as the others do: or nobody would share anything
            options = {key: options[key] for key in options if key == "forward_timeout"}
            options["invoke"] = SHARED[len(uri) % len(SHARED)]
        self.say(seat, REGISTER, options, uri)

    def unregister(self, seat: Seat) -> None:
        self.end(seat, UNREGISTER, self.random.choice([*seat.registrations, 77]))

    def publish(self, seat: Seat) -> None:
        options = self.some(
            acknowledge=True, exclude_me=self.a_bool, disclose_me=self.a_bool, retain=True,
            exclude=self.sessions, eligible=self.sessions, exclude_authid=self.authids,
            eligible_authid=self.authids, exclude_authrole=["nobody"],
            eligible_authrole=["anonymous"], rkey=self.a_key,
        ) | self.sealed()  # fmt: skip
        answered = options.get("acknowledge", False)
        payload = self.payload(options)
        args = self.random.choice([[], [payload], [payload, {"k": 1}]])
        args = [payload] if type(payload) is bytes else args
        if "ppt_scheme" in options and not seat.has("publisher", PASSED):
            seat.breaks = True
        self.say(seat, PUBLISH, options, self.random.choice(URIS), *args, answered=answered)

    def call(self, seat: Seat) -> None:
        options = self.some(
            timeout=lambda: self.random.choice([0, 50, 300, 5000]),
            receive_progress=True, disclose_me=self.a_bool, progress=True, rkey=self.a_key,
        ) | self.sealed()  # fmt: skip
        if "rkey" in options and self.a_bool():
            options["runmode"] = "partition"
        payload = self.payload(options)
        self.calling[len(self.payloads)] = seat, seat.request + 1
        records = self.world.realm.dealer.registrations.values()
        served = [record.uri for record in records if record.match == "exact"]
        uris = served if served and self.a_bool() else URIS
        self.begin(seat, options, self.random.choice(uris), payload)

    def ask_the_router(self, seat: Seat) -> None:
        uri = self.random.choice(list(self.procedures))
        options = self.some(progress=True) | self.sealed() if self.random.random() < 0.1 else {}
        args, kwargs = self.procedures[uri](seat)
        self.begin(seat, options, f"wamp.{uri}", args, kwargs)

    def begin(
        self, seat: Seat, options: dict[str, Any], uri: str, args: list[Any], kwargs: Any = None
    ) -> None:
        if "ppt_scheme" in options and not seat.has("caller", PASSED):
            seat.breaks = True
        seat.calls[seat.request + 1] = options
        if options.get("progress"):
            seat.sending.add(seat.request + 1)
            seat.breaks |= not seat.has("caller", *PARTS)
        seat.uris[seat.request + 1] = uri
        if not self.forwards:  # the router keeps all limits, also of a call that waits
            self.limit(seat, seat.request + 1)
        rest = [args] if kwargs is None else [args, kwargs]
        self.say(seat, CALL, options, uri, *rest, answered=False)

    def go_on(self, seat: Seat) -> None:
        """Send another part of a call's arguments, perhaps the last."""
        if not seat.sending:
            return
        request = self.random.choice(sorted(seat.sending))
        options = {"progress": True} if self.a_bool() else {}
        if not options:
            seat.sending.discard(request)
        payload = self.payload(seat.calls[request])  # the first part told how all are sealed
        if type(payload) is bytes:
            options["ppt_scheme"] = "x_a"
        self.world.send(seat.peer, [CALL, request, options, seat.uris[request], payload])

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
        options = self.sealed()
        if options and not seat.has("callee", PASSED):
            if self.a_bool():  # else sessions end too soon
                options = {}
            seat.breaks |= bool(options)
        if seat.open[invocation].get("receive_progress") and self.random.random() < 0.6:
            options["progress"] = True
        else:
            del seat.open[invocation]
        unavailable = 3 * ["wamp.error.unavailable"]  # so that it is sent on
        error = self.random.choice(["a.error", *unavailable, "wamp.error.canceled"])
        payload = self.payload(options)
        array = [YIELD, invocation, options, payload]
        if not options.get("progress") and not self.a_bool():
            array = [ERROR, INVOCATION, invocation, options, error, payload]
        self.drawn |= {(TYPES[array[0]], key) for key in options}
        self.world.send(seat.peer, array)

    def tick(self, _: Seat) -> None:
        self.world.time.tick(self.random.random() / 2)

    def leave(self, seat: Seat) -> None:
        how = self.random.random()
        if how < 0.4:
            self.world.send(seat.peer, [GOODBYE, {}, "wamp.close.close_realm"])
        elif how < 0.8:
            self.world.lose(seat.peer)
        else:
            seat.breaks = True
            self.world.violate(seat.peer)
        self.read()
        assert seat.gone or how >= 0.4, "no answer to GOODBYE"
        self.follow(seat)

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
                    if invocation in seat.open and not seat.gone:  # what others did may end it
                        self.finish(seat, invocation)
                        self.read()
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
    for number in range(STEPS):
        if number >= STEPS // 4 and trial.has_all():
            break
        try:
            trial.step()
            if number % 500 == 499:
                trial.settle()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, step {number}: {error}") from error
    trial.settle()
    trial.all_leave()
    assert trial.has_all(), (EVERY_OPTION - trial.drawn, set(trial.procedures) - trial.served)
    assert {f"wamp.{uri}" for uri in trial.procedures} == set(trial.world.realm.procedures)
    rare = {"INTERRUPT", "ABORT", "GOODBYE", "EVENT", "RESULT", "ERROR", "UNREGISTERED"}
    assert all(trial.said[name] > STEPS / 2000 for name in rare), trial.said
