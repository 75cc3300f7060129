"""Registrations: who serves which procedure, and who is asked of several (RFC "Registering").

Law: one callee per URI, unless all of its callees name one and the same policy that chooses among
them. A policy is a function of `invoke`; it may say that nobody takes a call now, which refuses the
call, unless a feature keeps it.
Moments, each `(member, record, message)`: `registered` and `unregistered` with the callee; the
message is None where the session ends or the registration is revoked; `revoked`, before that, with
the reason in place of a message.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from . import uris
from .feature import Observer, Refused, lacking, notify
from .matching import Matches, find_match
from .members import Bounds, Member, check_room
from .messages import Call, Register, Registered, Result, Unregister, Unregistered
from .options import INVOKE, MATCH
from .records import Callee, Registration

Choose = Callable[[Registration, Call], Callee | None]  # None: nobody takes a call now
Procedure = Callable[[Member, Call], Result | None]  # None: it will post the answer to the caller


class Registrations:
    """The registrations of one realm, and the procedures of the router's own."""

    def __init__(self, bounds: Bounds) -> None:
        self.matches: Matches[Registration] = Matches()
        self.registrations: dict[int, Registration] = {}
        self.register_options: dict[str, Callable[[Callee, Any], None]] = {}
        self.invoke: dict[str, Choose] = {"single": first_free}
        self.procedures: dict[str, Procedure] = {}  # the router's own
        # Options of a CALL of one of those: fn(caller, value)
        self.own_options: dict[str, Callable[[Member, Any], None]] = {}
        self.drafted: list[Observer] = []  # asked of each REGISTER and CALL; may refuse
        self.registered: list[Observer] = []
        self.unregistered: list[Observer] = []
        self.revoked: list[Observer] = []
        self.bounds = bounds
        self._ids = count(1)

    def on_register(self, member: Member, register: Register) -> None:
        """Answer REGISTERED, or refuse a URI that is invalid, reserved or taken."""
        uri, options = register.procedure, register.options
        policy, invoke = options.get("match", "exact"), options.get("invoke", "single")
        match = find_match(self.matches, policy, MATCH[Register])
        if not match.is_valid(uri) or uris.is_reserved(uri):
            raise Refused(uris.INVALID_URI, f"{uri!r} is not a procedure that can be registered")
        if invoke not in self.invoke:
            if invoke not in INVOKE:
                known = ", ".join(("single", *INVOKE))
                raise Refused(uris.INVALID_ARGUMENT, f"invoke must be {known}, not {invoke!r}")
            text = f"this router does not invoke by {invoke!r}: {lacking(INVOKE[invoke])}"
            raise Refused(uris.FEATURE_NOT_SUPPORTED, text)
        registration = match.records.get(uri) or Registration(uri, policy, invoke)
        callee = Callee(member, registration, list(match.writers))
        for key, value in options.items():
            if key in self.register_options:
                self.register_options[key](callee, value)
        notify(self.drafted, member, callee, register)
        if uri in self.procedures or not _may_join(registration, callee, invoke):
            raise Refused(uris.PROCEDURE_ALREADY_EXISTS, f"{uri!r} is registered already")
        check_room("registrations", len(member.registrations), self.bounds.registrations)
        check_room("registrations", len(self.registrations), self.bounds.in_realm, "the realm")
        if not registration.id:
            registration.id = next(self._ids)
            match.add(uri, registration)
            self.registrations[registration.id] = registration
        registration.callees[member] = member.registrations[registration.id] = callee
        _find_only(registration)
        member.post(Registered(register.request, registration.id))
        notify(self.registered, member, callee, register)

    def on_unregister(self, member: Member, unregister: Unregister) -> None:
        """Answer UNREGISTERED; only its callee can end a registration."""
        callee = member.registrations.get(unregister.registration)
        if callee is None:
            raise Refused(
                uris.NO_SUCH_REGISTRATION,
                f"the session has no registration {unregister.registration}",
            )
        self._remove(callee)
        member.post(Unregistered(unregister.request))
        notify(self.unregistered, member, callee, unregister)

    def revoke(self, callee: Callee, reason: str) -> None:
        """Take a registration away from a session; what it was asked before is its to answer."""
        member, registration = callee.member, callee.registration
        if member.registrations.get(registration.id) is not callee:
            return
        self._remove(callee)
        notify(self.revoked, member, callee, reason)
        notify(self.unregistered, member, callee, None)

    def set_busy(self, callee: Callee, busy: bool) -> None:
        """Have a callee take no call, or take calls again."""
        callee.busy = busy
        _find_only(callee.registration)

    def find(self, procedure: str) -> Registration:
        """Return the registration that a CALL of `procedure` goes to, or refuse the call."""
        if not uris.is_valid(procedure):
            raise Refused(uris.INVALID_URI, f"{procedure!r} is not a valid procedure")
        if not uris.is_reserved(procedure):  # no pattern serves what is the router's
            for match in self.matches.values():
                for registration in match.find(procedure):
                    return registration
        raise Refused(uris.NO_SUCH_PROCEDURE, f"nobody has registered {procedure!r}")

    def leave(self, member: Member) -> None:
        """Give up all registrations of a session that ends."""
        gone = list(member.registrations.values())
        for callee in gone:
            self._remove(callee)
        for callee in gone:
            notify(self.unregistered, member, callee, None)

    def _remove(self, callee: Callee) -> None:
        registration = callee.registration
        del callee.member.registrations[registration.id]
        del registration.callees[callee.member]
        if registration.callees:
            _find_only(registration)
        else:
            registration.only = None
            del self.registrations[registration.id]
            self.matches[registration.match].remove(registration.uri)


def first_free(registration: Registration, call: Call) -> Callee | None:
    """Choose the first callee that is not busy: the policy of who has one callee only."""
    return next((callee for callee in registration.callees.values() if not callee.busy), None)


def _may_join(registration: Registration, callee: Callee, invoke: str) -> bool:
    """Tell whether a callee may be another one of a registration, by the same policy as they."""
    if not registration.callees:
        return True
    return registration.invoke == invoke != "single" and callee.member not in registration.callees


def _find_only(registration: Registration) -> None:
    """Find out whether there is a choice of callees."""
    registration.only = None
    if len(registration.callees) == 1:
        (callee,) = registration.callees.values()
        registration.only = None if callee.busy else callee
