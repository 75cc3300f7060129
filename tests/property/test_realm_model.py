"""A realm against a small model: whatever four sessions do, each is sent what the model says.

Each CALL gets exactly one answer, no EVENT comes without a subscription, and once all sessions have
left every table is empty.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

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
    Peer,
)
from tests.property.model import MATCHES, SEATS, Model, fits, many
from wamplite.advanced.pattern_based_subscription import ForRouter as Patterns
from wamplite.advanced.publisher_exclusion import ForRouter as Exclusion

URIS = st.sampled_from(["a", "a.b", "a.bc", "c.b", "c", "no good", "wamp.x"])
PATTERNS = st.sampled_from(["a", "a.b", ".b", "c..b", "b c"])
LIMIT = 3
CALLS = 6  # of one session; two of them may be of one caller and one callee
IN_REALM = 8


@dataclass
class Waiting:
    """A call in flight as the model sees it."""

    caller: Peer
    request: int
    callee: Peer
    invocation: int


def is_uri(uri: str) -> bool:
    return " " not in uri and all(uri.split("."))


class RealmModel(Model):
    """Four seats; whoever leaves is followed by a new session on the same seat."""

    def __init__(self) -> None:
        limits = dict.fromkeys(("max_subscriptions", "max_registrations"), LIMIT)
        limits |= {"max_calls": CALLS, "max_in_realm": IN_REALM}
        super().__init__(Patterns, Exclusion, **limits)
        self.subscriptions: dict[tuple[str, str], dict[Peer, int]] = {}
        self.registrations: dict[str, tuple[Peer, int]] = {}
        self.waiting: list[Waiting] = []
        self.issued: dict[Peer, int] = {}

    def held(self, peer: Peer) -> list[tuple[str, str]]:
        return [key for key, held in self.subscriptions.items() if peer in held]

    @rule(seat=SEATS, match=MATCHES, pattern=PATTERNS)
    def subscribe(self, seat: int, match: str, pattern: str) -> None:
        peer, request = self.say(seat, SUBSCRIBE, {"match": match}, pattern)
        held = self.subscriptions.get((match, pattern), {})
        if " " in pattern or (match == "exact" and not is_uri(pattern)):
            self.expect_error(peer, SUBSCRIBE, request, "wamp.error.invalid_uri")
        elif peer not in held and (
            len(self.held(peer)) == LIMIT or sum(map(len, self.subscriptions.values())) == IN_REALM
        ):
            self.expect_error(peer, SUBSCRIBE, request, "wamplite.error.limit_reached")
        else:
            answer = peer.outbox[-1]
            subscription = next(iter(held.values()), answer[-1])  # the first to come learns the id
            self.expect(peer, "SUBSCRIBED", request, subscription)
            self.subscriptions.setdefault((match, pattern), {})[peer] = subscription

    @rule(seat=SEATS, match=MATCHES, pattern=PATTERNS)
    def unsubscribe(self, seat: int, match: str, pattern: str) -> None:
        held = self.subscriptions.get((match, pattern), {})
        subscription = next(iter(held.values()), 999_999)
        peer, request = self.say(seat, UNSUBSCRIBE, subscription)
        if peer in held:
            self.expect(peer, "UNSUBSCRIBED", request)
            self.forget(peer, (match, pattern))
        else:
            self.expect_error(peer, UNSUBSCRIBE, request, "wamp.error.no_such_subscription")

    def forget(self, peer: Peer, key: tuple[str, str]) -> None:
        del self.subscriptions[key][peer]
        if not self.subscriptions[key]:
            del self.subscriptions[key]

    @rule(seat=SEATS, topic=URIS, acknowledge=st.booleans(), exclude_me=st.booleans())
    def publish(self, seat: int, topic: str, acknowledge: bool, exclude_me: bool) -> None:
        options = {"acknowledge": acknowledge, "exclude_me": exclude_me}
        peer, request = self.say(seat, PUBLISH, options, topic, [self.request])
        if not is_uri(topic) or topic.startswith("wamp."):
            if acknowledge:
                self.expect_error(peer, PUBLISH, request, "wamp.error.invalid_uri")
            return
        if acknowledge:
            self.expect(peer, "PUBLISHED", request, "id")
        for (match, pattern), held in self.subscriptions.items():
            details = {} if match == "exact" else {"topic": topic}
            for subscriber, subscription in held.items():
                if fits(match, pattern, topic) and not (exclude_me and subscriber is peer):
                    self.expect(subscriber, "EVENT", subscription, "id", details, [request - 1])

    @rule(seat=SEATS, procedure=URIS)
    def register(self, seat: int, procedure: str) -> None:
        peer, request = self.say(seat, REGISTER, {}, procedure)
        mine = [uri for uri, (callee, _) in self.registrations.items() if callee is peer]
        if not is_uri(procedure) or procedure.startswith("wamp."):
            self.expect_error(peer, REGISTER, request, "wamp.error.invalid_uri")
        elif procedure in self.registrations:
            self.expect_error(peer, REGISTER, request, "wamp.error.procedure_already_exists")
        elif len(mine) == LIMIT:
            self.expect_error(peer, REGISTER, request, "wamplite.error.limit_reached")
        else:
            registration = peer.outbox[-1][-1]
            self.expect(peer, "REGISTERED", request, registration)
            self.registrations[procedure] = (peer, registration)

    @rule(seat=SEATS, procedure=URIS)
    def unregister(self, seat: int, procedure: str) -> None:
        callee, registration = self.registrations.get(procedure, (None, 999_999))
        peer, request = self.say(seat, UNREGISTER, registration)
        if peer is callee:
            self.expect(peer, "UNREGISTERED", request)
            del self.registrations[procedure]
        else:
            self.expect_error(peer, UNREGISTER, request, "wamp.error.no_such_registration")

    @rule(seat=SEATS, procedure=URIS)
    def call(self, seat: int, procedure: str) -> None:
        peer, request = self.say(seat, CALL, {}, procedure, [self.request])
        callee, registration = self.registrations.get(procedure, (None, 0))
        calls = sum(call.caller is peer for call in self.waiting)
        invocations = sum(call.callee is callee for call in self.waiting)
        both = sum(call.caller is peer and call.callee is callee for call in self.waiting)
        if callee is None:
            error = "no_such_procedure" if is_uri(procedure) else "invalid_uri"
            self.expect_error(peer, CALL, request, f"wamp.error.{error}")
        elif self.is_crowded(calls, invocations, both):
            self.expect_error(peer, CALL, request, "wamp.error.unavailable")
        else:
            self.issued[callee] = invocation = self.issued.get(callee, 0) + 1
            self.expect(callee, "INVOCATION", invocation, registration, {}, [request - 1])
            self.waiting.append(Waiting(peer, request, callee, invocation))

    def is_crowded(self, calls: int, invocations: int, both: int) -> bool:
        left = CALLS - max(calls, invocations)
        return not left or 4 * both > left or len(self.waiting) == IN_REALM

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), fails=st.booleans())
    def answer(self, data: st.DataObject, fails: bool) -> None:
        call = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(call)
        if fails:
            array = [ERROR, INVOCATION, call.invocation, {}, "a.error", [1], {"k": 2}]
            self.expect(call.caller, "ERROR", 48, call.request, {}, "a.error", [1], {"k": 2})
        else:
            array = [YIELD, call.invocation, {}, [1], {"k": 2}]
            self.expect(call.caller, "RESULT", call.request, {}, [1], {"k": 2})
        self.world.send(call.callee, array)

    @precondition(lambda self: any(self.late(seat) for seat in range(4)))
    @rule(data=st.data())
    def answer_late(self, data: st.DataObject) -> None:
        seat = data.draw(st.sampled_from([seat for seat in range(4) if self.late(seat)]))
        self.world.send(self.seats[seat], [YIELD, data.draw(st.sampled_from(self.late(seat))), {}])

    def late(self, seat: int) -> list[int]:
        """Return the invocations of a session that nobody waits for any more."""
        peer = self.seats[seat]
        waiting = {call.invocation for call in self.waiting if call.callee is peer}
        return [
            number for number in range(1, self.issued.get(peer, 0) + 1) if number not in waiting
        ]

    @rule(seat=SEATS)
    def answer_what_was_never_asked(self, seat: int) -> None:
        peer = self.seats[seat]
        self.world.send(peer, [YIELD, self.issued.get(peer, 0) + 1, {}])
        self.leave(seat)
        self.expect(peer, "ABORT", "text", "wamp.error.protocol_violation")

    @rule(seat=SEATS)
    def say_goodbye(self, seat: int) -> None:
        self.world.send(self.seats[seat], [GOODBYE, {}, "wamp.close.close_realm"])
        self.expect(self.leave(seat), "GOODBYE", {}, "wamp.close.goodbye_and_out")

    @rule(seat=SEATS)
    def lose(self, seat: int) -> None:
        self.world.lose(self.seats[seat])
        self.leave(seat)

    def leave(self, seat: int) -> Peer:
        """Let the model forget a session, and another one take its seat."""
        peer = self.seats[seat]
        for key in self.held(peer):
            self.forget(peer, key)
        for uri in [uri for uri, (callee, _) in self.registrations.items() if callee is peer]:
            del self.registrations[uri]
        for call in [call for call in self.waiting if peer in (call.caller, call.callee)]:
            self.waiting.remove(call)
            if call.caller is not peer:
                self.expect_error(call.caller, CALL, call.request, "wamp.error.canceled")
        self.seats[seat] = self.sit(seat)
        return peer


TestRealmModel = RealmModel.TestCase
TestRealmModel.settings = many(250, steps=40)
