from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.core.world import CALL, PUBLISH, Peer, World, take
from tests.waiting import until
from wamplite.advanced import (
    event_history,
    pattern_based_subscription,
    subscriber_blackwhite_listing,
)
from wamplite.advanced.event_history import (
    MAX_EVENT,
    MOST_TOLD,
    MOST_TOLD_BYTES,
    ForRouter,
)
from wamplite.core.errors import UsageError
from wamplite.core.feature import announced

GET = "wamp.subscription.get_events"


class Past:
    """A world that keeps events, somebody who publishes and somebody who subscribed."""

    def __init__(self, topics: Any = ("prefix:",), **more: Any) -> None:
        others = pattern_based_subscription, subscriber_blackwhite_listing
        history = partial(ForRouter, topics, **more)
        self.world = World(history, *(other.ForRouter for other in others))
        self.world.time.seconds = 1_700_000_000.0
        self.feature: Any = self.world.realm.features[0]
        self.publisher, self.reader = self.world.joined(2)
        self.id = self.world.subscribe(self.reader, "com.app.t")

    def publish(self, *args: Any, topic: str = "com.app.t", **options: Any) -> None:
        self.world.time.tick(1)
        self.world.send(self.publisher, [PUBLISH, 1, options, topic, list(args)])

    def get(self, peer: Peer | None = None, number: int | None = None, **kwargs: Any) -> Any:
        """Return the events of a subscription, or the error."""
        peer = peer or self.reader
        take(peer)
        self.world.send(peer, [CALL, 1, {}, GET, [number or self.id], kwargs])
        answer = take(peer)[-1]
        return (answer[3:] or [[]])[0] if answer[0] == "RESULT" else answer[4]

    def values(self, *args: Any, **kwargs: Any) -> list[Any]:
        return [event["args"][0] for event in self.get(*args, **kwargs)]


def six() -> tuple[Past, list[Any]]:
    """Return a topic with the events 0 to 5, and these."""
    past = Past()
    for number in range(6):
        past.publish(number)
    return past, past.get()


def test_it_is_announced_by_the_broker() -> None:
    expected = {"features": {"event_history": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": expected, "dealer": {}}


def test_events_are_told_whole_and_in_order() -> None:
    past = Past()
    past.publish("first")
    past.world.send(past.publisher, [PUBLISH, 1, {}, "com.app.t", [], {"k": [None]}])
    events = take(past.reader)
    assert past.get() == [
        {
            "timestamp": "2023-11-14T22:13:21.000Z",
            "subscription": past.id,
            "publication": events[0][2],
            "details": {},
            "args": ["first"],
        },
        {
            "timestamp": "2023-11-14T22:13:21.000Z",
            "subscription": past.id,
            "publication": events[1][2],
            "details": {},
            "kwargs": {"k": [None]},
        },
    ]


def test_the_history_of_a_pattern_is_that_of_its_topics() -> None:
    past = Past()
    for value, topic in ((1, "com.app.t"), (2, "com.x.t"), (3, "com.app.u"), (4, "com.app.t")):
        past.publish(value, topic=topic)
    take(past.reader)
    prefix = past.world.subscribe(past.reader, "com.app", match="prefix")
    wildcard = past.world.subscribe(past.reader, "com..t", match="wildcard")
    assert past.values() == [1, 4]
    assert past.values(number=prefix) == [1, 3, 4]
    assert past.values(number=wildcard) == [1, 2, 4]
    assert past.values(number=prefix, topic="com.app.u") == [3]
    details = [event["details"] for event in past.get(number=wildcard)]
    assert details == [{"topic": topic} for topic in ("com.app.t", "com.x.t", "com.app.t")]


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"limit": 2}, [0, 1]),
        ({"reverse": True}, [5, 4, 3, 2, 1, 0]),
        ({"reverse": True, "limit": 2}, [5, 4]),
        ({"from_publication": 3}, [3, 4, 5]),
        ({"after_publication": 3}, [4, 5]),
        ({"before_publication": 2}, [0, 1]),
        ({"until_publication": 2}, [0, 1, 2]),
        ({"after_publication": 0, "before_publication": 4, "limit": 2}, [1, 2]),
        ({"before_publication": 4, "reverse": True, "limit": 2}, [3, 2]),
        ({"from_time": 2}, [2, 3, 4, 5]),
        ({"after_time": 2}, [3, 4, 5]),
        ({"before_time": 2}, [0, 1]),
        ({"until_time": 2}, [0, 1, 2]),
        ({"from_time": 1, "until_publication": 3}, [1, 2, 3]),
    ],
)
def test_all_conditions_must_hold(kwargs: dict[str, Any], expected: list[int]) -> None:
    past, events = six()
    for key, at in kwargs.items():
        if key.endswith("_publication"):
            kwargs = {**kwargs, key: events[at]["publication"]}
        elif key.endswith("_time"):
            kwargs = {**kwargs, key: events[at]["timestamp"]}
    assert past.values(**kwargs) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [("from", 6), ("after", 6), ("before", 0), ("until", 0)],
)
def test_a_publication_that_there_is_not_comes_before_all(key: str, expected: int) -> None:
    past, events = six()
    unknown = next(n for n in range(1, 99) if n not in [event["publication"] for event in events])
    assert len(past.values(**{f"{key}_publication": unknown})) == expected


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the local time be another than UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
def test_times_may_have_any_offset() -> None:
    past, _ = six()
    assert past.values(from_time="2023-11-14T23:13:25+01:00") == [4, 5]
    assert past.values(from_time="2023-11-14T22:13:25z") == [4, 5]
    assert past.values(from_time="2001-01-01T00:00:00.000Z") == [0, 1, 2, 3, 4, 5]
    assert past.values(from_time="2023-11-14T22:13:24.5Z") == [4, 5]
    assert past.values(from_time="2023-11-14T22:13:24.001000001Z") == [4, 5]
    assert past.values(from_time="2023-11-14T22:13:25") == [4, 5]  # UTC where it does not say


@pytest.mark.parametrize(
    "kwargs",
    [
        {"limit": 0},
        {"limit": "a"},
        {"from_time": "yesterday"},
        {"from_time": 5},
        {"reverse": 1},
        {"topic": 1},
        {"from_publication": "a"},
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(kwargs: dict[str, Any]) -> None:
    past, _ = six()
    assert past.get(**kwargs) == "wamp.error.invalid_argument"


def test_a_time_that_is_none_is_told_as_it_was_given() -> None:
    past, asked = Past(), {"from_time": "2023-11-14T25:00:00.5Z"}
    past.world.send(past.reader, [CALL, 1, {}, GET, [past.id], asked])
    [message] = take(past.reader)[-1][5]
    assert message == "from_time must be a time as RFC 3339 has it, not '2023-11-14T25:00:00.5Z'"


def test_a_subscription_that_there_is_not_has_no_history() -> None:
    past, _ = six()
    assert past.get(number=99) == "wamp.error.no_such_subscription"


@pytest.mark.parametrize("options", [{"exclude": []}, {"eligible": [2]}, {"exclude": [99]}])
def test_an_event_for_named_sessions_is_not_kept(options: dict[str, Any]) -> None:
    past = Past()
    past.publish(1, **options)
    assert past.get() == []


def test_an_event_for_named_users_is_told_to_them_only() -> None:
    past = Past()
    past.publish("all")
    past.publish("peer2", eligible_authid=["peer2"])
    past.publish("not peer2", exclude_authid=["peer2"])
    assert past.values() == ["all", "peer2"]
    assert past.values(past.world.join()) == ["all", "not peer2"]


def test_only_the_topics_that_are_named_are_kept_and_never_the_routers() -> None:
    past = Past(["com.app.t", "prefix:com.app.log", "wildcard:com..x"])
    for topic in ("com.app.t", "com.app.t.u", "com.app.log.a", "com.b.x", "com.b.y"):
        past.publish(topic, topic=topic)
    past.world.realm.broker.announce("wamp.session.on_join", 1)
    assert list(past.feature.chronicles[-1].topics) == ["com.app.t", "com.app.log.a", "com.b.x"]


def test_so_many_events_of_a_topic_are_kept() -> None:
    past = Past(most=3)
    for number in range(500):
        past.publish(number)
    assert past.values() == [497, 498, 499]
    assert past.feature.chronicles[-1].number == 3 and len(past.feature.chronicles[-1].order) < 200


def test_so_many_bytes_are_kept_of_all_topics() -> None:
    past = Past(max_bytes=10_000)
    for number, topic in enumerate(["com.app.t", "com.app.u", "com.app.t", "com.app.u"]):
        past.publish(number, "x" * 4000, topic=topic)
    assert past.values() == [2] and past.feature.chronicles[-1].bytes <= 10_000
    past.publish("x" * MAX_EVENT)
    assert past.values() == [2]


def test_bytes_are_kept_up_to_the_bound() -> None:
    past = Past()
    past.publish(0)
    both = 2 * past.feature.chronicles[-1].bytes
    for most, values in ((both, [1, 2]), (both - 1, [2])):
        bounded = Past(max_bytes=most)
        bounded.publish(1)
        bounded.publish(2)
        assert bounded.values() == values


def test_so_many_are_told_at_a_time_and_that_there_are_more() -> None:
    past = Past(most=2 * MOST_TOLD)
    for number in range(MOST_TOLD + 1):
        past.publish(number)
    take(past.reader)
    past.world.send(past.reader, [CALL, 1, {}, GET, [past.id], {"limit": 2 * MOST_TOLD}])
    (answer,) = take(past.reader)
    assert len(answer[3]) == MOST_TOLD and answer[4] == {"is_limit_reached": True}


def test_an_answer_carries_so_many_bytes_but_at_least_one_event() -> None:
    past = Past()
    size = MOST_TOLD_BYTES // 5
    for number in range(6):
        past.publish(number, "x" * size)
    take(past.reader)
    past.world.send(past.reader, [CALL, 1, {}, GET, [past.id]])
    (answer,) = take(past.reader)
    assert [event["args"][0] for event in answer[3]] == [0, 1, 2, 3]
    assert answer[4] == {"is_limit_reached": True}
    behind = {"after_publication": answer[3][-1]["publication"]}
    past.world.send(past.reader, [CALL, 2, {}, GET, [past.id], behind])
    (answer,) = take(past.reader)
    assert [event["args"][0] for event in answer[3]] == [4, 5] and len(answer) == 4


def test_an_event_that_is_larger_than_an_answer_is_told_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_history, "MOST_TOLD_BYTES", 10)
    past = Past()
    past.publish("x" * 100)
    past.publish("y")
    assert past.values() == ["x" * 100]


# ---- in a file


def test_events_outlive_the_router(tmp_path: Path) -> None:
    file = str(tmp_path / "{realm}.db")
    past = Past(file=file, most=3)
    for number in range(5):
        past.publish(number, b"\x00")
    past.publish("for one", eligible_authid=["peer1"])
    before = past.get()
    past.feature.close()
    again = Past(file=file, most=3)
    again.feature.close()
    assert again.get() == before
    assert again.values(again.publisher) == [3, 4, "for one"]
    assert again.feature.chronicles[-1].bytes == past.feature.chronicles[-1].bytes


def test_a_publish_is_acknowledged_once_it_is_stored(tmp_path: Path) -> None:
    past = Past(file=str(tmp_path / "h.db"))
    try:
        past.publish(1, acknowledge=True)
        assert take(past.publisher) == []
        until(lambda: past.world.time.timers, what="the event is stored")
        past.world.time.tick()
        assert [answer[0] for answer in take(past.publisher)] == ["PUBLISHED"]
        past.publish("x" * MAX_EVENT, acknowledge=True)  # too large: there is nothing to wait for
        assert [answer[0] for answer in take(past.publisher)] == ["PUBLISHED"]
        past.publish(1, acknowledge=True, exclude=[99])
        assert [answer[0] for answer in take(past.publisher)] == ["PUBLISHED"]
        past.publish("x" * MAX_EVENT)  # nobody asked for an answer
        assert take(past.publisher) == []
    finally:
        past.feature.close()


def test_what_a_topic_forgot_takes_no_room_of_the_others() -> None:
    past = Past(most=1, max_bytes=10_000)
    for number, topic in enumerate(("com.app.t", "com.app.t", "com.app.u", "com.app.v")):
        past.publish(number, "x" * 4000, topic=topic)
    assert past.values() == [] and list(past.feature.chronicles[-1].topics) == [
        "com.app.u",
        "com.app.v",
    ]
    assert (
        past.feature.chronicles[-1].number == 2
        and 8000 < past.feature.chronicles[-1].bytes <= 10_000
    )
    past.feature.close()  # without a file there is nothing to close


def test_where_nobody_knows_whom_an_event_is_for_it_is_neither_published_nor_kept() -> None:
    world = World(partial(ForRouter, ["com.app.t"]))
    publisher, reader = world.joined(2)
    number = world.subscribe(reader, "com.app.t")
    world.send(publisher, [PUBLISH, 1, {"eligible_authid": ["peer9"]}, "com.app.t", [5]])
    world.send(reader, [CALL, 1, {}, GET, [number]])
    assert take(reader) == [["RESULT", 1, {}]]


def test_a_file_keeps_its_numbers_also_when_it_is_opened_again(tmp_path: Path) -> None:
    file = str(tmp_path / "h.db")
    for values in ((1, 2), (3, 4), (5,)):
        past = Past(file=file)
        for value in values:
            past.publish(value)
        past.feature.close()
    assert past.values() == [1, 2, 3, 4, 5]


def test_where_no_topic_is_named_nothing_is_kept_and_nobody_pays_for_it() -> None:
    past = Past(())
    past.publish(1)
    assert past.get() == [] and not past.world.realm.broker.published


def test_what_could_not_be_stored_is_counted(tmp_path: Path) -> None:
    past = Past(file=str(tmp_path / "{realm}.db"))
    assert past.feature.counters() == {}
    past.feature.close()
    past.publish(1)  # too late for the file
    assert past.feature.counters() == {"history_not_stored": 1}
    assert Past().feature.counters() == {}


def test_a_file_that_fell_behind_is_written_anew_at_the_end(tmp_path: Path) -> None:
    file = str(tmp_path / "{realm}.db")
    past = Past(file=file)
    for number in (1, 2):
        past.publish(number)
    store = past.feature.chronicles[-1].store
    for number in (1, 2):
        store.remove(number)  # as if nothing had been stored
    add_too_large(store)
    until(lambda: store.behind, what="it is behind")
    past.feature.close()
    again = Past(file=file)
    assert len(again.feature.chronicles[-1].everything()) == 2
    again.feature.close()


def test_nobody_is_told_of_what_it_may_not_see_or_know() -> None:
    past = Past()
    take(past.reader)
    everything = past.world.subscribe(past.reader, "com.", match="prefix")
    secret = past.world.subscribe(past.reader, "com.secret")
    past.publish(1)
    past.publish(2, topic="com.secret")
    stranger = past.world.join()
    may = [lambda member, topic: member is past.reader.member or topic != "com.secret"]
    past.world.realm.broker.may_see += may
    past.world.realm.may_know.append(lambda member, uri, match: may[0](member, uri))
    assert past.values(number=everything) == [1, 2]
    assert past.values(stranger, everything) == [1]
    assert past.values(number=secret) == [2]
    assert past.get(stranger, secret) == "wamp.error.no_such_subscription"


def test_some_topics_have_bounds_and_a_file_of_their_own(tmp_path: Path) -> None:
    bounds = {"max_events": 2, "max_bytes": 10_000, "max_age": 60.0, "file": ""}
    further = [
        {"uri": "com.app.", "match": "prefix", **bounds},
        {"uri": "com.app.t", "match": "exact", **bounds, "file": str(tmp_path / "{realm}.db")},
    ]
    past = Past(["com.else"], further=further)
    for number in range(3):
        past.publish(number)
        past.publish(number, topic="com.app.u")
        past.publish(number, topic="com.else")
        past.publish(number, topic="com.nobody")
    kept = [{topic: len(events) for topic, events in one.topics.items()}
            for one in past.feature.chronicles]  # fmt: skip
    assert kept == [{"com.app.t": 2}, {"com.app.u": 2}, {"com.else": 3}]
    assert past.values() == [1, 2]
    past.world.time.tick(100)
    assert past.values() == []
    past.feature.close()
    again = Past(further=further)
    assert len(again.feature.chronicles[0].topics["com.app.t"]) == 2
    again.feature.close()


# ---- other rules


def rule(uri: str, match: str = "exact", file: str = "", most: int = 100) -> dict[str, Any]:
    bounds = {"max_events": most, "max_bytes": 100_000, "max_age": 0.0}
    return {"uri": uri, "match": match, "file": file, **bounds}


def change(past: Past, *rules: dict[str, Any]) -> None:
    for gone in past.feature.take(past.feature.prepared(rules)):
        gone.close()


def numbers(past: Past, *topics: str) -> list[Any]:
    """Return what is kept of each topic, in whichever chronicle."""
    return [
        [each.args[0] for one in past.feature.chronicles for each in one.topics.get(topic, ())]
        for topic in topics
    ]


def test_rules_may_change_and_what_they_name_is_kept_on_in_order() -> None:
    past = Past((), further=[rule("com.app.t"), rule("com.app.u")])
    for number in range(6):
        past.publish(number, topic=("com.app.t", "com.app.u")[number % 2])
    change(past, rule("com.app.", "prefix", most=2))
    assert numbers(past, "com.app.t", "com.app.u") == [[2, 4], [3, 5]]
    take(past.reader)
    everything = past.world.subscribe(past.reader, "com.app.", match="prefix")
    past.publish(6)
    assert past.values(number=everything) == [3, 4, 5, 6]
    change(past, rule("com.app.u"))
    assert numbers(past, "com.app.t", "com.app.u") == [[], [3, 5]]
    change(past)
    past.publish(7, topic="com.app.u")
    assert numbers(past, "com.app.u") == [[]]


def test_history_may_begin_while_the_realm_runs(tmp_path: Path) -> None:
    past = Past(())
    past.publish(1)
    change(past, rule("com.app.t", file=str(tmp_path / "h.db")))
    past.publish(2, acknowledge=True)
    assert take(past.publisher) == []  # once it is stored
    until(lambda: past.world.time.tick() or take(past.publisher))
    assert past.values() == [2]
    past.feature.close()


def test_a_file_goes_from_one_rule_to_the_next(tmp_path: Path) -> None:
    one, other = str(tmp_path / "one.db"), str(tmp_path / "{realm}.db")
    past = Past((), further=[rule("com.app.t", file=one), rule("com.app.u")])
    past.publish(1)
    past.publish(2, topic="com.app.u")
    change(past, rule("com.app.", "prefix", one), rule("com.app.u", file=other))
    past.publish(3)
    assert numbers(past, "com.app.t", "com.app.u") == [[1, 3], [2]]
    past.feature.close()
    again = Past((), further=[rule("com.app.", "prefix", one), rule("com.app.u", file=other)])
    assert numbers(again, "com.app.t", "com.app.u") == [[1, 3], [2]]
    change(again, rule("com.app.u"))  # the files stay as they are
    change(again, rule("com.app.t", file=one), rule("com.app.u", file=other))
    assert numbers(again, "com.app.t", "com.app.u") == [[1, 3], [2, 2]]
    again.feature.close()


def test_where_a_file_cannot_be_had_nothing_has_changed(tmp_path: Path) -> None:
    past = Past((), further=[rule("com.app.t")])
    good, bad = str(tmp_path / "h.db"), str(tmp_path / "none" / "h.db")
    with pytest.raises(UsageError, match="there is no folder"):
        past.feature.prepared([rule("com.app.t", file=good), rule("com.app.u", file=bad)])
    past.publish(1)
    assert numbers(past, "com.app.t") == [[1]]
    again = Past((), further=[rule("com.app.t", file=good)])  # it is nobody's
    again.feature.close()


def add_too_large(store: Any) -> None:
    """Have an event stored whose number no file takes."""
    store.add(1 << 70, "com.app.t", 1, 0.0, 0, [None, None, {}, {}])


def test_what_could_not_be_stored_stays_counted(tmp_path: Path) -> None:
    past = Past((), further=[rule("com.app.t", file=str(tmp_path / "h.db"))])
    store = past.feature.chronicles[0].store
    for _ in range(3):
        add_too_large(store)
    until(lambda: store.faults == 3, what="nothing of it is stored")
    change(past)
    assert past.feature.counters() == {"history_not_stored": 3}
