from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.core.world import PUBLISH, SUBSCRIBE, Peer, World, take
from tests.waiting import until
from wamplite.advanced import (
    pattern_based_subscription,
    publisher_exclusion,
    publisher_identification,
    subscriber_blackwhite_listing,
)
from wamplite.advanced.event_retention import LIMITED, MAX_EVENT, ForRouter, Shelf
from wamplite.advanced.event_retention import Kept as Stored
from wamplite.core.errors import UsageError
from wamplite.core.feature import announced

RETAIN = {"retain": True}
OTHERS = (
    pattern_based_subscription,
    publisher_exclusion,
    publisher_identification,
    subscriber_blackwhite_listing,
)


class Kept:
    """A world that retains, and somebody who publishes."""

    def __init__(self, **more: Any) -> None:
        others = (other.ForRouter for other in OTHERS)
        self.world = World(partial(ForRouter, **more), *others)
        self.feature: Any = self.world.realm.features[0]
        self.publisher = self.world.join()

    def publish(self, topic: str, *args: Any, **options: Any) -> None:
        request = self.publisher.member.last_request + 1
        options = {**RETAIN, **options}
        self.world.send(self.publisher, [PUBLISH, request, options, topic, list(args)])

    def get(self, topic: str, peer: Peer | None = None, **options: Any) -> list[Any]:
        """Subscribe, and return topic (or None) and arguments of what was retained."""
        peer = peer or self.world.join()
        options = {"get_retained": True, **options}
        self.world.send(peer, [SUBSCRIBE, 7, options, topic])
        subscribed, *events = take(peer)
        assert subscribed[0] == "SUBSCRIBED"
        assert all(event[1] == subscribed[2] and event[3]["retained"] is True for event in events)
        return [(event[3].get("topic"), event[4]) for event in events]


def test_it_is_announced_by_the_broker() -> None:
    expected = {"features": {"event_retention": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": expected, "dealer": {}}


def test_the_last_event_is_given_to_whoever_asks_after_subscribed() -> None:
    kept = Kept()
    assert kept.get("com.app.t") == []
    kept.publish("com.app.t", 1)
    kept.publish("com.app.t", 2)
    assert kept.get("com.app.t") == [(None, [2])]
    assert kept.get("com.app.t", get_retained=False) == []
    assert kept.get("com.app.u") == []


def test_the_event_is_the_one_that_was_published() -> None:
    kept = Kept()
    early, late = kept.world.joined(2)
    kept.world.subscribe(early, "com.app.t")
    options = {**RETAIN, "disclose_me": True}
    kept.world.send(kept.publisher, [PUBLISH, 1, options, "com.app.t", [1], {"k": [None]}])
    (first,) = take(early)
    kept.world.send(late, [SUBSCRIBE, 7, {"get_retained": True}, "com.app.t"])
    (_, again) = take(late)
    assert again == [*first[:3], {**first[3], "retained": True}, *first[4:]]
    assert first[3]["publisher"] == kept.publisher.member.session


@pytest.mark.parametrize("retain", [{"retain": False}, {}])
def test_an_event_that_is_not_to_be_retained_is_not(retain: dict[str, Any]) -> None:
    kept = Kept()
    kept.publish("com.app.t", "kept")
    kept.world.send(kept.publisher, [PUBLISH, 5, retain, "com.app.t", ["passing"]])
    assert kept.get("com.app.t") == [(None, ["kept"])]


def test_an_event_without_arguments_clears_the_topic() -> None:
    kept = Kept()
    kept.publish("com.app.t", 1)
    kept.publish("com.app.t")
    assert kept.get("com.app.t") == [] and kept.feature.shelves[-1].bytes == 0
    kept.world.send(kept.publisher, [PUBLISH, 5, RETAIN, "com.app.t", [], {"k": 1}])
    assert kept.get("com.app.t") == [(None, [])]


@pytest.mark.parametrize(
    ("match", "uri"), [("prefix", "com.app"), ("wildcard", "com..t"), ("wildcard", ".app.")]
)
def test_a_pattern_gets_the_event_of_each_topic_with_its_name(match: str, uri: str) -> None:
    kept = Kept()
    for topic in ("com.app.t", "com.app.u", "org.x.t"):
        kept.publish(topic, topic)
    found = [topic for topic in ("com.app.t", "com.app.u") if uri != "com..t" or topic[-1] == "t"]
    assert kept.get(uri, match=match) == [(topic, [topic]) for topic in found]


def test_whoever_would_not_have_got_it_gets_the_one_before() -> None:
    kept = Kept()
    ann, bob = kept.world.joined(2)
    kept.publish("com.app.t", "all")
    kept.publish("com.app.t", "ann", eligible=[ann.member.session])
    kept.publish("com.app.t", "not bob", exclude_authid=["peer3"])
    assert kept.get("com.app.t", bob) == [(None, ["all"])]
    assert kept.get("com.app.t", ann) == [(None, ["not bob"])]
    kept.publish("com.app.t", "nobody", eligible=[])
    assert kept.get("com.app.t") == [(None, ["not bob"])]
    for number in range(LIMITED):
        kept.publish("com.app.t", number, eligible=[])
    assert kept.get("com.app.t") == []
    kept.publish("com.app.t", "all again")
    assert len(kept.feature.shelves[-1].topics["com.app.t"]) == 1


@pytest.mark.parametrize(("options", "gets"), [({}, False), ({"exclude_me": False}, True)])
def test_the_publisher_itself_gets_it_where_it_is_not_left_out(
    options: dict[str, Any], gets: bool
) -> None:
    kept = Kept()
    kept.publish("com.app.t", 1, **options)
    assert bool(kept.get("com.app.t", kept.publisher)) is gets


def test_whoever_subscribes_again_is_given_it_again() -> None:
    kept = Kept()
    ann = kept.world.join()
    kept.publish("com.app.t", 1)
    assert kept.get("com.app.t", ann) == kept.get("com.app.t", ann) == [(None, [1])]


def test_events_expire() -> None:
    kept = Kept(expiry=10)
    kept.publish("com.app.t", 1)
    kept.world.time.tick(10)
    assert kept.get("com.app.t") == [(None, [1])]
    kept.world.time.tick(0.1)
    assert kept.get("com.app.t") == []


def test_so_many_topics_are_kept_the_latest() -> None:
    kept = Kept(max_topics=2)
    for topic in ("a", "b", "a", "c"):
        kept.publish(topic, topic)
    assert [bool(kept.get(topic)) for topic in "abc"] == [True, False, True]
    assert kept.feature.shelves[-1].forgotten == 1
    assert kept.feature.counters() == {"retained_forgotten": 1}


def test_so_many_bytes_are_kept_the_latest() -> None:
    kept = Kept(max_bytes=10_000)
    for topic in "abcd":
        kept.publish(topic, topic * 4000)
    assert [bool(kept.get(topic)) for topic in "abcd"] == [False, False, True, True]
    assert 0 < kept.feature.shelves[-1].bytes <= 10_000


def test_an_event_that_is_too_large_is_not_kept_and_the_one_before_is_not_the_last() -> None:
    kept = Kept()
    kept.publish("com.app.t", 1)
    kept.publish("com.app.t", "x" * MAX_EVENT)
    assert kept.get("com.app.t") == [] and kept.feature.shelves[-1].bytes == 0


# ---- in a file


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "{realm}.db")


def test_events_outlive_the_router(file: str) -> None:
    kept = Kept(file=file)
    kept.publish("com.app.t", "old")
    kept.publish("com.app.t", b"\x00\xff", None, {"k": 1.5})
    kept.publish("com.app.u", "all")
    kept.publish("com.app.u", "some", eligible_authid=["peer2"])
    kept.publish("com.app.gone", 1)
    kept.publish("com.app.gone")
    kept.feature.close()
    again = Kept(file=file)
    try:
        assert again.get("com.app.t") == [(None, [b"\x00\xff", None, {"k": 1.5}])]
        assert again.get("com.app.gone") == []
        assert again.get("com.app.u") == [(None, ["all"])]
        assert again.feature.shelves[-1].bytes == kept.feature.shelves[-1].bytes
        again.publish("com.app.t", "new")
    finally:
        again.feature.close()
    last = Kept(file=file)
    last.feature.close()
    assert last.get("com.app.t") == [(None, ["new"])]


def test_a_publish_is_acknowledged_once_it_is_stored(file: str) -> None:
    kept = Kept(file=file)
    try:
        for request, args in ((1, [5]), (2, [])):
            options = {**RETAIN, "acknowledge": True}
            kept.world.send(kept.publisher, [PUBLISH, request, options, "com.app.t", args])
            assert take(kept.publisher) == []
            until(lambda: kept.world.time.timers, what="the event is stored")
            kept.world.time.tick()
            assert [answer[:2] for answer in take(kept.publisher)] == [["PUBLISHED", request]]
    finally:
        kept.feature.close()


def test_what_could_not_be_stored_is_counted(file: str) -> None:
    kept = Kept(file=file)
    assert kept.feature.counters() == {}
    kept.feature.close()
    kept.publish("com.app.t", 1)  # too late for the file
    assert kept.feature.counters() == {"retained_not_stored": 1}
    assert kept.get("com.app.t") == [(None, [1])]


def test_one_file_is_one_routers(file: str) -> None:
    from wamplite.core.errors import UsageError

    kept = Kept(file=file)
    try:
        with pytest.raises(UsageError, match="another router uses it"):
            Kept(file=file)
    finally:
        kept.feature.close()


def test_where_nobody_knows_whom_an_event_is_for_it_is_neither_published_nor_kept() -> None:
    world = World(ForRouter)
    publisher, late = world.joined(2)
    options = {**RETAIN, "eligible": [99]}
    world.send(publisher, [PUBLISH, 1, options, "com.app.t", [5]])
    world.send(late, [SUBSCRIBE, 7, {"get_retained": True}, "com.app.t"])
    assert [message[0] for message in take(late)] == ["SUBSCRIBED"]
    (feature,) = world.realm.features
    feature.close()  # type: ignore[attr-defined]  # without a file there is nothing to close


def test_a_file_keeps_its_numbers_also_when_it_is_opened_again(file: str) -> None:
    topics = "abcde"
    for some in ("ab", "cd", "e"):
        kept = Kept(file=file)
        for topic in some:
            kept.publish(topic, topic)
        kept.feature.close()
    again = Kept(file=file)
    again.feature.close()
    assert [again.get(topic) for topic in topics] == [[(None, [topic])] for topic in topics]


def test_what_clears_a_topic_of_a_file_leaves_the_others(file: str) -> None:
    kept = Kept(file=file)
    kept.publish("com.app.t", 1)
    kept.publish("com.app.u", acknowledge=True)
    kept.feature.close()
    again = Kept(file=file)
    again.feature.close()
    assert again.get("com.app.t") == [(None, [1])]


def add_too_large(store: Any) -> None:
    """Have an event stored whose number no file takes."""
    store.add(1 << 70, "com.app.t", 1, 0.0, 0, [None, None, {}, {}])


def test_a_file_that_fell_behind_is_written_anew(file: str) -> None:
    kept = Kept(file=file)
    kept.publish("com.app.t", "old")
    store = kept.feature.shelves[-1].store
    add_too_large(store)
    until(lambda: kept.world.time.timers, what="it is to be written anew")
    kept.publish("com.app.t", "new")
    kept.world.time.tick(20)
    until(lambda: not store.behind, what="it was written anew")
    kept.feature.close()
    again = Kept(file=file)
    assert again.get("com.app.t") == [(None, ["new"])]
    again.feature.close()


def test_some_topics_have_a_shelf_of_their_own(tmp_path: Path) -> None:
    file = str(tmp_path / "{realm}.db")
    shelves = [
        {"uri": "com.app.", "match": "prefix", "max_topics": 2},
        {"uri": "com.app.log", "match": "exact", "max_age": 60.0, "file": file},
    ]
    kept = Kept(shelves=shelves)
    for topic in ("com.app.a", "com.app.b", "com.app.c", "com.app.log", "com.else"):
        kept.publish(topic, topic)
    log, app, others = kept.feature.shelves
    assert [list(shelf.topics) for shelf in (log, app, others)] == [
        ["com.app.log"],
        ["com.app.b", "com.app.c"],
        ["com.else"],
    ]
    assert kept.feature.counters() == {"retained_forgotten": 1}
    assert kept.get("com.app.log") == [(None, ["com.app.log"])]
    kept.feature.close()
    again = Kept(shelves=shelves)
    assert [len(shelf.topics) for shelf in again.feature.shelves] == [1, 0, 0]
    again.feature.close()


# ---- other shelves


def change(kept: Kept, *shelves: dict[str, Any]) -> None:
    for gone in kept.feature.take(kept.feature.prepared(shelves)):
        gone.close()


def topics(kept: Kept) -> list[list[str]]:
    return [list(shelf.topics) for shelf in kept.feature.shelves]


def shelf(uri: str, match: str = "exact", **more: Any) -> dict[str, Any]:
    return {"uri": uri, "match": match, **more}


def test_shelves_may_change_and_what_is_retained_stays_so() -> None:
    kept = Kept()
    for topic in ("com.app.a", "com.app.b", "com.else", "com.app.c"):
        kept.publish(topic, topic)
        kept.world.time.tick(1)
    change(kept, shelf("com.app.", "prefix", max_topics=2))
    assert topics(kept) == [["com.app.b", "com.app.c"], ["com.else"]]
    change(kept, shelf("com.app.b"), shelf("com.", "prefix"))
    assert topics(kept) == [["com.app.b"], ["com.else", "com.app.c"], []]
    change(kept)
    assert topics(kept) == [["com.app.b", "com.else", "com.app.c"]]
    assert kept.get("com.app.b") == [(None, ["com.app.b"])]
    assert kept.feature.counters() == {"retained_forgotten": 1}
    assert kept.feature.shelves[0].bytes == sum(
        each.weight for events in kept.feature.shelves[0].topics.values() for each in events
    )


def test_events_that_only_some_may_get_move_with_those_behind_them() -> None:
    kept = Kept()
    kept.publish("com.app.t", "all")
    kept.publish("com.app.t", "some", eligible_authrole=["other"])
    change(kept, shelf("com.app.t"))
    assert kept.get("com.app.t") == [(None, ["all"])]


def test_a_file_goes_from_one_shelf_to_the_next(tmp_path: Path) -> None:
    one, other = str(tmp_path / "one.db"), str(tmp_path / "{realm}.db")
    kept = Kept(shelves=[shelf("com.app.t", file=one)])
    kept.publish("com.app.t", 1)
    kept.publish("com.app.u", 2)
    change(kept, shelf("com.app.", "prefix", file=one), shelf("com.else", file=other))
    kept.publish("com.else", 3)
    kept.publish("com.app.t", 4)
    assert topics(kept) == [["com.else"], ["com.app.u", "com.app.t"], []]
    kept.feature.close()
    again = Kept(shelves=[shelf("com.app.", "prefix", file=one)])
    assert topics(again) == [["com.app.u", "com.app.t"], []]
    change(again, shelf("com.app.t", file=other))
    assert topics(again) == [["com.app.t"], ["com.app.u", "com.else"]]
    again.publish("com.app.t", 5)
    change(again, shelf("com.app.", "prefix", file=one))  # there is an older one in that file
    assert again.get("com.app.t") == [(None, [5])]
    again.feature.close()


def test_what_a_file_has_of_topics_that_are_another_shelfs_is_not_the_last(file: str) -> None:
    kept = Kept(shelves=[shelf("com.", "prefix", file=file)])
    kept.publish("com.app.t", 1)
    kept.feature.close()
    again = Kept(shelves=[shelf("com.app.", "prefix", file=file), shelf("com.app.t")])
    again.publish("com.app.t", 2)
    assert again.get("com.app.", match="prefix") == [("com.app.t", [2])]
    again.feature.close()


def test_where_a_file_cannot_be_had_nothing_has_changed(tmp_path: Path) -> None:
    kept = Kept(shelves=[shelf("com.app.t")])
    kept.publish("com.app.t", 1)
    good, bad = str(tmp_path / "r.db"), str(tmp_path / "none" / "r.db")
    with pytest.raises(UsageError, match="there is no folder"):
        kept.feature.prepared([shelf("com.app.t", file=good), shelf("com.app.u", file=bad)])
    assert topics(kept) == [["com.app.t"], []]
    Kept(file=good).feature.close()  # it is nobody's


def test_what_could_not_be_stored_stays_counted(file: str) -> None:
    kept = Kept(shelves=[shelf("com.app.t", file=file)])
    store = kept.feature.shelves[0].store
    for _ in range(3):
        add_too_large(store)
    until(lambda: store.faults == 3, what="nothing of it is stored")
    change(kept)
    assert kept.feature.counters() == {"retained_not_stored": 3}


def test_of_two_shelves_that_had_a_topic_the_newer_event_is_kept() -> None:
    old, new = (Stored(n, {}, [n], {}, {}, 0, float(n), 10) for n in (1, 2))
    for here, comes in ((old, new), (new, old)):
        shelf = Shelf()
        shelf.adopt("a", (here,))
        shelf.adopt("a", (comes,))
        assert [kept.args for kept in shelf.topics["a"]] == [[2]]
        assert shelf.bytes == 10
