"""UNREGISTERED with request 0: a registration is taken away (RFC "Registration Revocation").

Announced by dealer and callee; a callee that did not announce it is not told.
Whoever may call it revokes by `wamp.registration.remove_callee`, with the ids of registration and
session and a keyword `reason`; the text does not name that procedure, Crossbar has it.
"""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.feature import Feature, Handler, Host, Refused, claim
from ..core.messages import Call, Result, Unregistered
from ..core.meta import argument, keyword, result


class ForRouter(Feature):
    name = "registration_revocation"
    status = "alpha"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        self.realm = host
        host.dealer.revoked.append(self.on_revoked)
        claim(host.procedures, "wamp.registration.remove_callee", self.remove)

    def on_revoked(self, member: Any, callee: Any, reason: str) -> None:
        if member.announced("callee", self.name):
            details = {"registration": callee.registration.id, "reason": reason}
            member.post(Unregistered(0, details))

    def remove(self, caller: Any, call: Call) -> Result:
        """wamp.registration.remove_callee"""
        number, session = argument(call, 0, int), argument(call, 1, int)
        member = self.realm.members.get(session)
        callee = member.registrations.get(number) if member else None
        if callee is None:
            text = f"session {session} has no registration {number}"
            raise Refused(uris.NO_SUCH_REGISTRATION, text)
        self.realm.dealer.revoke(callee, keyword(call, "reason", str, "revoked"))
        return result(call)


class ForClient(Feature):
    name = "registration_revocation"
    roles = ("callee",)

    def install(self, host: Host) -> None:
        host.handlers.wrap(Unregistered, self.on_message)

    def on_message(self, inner: Handler, conversation: Any, message: Unregistered) -> None:
        """Give up what the router has taken away, and tell whose it was."""
        if message.request:
            return inner(conversation, message)
        details = message.details or {}
        number = details.get("registration")
        receiver = conversation.registrations.pop(number, None)
        receivers = [] if receiver is None else [receiver]
        why = details.get("reason") or "no reason was given"
        conversation.revoked(receivers, f"the router has revoked registration {number}: {why}")
        return None
