from __future__ import annotations

import pytest

from tests.core.world import PUBLISH, SUBSCRIBE, UNSUBSCRIBE, World, only, take
from wamplite.advanced.pattern_based_subscription import ForClient, ForRouter
from wamplite.core.feature import announced


def matches(match: str, pattern: str, topic: str) -> bool:
    """Tell whether a subscription gets an event of the topic, once."""
    world = World(ForRouter)
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
    world = World(ForRouter)
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
    world = World(ForRouter)
    ann = world.join()
    found = {world.subscribe(ann, "com.app", match=m) for m in ("exact", "prefix", "wildcard")}
    assert len(found) == 3


@pytest.mark.parametrize("match", ["prefix", "wildcard"])
@pytest.mark.parametrize("pattern", ["a b", "com.#", "a\n", "x" * 256])
def test_a_pattern_that_is_no_uri_is_refused(match: str, pattern: str) -> None:
    world = World(ForRouter)
    ann = world.join()
    world.send(ann, [SUBSCRIBE, 7, {"match": match}, pattern])
    assert only(ann)[4] == "wamp.error.invalid_uri"


def test_a_topic_published_to_may_not_have_empty_components() -> None:
    world = World(ForRouter)
    ann, bob = world.joined(2)
    world.subscribe(ann, "com..t", match="wildcard")
    world.send(bob, [PUBLISH, 7, {"acknowledge": True}, "com..t"])
    assert only(bob)[4] == "wamp.error.invalid_uri"
    assert take(ann) == []


@pytest.mark.parametrize("match", ["prefix", "wildcard"])
def test_patterns_of_one_form_come_and_go_alone(match: str) -> None:
    world = World(ForRouter)
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
    world = World(ForRouter)
    ann, bob = world.joined(2)
    world.subscribe(ann, "com", match="prefix")
    world.subscribe(ann, "com.app", match="prefix")
    world.send(bob, [PUBLISH, 1, {}, "com"])
    assert [event[0] for event in take(ann)] == ["EVENT"]
