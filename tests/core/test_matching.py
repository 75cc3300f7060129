from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wamplite.core import matching
from wamplite.core.errors import UsageError
from wamplite.core.feature import Refused
from wamplite.core.matching import (
    Branch,
    ExactMatch,
    Matches,
    PrefixMatch,
    WildcardMatch,
    find_match,
)
from wamplite.core.messages import Register
from wamplite.core.options import MATCH


def test_a_record_is_found_by_its_uri_only() -> None:
    match = ExactMatch[str]()
    match.add("com.app.a", "record")
    assert list(match.find("com.app.a")) == ["record"]
    assert list(match.find("com.app")) == []
    assert list(match.find("com.app.a.b")) == []


def test_a_record_that_is_struck_out_is_not_found() -> None:
    match = ExactMatch[str]()
    match.add("com.app.a", "record")
    match.remove("com.app.a")
    assert list(match.find("com.app.a")) == []
    assert match.records == {}


@pytest.mark.parametrize(
    ("uri", "valid"),
    [("a", True), ("com.App-1.ü", True), ("", False), ("a..b", False), ("a\n", False)],
)
def test_an_exact_record_is_made_with_a_loose_uri(uri: str, valid: bool) -> None:
    assert ExactMatch[str]().is_valid(uri) is valid


def test_of_prefixes_the_longest_is_found_first() -> None:
    match = PrefixMatch[str]()
    for uri in ("com", "", "com.app.obj", "com.app"):
        match.add(uri, uri)
    assert list(match.find("com.app.object1")) == ["com.app.obj", "com.app", "com", ""]
    match.remove("com.app")
    match.remove("com.app.obj")
    assert list(match.find("com.app.object1")) == ["com", ""]
    assert list(match.find("org")) == [""]
    assert list(match.find("com")) == ["com", ""]  # a prefix of itself


def test_several_prefixes_of_one_length_come_and_go() -> None:
    match = PrefixMatch[str]()
    for uri in ("com", "org"):
        match.add(uri, uri)
    match.remove("com")
    assert list(match.find("com.app")) == []
    assert list(match.find("org.app")) == ["org"]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("a1.b2.c33.d4.e5", "a1.b2.c33..e5"),
        ("a1.b2.c88.d4.e5", "a1.b2..d4.e5"),
        ("a1.b2.c3.d4.e5.f6.g7", "a1.b2..d4.e5..g7"),
    ],
)
def test_of_wildcards_the_one_whose_leading_components_say_most_is_first(
    uri: str, expected: str
) -> None:
    match = WildcardMatch[str]()
    for wildcard in ("a1.b2..d4.e5", "a1.b2.c33..e5", "a1.b2..d4..f6.g7", "a1.b2..d4.e5..g7"):
        match.add(wildcard, wildcard)
    assert next(iter(match.find(uri))) == expected


@pytest.mark.parametrize(
    ("uri", "valid"), [("a..b", True), ("", True), (".", True), ("a.#", False), ("a b", False)]
)
def test_a_pattern_may_have_empty_components(uri: str, valid: bool) -> None:
    assert PrefixMatch[str]().is_valid(uri) is valid
    assert WildcardMatch[str]().is_valid(uri) is valid


def test_policies_are_asked_in_the_order_of_the_specification() -> None:
    class Mine(ExactMatch[str]):
        policy = "_mine"

    matches = Matches[str]()
    for match in (Mine(), WildcardMatch[str](), PrefixMatch[str]()):
        matches.install(match)
    assert list(matches) == ["exact", "prefix", "wildcard", "_mine"]
    with pytest.raises(UsageError, match="'prefix' is taken already"):
        matches.install(PrefixMatch())


@pytest.mark.parametrize(
    ("policy", "error"),
    [
        ("prefix", "wamp.error.feature_not_supported"),
        ("wildcard", "wamp.error.feature_not_supported"),
        ("_mine", "wamp.error.invalid_argument"),
    ],
)
def test_a_policy_that_is_not_installed_is_refused(policy: str, error: str) -> None:
    matches = Matches[str]()
    assert find_match(matches, "exact", MATCH[Register]) is matches["exact"]
    with pytest.raises(Refused) as refused:
        find_match(matches, policy, MATCH[Register])
    assert refused.value.error == error


# ---- wildcards against their definition

COMPONENTS = st.sampled_from(["", "a", "b"])
WILDCARDS = st.lists(COMPONENTS, min_size=1, max_size=6).map(".".join)
TOPICS = st.lists(st.sampled_from("ab"), min_size=1, max_size=6).map(".".join)


class PlainMatch:
    """What wildcards find, by looking at each: the one whose leading components say most first."""

    def __init__(self) -> None:
        self.wildcards: set[str] = set()

    def find(self, topic: str) -> list[str]:
        theirs = topic.split(".")
        found = []
        for uri in self.wildcards:
            ours = uri.split(".")
            if len(ours) == len(theirs) and all(map(lambda x, y: x in ("", y), ours, theirs)):
                found.append(uri)
        return sorted(found, key=lambda uri: [not part for part in uri.split(".")])


def branches(branch: Branch) -> list[Branch]:
    return [branch, *(below for way in branch.ways.values() for below in branches(way))]


def toggle(match: WildcardMatch[str], plain: PlainMatch, uri: str) -> None:
    """Add a wildcard, or remove it where it is there."""
    if uri in plain.wildcards:
        match.remove(uri)
        plain.wildcards.remove(uri)
    else:
        match.add(uri, uri)
        plain.wildcards.add(uri)


@given(st.lists(WILDCARDS, max_size=60), st.lists(TOPICS, min_size=1, max_size=8))
def test_wildcards_find_what_looking_at_each_would(uris: list[str], topics: list[str]) -> None:
    match, plain = WildcardMatch[str](), PlainMatch()
    for uri in [*uris, *dict.fromkeys(uris)]:
        toggle(match, plain, uri)
        for topic in topics:
            assert list(match.find(topic)) == plain.find(topic)
        made = [one for tree in match.trees.values() for one in branches(tree)]
        assert len(made) <= 2 * len(match.records)
        assert all(len(one.ways) != 1 for one in made)
    for uri in list(plain.wildcards):
        toggle(match, plain, uri)
    assert (match.records, match.trees) == ({}, {})


def shapes(number: int, first: str, last: str) -> list[str]:
    """Return wildcards that differ in which of their middle components are empty."""
    bits = max(1, (number - 1).bit_length())
    middles = itertools.islice(itertools.product(("", "c"), repeat=bits), number)
    return [".".join((first, *middle, last)) for middle in middles]


class Counted(Branch):
    """A branch that counts how often a topic looks into one; `find` asks for `end` once each."""

    looks = 0

    @property
    def end(self) -> int:
        Counted.looks += 1
        return self._end

    @end.setter
    def end(self, value: int) -> None:
        self._end = value


@pytest.mark.parametrize("topic", ["com." + "c." * 12 + "y", "b." * 12 + "c.z", "a.b", "com.c.z"])
def test_wildcards_of_many_shapes_do_not_slow_the_topics_they_do_not_match(
    topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "Branch", Counted)
    match = WildcardMatch[str]()
    for uri in shapes(4096, "com.app", "z"):
        match.add(uri, uri)
    Counted.looks = 0
    assert list(match.find(topic)) == []
    assert Counted.looks <= 1  # of 4096 shapes


def test_wildcards_of_many_shapes_are_all_found() -> None:
    match = WildcardMatch[str]()
    wildcards = shapes(4096, "com.app", "z")
    for uri in wildcards:
        match.add(uri, uri)
    assert list(match.find("com.app." + "c." * 12 + "z")) == wildcards[::-1]


@pytest.mark.parametrize("wildcard", ["." * 254, "a" + ".b" * 127, ".a" * 127])
def test_a_long_wildcard_takes_no_more_than_its_components(wildcard: str) -> None:
    match = WildcardMatch[str]()
    tracemalloc.start()
    try:
        for number in range(100):
            uri = f"{number:03}{wildcard[3:]}"
            match.add(uri, None)
        taken = tracemalloc.get_traced_memory()[0] / 100
    finally:
        tracemalloc.stop()
    assert taken < 6000  # a dict for each component would be 30,000 and more


@pytest.mark.parametrize(
    ("policy", "uri", "subject", "found"),
    [
        ("exact", "com.app", "com.app", True),
        ("exact", "com.app", "com.app.a", False),
        ("prefix", "com.app", "com.app", True),
        ("prefix", "com.app", "com.apple.a", True),
        ("prefix", "com.app", "com.ap", False),
        ("wildcard", "com..a", "com.app.a", True),
        ("wildcard", "com..a", "com.app.b", False),
        ("wildcard", "com..a", "com.app.a.b", False),
        ("wildcard", "com..", "com.app.a", True),
    ],
)
def test_one_uri_can_be_tried_by_itself(policy: str, uri: str, subject: str, found: bool) -> None:
    assert matching.matches(policy, uri, subject) is found


COMPONENTS = ("a", "b", "ab")
URIS = [".".join(each) for n in (1, 2, 3, 4) for each in itertools.product(COMPONENTS, repeat=n)]


def patterns() -> Iterator[tuple[str, str]]:
    for count in (1, 2, 3):
        for components in itertools.product(("", "a", "ab"), repeat=count):
            uri = ".".join(components)
            if all(components):
                yield "exact", uri
            yield "prefix", uri
            yield "wildcard", uri


PATTERNS = list(patterns())
FOUND = {each: {uri for uri in URIS if matching.matches(*each, uri)} for each in PATTERNS}


def test_patterns_overlap_where_there_is_a_uri_that_both_find() -> None:
    for one, other in itertools.product(PATTERNS, repeat=2):
        if FOUND[one] and FOUND[other]:  # no URI has an empty component in front of others
            found = matching.overlap(*one, *other)
            assert found is bool(FOUND[one] & FOUND[other]), (one, other)


def test_a_pattern_covers_another_where_it_finds_all_of_its_uris() -> None:
    for one, other in itertools.product(PATTERNS, repeat=2):
        if FOUND[other]:  # else there is nothing to cover: no URI has an empty component
            found = matching.covers(*one, *other)
            assert found is (FOUND[other] <= FOUND[one]), (one, other)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("com.app", ("exact", "com.app")),
        ("prefix:com.app.", ("prefix", "com.app.")),
        ("prefix:", ("prefix", "")),
        ("wildcard:com..x", ("wildcard", "com..x")),
        ("exact:a:b", ("exact", "a:b")),
    ],
)
def test_topics_and_patterns_are_written_as_text(text: str, meant: tuple[str, str]) -> None:
    assert matching.of_text(text) == meant


@pytest.mark.parametrize("text", ["", "a..b", "exact:a..b", "prefx:com", "a:b", "prefix:a b"])
def test_a_text_that_is_neither_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no topic, prefix:TOPIC or wildcard:TOPIC"):
        matching.of_text(text)
