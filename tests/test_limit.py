from __future__ import annotations

from wamplite.limit import EVENTS, RateLimit


def test_the_same_event_passes_so_often_in_a_while() -> None:
    limit = RateLimit(10, 1.0)
    assert [limit.allows("a", 0.5) for _ in range(12)].count(True) == 10
    assert limit.allows("b", 0.9) and limit.left_out == 2
    assert limit.allows("a", 1.6)


def test_what_was_left_out_is_told_once() -> None:
    limit = RateLimit(1, 60.0)
    assert [limit.allows("a", now) for now in (1.0, 2.0, 60.9, 61.0)] == [True, False, False, True]
    assert [limit.take_left_out(), limit.take_left_out()] == [2, 0]


def test_very_many_different_events_are_counted_together() -> None:
    limit = RateLimit(10, 1.0)
    assert sum(limit.allows(number, 0.5) for number in range(10_000)) <= EVENTS + 10
