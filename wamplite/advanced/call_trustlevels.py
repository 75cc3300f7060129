"""INVOCATION.Details.trustlevel: how far a caller is trusted (RFC "Call Trust Levels").

Announced by dealer and callee. The level follows from the caller's authrole, by `levels`; whoever
is not named there has 0, the lowest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.feature import Feature, Host
from ..core.messages import Call


class ForRouter(Feature):
    name = "call_trustlevels"
    status = "alpha"
    roles = ("dealer",)

    def __init__(self, levels: Mapping[str, int] | None = None) -> None:
        self.levels = dict(levels or {})

    def install(self, host: Host) -> None:
        host.dealer.drafted.append(self.on_drafted)

    def on_drafted(self, member: Any, record: Any, message: Any) -> None:
        if type(message) is Call:
            record.details["trustlevel"] = self.levels.get(member.identity.authrole, 0)


class ForClient(Feature):
    name = "call_trustlevels"
    roles = ("callee",)

    def install(self, host: Host) -> None:
        """Nothing to add: INVOCATION tells the level."""
