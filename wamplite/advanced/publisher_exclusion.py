"""`PUBLISH.Options.exclude_me: false`: publishers get their own events (RFC "Publisher Exclusion").

Announced by publisher and broker. Leaving the publisher out is the broker's default; asking for it
here does not override `exclude`, which is another feature's.
"""

from __future__ import annotations

from ..core.feature import Feature, Host, claim


class ForRouter(Feature):
    name = "publisher_exclusion"
    status = "stable"
    roles = ("broker",)

    def install(self, host: Host) -> None:
        claim(host.broker.publish_options, "exclude_me", _exclude_me)


class ForClient(Feature):
    name = "publisher_exclusion"
    roles = ("publisher",)

    def install(self, host: Host) -> None:
        """Nothing to add: PUBLISH carries the option as it is."""


def _exclude_me(publication: Host, value: bool) -> None:
    if not value:
        publication.excluded.discard(publication.publisher)
