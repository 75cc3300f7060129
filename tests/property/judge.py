"""Who judges what four sessions of a realm with every feature are sent, whatever they do."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from tests.core.world import (
    CALL,
    PUBLISH,
    REGISTER,
    SUBSCRIBE,
    UNREGISTER,
    UNSUBSCRIBE,
    World,
    take,
)
from wamplite import features
from wamplite.core.feature import announced, made

CLIENT = announced(
    ("publisher", "subscriber", "caller", "callee"), map(made, features.for_client("all"))
)
CLIENT["callee"]["features"]["call_timeout"] = True  # as a callee may; ours keeps no time
PASSED = "payload_passthru_mode"
PARTS = ("progressive_call_invocations",)
NEEDED = {  # what is told a callee -> what it must have announced
    "ppt_scheme": (PASSED,),
    "timeout": ("call_timeout",),
    "receive_progress": ("progressive_call_results", "call_canceling"),
    "progress": (*PARTS, "call_canceling"),
}


class Seat:
    """One session, and what it may expect."""

    def __init__(self, world: World, roles: dict[str, Any]) -> None:
        self.peer = world.join(**roles)
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
        self.breaks = False  # the protocol, by what it has said
        self.gone = False

    def has(self, role: str, *names: str) -> bool:
        """Tell whether it announced all of these features for a role."""
        return all(self.peer.member.announced(role, name) for name in names)


class Judge:
    """Four seats, and what each message that they are sent must be."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.forwards = seed % 2 == 1  # or else the router keeps all limits
        bounds = {"max_calls": 24, "max_subscriptions": 8, "max_registrations": 8}
        self.world = World(*features.for_router("all"), strict=seed % 4 > 1, **bounds)
        self.seats = [self.sit() for _ in range(4)]
        self.said: Counter[str] = Counter()
        self.served: set[str] = set()  # procedures of the router that have answered
        self.payloads: dict[int, dict[str, str]] = {}  # number -> the ppt keys it was sent with
        self.calling: dict[int, tuple[Seat, int]] = {}  # number -> the CALL that it was sent by

    def sit(self) -> Seat:
        """Return a new session, which announces all features, none, or half of each role's."""
        chance = self.random.choice([1.0, 1.0, 1.0, 0.5, 0.0])
        roles = {
            role: {"features": {key: self.random.random() < chance for key in told["features"]}}
            for role, told in CLIENT.items()
        }
        return Seat(self.world, roles)

    def follow(self, seat: Seat) -> None:
        """Let another session sit there."""
        assert not seat.peer.member.open
        seat.gone = True
        if seat in self.seats:
            self.seats[self.seats.index(seat)] = self.sit()

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
        else:
            assert seat.has("subscriber", "subscription_revocation")
        seat.subscriptions.discard(seat.ending[request] if request else details[0]["subscription"])

    def on_registered(self, seat: Seat, request: int, registration: int) -> None:
        self.answered(seat, request, REGISTER)
        seat.registrations.add(registration)

    def on_unregistered(self, seat: Seat, request: int, *details: Any) -> None:
        if request:
            self.answered(seat, request, UNREGISTER)
        else:
            assert seat.has("callee", "registration_revocation")
        seat.registrations.discard(seat.ending[request] if request else details[0]["registration"])

    def on_published(self, seat: Seat, request: int, publication: int) -> None:
        self.answered(seat, request, PUBLISH)

    def on_event(
        self, seat: Seat, subscription: int, _: int, details: dict[str, Any], *payload: Any
    ) -> None:
        assert subscription in seat.subscriptions, "an EVENT without a subscription"
        if "trustlevel" in details:  # a session has published it
            self.is_as_sent(details, payload)

    def is_as_sent(self, details: dict[str, Any], payload: Any) -> None:
        """See that a payload that sessions made comes with the ppt keys that it was sent with."""
        number = number_of(payload)
        if number:
            assert ppt_of(details) == self.payloads[number], (number, details)

    def limit(self, seat: Seat, request: int) -> None:
        """Note when the time of a call is over, as of now."""
        milliseconds = seat.calls[request].get("timeout", 0)
        if milliseconds:
            seat.limits[request] = self.world.time.now() + milliseconds / 1000

    def is_timed(self, details: dict[str, Any], payload: Any) -> None:
        """Note whether the router keeps the time of a call: where its callee is not told of it."""
        seat, request = self.calling.get(number_of(payload), (None, 0))
        if seat is None or request not in seat.calls:
            return
        if "timeout" in details:
            seat.limits.pop(request, None)
        elif request not in seat.limits:
            self.limit(seat, request)

    def on_invocation(
        self, seat: Seat, number: int, registration: int, details: Any, *rest: Any
    ) -> None:
        self.is_as_sent(details, rest)
        needed = {key: NEEDED[key] for key in details if key in NEEDED}
        assert all(seat.has("callee", *names) for names in needed.values()), needed
        if number in seat.open:  # its arguments go on
            first = {**seat.open[number], "progress": True}
            assert {**details, "progress": True} == first, "another part tells something else"
            return
        assert registration in seat.registrations, "an INVOCATION without a registration"
        self.is_timed(details, rest)
        seat.open[number] = details

    def on_interrupt(self, seat: Seat, number: int, options: Any) -> None:
        assert number in seat.open, "an INTERRUPT of what is not open"
        assert seat.has("callee", "call_canceling")

    def on_result(self, seat: Seat, request: int, details: dict[str, Any], *rest: Any) -> None:
        assert request in seat.calls, "a RESULT behind the final one"
        uri = seat.uris[request]
        if uri.startswith("wamp."):
            self.served.add(uri.removeprefix("wamp."))
        else:
            self.is_as_sent(details, rest)
        assert "ppt_scheme" not in details or seat.has("caller", PASSED)
        if details.get("progress"):
            assert seat.calls[request].get("receive_progress"), "progress that nobody asked for"
            if request in seat.limits:
                self.limit(seat, request)
        else:
            self.end_call(seat, request)

    def on_error(
        self, seat: Seat, kind: int, request: int, details: Any, error: str, *rest: Any
    ) -> None:
        if kind == CALL:
            assert request in seat.calls, "an ERROR behind the final answer"
            self.is_as_sent(details, rest)
            assert "ppt_scheme" not in details or seat.has("caller", PASSED)
            self.end_call(seat, request)
        else:
            self.answered(seat, request, kind)

    def end_call(self, seat: Seat, request: int) -> None:
        del seat.calls[request]
        seat.sending.discard(request)
        seat.limits.pop(request, None)

    def on_goodbye(self, seat: Seat, *rest: Any) -> None:
        seat.gone = True

    def on_abort(self, seat: Seat, *rest: Any) -> None:
        assert seat.breaks, f"it has broken nothing: {rest}"
        seat.gone = True


def number_of(payload: Any) -> int:
    """Return the number that a payload of a session's is; 0 where it is another."""
    match payload:
        case ([int(number)], *_):
            return number
        case ([bytes(sealed)], *_):
            return int(sealed)
    return 0


def ppt_of(options: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in options.items() if key.startswith("ppt_")}
