"""Which records a URI finds: by exact match, prefix or wildcard (RFC "Pattern-based ...").

One object of these for each `match` policy of broker and dealer; "exact" is always there, the
others are installed by features. `find` returns the best first, as the dealer wants it: of
prefixes the longest, of wildcards the one whose leading components say most. Policies are asked in
the order exact, prefix, wildcard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile
from operator import eq, itemgetter
from typing import Any, Generic, TypeVar

from . import uris
from .errors import UsageError
from .feature import Refused, claim, lacking

Writer = Callable[[Any], dict[str, Any]]
Kept = TypeVar("Kept")
ORDER = ("exact", "prefix", "wildcard")


class ExactMatch(Generic[Kept]):
    """Records that are found by the URI they were made with."""

    policy = "exact"

    def __init__(self, *writers: Writer) -> None:
        self.writers = writers  # what INVOCATION or EVENT tells of a record that was found so
        self.records: dict[str, Kept] = {}

    def add(self, uri: str, record: Kept) -> None:
        """Write down a record; there is none under this URI yet."""
        self.records[uri] = record

    def remove(self, uri: str) -> None:
        """Strike a record out."""
        del self.records[uri]

    def is_valid(self, uri: str) -> bool:
        """Tell whether a record may be made with this URI."""
        return uris.is_valid(uri)

    def find(self, uri: str) -> Iterable[Kept]:
        """Return the records that a PUBLISH or CALL with `uri` finds, the best first."""
        record = self.records.get(uri)
        return () if record is None else (record,)


class PatternMatch(ExactMatch[Kept]):
    """Records of patterns, which may have empty components."""

    def is_valid(self, uri: str) -> bool:
        return uris.is_valid_pattern(uri)


class PrefixMatch(PatternMatch[Kept]):
    """Finds the records whose URI the given one starts with: looks once for each length in use."""

    policy = "prefix"

    def __init__(self, *writers: Writer) -> None:
        super().__init__(*writers)
        self._counts: Counter[int] = Counter()  # length -> how many records
        self._lengths: list[int] = []  # the longest first

    def add(self, uri: str, record: Kept) -> None:
        super().add(uri, record)
        self._counts[len(uri)] += 1
        self._lengths = sorted(self._counts, reverse=True)

    def remove(self, uri: str) -> None:
        super().remove(uri)
        self._counts[len(uri)] -= 1
        if not self._counts[len(uri)]:
            del self._counts[len(uri)]
            self._lengths.remove(len(uri))

    def find(self, uri: str) -> Iterable[Kept]:
        prefixes = [uri[:length] for length in self._lengths if length <= len(uri)]
        return [self.records[prefix] for prefix in prefixes if prefix in self.records]


class Branch:
    """Wildcards of one length that begin alike: what they share, and how they go on.

    Each branch has two ways or more and no record, or no way and one record: so many wildcards
    never make more than twice as many branches, however long they are.
    """

    __slots__ = ("end", "filled", "rank", "record", "shared", "start", "ways")

    def __init__(self, start: int, shared: tuple[str, ...], record: Any, rank: int) -> None:
        self.start = start  # of the shared components
        self.record = record
        self.rank = rank  # of the record
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


class WildcardMatch(PatternMatch[Kept]):
    """Finds the records of as many components as the URI, each equal to the URI's or empty.

    A tree for each number of components; a URI takes two ways at most from each branch.
    """

    policy = "wildcard"

    def __init__(self, *writers: Writer) -> None:
        super().__init__(*writers)
        self.trees: dict[int, Branch] = {}  # by the number of components

    def add(self, uri: str, record: Kept) -> None:
        super().add(uri, record)
        components = _split(uri)
        tree = self.trees.get(len(components))
        if tree is None:
            self.trees[len(components)] = Branch(0, components, record, _rank(uri))
        else:
            _graft(tree, components, record, _rank(uri))

    def remove(self, uri: str) -> None:
        super().remove(uri)
        components = _split(uri)
        tree = self.trees[len(components)]
        if tree.ways:
            _prune(tree, components)
        else:
            del self.trees[len(components)]

    def find(self, uri: str) -> Iterable[Kept]:
        components = _split(uri)
        tree = self.trees.get(len(components))
        return () if tree is None else _match(tree, components)


class Matches(dict[str, ExactMatch[Kept]]):
    """The match policies that are installed, in the order in which they are asked."""

    def __init__(self) -> None:
        super().__init__(exact=ExactMatch())

    def install(self, match: ExactMatch[Kept]) -> None:
        """Add a policy; raises UsageError where it is there already."""
        claim(self, match.policy, match)
        ordered = sorted(self.items(), key=lambda item: _place(item[0]))
        self.clear()
        self.update(ordered)


def find_match(matches: Matches[Any], policy: str, features: Mapping[str, str]) -> ExactMatch[Any]:
    """Return what matches by a policy, or refuse one that is unknown or not installed.

    features: the policies that belong to one, each with its name.
    """
    match = matches.get(policy)
    if match is not None:
        return match
    if policy in features:
        text = f"this router does not match by {policy!r}: {lacking(features[policy])}"
        raise Refused(uris.FEATURE_NOT_SUPPORTED, text)
    raise Refused(uris.INVALID_ARGUMENT, f"match must be exact, prefix or wildcard, not {policy!r}")


def of_text(text: str) -> tuple[str, str]:
    """Return policy and URI of `TOPIC`, `prefix:TOPIC` or `wildcard:TOPIC`; UsageError else.

    `exact:TOPIC` is for a topic that has a colon.
    """
    policy, colon, uri = text.partition(":")
    policy, uri = (policy, uri) if colon else ("exact", text)
    if policy not in ORDER or not uris.is_valid_for(policy, uri):
        raise UsageError(f"{text!r} is no topic, prefix:TOPIC or wildcard:TOPIC")
    return policy, uri


def matches(policy: str, uri: str, subject: str) -> bool:
    """Tell whether one URI or pattern finds a subject: for whoever has few to look at."""
    if policy == "prefix":
        return subject.startswith(uri)
    if policy == "wildcard":
        ours, theirs = uri.split("."), subject.split(".")
        return len(ours) == len(theirs) and all(map(lambda x, y: x in ("", y), ours, theirs))
    return uri == subject


def overlap(policy: str, uri: str, other_policy: str, other: str) -> bool:
    """Tell whether there is a URI that both of two URIs or patterns find."""
    if policy == other_policy == "prefix":
        return uri.startswith(other) or other.startswith(uri)
    if "prefix" not in (policy, other_policy):
        ours, theirs = uri.split("."), other.split(".")
        return len(ours) == len(theirs) and all(
            map(lambda x, y: x == y or not (x and y), ours, theirs)
        )
    prefix, subject = (uri, other) if policy == "prefix" else (other, uri)
    *whole, begun = prefix.split(".")
    components = subject.split(".")
    return (
        len(components) > len(whole)
        and all(map(lambda x, y: x and y in ("", x), whole, components))
        and (not components[len(whole)] or components[len(whole)].startswith(begun))
    )


def covers(policy: str, uri: str, other_policy: str, other: str) -> bool:
    """Tell whether one URI or pattern finds all URIs that another finds."""
    if other_policy == "exact" or (other_policy == "wildcard" and all(other.split("."))):
        return matches(policy, uri, other)
    if policy == "prefix":
        if other_policy == "wildcard":
            other = "".join(f"{component}." for component in takewhile(bool, other.split(".")))
        return other.startswith(uri)
    return policy == other_policy == "wildcard" and matches(policy, uri, other)


def _place(policy: str) -> int:
    return ORDER.index(policy) if policy in ORDER else len(ORDER)


def _split(uri: str) -> tuple[str, ...]:
    """Return the components, the last of them first: URIs of one application differ in it."""
    *rest, last = uri.split(".")
    return (last, *rest)


def _rank(uri: str) -> int:
    """Rank wildcards of as many components: the earlier components say something, the higher."""
    return int("".join("01"[bool(component)] for component in uri.split(".")), 2)


def _match(tree: Branch, components: tuple[str, ...]) -> list[Any]:
    """Return the records whose components are equal or empty, the highest rank first."""
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
    found.sort(key=itemgetter(0), reverse=True)
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
