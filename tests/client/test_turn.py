from __future__ import annotations

import threading
import time

import pytest

from tests.client.scripted import PATIENCE, soon
from wamplite.client import turn as turns
from wamplite.client.turn import Turn


def test_one_reads_at_a_time() -> None:
    turn = Turn()
    assert turn.try_take()
    assert not soon(turn.try_take).result()
    assert turn.served
    turn.give()
    other = soon(lambda: (turn.try_take(), turn.give()))
    assert other.result()[0]


def test_who_does_not_have_the_turn_gives_nothing_away() -> None:
    turn = Turn()
    turn.give()
    assert turn.try_take()
    soon(turn.give).result()
    assert not soon(turn.try_take).result()
    turn.give()


def test_a_rest_ends_when_nobody_comes() -> None:
    began = time.monotonic()
    Turn().rest()
    assert time.monotonic() - began < PATIENCE


def test_a_rest_goes_on_while_callers_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "REST", 0.05)
    turn = Turn()
    resting = soon(turn.rest)
    until = time.monotonic() + 4 * turns.REST
    while time.monotonic() < until:
        turn.try_take()
        turn.give()
    assert resting.is_waiting
    resting.result()


def test_a_rest_ends_at_once_when_the_reader_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "REST", PATIENCE)
    turn = Turn()
    resting = soon(turn.rest)
    began = time.monotonic()
    turn.want_reader()
    turn.want_reader()
    resting.result()
    assert time.monotonic() - began < PATIENCE / 2


def test_turns_are_taken_from_many_threads() -> None:
    turn, inside, most = Turn(), [0], [0]
    guard = threading.Lock()

    def take() -> None:
        for _ in range(200):
            if turn.try_take():
                with guard:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                with guard:
                    inside[0] -= 1
                turn.give()

    for later in [soon(take) for _ in range(8)]:
        later.result()
    assert most == [1]
