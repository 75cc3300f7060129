"""EVENT.Details.trustlevel: how far a publisher is trusted (RFC "Publication Trust Levels").

Announced by broker and subscriber. The level follows from the publisher's authrole, by `levels`;
whoever is not named there has 0, the lowest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.feature import Feature, Host
from ..core.messages import Publish


class ForRouter(Feature):
    name = "publication_trustlevels"
    status = "alpha"
    roles = ("broker",)

    def __init__(self, levels: Mapping[str, int] | None = None) -> None:
        self.levels = dict(levels or {})

    def install(self, host: Host) -> None:
        host.broker.drafted.append(self.on_drafted)

    def on_drafted(self, member: Any, record: Any, message: Any) -> None:
        if type(message) is Publish:
            record.details["trustlevel"] = self.levels.get(member.identity.authrole, 0)


class ForClient(Feature):
    name = "publication_trustlevels"
    roles = ("subscriber",)

    def install(self, host: Host) -> None:
        """Nothing to add: EVENT tells the level."""
