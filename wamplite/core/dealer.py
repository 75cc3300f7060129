"""Pending calls and their answers: the dealer of the Basic Profile (RFC "Remote Procedure Calls").

Law: every CALL gets exactly one answer, also when its callee leaves; the ids of INVOCATIONs count
per callee session, so a YIELD can only settle what its sender was asked, and one whose id was
issued but is settled already came late and is ignored. A callee that never answers costs only
itself: a caller's calls to one callee take at most a quarter of the places that both have left, so
that others find room however many calls it lets hang.
Moments, each `(member, record, message)`: `called` with the caller once INVOCATION is out,
`progressed` with a RESULT that more will follow, `settled` with the answer, and `abandoned` after
that where the answer is None: the caller has left. `sent` and `freed`, with the callee in place of
a message, come with each callee that a call goes to. What only some calls want at these moments
stands in `begins` and `ends` of the call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import uris
from .errors import ProtocolError
from .feature import Continuation, Observer, Refused, Unread, notify
from .ids import following
from .members import Bounds, Member
from .messages import (
    Call,
    Error,
    Interrupt,
    Invocation,
    Message,
    Register,
    Result,
    Unregister,
    Yield,
    build,
)
from .records import Answer, Callee, PendingCall
from .registrations import Registrations
from .words import shorten

ARGUMENTS = frozenset({list, type(None)})  # anything else passes through unread, as one argument
CALL, INVOCATION = 48, 68  # REQUEST.Type of the ERRORs a dealer sends and takes
TOO_LARGE = "the caller does not take messages so large as the answer"
SHARE = 4  # one caller and one callee: at most one in so many of the places that are left


class Dealer(Registrations):
    """The registrations and pending calls of one realm.

    unread: makes a payload that is no list one argument; it refuses, or raises ProtocolError.
    """

    role = "dealer"

    def __init__(self, bounds: Bounds, unread: Unread) -> None:
        super().__init__(bounds)
        self._exact = self.matches["exact"].records  # an exact match is the best there is
        self.call_options: dict[str, Callable[[PendingCall, Any], None]] = {}
        self.yield_options: dict[str, Callable[[Answer, Any], None]] = {}
        self.error_options: dict[str, Callable[[Answer, Any], None]] = {}
        self.continuation: Continuation | None = None  # of calls in flight; set by a feature
        self.queue: Callable[[PendingCall, Call], None] | None = None  # keeps what nobody takes now
        self.called: list[Observer] = []
        self.sent: list[Observer] = []
        self.freed: list[Observer] = []
        self.progressed: list[Observer] = []
        self.settled: list[Observer] = []
        self.abandoned: list[Observer] = []
        self._unread = unread
        self.calls = 0  # in flight

    def handlers(self) -> dict[type, Callable[[Member, Any], None]]:
        """Return what handles the messages that a dealer hears."""
        return {
            Call: self.on_call,
            Register: self.on_register,
            Unregister: self.on_unregister,
            Yield: self.on_yield,
            Error: self.on_error,
        }

    def is_new(self, caller: Member, call: Call) -> bool:
        """Tell whether a CALL is one of its own: the law of ids, which a strict realm tightens.

        The id of a call in flight belongs to it: another CALL with that id is its continuation,
        where a feature takes it as such, and a violation otherwise.
        """
        if self.continuation is not None and self.continuation.takes(caller, call):
            return False
        if call.request in caller.calls:
            raise ProtocolError(f"CALL.Request {call.request} belongs to a call in flight")
        return True

    def on_call(self, caller: Member, call: Call) -> None:
        """Send INVOCATION to a callee and remember who waits for the answer."""
        request, options, procedure, args, kwargs = call
        if type(args) not in ARGUMENTS:
            call = self._unread(caller, call)
            args = call.args
        asked_before = request in caller.calls or self.continuation is not None
        if asked_before and not self.is_new(caller, call):
            assert self.continuation is not None
            return self.continuation.go_on(caller, call)
        registration = self._exact.get(procedure)
        if registration is None:
            if procedure in self.procedures:
                return self._answer(caller, call)
            registration = self.find(procedure)
        callee = registration.only or self.invoke[registration.invoke](registration, call)
        likely = callee or next(iter(registration.callees.values()))
        pending = PendingCall(caller, request, procedure, likely, options, {})
        if options:
            self._handle_options(pending)
        if self.drafted:
            notify(self.drafted, caller, pending, call)
        if callee is None:
            self._wait(pending, call)
        else:
            self._send(pending, callee, args, kwargs)
        caller.calls[request] = pending
        self.calls += 1
        if pending.begins:
            for begin in pending.begins:
                begin(pending)
        if self.called:
            notify(self.called, caller, pending, call)
        return None

    def _handle_options(self, pending: PendingCall) -> None:
        for key, value in pending.options.items():
            if key in self.call_options:
                self.call_options[key](pending, value)

    def send_invocation(self, pending: PendingCall, callee: Callee, args: Any, kwargs: Any) -> None:
        """Send a call that waits, or that another callee had; raises Refused where it cannot.

        What the callee before still answers comes late. What depends on the callee is drafted anew
        for another one. A call that is refused here waits: whoever sent it on sends it elsewhere,
        or fails it.
        """
        if pending.invocation:
            self._take_from_callee(pending)
            pending.invocation = 0
        if callee is not pending.callee:
            pending.callee, pending.interrupted, pending.details = callee, False, {}
            self._handle_options(pending)
            if self.drafted:
                content = (pending.request, pending.options, pending.procedure, args, kwargs)
                notify(self.drafted, pending.caller, pending, build(Call, content))
        self._send(pending, callee, args, kwargs)

    def _send(self, pending: PendingCall, callee: Callee, args: Any, kwargs: Any) -> None:
        caller, member = pending.caller, callee.member
        asked = caller.asked.get(member, 0)
        most = self.bounds.calls - (SHARE * asked or 1)
        if (
            len(caller.calls) > most
            or len(member.invocations) > most
            or self.calls >= self.bounds.in_realm
        ):
            raise Refused(uris.UNAVAILABLE, self._why_crowded(pending, member))
        for writer in callee.writers:
            pending.details.update(writer(pending))
        invocation = following(member.last_invocation)
        content = invocation, callee.registration.id, pending.details, args, kwargs
        post = member.post  # not a method: quicker to call so
        if not post(build(Invocation, content)):
            raise Refused(uris.PAYLOAD_SIZE_EXCEEDED, "the callee does not take messages so large")
        member.last_invocation = pending.invocation = invocation
        member.invocations[invocation] = pending
        caller.asked[member] = asked + 1
        if self.sent:
            notify(self.sent, caller, pending, callee)

    def _wait(self, pending: PendingCall, call: Call) -> None:
        """Have a feature keep a call that no callee takes now."""
        if self.queue is None:
            text = f"no callee of {pending.callee.registration.uri!r} takes a call now"
            raise Refused(uris.NO_AVAILABLE_CALLEE, text)
        bounds = self.bounds
        if len(pending.caller.calls) >= bounds.calls or self.calls >= bounds.in_realm:
            raise Refused(uris.UNAVAILABLE, self._why_crowded(pending, pending.callee.member))
        self.queue(pending, call)

    def _take_from_callee(self, pending: PendingCall) -> None:
        caller, member = pending.caller, pending.callee.member
        del member.invocations[pending.invocation]
        asked = caller.asked.pop(member)
        if asked > 1:
            caller.asked[member] = asked - 1
        if self.freed:
            notify(self.freed, caller, pending, pending.callee)

    def _answer(self, caller: Member, call: Call) -> None:
        """Have a procedure of the router's own answer a CALL."""
        for key, value in call.options.items():
            if key in self.own_options:
                self.own_options[key](caller, value)
        answer = self.procedures[call.procedure](caller, call)
        if answer is not None and not caller.post(answer):
            caller.post(Error(CALL, call.request, {}, uris.PAYLOAD_SIZE_EXCEEDED, [TOO_LARGE]))

    def _why_crowded(self, pending: PendingCall, callee: Member) -> str:
        caller, most = pending.caller, self.bounds.calls
        if len(caller.calls) >= most:
            why = f"this session has {len(caller.calls)} calls in flight, at most {most}"
        elif len(callee.invocations) >= most:
            why = f"its callee has {len(callee.invocations)} calls to answer, at most {most}"
        elif self.calls >= self.bounds.in_realm:
            why = f"the realm has {self.calls} calls in flight, at most {self.bounds.in_realm}"
        else:
            asked = caller.asked[callee]
            why = f"its callee has {asked} calls of this session to answer, its share of {most}"
        return f"{pending.procedure!r}: {why}"

    # ---- answers

    def on_yield(self, member: Member, yield_: Yield) -> None:
        """Answer the caller with RESULT, or with the ERROR of an option that cannot be had."""
        request, options, args, kwargs = yield_
        pending = member.invocations.get(request) or self._asked(member, request)
        if pending is None:
            return
        if type(args) not in ARGUMENTS:
            args = self._unread(member, yield_).args
        if not options:
            self.settle(pending, build(Result, (pending.request, {}, args, kwargs)))
            return
        answer = self._with_options(pending, self.yield_options, options)
        if answer is None:
            return
        result = Result(pending.request, answer.details, args, kwargs)
        if answer.final:
            self.settle(pending, result)
        elif not answer.told:
            return
        elif pending.caller.post(result):
            notify(self.progressed, pending.caller, pending, result)
        else:
            self.fail(pending, uris.PAYLOAD_SIZE_EXCEEDED, TOO_LARGE)

    def on_error(self, member: Member, error: Error) -> None:
        """Pass the callee's ERROR on to the caller."""
        pending = self._refused(member, error)
        if pending is None:
            return
        if type(error.args) not in ARGUMENTS:
            error = self._unread(member, error)
        answer = self._with_options(pending, self.error_options, error.details)
        if answer is None:
            return
        uri, args = error.error, error.args
        if not uris.is_valid(uri):
            text = f"the callee answered with an error of no valid URI: {uri!r}"
            uri, args = uris.INVALID_URI, [shorten(text), *(args if type(args) is list else ())]
        self.settle(pending, Error(CALL, pending.request, answer.details, uri, args, error.kwargs))

    def on_unfit(self, member: Member, answer: Yield | Error, text: str) -> None:
        """End the call whose answer cannot be carried; of an ERROR its URI is passed on."""
        uri = uris.INVALID_ARGUMENT
        if type(answer) is Error:
            pending = self._refused(member, answer)
            uri = answer.error if uris.is_valid(answer.error) else uri
        else:
            pending = self._asked(member, answer.request)
        if pending is not None:
            self.fail(pending, uri, f"the callee's answer cannot be carried: {text}")

    def settle(self, pending: PendingCall, answer: Message | None) -> None:
        """End a pending call with its one answer, None where the caller has left.

        A call that has ended already stays as it is.
        """
        caller = pending.caller
        if caller.calls.get(pending.request) is not pending:
            return
        del caller.calls[pending.request]
        if pending.invocation:
            self._take_from_callee(pending)
        self.calls -= 1
        post = caller.post
        if answer is not None and not post(answer):
            answer = Error(CALL, pending.request, {}, uris.PAYLOAD_SIZE_EXCEEDED, [TOO_LARGE])
            post(answer)
        if pending.ends:
            for end in pending.ends:
                end(pending, answer)
            pending.begins = pending.ends = None
        if self.settled:
            notify(self.settled, caller, pending, answer)

    def fail(self, pending: PendingCall, error: str, *args: Any) -> None:
        """End a pending call with an ERROR of the dealer's own."""
        self.settle(pending, Error(CALL, pending.request, {}, error, list(args) or None))

    def interrupt(self, pending: PendingCall, mode: str) -> bool:
        """Send INTERRUPT for a call, once, where its callee announced call_canceling.

        False if the callee cannot be interrupted: RFC "Call Canceling" has it skipped then.
        """
        member = pending.callee.member
        if not (pending.invocation and member.announced("callee", "call_canceling")):
            return False
        if not pending.interrupted:
            pending.interrupted = True
            member.post(Interrupt(pending.invocation, {"mode": mode}))
        return True

    def leave(self, member: Member) -> None:
        """Give up the registrations of a session that ends, and end the calls it has a part in."""
        super().leave(member)
        self.abandon(member)
        while member.invocations:
            pending = next(iter(member.invocations.values()))
            self.fail(pending, uris.CANCELED, "the callee has left")

    def abandon(self, member: Member) -> None:
        """End a caller's calls without an answer; those of callees, should they come, come late."""
        while member.calls:
            pending = next(iter(member.calls.values()))
            self.settle(pending, None)
            notify(self.abandoned, member, pending, None)

    def _with_options(
        self, pending: PendingCall, table: dict[str, Callable[[Answer, Any], None]], options: Any
    ) -> Answer | None:
        """Have an answer's options handled; None where one was refused, which ends the call."""
        answer = Answer(pending)
        try:
            for key, value in options.items():
                if key in table:
                    table[key](answer, value)
        except Refused as refused:  # a YIELD or ERROR has no ERROR of its own
            self.fail(pending, refused.error, *refused.args)
            return None
        return answer

    def _asked(self, member: Member, invocation: int) -> PendingCall | None:
        """Return the pending call that a callee answers, None where the answer comes late."""
        pending: PendingCall | None = member.invocations.get(invocation)
        if pending is None and invocation > member.last_invocation:
            raise ProtocolError(f"INVOCATION.Request {invocation} was never sent to {member}")
        return pending

    def _refused(self, member: Member, error: Error) -> PendingCall | None:
        if error.request_type != INVOCATION:
            raise ProtocolError(
                f"ERROR: a client can only answer INVOCATION (68), not {error.request_type}"
            )
        return self._asked(member, error.request)
