"""Refusals: counted each, told seldom, with the setting that would allow it."""

from __future__ import annotations

import pytest

from wamplite.router.limits import Counters, Limits
from wamplite.router.refusals import BOUNDS, QUIET, Refusals


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    lines = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return lines


def test_a_refusal_is_told_with_its_setting_and_not_again_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now, counters = [100.0], Counters()
    refusals = Refusals(Limits(max_connections=7), counters.add, lambda: now[0])
    for _ in range(5):
        refusals.tell("connections_refused", "10.0.0.1:5")
    refusals.tell("connections_refused_by_address", "10.0.0.1:6")
    assert told(caplog) == [
        "10.0.0.1:5 is refused: so many are connected (max_connections: 7)",
        "10.0.0.1:6 is refused: so many are connected from its address"
        " (max_connections_per_address: 128)",
    ]
    now[0] += QUIET
    refusals.tell("connections_refused", "10.0.0.1:7")
    assert told(caplog) == [
        "10.0.0.1:7 is refused: so many are connected (max_connections: 7);"
        " 4 more since the last such line"
    ]
    assert counters.snapshot() == {"connections_refused": 6, "connections_refused_by_address": 1}


def test_what_is_no_bound_is_counted_alone(caplog: pytest.LogCaptureFixture) -> None:
    counters = Counters()
    Refusals(Limits(), counters.add).tell("connections_refused_at_the_end", "10.0.0.1:5")
    assert counters.snapshot() == {"connections_refused_at_the_end": 1} and not told(caplog)


def test_each_bound_names_a_setting_that_there_is() -> None:
    assert {bound.setting for bound in BOUNDS.values()} <= set(Limits._fields)
