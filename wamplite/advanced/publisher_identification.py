"""`PUBLISH.Options.disclose_me`: who publishes (RFC "Publisher Identification").

Announced by publisher, broker and subscriber. EVENT.Details then has `publisher` and the
publisher's authid and authrole. Where it is not allowed (`allowed=False`) the PUBLISH is refused.
"""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.feature import Feature, Host, Refused, claim


class ForRouter(Feature):
    name = "publisher_identification"
    status = "stable"
    roles = ("broker",)

    def __init__(self, allowed: bool = True) -> None:
        self.allowed = allowed

    def install(self, host: Host) -> None:
        claim(host.broker.publish_options, "disclose_me", self.on_option)

    def on_option(self, publication: Any, disclose: bool) -> None:
        if not disclose:
            return
        if not self.allowed:
            raise Refused(uris.DISCLOSE_ME_DISALLOWED, "publishers are not disclosed here")
        publication.details.update(publication.publisher.disclosed("publisher"))


class ForClient(Feature):
    name = "publisher_identification"
    roles = ("publisher", "subscriber")

    def install(self, host: Host) -> None:
        """Nothing to add: EVENT tells who publishes."""
