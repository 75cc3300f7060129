"""Registrations as topics and procedures (RFC "Registration Meta API").

Announced by the dealer. `wamp.registration.on_create`, `on_register`, `on_unregister`, `on_delete`
tell of them, `list`, `lookup`, `match`, `get`, `list_callees`, `count_callees` answer.
"""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.feature import Feature, Host
from ..core.messages import Call, Result
from ..core.meta import Records, argument, result


class RegistrationRecords(Records):
    """The procedure `match` tells the one registration that a call goes to."""

    def match(self, caller: Any, call: Call) -> Result:
        """The id of the registration that a call of this URI would go to, or null."""
        uri = argument(call, 0, str)
        records = [record for match in self.matches.values() for record in match.find(uri)]
        if uris.is_reserved(uri) or not uris.is_valid(uri):  # no pattern serves that
            records = []
        told = [record.id for record in records[:1] if self.tells(caller, record)]
        return result(call, told[0] if told else None)


class ForRouter(Feature):
    name = "registration_meta_api"
    status = "beta"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        dealer = host.dealer
        api = RegistrationRecords(
            host,
            "registration",
            dealer.matches,
            dealer.registrations,
            lambda registration: registration.callees,
            ("on_register", "on_unregister"),
            "callees",
            uris.NO_SUCH_REGISTRATION,
        )
        dealer.registered.append(lambda member, callee, _: api.joined(member, callee.registration))
        dealer.unregistered.append(lambda member, callee, _: api.left(member, callee.registration))
