"""Topics, fields, deadbands and intervals, reading by reading."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wamplite.bridge.clock import NEVER, Moment
from wamplite.bridge.counts import Counts
from wamplite.bridge.decoding.readings import Reading
from wamplite.bridge.shaping import MOST_TOPICS, PublishSettings, ShapedEvent, Shaper, TopicTemplate
from wamplite.core.errors import UsageError


def reading(*args: Any, heard: Moment = NEVER, **kwargs: Any) -> Reading:
    return Reading(list(args), kwargs, 10, heard)


class Shaping(Shaper):
    """A Shaper that shows what it counts."""

    def __init__(self, topic: str, **settings: Any) -> None:
        self.counts = Counts()
        super().__init__(PublishSettings(topic=topic, **settings), "weather", self.counts)

    def shape(self, reading: Reading, now: float) -> list[ShapedEvent]:
        """Shape a reading of which something is published."""
        made = super().shape(reading, now)
        assert made is not None
        return made

    def has_nothing_of(self, reading: Reading) -> bool:
        """Tell whether nothing of it is published, and nothing counted."""
        read = self.counts.read
        return super().shape(reading, 0) is None and self.counts.read == read


def shaper(topic: str = "home.weather", **settings: Any) -> Shaping:
    return Shaping(topic, **settings)


def sent(publications: list[ShapedEvent]) -> list[Any]:
    return [[one.topic, one.args, one.kwargs] for one in publications]


def balance(shaping: Shaping, returned: int) -> bool:
    counts = shaping.counts
    return counts.read == returned + sum(counts.dropped.values()) + shaping.waiting


def test_without_a_field_in_the_topic_a_reading_is_one_event() -> None:
    assert sent(shaper().shape(reading(1, temp=21.5), 0)) == [["home.weather", [1], {"temp": 21.5}]]


def test_with_a_field_in_the_topic_it_is_an_event_of_each_field() -> None:
    shape = shaper("home.{port}.{field}").shape
    assert sent(shape(reading(temp=21.5, hum=40), 0)) == [
        ["home.weather.temp", [21.5], {}],
        ["home.weather.hum", [40], {}],
    ]
    assert sent(shape(reading("on"), 0)) == [["home.weather.0", ["on"], {}]]


def test_a_topic_may_hold_other_values_of_the_reading() -> None:
    shape = shaper("boats.{talker}.{type}").shape
    told = reading("$GP...", talker="GP", type="GGA", fields=[])
    assert [one.topic for one in shape(told, 0)] == ["boats.GP.GGA"]


def test_a_topic_may_hold_a_value_by_its_position() -> None:
    (told,) = shaper("a.{{x}}.{0}").shape(reading("b", 2), 0)
    assert told.topic == "a.{x}.b"


@pytest.mark.parametrize(
    ("value", "topic"),
    [
        ("Oregon TempHygro", "home.Oregon_TempHygro"),
        ("SER#", "home.SER_"),
        (" a. b\n", "home._a__b_"),
        ("CO2 (ppm)", "home.CO2_(ppm)"),
        ("plain", "home.plain"),
        (7, "home.7"),
        ("#", "home._"),
        ("", None),
        (2.5, None),
    ],
)
def test_what_a_topic_may_not_hold_is_replaced_by_choice(value: Any, topic: str | None) -> None:
    told = shaper("home.{id}", replace="_").shape(reading(id=value), 0)
    assert [event.topic for event in told] == ([topic] if topic else [])


def test_values_that_share_a_topic_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    shaping = shaper("home.{id}.{n}", replace="_")
    for value in ("a b", "a b", "a.b", "a_b", "a b"):
        shaping.shape(reading(id=value, n=1), 0)
    shaping.shape(reading(id="a b", n=2), 0)
    (told,) = caplog.messages
    assert told == "home.a_b.1 stands for 'a b', 1 and for 'a.b', 1: by \"replace\" they share it"


@pytest.mark.parametrize("others", [MOST_TOPICS - 1, MOST_TOPICS])
def test_of_topics_that_are_made_up_only_some_are_remembered(
    others: int, caplog: pytest.LogCaptureFixture
) -> None:
    template = TopicTemplate("home.{id}", "_")
    for name in ("a b", *map(str, range(others)), "a.b"):
        template.fill({"id": name})
    assert len(caplog.messages) == (others < MOST_TOPICS)


@pytest.mark.parametrize("value", ["", "a.b", "a b", "#", "\n", None, 2.5, [1], "x" * 300])
def test_a_value_that_cannot_be_in_a_topic_is_dropped_and_counted(value: Any) -> None:
    shaping = shaper("home.{id}")
    assert shaping.shape(reading(id=value), 0) == []
    assert shaping.counts.dropped == {"no topic": 1}
    assert balance(shaping, 0)


def test_a_reading_without_what_the_topic_names_is_of_another_publish() -> None:
    assert shaper("home.{id}").has_nothing_of(reading(other=1))
    assert shaper("home.{id}.{field}").has_nothing_of(reading(other=1))
    assert not shaper("home.{port}.{field}").has_nothing_of(reading(other=1))


def test_a_device_cannot_reach_the_reserved_topics() -> None:
    shaping = shaper("{a}.session.on_join")
    assert shaping.shape(reading(a="wamp"), 0) == []
    assert len(shaping.shape(reading(a="swamp"), 0)) == 1


def test_only_the_named_fields_are_published() -> None:
    shaping = shaper(fields=("temp", "0"))
    assert sent(shaping.shape(reading("a", "b", temp=1, hum=2), 0)) == [
        ["home.weather", ["a"], {"temp": 1}]
    ]
    assert shaping.has_nothing_of(reading(hum=2))


def test_of_a_reading_without_values_nothing_is_published_where_fields_make_the_events() -> None:
    assert shaper("home.{field}").has_nothing_of(reading())
    assert sent(shaper().shape(reading(), 0)) == [["home.weather", [], {}]]


def test_options_and_timestamp_are_told() -> None:
    shaping = shaper(retain=True, timestamp=True)
    (publication,) = shaping.shape(reading(temp=1, heard=Moment(7, 1234.5)), 0)
    assert publication.options == {"acknowledge": True, "retain": True}
    assert publication.kwargs == {"temp": 1}
    assert (publication.heard, publication.timestamp) == (Moment(7, 1234.5), True)
    (plain,) = shaper(acknowledge=False).shape(reading(temp=1), 0)
    assert (plain.options, plain.timestamp) == ({}, False)


def test_a_deadband_holds_back_what_has_hardly_moved() -> None:
    shaping = shaper("t.{field}", deadband={"temp": 0.2, "hum": 1})
    temps = [21.0, 21.1, 21.19, 21.2, 21.1, 21.0]
    got = [sent(shaping.shape(reading(temp=temp), 0)) for temp in temps]
    assert [bool(one) for one in got] == [True, False, False, True, False, True]
    assert shaping.counts.dropped == {"deadband": 3}
    assert balance(shaping, 3)


def test_a_deadband_of_zero_lets_changes_through_of_any_type() -> None:
    shaping = shaper("t.{field}", deadband={"state": 0})
    states = ["on", "on", "off", 1, 1, 2, None, None]
    got = [bool(shaping.shape(reading(state=state), 0)) for state in states]
    assert got == [True, False, True, True, False, True, True, False]


def test_a_field_without_a_deadband_is_always_published_on_its_own_topic() -> None:
    shaping = shaper("t.{field}", deadband={"temp": 1})
    shaping.shape(reading(temp=1, hum=1), 0)
    assert [one.topic for one in shaping.shape(reading(temp=1, hum=1), 0)] == ["t.hum"]


def test_one_event_of_all_fields_goes_when_one_with_a_deadband_has_moved() -> None:
    shaping = shaper(deadband={"temp": 1, "hum": 5})
    assert shaping.shape(reading(temp=20, hum=40, n=1), 0)
    assert not shaping.shape(reading(temp=20.5, hum=41, n=2), 0)
    assert sent(shaping.shape(reading(temp=20.5, hum=45, n=3), 0))[0][2]["n"] == 3
    assert shaping.shape(reading(n=4), 0)  # none of those with a deadband is in it


def test_max_interval_lets_the_next_reading_through_although_nothing_moved() -> None:
    shaping = shaper(deadband={"temp": 1}, max_interval=60)
    times = [0, 30, 59, 60, 61, 119, 120]
    got = [bool(shaping.shape(reading(temp=20), now)) for now in times]
    assert got == [True, False, False, True, False, False, True]


def test_min_interval_holds_the_newest_until_its_time() -> None:
    shaping = shaper(min_interval=10)
    assert shaping.shape(reading(temp=1), 100)
    second, third = reading(temp=2, heard=Moment(7, 7)), reading(temp=3, heard=Moment(8, 8))
    assert shaping.shape(second, 101) == shaping.shape(third, 102) == []
    assert (shaping.waiting, shaping.next_due) == (1, 110)
    assert shaping.due(109.9) == []
    (held,) = shaping.due(110)
    assert (held.kwargs, held.heard) == ({"temp": 3}, Moment(8, 8))
    assert shaping.due(111) == []
    assert shaping.next_due is None
    assert shaping.counts.dropped == {"interval": 1}
    assert shaping.shape(reading(temp=4), 115) == []
    assert sent(shaping.shape(reading(temp=5), 120)) == [["home.weather", [], {"temp": 5}]]
    assert balance(shaping, 3)


def test_what_is_held_is_dropped_when_the_device_takes_it_back() -> None:
    shaping = shaper(min_interval=10, deadband={"temp": 1})
    shaping.shape(reading(temp=20), 0)
    shaping.shape(reading(temp=25), 1)
    shaping.shape(reading(temp=20), 2)
    assert shaping.due(10) == []
    assert shaping.counts.dropped == {"interval": 1, "deadband": 1}


def test_topics_that_a_device_makes_up_are_not_remembered_for_ever() -> None:
    shaping = shaper("t.{id}", min_interval=10)
    for number in range(2 * MOST_TOPICS):
        shaping.shape(reading(id=number), 0)
        shaping.shape(reading(id=number), 0)
    assert shaping.waiting == MOST_TOPICS
    assert balance(shaping, 2 * MOST_TOPICS)


STEPS = st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3), st.booleans()), max_size=60)


@given(steps=STEPS, deadband=st.integers(0, 2), least=st.integers(0, 3), most=st.integers(0, 8))
def test_the_books_balance_and_the_intervals_hold(
    steps: list[tuple[int, float, bool]], deadband: int, least: int, most: int
) -> None:
    band = {"x": float(deadband)} if deadband else {}
    shaping = shaper("t.{field}", deadband=band, min_interval=least, max_interval=most)
    now, times = 0.0, []
    for value, wait, looks in steps:
        now += wait
        got = shaping.shape(reading(x=value), now)
        got += shaping.due(now) if looks else []
        times += [now] * len(got)
        assert balance(shaping, len(times))
    assert all(b - a >= least * 0.999 for a, b in zip(times, times[1:], strict=False))


@pytest.mark.parametrize(
    "topic", ["a.{", "a.{}", "a.{0.x}", "a.{x!r}", "a.{x:3}", "a..b", "", "wamp.x.{y}", "a b"]
)
def test_a_topic_that_cannot_be_is_refused(topic: str) -> None:
    with pytest.raises(UsageError, match="topic"):
        TopicTemplate(topic)
