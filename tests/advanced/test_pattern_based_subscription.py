from __future__ import annotations

import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.world import PUBLISH, SUBSCRIBE, UNSUBSCRIBE, World, only, take
from wamplite.advanced import pattern_based_subscription
from wamplite.advanced.pattern_based_subscription import (
    Branch,
    ForClient,
    ForRouter,
    WildcardBook,
)
from wamplite.core.feature import announced


def matches(match: str, pattern: str, topic: str) -> bool:
    """Tell whether a subscription gets an event of the topic, once."""
    world = World(ForRouter())
    ann, bob = world.joined(2)
    subscription = world.subscribe(ann, pattern, match=match)
    world.send(bob, [PUBLISH, 1, {}, topic, [5]])
    events = take(ann)
    assert [event[:2] + event[3:] for event in events] in (
        [], [["EVENT", subscription, {"topic": topic}, [5]]]
    )  # fmt: skip
    return bool(events)


def test_it_is_announced_by_broker_and_subscriber() -> None:
    expected = {"features": {"pattern_based_subscription": True}}
    assert announced(["broker", "dealer"], [ForRouter()])["broker"] == expected
    assert announced(["subscriber"], [ForClient()]) == {"subscriber": expected}


def test_the_client_needs_nothing_installed() -> None:
    ForClient().install(object())


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("com.myapp.topic.emergency.11", True),
        ("com.myapp.topic.emergency-low", True),
        ("com.myapp.topic.emergency.category.severe", True),
        ("com.myapp.topic.emergency", True),
        ("com.myapp.topic.emerge", False),
        ("org.myapp.topic.emergency", False),
    ],
)
def test_a_prefix_matches_as_the_specification_shows(topic: str, expected: bool) -> None:
    assert matches("prefix", "com.myapp.topic.emergency", topic) is expected


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("com.myapp.foo.userevent", True),
        ("com.myapp.a12.userevent", True),
        ("com.myapp.foo.userevent.bar", False),
        ("com.myapp.foo.user", False),
        ("com.myapp2.foo.userevent", False),
        ("com.myapp.userevent", False),
    ],
)
def test_a_wildcard_matches_as_the_specification_shows(topic: str, expected: bool) -> None:
    assert matches("wildcard", "com.myapp..userevent", topic) is expected


@pytest.mark.parametrize(
    ("match", "pattern", "topic", "expected"),
    [
        ("prefix", "com.", "com.app", True),
        ("prefix", "com.app..", "com.app.x", False),
        ("wildcard", ".app", "com.app", True),
        ("wildcard", "com.", "com.app", True),
        ("wildcard", ".", "com.app", True),
        ("wildcard", "..", "com.app", False),
        ("wildcard", "com.app", "com.app", True),
        ("wildcard", "com.app", "com.apple", False),
    ],
)
def test_empty_components_match_whole_ones(
    match: str, pattern: str, topic: str, expected: bool
) -> None:
    assert matches(match, pattern, topic) is expected


def test_every_subscription_that_matches_gets_the_event_with_one_publication_id() -> None:
    world = World(ForRouter())
    ann, bob = world.joined(2)
    exact = world.subscribe(ann, "com.app.t")
    patterns = [
        world.subscribe(ann, "com.app", match="prefix"),
        world.subscribe(ann, "com.", match="prefix"),
        world.subscribe(ann, "com..t", match="wildcard"),
        world.subscribe(ann, ".app.", match="wildcard"),
    ]
    world.send(bob, [PUBLISH, 1, {}, "com.app.t"])
    events = take(ann)
    assert {event[1]: event[3] for event in events} == {
        exact: {}, **dict.fromkeys(patterns, {"topic": "com.app.t"})
    }  # fmt: skip
    assert len(events) == 5
    assert len({event[2] for event in events}) == 1


def test_the_same_uri_by_another_policy_is_another_subscription() -> None:
    world = World(ForRouter())
    ann = world.join()
    found = {world.subscribe(ann, "com.app", match=m) for m in ("exact", "prefix", "wildcard")}
    assert len(found) == 3


@pytest.mark.parametrize("match", ["prefix", "wildcard"])
@pytest.mark.parametrize("pattern", ["a b", "com.#", "a\n", "x" * 256])
def test_a_pattern_that_is_no_uri_is_refused(match: str, pattern: str) -> None:
    world = World(ForRouter())
    ann = world.join()
    world.send(ann, [SUBSCRIBE, 7, {"match": match}, pattern])
    assert only(ann)[4] == "wamp.error.invalid_uri"


def test_a_topic_published_to_may_not_have_empty_components() -> None:
    world = World(ForRouter())
    ann, bob = world.joined(2)
    world.subscribe(ann, "com..t", match="wildcard")
    world.send(bob, [PUBLISH, 7, {"acknowledge": True}, "com..t"])
    assert only(bob)[4] == "wamp.error.invalid_uri"
    assert take(ann) == []


@pytest.mark.parametrize("match", ["prefix", "wildcard"])
def test_patterns_of_one_form_come_and_go_alone(match: str) -> None:
    world = World(ForRouter())
    ann, bob = world.joined(2)
    first = world.subscribe(ann, "com.app", match=match)
    second = world.subscribe(ann, "com.abc", match=match)
    world.send(ann, [UNSUBSCRIBE, 8, first])
    world.send(bob, [PUBLISH, 1, {}, "com.app"], [PUBLISH, 2, {}, "com.abc"])
    assert [message[:2] for message in take(ann)] == [["UNSUBSCRIBED", 8], ["EVENT", second]]
    world.lose(ann)
    world.lose(bob)
    assert world.is_empty()


def test_a_prefix_longer_than_the_topic_does_not_double_the_event() -> None:
    world = World(ForRouter())
    ann, bob = world.joined(2)
    world.subscribe(ann, "com", match="prefix")
    world.subscribe(ann, "com.app", match="prefix")
    world.send(bob, [PUBLISH, 1, {}, "com"])
    assert [event[0] for event in take(ann)] == ["EVENT"]


# ---- the book of wildcards against its definition

COMPONENTS = st.sampled_from(["", "a", "b"])
WILDCARDS = st.lists(COMPONENTS, min_size=1, max_size=6).map(".".join)
TOPICS = st.lists(st.sampled_from("ab"), min_size=1, max_size=6).map(".".join)


class PlainBook:
    """What a book of wildcards finds, by looking at each: in the order their forms came into use.

    A form tells which components are empty; it is out of use with its last wildcard.
    """

    def __init__(self) -> None:
        self.wildcards: dict[str, list[bool]] = {}  # with their forms
        self.forms: list[list[bool]] = []

    def add(self, uri: str) -> None:
        form = [not component for component in uri.split(".")]
        self.wildcards[uri] = form
        if form not in self.forms:
            self.forms.append(form)

    def remove(self, uri: str) -> None:
        form = self.wildcards.pop(uri)
        if form not in self.wildcards.values():
            self.forms.remove(form)

    def find(self, topic: str) -> list[str]:
        theirs = topic.split(".")
        found = []
        for uri in self.wildcards:
            ours = uri.split(".")
            if len(ours) == len(theirs) and all(map(lambda x, y: x in ("", y), ours, theirs)):
                found.append(uri)
        return sorted(found, key=lambda uri: self.forms.index(self.wildcards[uri]))


def branches(branch: Branch) -> list[Branch]:
    return [branch, *(below for way in branch.ways.values() for below in branches(way))]


def toggle(book: WildcardBook, plain: PlainBook, uri: str) -> None:
    """Add a wildcard, or remove it where it is there."""
    if uri in plain.wildcards:
        book.remove(uri)
        plain.remove(uri)
    else:
        book.add(uri, uri)
        plain.add(uri)


@given(st.lists(WILDCARDS, max_size=60), st.lists(TOPICS, min_size=1, max_size=8))
def test_a_book_of_wildcards_finds_what_looking_at_each_would(
    uris: list[str], topics: list[str]
) -> None:
    book, plain = WildcardBook(), PlainBook()
    for uri in [*uris, *dict.fromkeys(uris)]:
        toggle(book, plain, uri)
        for topic in topics:
            assert list(book.find(topic)) == plain.find(topic)
        made = [one for tree in book.trees.values() for one in branches(tree)]
        assert len(made) <= 2 * len(book.records)
        assert all(len(one.ways) != 1 for one in made)
    for uri in list(plain.wildcards):
        toggle(book, plain, uri)
    assert (book.records, book.forms, book.trees) == ({}, {}, {})


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
    monkeypatch.setattr(pattern_based_subscription, "Branch", Counted)
    book = WildcardBook()
    for uri in shapes(4096, "com.app", "z"):
        book.add(uri, uri)
    Counted.looks = 0
    assert list(book.find(topic)) == []
    assert Counted.looks <= 1  # of 4096 shapes


def test_wildcards_of_many_shapes_are_all_found() -> None:
    book = WildcardBook()
    wildcards = shapes(4096, "com.app", "z")
    for uri in wildcards:
        book.add(uri, uri)
    assert list(book.find("com.app." + "c." * 12 + "z")) == wildcards


@pytest.mark.parametrize("wildcard", ["." * 254, "a" + ".b" * 127, ".a" * 127])
def test_a_long_wildcard_takes_no_more_than_its_components(wildcard: str) -> None:
    book = WildcardBook()
    tracemalloc.start()
    try:
        for number in range(100):
            uri = f"{number:03}{wildcard[3:]}"
            book.add(uri, None)
        taken = tracemalloc.get_traced_memory()[0] / 100
    finally:
        tracemalloc.stop()
    assert taken < 6000  # a dict for each component would be 30,000 and more
