"""`SUBSCRIBE.Options.match`: prefix and wildcard (RFC "Pattern-based Subscriptions").

Announced by broker and subscriber. Every subscription that matches gets an EVENT, all with the same
publication id; where the match was by pattern, `EVENT.Details.topic` tells the topic. A prefix is a
plain string prefix, by the examples of the section: "com.app.obj" matches "com.app.object1".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ..core import uris
from ..core.books import Book
from ..core.feature import Feature, Host, claim


class ForRouter(Feature):
    name = "pattern_based_subscription"
    roles = ("broker",)

    def install(self, host: Host) -> None:
        claim(host.broker.books, "prefix", PrefixBook())
        claim(host.broker.books, "wildcard", WildcardBook())


class ForClient(Feature):
    name = "pattern_based_subscription"
    roles = ("subscriber",)

    def install(self, host: Host) -> None:
        """Nothing to add: SUBSCRIBE carries the option, EVENT the topic."""


def _topic(publication: Host) -> dict[str, Any]:
    return {"topic": publication.topic}


class PatternBook(Book[Any]):
    """A book that groups its patterns by a measure, so that `find` looks at few of them."""

    writers = (_topic,)

    def __init__(self) -> None:
        super().__init__()
        self.groups: Counter[int] = Counter()  # measure -> how many records

    @staticmethod
    def measure(uri: str) -> int:
        """Return what the records of a group have in common."""
        raise NotImplementedError

    def is_valid(self, uri: str) -> bool:
        return uris.is_valid_pattern(uri)

    def add(self, uri: str, record: Any) -> None:
        super().add(uri, record)
        self.groups[self.measure(uri)] += 1

    def remove(self, uri: str) -> None:
        super().remove(uri)
        self.groups[self.measure(uri)] -= 1
        self.groups += Counter()  # drops the groups that are empty


class PrefixBook(PatternBook):
    """Finds the records whose URI the topic starts with: one look-up for each length in use."""

    match = "prefix"
    measure = staticmethod(len)

    def find(self, uri: str) -> Iterable[Any]:
        found = (self.records.get(uri[:length]) for length in self.groups if length <= len(uri))
        return [record for record in found if record is not None]


class WildcardBook(PatternBook):
    """Finds the records of as many components as the topic, each equal to the topic's or empty."""

    match = "wildcard"

    @staticmethod
    def measure(uri: str) -> int:
        return uri.count(".")

    def find(self, uri: str) -> Iterable[Any]:
        if self.measure(uri) not in self.groups:
            return ()
        components = uri.split(".")
        return [record for pattern, record in self.records.items() if _fits(pattern, components)]


def _fits(pattern: str, components: list[str]) -> bool:
    wanted = pattern.split(".")
    return len(wanted) == len(components) and all(
        want in ("", component) for want, component in zip(wanted, components, strict=True)
    )
