"""Several `publish` of one port: each sees each reading; what one of them takes is not dropped."""

from __future__ import annotations

import pytest

from wamplite.bridge.counts import Counts
from wamplite.bridge.decoding.readings import Reading
from wamplite.bridge.event_maker import EventMaker
from wamplite.bridge.shaping import PublishSettings, ShapedEvent


class Making(EventMaker):
    """An EventMaker that shows what it makes and counts."""

    def __init__(self, *publish: PublishSettings) -> None:
        self.counts = Counts()
        self.made: list[tuple[str, object]] = []
        super().__init__(publish, "weather", self.counts, self._made)

    def _made(self, port: str, events: list[ShapedEvent]) -> None:
        assert port == "weather"
        self.made += [(event.topic, event.kwargs or event.args) for event in events]

    def take(self, **values: object) -> None:
        self.deliver([Reading([], values, 10)])

    def balance(self) -> int:
        counts = self.counts
        return counts.read - len(self.made) - sum(counts.dropped.values()) - self.held


BY_FIELDS = (
    PublishSettings(topic="a.t", fields=("t",)),
    PublishSettings(topic="a.h", fields=("h",)),
)
BY_TOPICS = PublishSettings(topic="a.{t}"), PublishSettings(topic="b.{h}")


@pytest.mark.parametrize("publish", [BY_FIELDS, BY_TOPICS], ids=["fields", "topics"])
def test_a_reading_that_one_of_them_took_is_not_dropped(publish: list[PublishSettings]) -> None:
    making = Making(*publish)
    making.take(t=1)
    making.take(h=2)
    assert len(making.made) == making.counts.read == 2
    assert making.counts.dropped == {}


def test_what_nobody_took_is_dropped_once() -> None:
    making = Making(*BY_FIELDS)
    making.take(x=1)
    assert (making.made, making.counts.dropped, making.counts.read) == ([], {"no field": 1}, 1)


def test_events_come_in_the_order_of_readings_and_then_of_the_tables() -> None:
    making = Making(*BY_FIELDS)
    making.deliver([Reading([], {"t": 1, "h": 2}, 10), Reading([], {"h": 3}, 10)])
    assert making.made == [("a.t", {"t": 1}), ("a.h", {"h": 2}), ("a.h", {"h": 3})]


def test_a_reading_that_is_held_back_was_taken() -> None:
    making = Making(
        PublishSettings(topic="a.t", fields=("t",), min_interval=100),
        PublishSettings(topic="a.h", fields=("h",), min_interval=1),
    )
    assert making.next_due() is None
    for number in range(3):
        making.take(t=number)
        making.take(h=number)
    assert (making.held, making.counts.dropped) == (2, {"interval": 2})
    assert making.balance() == 0
    due = making.next_due()
    assert due is not None
    making.deliver([], due)
    assert (making.held, making.made[-1]) == (1, ("a.h", {"h": 2}))
    making.deliver([], float("inf"))
    assert (making.held, making.balance()) == (0, 0)


def test_without_any_publish_readings_are_counted_as_such() -> None:
    making = Making()
    making.take(x=1)
    making.deliver([])
    assert (making.counts.read, making.counts.dropped) == (1, {"not published": 1})
