"""`SUBSCRIBE.Options.match`: prefix and wildcard (RFC "Pattern-based Subscriptions").

Announced by broker and subscriber. Every subscription that matches gets an EVENT, all with the same
publication id; where the match was by pattern, `EVENT.Details.topic` tells the topic. A prefix is a
plain string prefix, by the examples of the section: "com.app.obj" matches "com.app.object1".
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Hashable, Iterable
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
    """A book that groups its patterns by their form: `find` looks once into each form in use."""

    writers = (_topic,)

    def __init__(self) -> None:
        super().__init__()
        self.forms: Counter[Any] = Counter()  # form -> how many records

    @abstractmethod
    def form(self, uri: str) -> Hashable:
        """Return what tells which topics a pattern could match."""

    @abstractmethod
    def candidate(self, topic: str, form: Any) -> str | None:
        """Return the one pattern of this form that matches the topic, if there can be one."""

    def is_valid(self, uri: str) -> bool:
        return uris.is_valid_pattern(uri)

    def add(self, uri: str, record: Any) -> None:
        super().add(uri, record)
        self.forms[self.form(uri)] += 1

    def remove(self, uri: str) -> None:
        super().remove(uri)
        form = self.form(uri)
        self.forms[form] -= 1
        if not self.forms[form]:
            del self.forms[form]

    def find(self, uri: str) -> Iterable[Any]:
        candidates = [self.candidate(uri, form) for form in self.forms]
        return [self.records[pattern] for pattern in candidates if pattern in self.records]


class PrefixBook(PatternBook):
    """Finds the records whose URI the topic starts with; their form is their length."""

    match = "prefix"

    def form(self, uri: str) -> int:
        return len(uri)

    def candidate(self, topic: str, form: int) -> str | None:
        return topic[:form] if form <= len(topic) else None


class WildcardBook(PatternBook):
    """Finds the records of as many components as the topic, each equal to the topic's or empty.

    Their form tells for each component whether it is empty.
    """

    match = "wildcard"

    def form(self, uri: str) -> tuple[bool, ...]:
        return tuple(not component for component in uri.split("."))

    def candidate(self, topic: str, form: tuple[bool, ...]) -> str | None:
        components = topic.split(".")
        if len(components) != len(form):
            return None
        return ".".join(
            "" if empty else component for empty, component in zip(form, components, strict=True)
        )
