"""Payloads that the router does not look into, against a model, with all features installed.

PUBLISH, CALL, YIELD and ERROR carry them, of members that announced it for a role and of such that
did not: who may not send one is sent ABORT, who cannot read one is not sent it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.core.world import (
    CALL,
    ERROR,
    INVOCATION,
    PUBLISH,
    REGISTER,
    SUBSCRIBE,
    YIELD,
    Peer,
)
from tests.property.model import SEATS, Model, many
from wamplite import features

OTHERS = dict.fromkeys(("call_canceling", "progressive_call_results"), True)
SEALING = {**OTHERS, "payload_passthru_mode": True}
ABLE = [  # the roles for which each seat announces it
    {"publisher", "subscriber", "caller", "callee"},
    {"publisher", "caller"},
    {"subscriber", "callee"},
    set(),
]
SCHEMES = st.sampled_from(
    [
        {},
        {"ppt_scheme": "mqtt"},
        {"ppt_scheme": "x_a", "ppt_serializer": "json", "ppt_cipher": "c", "ppt_keyid": "k/1"},
    ]
)
FORMS = st.sampled_from([[b"sealed"], b"sealed"])  # as the section has it, and the vectors
Sealed = dict[str, str]


def as_one(payload: Any) -> list[Any]:
    """Return Arguments as they arrive."""
    return [payload] if type(payload) is bytes else payload


@dataclass
class Waiting:
    """A call in flight as the model sees it."""

    caller: int  # a seat
    request: int
    callee: int
    invocation: int
    partial: bool  # whether progress was asked for


class SealedModel(Model):
    """Each seat serves a procedure of its own, and all listen to one topic."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.issued = [0, 0, 0, 0]  # invocations of each seat
        self.registrations = [0, 0, 0, 0]  # the id of each seat's
        super().__init__(*features.for_router("all"))

    def sit(self, seat: int) -> Peer:
        able = ABLE[seat]
        roles = {
            role: {"features": SEALING if role in able else OTHERS}
            for role in ("publisher", "subscriber", "caller", "callee")
        }
        peer = self.world.join(**roles)
        uri = f"seat{seat}"
        self.world.send(peer, [REGISTER, 1, {}, uri], [SUBSCRIBE, 2, {}, "a.topic"])
        self.registrations[seat], self.subscription = (answer[2] for answer in peer.outbox)
        peer.outbox.clear()
        self.issued[seat] = 0
        return peer

    def payload(self, sealed: Sealed, form: Any) -> Any:
        return form if sealed else [self.request]

    def violated(self, seat: int) -> None:
        """Note that a session broke the protocol, and let another take its seat."""
        peer = self.seats[seat]
        self.expect(peer, "ABORT", "text", "wamp.error.protocol_violation")
        for call in [call for call in self.waiting if seat in (call.caller, call.callee)]:
            self.waiting.remove(call)
            if call.caller != seat:
                caller = self.seats[call.caller]
                self.expect_error(caller, CALL, call.request, "wamp.error.canceled")
            elif call.callee != seat:
                how = {"mode": "killnowait"}
                self.expect(self.seats[call.callee], "INTERRUPT", call.invocation, how)
        self.seats[seat] = self.sit(seat)

    @rule(seat=SEATS, sealed=SCHEMES, form=FORMS, acknowledge=st.booleans())
    def publish(self, seat: int, sealed: Sealed, form: Any, acknowledge: bool) -> None:
        payload, options = self.payload(sealed, form), {**sealed, "acknowledge": acknowledge}
        peer, request = self.say(seat, PUBLISH, options, "a.topic", payload)
        if sealed and "publisher" not in ABLE[seat]:
            return self.violated(seat)
        if acknowledge:
            self.expect(peer, "PUBLISHED", request, "id")
        details = {**sealed, "trustlevel": 0}
        for other in self.seats:
            if other is not peer:
                self.expect(other, "EVENT", self.subscription, "id", details, as_one(payload))

    @rule(seat=SEATS, callee=SEATS, sealed=SCHEMES, form=FORMS, partial=st.booleans())
    def call(self, seat: int, callee: int, sealed: Sealed, form: Any, partial: bool) -> None:
        payload = self.payload(sealed, form)
        options = {**sealed, "receive_progress": partial}
        peer, request = self.say(seat, CALL, options, f"seat{callee}", payload)
        if sealed and "caller" not in ABLE[seat]:
            return self.violated(seat)
        if sealed and "callee" not in ABLE[callee]:
            return self.expect_error(peer, CALL, request, "wamp.error.feature_not_supported")
        self.issued[callee] += 1
        details = {**sealed, "trustlevel": 0} | ({"receive_progress": True} if partial else {})
        invocation, number = self.issued[callee], self.registrations[callee]
        self.expect(self.seats[callee], "INVOCATION", invocation, number, details, as_one(payload))
        self.waiting.append(Waiting(seat, request, callee, invocation, partial))

    @rule(
        seat=SEATS,
        uri=st.sampled_from(["wamp.session.count", "wamp.registration.list", "nobody"]),
        sealed=SCHEMES.filter(bool),
        form=FORMS,
    )
    def call_the_router(self, seat: int, uri: str, sealed: Sealed, form: Any) -> None:
        peer, request = self.say(seat, CALL, sealed, uri, form)
        if "caller" in ABLE[seat]:
            error = "no_such_procedure" if uri == "nobody" else "feature_not_supported"
            self.expect_error(peer, CALL, request, f"wamp.error.{error}")
        elif uri == "nobody" and form != b"sealed":
            self.expect_error(peer, CALL, request, "wamp.error.no_such_procedure")
        else:
            self.violated(seat)

    @precondition(lambda self: self.waiting)
    @rule(
        data=st.data(),
        kind=st.sampled_from(["progress", "result", "error"]),
        sealed=SCHEMES,
        form=FORMS,
    )
    def answer(self, data: st.DataObject, kind: str, sealed: Sealed, form: Any) -> None:
        call = data.draw(st.sampled_from(self.waiting))
        caller, payload = self.seats[call.caller], self.payload(sealed, form)
        self.answer_with(call.callee, call.invocation, kind, sealed, payload)
        if sealed and "callee" not in ABLE[call.callee]:
            return self.violated(call.callee)
        if sealed and "caller" not in ABLE[call.caller]:
            self.waiting.remove(call)
            error = "wamp.error.feature_not_supported"
            return self.expect_error(caller, CALL, call.request, error)
        if kind == "progress":
            if call.partial:
                details = {**sealed, "progress": True}
                self.expect(caller, "RESULT", call.request, details, as_one(payload))
            return None
        self.waiting.remove(call)
        if kind == "result":
            self.expect(caller, "RESULT", call.request, sealed, as_one(payload))
        else:
            self.expect(caller, "ERROR", CALL, call.request, sealed, "a.error", as_one(payload))
        return None

    def answer_with(
        self, seat: int, invocation: int, kind: str, sealed: Sealed, payload: Any
    ) -> None:
        options = {**sealed, "progress": True} if kind == "progress" else sealed
        array = [YIELD, invocation, options, payload]
        if kind == "error":
            array = [ERROR, INVOCATION, invocation, sealed, "a.error", payload]
        self.world.send(self.seats[seat], array)

    @rule(seat=SEATS, kind=st.sampled_from(["progress", "result", "error"]), sealed=SCHEMES)
    def answer_late(self, seat: int, kind: str, sealed: Sealed) -> None:
        waiting = {call.invocation for call in self.waiting if call.callee == seat}
        late = set(range(1, self.issued[seat] + 1)) - waiting
        if late:
            self.answer_with(seat, min(late), kind, sealed, [1])
            if sealed and "callee" not in ABLE[seat]:
                self.violated(seat)


TestSealedModel = SealedModel.TestCase
TestSealedModel.settings = many(40)
