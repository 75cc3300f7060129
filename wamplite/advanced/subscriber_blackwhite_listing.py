"""Who gets an event, by session, authid and authrole (RFC "Subscriber Black- and Whitelisting").

Announced by publisher and broker. All of PUBLISH.Options `exclude`, `exclude_authid`,
`exclude_authrole`, `eligible`, `eligible_authid`, `eligible_authrole` that are there must let a
subscriber through; an `eligible...` list that is empty lets nobody through.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..core.feature import Feature, Host, claim

OF: dict[str, Callable[[Any], Any]] = {
    "": lambda member: member.session,
    "_authid": lambda member: member.identity.authid,
    "_authrole": lambda member: member.identity.authrole,
}


class ForRouter(Feature):
    name = "subscriber_blackwhite_listing"
    status = "stable"
    roles = ("broker",)

    def install(self, host: Host) -> None:
        options = host.broker.publish_options
        for suffix, of in OF.items():
            claim(options, "exclude" + suffix, partial(_exclude, of))
            claim(options, "eligible" + suffix, partial(_eligible, of))


class ForClient(Feature):
    name = "subscriber_blackwhite_listing"
    roles = ("publisher",)

    def install(self, host: Host) -> None:
        """Nothing to add: PUBLISH carries the lists."""


def _exclude(of: Callable[[Any], Any], publication: Any, names: list[Any]) -> None:
    excluded = frozenset(names)
    if excluded:
        publication.filters.append(lambda member: of(member) not in excluded)


def _eligible(of: Callable[[Any], Any], publication: Any, names: list[Any]) -> None:
    eligible = frozenset(names)
    publication.filters.append(lambda member: of(member) in eligible)
