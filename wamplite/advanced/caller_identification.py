"""`disclose_me`, `disclose_caller`: a callee is told who calls (RFC "Caller Identification").

Announced by caller, dealer and callee. A caller asks for it by CALL.Options.disclose_me, a callee
for all its calls by REGISTER.Options.disclose_caller; INVOCATION.Details then has `caller` and the
caller's authid and authrole. Where it is not allowed (`allowed=False`), a CALL that asks for it is
refused, and a callee that asks for it is not told.
"""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.feature import Feature, Host, Refused, claim


class ForRouter(Feature):
    name = "caller_identification"
    status = "stable"
    roles = ("dealer",)

    def __init__(self, allowed: bool = True) -> None:
        self.allowed = allowed

    def install(self, host: Host) -> None:
        claim(host.dealer.call_options, "disclose_me", self.on_caller)
        claim(host.dealer.register_options, "disclose_caller", self.on_callee)

    def on_caller(self, pending: Any, disclose: bool) -> None:
        if not disclose:
            return
        if not self.allowed:
            raise Refused(uris.DISCLOSE_ME_DISALLOWED, "callers are not disclosed here")
        pending.details.update(pending.caller.disclosed("caller"))

    def on_callee(self, callee: Any, disclose: bool) -> None:
        if disclose and self.allowed:
            callee.writers.append(_identity)


class ForClient(Feature):
    name = "caller_identification"
    roles = ("caller", "callee")

    def install(self, host: Host) -> None:
        """Nothing to add: INVOCATION tells who calls."""


def _identity(pending: Any) -> dict[str, Any]:
    """Return who calls; nothing where that is the router itself, or is noted as `undisclosed`."""
    if not pending.caller.session or pending.notes.get("undisclosed"):
        return {}
    disclosed: dict[str, Any] = pending.caller.disclosed("caller")
    return disclosed
