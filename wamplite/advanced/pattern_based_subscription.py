"""`SUBSCRIBE.Options.match`: prefix and wildcard (RFC "Pattern-based Subscriptions").

Announced by broker and subscriber. Every subscription that matches gets an EVENT, all with the same
publication id; where the match was by pattern, `EVENT.Details.topic` tells the topic. A prefix is a
plain string prefix, by the examples of the section: "com.app.obj" matches "com.app.object1".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from operator import eq, itemgetter
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
    """A book of patterns, which may have empty components and tell their events' topic."""

    writers = (_topic,)

    def is_valid(self, uri: str) -> bool:
        return uris.is_valid_pattern(uri)


class PrefixBook(PatternBook):
    """Finds the records whose URI the topic starts with: looks once for each length in use."""

    match = "prefix"

    def __init__(self) -> None:
        super().__init__()
        self.forms: Counter[int] = Counter()  # length -> how many records

    def add(self, uri: str, record: Any) -> None:
        super().add(uri, record)
        self.forms[len(uri)] += 1

    def remove(self, uri: str) -> None:
        super().remove(uri)
        self.forms[len(uri)] -= 1
        if not self.forms[len(uri)]:
            del self.forms[len(uri)]

    def find(self, uri: str) -> Iterable[Any]:
        prefixes = [uri[:length] for length in self.forms if length <= len(uri)]
        return [self.records[prefix] for prefix in prefixes if prefix in self.records]


@dataclass(slots=True)
class Form:
    """Which components of a wildcard are empty; made by its first record, ended by its last."""

    rank: int  # forms are numbered as they come into use, and found in this order
    count: int = 0


class Branch:
    """Wildcards of one length that begin alike: what they share, and how they go on.

    Each branch has two ways or more and no record, or no way and one record: so many wildcards
    never make more than twice as many branches, however long they are.
    """

    __slots__ = ("end", "filled", "rank", "record", "shared", "start", "ways")

    def __init__(self, start: int, shared: tuple[str, ...], record: Any, rank: int) -> None:
        self.start = start  # of the shared components
        self.record = record
        self.rank = rank  # of the record's form
        self.ways: dict[str, Branch] = {}  # by the component behind the shared ones
        self.share(shared)

    def share(self, components: tuple[str, ...]) -> None:
        self.shared = components
        self.end = self.start + len(components)
        self.filled = sum(map(bool, components))  # how many are not empty

    def fork(self, at: int) -> None:
        """Share the components before `at` only; the rest becomes the one way on."""
        count = at - self.start
        rest = Branch(at + 1, self.shared[count + 1 :], self.record, self.rank)
        rest.ways = self.ways
        self.ways, self.record = {self.shared[count]: rest}, None
        self.share(self.shared[:count])

    def join(self) -> None:
        """Take the one way left into this branch."""
        ((component, rest),) = self.ways.items()
        self.record, self.rank, self.ways = rest.record, rest.rank, rest.ways
        self.share((*self.shared, component, *rest.shared))


class WildcardBook(PatternBook):
    """Finds the records of as many components as the topic, each equal to the topic's or empty.

    A tree for each number of components; a topic takes two ways at most from each branch.
    """

    match = "wildcard"

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[bytes, Form] = {}
        self.trees: dict[int, Branch] = {}  # by the number of components
        self._ranks = 0

    def add(self, uri: str, record: Any) -> None:
        super().add(uri, record)
        components = _split(uri)
        rank = self._rank(bytes(map(bool, components)))
        tree = self.trees.get(len(components))
        if tree is None:
            self.trees[len(components)] = Branch(0, components, record, rank)
        else:
            _graft(tree, components, record, rank)

    def _rank(self, key: bytes) -> int:
        form = self.forms.get(key)
        if form is None:
            self._ranks += 1
            form = self.forms[key] = Form(self._ranks)
        form.count += 1
        return form.rank

    def remove(self, uri: str) -> None:
        super().remove(uri)
        components = _split(uri)
        key = bytes(map(bool, components))
        self.forms[key].count -= 1
        if not self.forms[key].count:
            del self.forms[key]
        tree = self.trees[len(components)]
        if tree.ways:
            _prune(tree, components)
        else:
            del self.trees[len(components)]

    def find(self, uri: str) -> Iterable[Any]:
        """Return what matches a topic, none of whose components is empty."""
        components = _split(uri)
        tree = self.trees.get(len(components))
        return () if tree is None else _match(tree, components)


def _split(uri: str) -> tuple[str, ...]:
    """Return the components, the last of them first: topics of one application differ in it."""
    *rest, last = uri.split(".")
    return (last, *rest)


def _match(tree: Branch, components: tuple[str, ...]) -> list[Any]:
    """Return the records whose components are equal or empty."""
    found: list[tuple[int, Any]] = []
    branches = [tree]
    for branch in branches:  # which grow meanwhile
        start, end = branch.start, branch.end
        if branch.filled and sum(map(eq, branch.shared, components[start:end])) != branch.filled:
            continue
        if not branch.ways:
            found.append((branch.rank, branch.record))
            continue
        branches += [branch.ways[way] for way in (components[end], "") if way in branch.ways]
    found.sort(key=itemgetter(0))
    return [record for _, record in found]


def _graft(branch: Branch, components: tuple[str, ...], record: Any, rank: int) -> None:
    """Add a record to a tree that does not have these components yet."""
    while True:
        alike = takewhile(bool, map(eq, branch.shared, components[branch.start :]))
        at = branch.start + sum(alike)
        if at < branch.end:
            branch.fork(at)
        way = branch.ways.get(components[at])
        if way is None:
            branch.ways[components[at]] = Branch(at + 1, components[at + 1 :], record, rank)
            return
        branch = way


def _prune(branch: Branch, components: tuple[str, ...]) -> None:
    """Take a record out of a tree that has others too."""
    while (way := branch.ways[components[branch.end]]).ways:
        branch = way
    del branch.ways[components[branch.end]]
    if len(branch.ways) == 1:
        branch.join()
