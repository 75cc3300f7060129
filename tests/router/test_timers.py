"""Timers: due in order, canceled ones do not pile up."""

from __future__ import annotations

from wamplite.router.timers import FEW, FOREVER, Timers


def nothing() -> None:
    raise AssertionError("it was canceled")


def test_timers_come_due_in_order() -> None:
    timers, rang = Timers(), list[str]()
    timers.add(3, lambda: rang.append("three"))
    timers.add(1, lambda: rang.append("one"))
    timers.add(2, lambda: rang.append("two"))
    timers.add(2, lambda: rang.append("two again"))
    assert timers.next == 1
    for run in timers.take(2):
        run()
    assert rang == ["one", "two", "two again"]
    assert timers.next == 3 and len(timers) == 1


def test_nothing_is_due_where_there_is_nothing() -> None:
    assert Timers().next == FOREVER
    assert Timers().take(1e9) == []


def test_a_canceled_timer_does_not_ring() -> None:
    timers = Timers()
    timer = timers.add(1, nothing)
    timers.cancel(timer)
    timers.cancel(timer)
    assert timers.take(2) == [] and len(timers) == 0


def test_to_cancel_what_has_been_taken_is_nothing() -> None:
    timers = Timers()
    timer = timers.add(1, nothing)
    assert len(timers.take(1)) == 1
    timers.cancel(timer)
    timers.add(2, nothing)
    assert len(timers.take(2)) == 1


def test_canceled_timers_do_not_pile_up() -> None:
    timers, rang = Timers(), list[int]()
    timers.add(5, lambda: rang.append(5))
    for number in range(10_000):
        timers.cancel(timers.add(1000 + number, nothing))
        assert len(timers) <= FEW + 2
    for run in timers.take(1e9):
        run()
    assert rang == [5]


def test_to_cancel_costs_the_same_however_many_were_canceled() -> None:
    timers, heaps = Timers(), set[int]()
    kept = []
    for number in range(100 * FEW):
        timers.cancel(timers.add(number, nothing))
        heaps.add(id(timers._heap))
        kept.append(timers._heap)  # so that no two have the same id
    assert len(heaps) <= 101


def test_canceled_timers_that_came_due_are_not_counted_any_more() -> None:
    timers, heap = Timers(), None
    for number in range(10 * FEW):
        timers.cancel(timers.add(number, nothing))
        heap = heap or timers._heap
        assert timers.take(number) == []
        assert timers._heap is heap  # it was never built anew
