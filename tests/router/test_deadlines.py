"""Who is asked when, by a clock of numbers."""

from __future__ import annotations

from wamplite.router.deadlines import Deadlines
from wamplite.router.timers import FOREVER


class Clock:
    def tick(self, now: float) -> float:
        raise AssertionError(f"asked at {now}")

    def shutdown(self, why: str) -> None:
        raise AssertionError(why)


def test_the_next_is_the_first_of_connections_and_timers() -> None:
    deadlines, early, late = Deadlines(), Clock(), Clock()
    assert deadlines.next == FOREVER
    deadlines.ask(late, 7)
    deadlines.ask(early, 5)
    assert deadlines.next == 5
    deadlines.timers.add(3, lambda: None)
    assert deadlines.next == 3


def test_those_whose_time_has_come_are_due_and_asked_again_when_they_said() -> None:
    deadlines, early, late = Deadlines(), Clock(), Clock()
    deadlines.ask(early, 5)
    deadlines.ask(late, 7)
    assert deadlines.due(4.9) == []
    assert deadlines.due(5) == [(early, 5)]
    deadlines.asked(early, 5, 20)
    deadlines.settle()
    assert deadlines.next == 7
    assert deadlines.due(20) == [(early, 20), (late, 7)]


def test_what_was_moved_or_removed_while_it_was_asked_keeps_to_that() -> None:
    deadlines, moved, gone = Deadlines(), Clock(), Clock()
    deadlines.ask(moved, 1)
    deadlines.ask(gone, 1)
    assert len(deadlines.due(1)) == 2
    deadlines.ask(moved, 2)
    deadlines.remove(gone)
    deadlines.asked(moved, 1, 100)
    deadlines.asked(gone, 1, 100)
    deadlines.settle()
    assert deadlines.next == 2 and list(deadlines) == [moved]
    assert moved in deadlines and gone not in deadlines


def test_only_what_is_asked_at_all_can_be_moved() -> None:
    deadlines, here, gone = Deadlines(), Clock(), Clock()
    deadlines.ask(here, 9)
    assert deadlines.move(here, 3) and not deadlines.move(gone, 1)
    assert deadlines.next == 3 and list(deadlines) == [here]


def test_a_look_that_finds_nobody_due_is_not_repeated() -> None:
    deadlines, here, gone = Deadlines(), Clock(), Clock()
    deadlines.ask(gone, 1)
    deadlines.ask(here, 9)
    deadlines.remove(gone)
    deadlines.remove(gone)
    assert deadlines.next == 1  # too early, once
    assert deadlines.due(1) == []
    assert deadlines.next == 9
