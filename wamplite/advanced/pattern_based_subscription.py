"""`SUBSCRIBE.Options.match`: prefix and wildcard (RFC "Pattern-based Subscriptions").

Announced by broker and subscriber. Every subscription that matches gets an EVENT, all with the same
publication id; where the match was by pattern, `EVENT.Details.topic` tells the topic. A prefix is a
plain string prefix, by the examples of the section: "com.app.obj" matches "com.app.object1".
"""

from __future__ import annotations

from typing import Any

from ..core.feature import Feature, Host
from ..core.matching import PrefixMatch, WildcardMatch


class ForRouter(Feature):
    name = "pattern_based_subscription"
    status = "stable"
    roles = ("broker",)

    def install(self, host: Host) -> None:
        host.broker.matches.install(PrefixMatch(_topic))
        host.broker.matches.install(WildcardMatch(_topic))


class ForClient(Feature):
    name = "pattern_based_subscription"
    roles = ("subscriber",)

    def install(self, host: Host) -> None:
        """Nothing to add: SUBSCRIBE carries the option, EVENT the topic."""


def _topic(publication: Host) -> dict[str, Any]:
    return {"topic": publication.topic}
