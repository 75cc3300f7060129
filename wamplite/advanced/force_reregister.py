"""`REGISTER.Options.force_reregister`: take a procedure over (no section; as in Crossbar).

For a device that was rebooted and finds its registration still there, held by a session that nobody
has noticed to be dead. Whoever holds it loses it, as by a revocation; if the REGISTER is refused
for another reason, nobody loses anything. Not announced.
"""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.feature import Feature, Handler, Host, Refused, claim
from ..core.messages import Register

REASON = "wamplite.close.reregistered"


class ForRouter(Feature):
    name = "force_reregister"

    def install(self, host: Host) -> None:
        self.dealer = host.dealer
        claim(host.dealer.register_options, self.name, lambda callee, force: None)
        host.handlers.wrap(Register, self.on_register)

    def on_register(self, inner: Handler, member: Any, register: Register) -> None:
        try:
            return inner(member, register)
        except Refused as refused:
            if refused.error != uris.PROCEDURE_ALREADY_EXISTS:
                raise
            match = self.dealer.matches[register.options.get("match", "exact")]
            taken = match.records.get(register.procedure)
            if not register.options.get(self.name) or taken is None:
                raise
        for callee in list(taken.callees.values()):
            self.dealer.revoke(callee, REASON)
        return inner(member, register)
