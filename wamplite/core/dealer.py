"""Registrations and pending calls: the dealer of the Basic Profile (RFC "Remote Procedure Calls").

Law: one registration per URI; every CALL gets exactly one answer, also when its callee leaves; the
ids of INVOCATIONs count per callee session, so a YIELD can only settle what its sender was asked,
and one whose id was issued but is settled already came late and is ignored. A callee that never
answers costs only itself: a caller's calls to one callee take at most a quarter of the places that
both have left, so that others find room however many calls it lets hang.
Moments: `registered`, `unregistered`, and `settled` with the answer as its draft (None: the caller
has left), once for each call that became an INVOCATION.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from . import uris
from .books import Book
from .broker import MANY, Told, check_room, find_book, tell
from .errors import ProtocolError
from .feature import Refused, shorten
from .ids import following
from .members import Member, Pending, Registration
from .messages import (
    Call,
    Error,
    Invocation,
    Message,
    Register,
    Registered,
    Result,
    Unregister,
    Unregistered,
    Yield,
    build,
)

ARGUMENTS = frozenset({list, type(None)})  # anything else is a payload that passes through unread
CALL, INVOCATION = 48, 68  # REQUEST.Type of the ERRORs a dealer sends and takes
TOO_LARGE = "the caller does not take messages so large as the answer"
POLICIES = ("single", "roundrobin", "random", "first", "last")
SHARE = 4  # one caller and one callee: at most one in so many of the places that are left


@dataclass(slots=True, eq=False)
class Answer:
    """What a YIELD brings: options write here what RESULT tells, and whether more will follow."""

    pending: Pending
    details: dict[str, Any] = field(default_factory=dict)
    final: bool = True


@dataclass(slots=True, eq=False)
class RegisterDraft:
    """One REGISTER before it is stored."""

    callee: Member
    uri: str
    match: str
    invoke: str


class Dealer:
    """The registrations and pending calls of one realm."""

    role = "dealer"

    def __init__(
        self, max_registrations: int = 1024, max_calls: int = 1024, max_in_realm: int = MANY
    ) -> None:
        self.books: dict[str, Book[Registration]] = {"exact": Book()}
        self._exact = self.books["exact"].records  # an exact match is the best there is
        self.registrations: dict[int, Registration] = {}
        self.call_options: dict[str, Callable[[Pending, Any], None]] = {}
        self.register_options: dict[str, Callable[[RegisterDraft, Any], None]] = {}
        self.yield_options: dict[str, Callable[[Answer, Any], None]] = {}
        self.registered: list[Told] = []
        self.unregistered: list[Told] = []
        self.settled: list[Told] = []
        self.passthru = False  # whether a payload may pass through unread
        self.invoke = {"single"}  # the invocation policies that are installed
        self.handlers: dict[type, Callable[[Member, Any], None]] = {
            Call: self.on_call,
            Register: self.on_register,
            Unregister: self.on_unregister,
            Yield: self.on_yield,
            Error: self.on_error,
        }
        self._max_registrations, self._max_calls = max_registrations, max_calls
        self._max_in_realm = max_in_realm  # registrations, and calls
        self._calls = 0  # in flight
        self._ids = count(1)

    def on_register(self, callee: Member, register: Register) -> None:
        """Answer REGISTERED, or refuse a URI that is invalid, reserved or taken."""
        uri, options = register.procedure, register.options
        match = options.get("match", "exact")
        book = find_book(self.books, match, "registration")
        if not book.is_valid(uri) or uris.is_reserved(uri):
            raise Refused(uris.INVALID_URI, f"{uri!r} is not a procedure that can be registered")
        draft = RegisterDraft(callee, uri, match, options.get("invoke", "single"))
        if draft.invoke not in self.invoke:
            known = draft.invoke in POLICIES
            error = uris.FEATURE_NOT_SUPPORTED if known else uris.INVALID_ARGUMENT
            raise Refused(error, f"this router does not invoke by {draft.invoke!r}")
        for key, value in options.items():
            if key in self.register_options:
                self.register_options[key](draft, value)
        if uri in book.records:
            raise Refused(uris.PROCEDURE_ALREADY_EXISTS, f"{uri!r} is registered already")
        check_room("registrations", len(callee.registrations), self._max_registrations)
        check_room("registrations", len(self.registrations), self._max_in_realm, "the realm")
        registration = Registration(next(self._ids), uri, match, callee, list(book.writers))
        book.add(uri, registration)
        self.registrations[registration.id] = registration
        callee.registrations[registration.id] = registration
        callee.post(Registered(register.request, registration.id))
        tell(self.registered, callee, registration, draft)

    def on_unregister(self, callee: Member, unregister: Unregister) -> None:
        """Answer UNREGISTERED; only its callee can end a registration."""
        registration = callee.registrations.get(unregister.registration)
        if registration is None:
            raise Refused(
                uris.NO_SUCH_REGISTRATION,
                f"the session has no registration {unregister.registration}",
            )
        self._remove(callee, registration)
        callee.post(Unregistered(unregister.request))
        tell(self.unregistered, callee, registration, None)

    def on_call(self, caller: Member, call: Call) -> None:
        """Send INVOCATION to the callee and remember who waits for the answer."""
        if type(call.args) not in ARGUMENTS:
            self._check_passthru("CALL")
        registration = self._exact.get(call.procedure) or self.find(call.procedure)
        callee = registration.callee
        pending = Pending(
            caller,
            call.request,
            call.procedure,
            registration,
            callee,
            following(callee.last_invocation),
        )
        if call.options:
            for key, value in call.options.items():
                if key in self.call_options:
                    self.call_options[key](pending, value)
        for writer in registration.writers:
            pending.details.update(writer(pending))
        asked = caller.asked.get(callee, 0)
        left = self._max_calls - max(len(caller.calls), len(callee.invocations))
        if left <= 0 or SHARE * asked > left or self._calls >= self._max_in_realm:
            raise Refused(uris.UNAVAILABLE, self._why_crowded(pending))
        content = pending.invocation, registration.id, pending.details, call.args, call.kwargs
        if not callee.post(build(Invocation, content)):
            raise Refused(uris.PAYLOAD_SIZE_EXCEEDED, "the callee does not take messages so large")
        callee.last_invocation = pending.invocation
        callee.invocations[pending.invocation] = pending
        caller.calls.add(pending)
        caller.asked[callee] = asked + 1
        self._calls += 1

    def on_yield(self, callee: Member, yield_: Yield) -> None:
        """Answer the caller with RESULT, or with the ERROR of an option that cannot be had."""
        pending = self._asked(callee, yield_.request)
        if pending is None:
            return
        if type(yield_.args) not in ARGUMENTS:
            self._check_passthru("YIELD")
        if not yield_.options:
            self.settle(pending, build(Result, (pending.request, {}, yield_.args, yield_.kwargs)))
            return
        answer = Answer(pending)
        try:
            for key, value in yield_.options.items():
                if key in self.yield_options:
                    self.yield_options[key](answer, value)
        except Refused as refused:  # a YIELD has no ERROR of its own
            self.fail(pending, refused.error, *refused.args)
            return
        result = Result(pending.request, answer.details, yield_.args, yield_.kwargs)
        if answer.final:
            self.settle(pending, result)
        elif not pending.caller.post(result):
            self.fail(pending, uris.PAYLOAD_SIZE_EXCEEDED, TOO_LARGE)

    def on_error(self, callee: Member, error: Error) -> None:
        """Pass the callee's ERROR on to the caller."""
        pending = self._refused(callee, error)
        if pending is None:
            return
        if type(error.args) not in ARGUMENTS:
            self._check_passthru("ERROR")
        if uris.is_valid(error.error):
            self.settle(
                pending, Error(CALL, pending.request, {}, error.error, error.args, error.kwargs)
            )
        else:
            text = f"the callee answered with an error of no valid URI: {error.error!r}"
            args = [shorten(text), *(error.args if type(error.args) is list else ())]
            answer = Error(CALL, pending.request, {}, uris.INVALID_URI, args, error.kwargs)
            self.settle(pending, answer)

    def on_unfit(self, callee: Member, answer: Yield | Error, text: str) -> None:
        """End the call whose answer cannot be carried; of an ERROR its URI is passed on."""
        uri = uris.INVALID_ARGUMENT
        if type(answer) is Error:
            pending = self._refused(callee, answer)
            uri = answer.error if uris.is_valid(answer.error) else uri
        else:
            pending = self._asked(callee, answer.request)
        if pending is not None:
            self.fail(pending, uri, f"the callee's answer cannot be carried: {text}")

    def find(self, procedure: str) -> Registration:
        """Return the registration that a CALL of `procedure` goes to, or refuse the call."""
        if not uris.is_valid(procedure):
            raise Refused(uris.INVALID_URI, f"{procedure!r} is not a valid procedure")
        for book in self.books.values():
            for registration in book.find(procedure):
                return registration
        raise Refused(uris.NO_SUCH_PROCEDURE, f"nobody has registered {procedure!r}")

    def settle(self, pending: Pending, answer: Message | None) -> None:
        """End a pending call with its one answer, None where the caller has left.

        A call that has ended already stays as it is.
        """
        caller, callee = pending.caller, pending.callee
        if pending not in caller.calls:
            return
        caller.calls.remove(pending)
        del callee.invocations[pending.invocation]
        asked = caller.asked.pop(callee)
        if asked > 1:
            caller.asked[callee] = asked - 1
        self._calls -= 1
        if answer is not None and not caller.post(answer):
            answer = Error(CALL, pending.request, {}, uris.PAYLOAD_SIZE_EXCEEDED, [TOO_LARGE])
            caller.post(answer)
        if self.settled:
            tell(self.settled, callee, pending, answer)

    def fail(self, pending: Pending, error: str, *args: Any) -> None:
        """End a pending call with an ERROR of the dealer's own."""
        self.settle(pending, Error(CALL, pending.request, {}, error, list(args) or None))

    def leave(self, member: Member) -> None:
        """Give up the registrations of a session that ends, and end the calls it has a part in."""
        while member.registrations:
            registration = next(iter(member.registrations.values()))
            self._remove(member, registration)
            tell(self.unregistered, member, registration, None)
        while member.calls:  # their answers, should they come, come late
            self.settle(next(iter(member.calls)), None)
        while member.invocations:
            pending = next(iter(member.invocations.values()))
            self.fail(pending, uris.CANCELED, "the callee has left")

    def _asked(self, callee: Member, invocation: int) -> Pending | None:
        """Return the pending call that `callee` answers, None where the answer comes late."""
        pending = callee.invocations.get(invocation)
        if pending is None and invocation > callee.last_invocation:
            raise ProtocolError(f"INVOCATION.Request {invocation} was never sent to {callee}")
        return pending

    def _why_crowded(self, pending: Pending) -> str:
        caller, callee, most = pending.caller, pending.callee, self._max_calls
        if len(caller.calls) >= most:
            why = f"this session has {len(caller.calls)} calls in flight, at most {most}"
        elif len(callee.invocations) >= most:
            why = f"its callee has {len(callee.invocations)} calls to answer, at most {most}"
        elif self._calls >= self._max_in_realm:
            why = f"the realm has {self._calls} calls in flight, at most {self._max_in_realm}"
        else:
            asked = caller.asked[callee]
            why = f"its callee has {asked} calls of this session to answer, its share of {most}"
        return f"{pending.procedure!r}: {why}"

    def _refused(self, callee: Member, error: Error) -> Pending | None:
        if error.request_type != INVOCATION:
            raise ProtocolError(
                f"ERROR: a client can only answer INVOCATION (68), not {error.request_type}"
            )
        return self._asked(callee, error.request)

    def _check_passthru(self, name: str) -> None:
        if not self.passthru:
            raise ProtocolError(f"{name}: payload passthru mode is not announced")

    def _remove(self, callee: Member, registration: Registration) -> None:
        del callee.registrations[registration.id]
        del self.registrations[registration.id]
        self.books[registration.match].remove(registration.uri)
