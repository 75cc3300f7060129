"""`ppt_scheme`: a payload that the router does not look into (RFC "Payload Passthru Mode").

Announced by all roles. The ppt keys of CALL, PUBLISH, YIELD and ERROR come out again in INVOCATION,
EVENT, RESULT and ERROR; an empty `ppt_scheme` is none. Whoever sends one must have announced this;
a callee that did not fails the call with `wamp.error.feature_not_supported`, and so does a caller
that could not read the answer (the section has the callee told, for which WAMP has no message). A
subscriber that did not has to ignore what it cannot read.

A payload is one binary within Arguments: the two ends see to that, the router does not look. One in
place of Arguments, as in the test vectors, goes on within them: not every peer takes it otherwise.
"""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.errors import ProtocolError
from ..core.feature import Feature, Host, Refused, claim
from ..core.messages import Call, Error, Publish, Yield, name_of

KEYS = ("ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid")
SENDERS = {Call: "caller", Publish: "publisher", Yield: "callee", Error: "callee"}


class ForRouter(Feature):
    name = "payload_passthru_mode"
    status = "sketch"
    roles = ("broker", "dealer")

    def install(self, host: Host) -> None:
        broker, dealer = host.broker, host.dealer
        self.dealer = dealer
        host.unread = self.check_unread
        tables = broker.publish_options, dealer.call_options, dealer.yield_options
        for table in (*tables, dealer.error_options):
            for key in KEYS:
                claim(table, key, _copy(key))
        claim(dealer.own_options, "ppt_scheme", self.on_own)
        broker.drafted.append(self.on_drafted)
        dealer.drafted.append(self.on_drafted)
        for kind in (Yield, Error):
            host.handlers.wrap(kind, self.on_answer)

    def check_sender(self, member: Any, message: Any) -> None:
        role = SENDERS[type(message)]
        if not member.announced(role, self.name):
            name = name_of(message)
            raise ProtocolError(f"{name}: the {role} did not announce {self.name}")

    def check_unread(self, member: Any, message: Any) -> None:
        """Let nothing pass unread that no key would tell the receiver of."""
        self.check_sender(member, message)
        if not _scheme(message):
            text = "a payload that is no list needs a ppt_scheme"
            raise ProtocolError(f"{name_of(message)}: {text}")

    def on_own(self, caller: Any, scheme: str) -> None:
        """Refuse a sealed call of the router's own procedure."""
        if not scheme:
            return
        if not caller.announced("caller", self.name):
            raise ProtocolError(f"CALL: the caller did not announce {self.name}")
        raise Refused(uris.FEATURE_NOT_SUPPORTED, "a procedure of the router opens no payload")

    def on_drafted(self, member: Any, record: Any, message: Any) -> None:
        if "ppt_scheme" not in getattr(record, "details", ()):
            return
        self.check_sender(member, message)
        if type(message) is Call and not record.callee.member.announced("callee", self.name):
            raise Refused(
                uris.FEATURE_NOT_SUPPORTED,
                f"the callee of {record.procedure!r} did not announce {self.name}",
            )

    def on_answer(self, inner: Any, member: Any, answer: Any) -> None:
        if _scheme(answer):
            self.check_sender(member, answer)
            pending = member.invocations.get(answer.request)
            if pending is not None and not pending.caller.announced("caller", self.name):
                text = f"the answer is sealed, and the caller did not announce {self.name}"
                self.dealer.fail(pending, uris.FEATURE_NOT_SUPPORTED, text)
                return
        inner(member, answer)


class ForClient(Feature):
    name = "payload_passthru_mode"
    roles = ("publisher", "subscriber", "caller", "callee")

    def install(self, host: Host) -> None:
        """Nothing to add: a client packs what is asked for, and unpacks what arrives so."""


def _scheme(message: Any) -> Any:
    """Return the scheme that a message names in its Options, or an ERROR in its Details."""
    return message[2 if type(message) is Error else 1].get("ppt_scheme")


def _copy(key: str) -> Any:
    def copy(record: Any, value: str) -> None:
        if value:
            record.details[key] = value

    return copy
