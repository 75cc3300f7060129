"""`REGISTER.Options.invoke`: several callees of one procedure (RFC "Shared Registration").

Announced by dealer and callee. All callees name one policy: `roundrobin` takes them in turn,
`random` any of them, `first` the one that registered first of those that are there, `last` the one
that registered last. They share the id of the registration, which ends with the last of them.
"""

from __future__ import annotations

import random
from typing import Any

from ..core.feature import Feature, Host, claim


class ForRouter(Feature):
    name = "shared_registration"
    status = "beta"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        for policy in (roundrobin, any_of_them, first, last):
            claim(host.dealer.invoke, POLICIES[policy], policy)


class ForClient(Feature):
    name = "shared_registration"
    roles = ("callee",)

    def install(self, host: Host) -> None:
        """Nothing to add: REGISTER carries the option."""


def roundrobin(registration: Any, call: Any) -> Any:
    """Take the callee whose last call is longest ago: who is asked goes to the end of the row."""
    callee = first(registration, call)
    if callee is not None:
        registration.callees[callee.member] = registration.callees.pop(callee.member)
    return callee


def any_of_them(registration: Any, call: Any) -> Any:
    free = [callee for callee in registration.callees.values() if not callee.busy]
    return random.choice(free) if free else None


def first(registration: Any, call: Any) -> Any:
    return next((callee for callee in registration.callees.values() if not callee.busy), None)


def last(registration: Any, call: Any) -> Any:
    callees = reversed(registration.callees.values())
    return next((callee for callee in callees if not callee.busy), None)


POLICIES = {roundrobin: "roundrobin", any_of_them: "random", first: "first", last: "last"}
