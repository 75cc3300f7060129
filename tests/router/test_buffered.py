"""The bound on all connections together: the largest goes, and only when there is need."""

from __future__ import annotations

import threading
import time

import pytest

from wamplite.router.buffered import PATIENCE, TotalBound


class Holder:
    def __init__(self) -> None:
        self.held = 0
        self.evicted = 0

    def evict(self) -> None:
        self.evicted += 1
        self.held = 0


def hold(buffered: TotalBound, holder: Holder, size: int) -> None:
    holder.held = size
    buffered.note(holder)


def test_up_to_the_bound_everybody_stays() -> None:
    buffered, one, two = TotalBound(100), Holder(), Holder()
    hold(buffered, one, 60)
    hold(buffered, two, 40)
    assert not one.evicted and not two.evicted


def test_above_it_the_largest_goes_whoever_was_last() -> None:
    buffered, one, two = TotalBound(100), Holder(), Holder()
    hold(buffered, one, 60)
    hold(buffered, two, 41)
    assert one.evicted == 1 and not two.evicted
    hold(buffered, one, 90)  # its thread has not noticed yet
    assert one.evicted == 1 and not two.evicted
    hold(buffered, two, 100)
    assert not two.evicted
    hold(buffered, two, 101)
    assert two.evicted == 1


def test_who_is_on_the_way_out_costs_nobody_else_the_connection() -> None:
    class Slow(Holder):
        """It holds what it held until its thread has ended."""

        def evict(self) -> None:
            self.evicted += 1

    buffered, greedy, one, two = TotalBound(100), Slow(), Holder(), Holder()
    hold(buffered, one, 30)
    hold(buffered, greedy, 80)
    assert greedy.evicted == 1 and greedy.held == 80
    hold(buffered, two, 60)
    hold(buffered, one, 40)
    hold(buffered, greedy, 90)
    assert not one.evicted and not two.evicted and greedy.evicted == 1
    hold(buffered, one, 41)
    assert two.evicted == 1
    assert buffered.forget(greedy) and not buffered.forget(one)


def test_what_has_shrunk_unnoticed_does_not_count() -> None:
    buffered, one, two = TotalBound(100), Holder(), Holder()
    hold(buffered, one, 90)
    one.held = 10  # written in the meantime
    hold(buffered, two, 80)
    assert not one.evicted and not two.evicted
    hold(buffered, one, 30)
    assert two.evicted == 1


def test_who_holds_nothing_any_more_is_not_remembered() -> None:
    buffered, one, two = TotalBound(100), Holder(), Holder()
    hold(buffered, one, 90)
    hold(buffered, one, 0)
    hold(buffered, two, 90)
    buffered.forget(two)
    buffered.forget(two)
    hold(buffered, one, 101)
    buffered.forget(one)
    assert one.evicted == 1
    hold(buffered, two, 100)  # all of it is free
    began = time.monotonic()
    buffered.wait(two)  # for nobody
    assert not two.evicted and time.monotonic() - began < PATIENCE / 2


class Slow(Holder):
    """Takes its time to go: it still holds what it held when it is told to."""

    def evict(self) -> None:
        self.evicted += 1


def test_who_is_on_its_way_out_costs_nobody_else_its_connection() -> None:
    buffered, going, staying = TotalBound(100), Slow(), Holder()
    hold(buffered, staying, 60)
    hold(buffered, going, 90)
    assert going.evicted == 1
    for size in (61, 99, 100):
        hold(buffered, staying, size)
    hold(buffered, going, 95)
    assert (going.evicted, staying.evicted) == (1, 0)


def test_what_has_passed_through_does_not_count() -> None:
    buffered, holder = TotalBound(100), Holder()
    for _ in range(50):
        hold(buffered, holder, 60)
        hold(buffered, holder, 0)
    other = Holder()
    hold(buffered, other, 100)
    assert not holder.evicted and not other.evicted


def test_who_reads_more_waits_for_those_to_go_that_were_ended() -> None:
    class Slow(Holder):
        def evict(self) -> None:
            self.evicted += 1

    buffered, greedy, one = TotalBound(100), Slow(), Holder()
    hold(buffered, one, 30)
    buffered.wait(one)  # nobody is on the way out
    hold(buffered, greedy, 80)
    buffered.wait(greedy)  # it is to go: nothing holds it up
    waited = threading.Thread(target=buffered.wait, args=(one,))
    begun = time.monotonic()
    waited.start()
    buffered.forget(greedy)
    waited.join(5)
    assert not waited.is_alive() and time.monotonic() - begun < PATIENCE
    hold(buffered, greedy, 80)
    buffered.wait(one)  # for so long, and no longer
    assert greedy.evicted == 2


def test_while_the_bound_is_kept_nobody_is_counted_again() -> None:
    asked: list[Holder] = []

    class Counted(Holder):
        @property
        def held(self) -> int:
            asked.append(self)
            return self.size

        @held.setter
        def held(self, size: int) -> None:
            self.size = size

    buffered, one, two = TotalBound(100), Counted(), Counted()
    for size in (10, 20, 30, 40, 50):
        hold(buffered, one, size)
        hold(buffered, two, size)
    assert asked == [one, two] * 5


@pytest.mark.parametrize(("size", "waits"), [(21, True), (20, False)])
def test_a_reader_waits_where_there_is_no_room_beside_who_goes(
    size: int, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffered, going, one = TotalBound(100), Slow(), Holder()
    hold(buffered, one, 60)
    hold(buffered, going, 80)
    hold(buffered, one, size)
    monkeypatch.setattr("wamplite.router.buffered.PATIENCE", 0.2 if waits else 20)
    begun = time.monotonic()
    buffered.wait(one)
    assert (time.monotonic() - begun >= 0.2) is waits
