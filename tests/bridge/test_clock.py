"""Seconds of a boot become UTC as far as that can be known; 1970 is not known."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.bridge.clocks import HOUR, NOON, SetClock
from wamplite.bridge import clock
from wamplite.bridge.clock import MADE, BootClock, Reckoning, is_synchronized


def test_a_moment_is_seconds_of_the_boot_and_what_the_clock_shows() -> None:
    first = clock.now()
    time.sleep(0.01)
    second = clock.now()
    assert 0.01 <= second.elapsed - first.elapsed < 5
    assert abs(second.shown - time.time()) < 5


def test_the_clock_of_this_machine_turns_a_moment_of_this_boot_into_utc() -> None:
    heard = clock.now()
    found = BootClock().reckoning().utc(heard.elapsed)
    assert found is not None and abs(found - heard.shown) < clock.JUMP


@pytest.mark.parametrize(
    ("shown", "known"), [(0.0, False), (61.6, False), (MADE - 1, False), (MADE, True), (NOON, True)]
)
def test_what_cannot_be_is_unknown(shown: float, known: bool) -> None:
    reckoning = SetClock(shown).reckoning()
    assert reckoning.utc(50) == (shown if known else None)
    assert reckoning.is_sure_of(reckoning.utc(50), shown) is known


def test_a_clock_behind_what_was_stored_is_wrong_unless_the_network_has_set_it() -> None:
    behind = SetClock(NOON)
    behind.earliest = NOON + HOUR
    assert behind.reckoning().utc(50) is None
    behind.synchronized = True
    assert behind.reckoning().utc(50) == NOON


@pytest.mark.parametrize(("synchronized", "is_sure"), [(None, True), (True, True), (False, False)])
def test_a_clock_that_waits_for_the_network_is_unsure(
    synchronized: bool | None, is_sure: bool
) -> None:
    assert Reckoning(NOON, synchronized).is_sure_of(NOON, NOON) is is_sure


@pytest.mark.parametrize(
    ("shown", "is_sure"),
    [(NOON, True), (NOON - 1.9, True), (NOON - 5, False), (NOON + HOUR, False), (61.6, True)],
)
def test_a_clock_that_was_set_meanwhile_is_unsure_unless_it_could_not_be_right_before(
    shown: float, is_sure: bool
) -> None:
    assert Reckoning(NOON).is_sure_of(NOON, shown) is is_sure


def test_timesyncd_says_whether_the_clock_is_set(tmp_path: Path) -> None:
    folder = tmp_path / "timesync"
    assert is_synchronized(folder) is None
    folder.mkdir()
    assert is_synchronized(folder) is False
    (folder / "synchronized").touch()
    assert is_synchronized(folder) is True


def test_the_id_of_this_boot_stays() -> None:
    assert BootClock().boot == BootClock().boot != ""
