"""Giving memory back: once for all who ask within a moment, and never while nobody asks."""

from __future__ import annotations

from collections.abc import Callable

from wamplite.router.trimming import DELAY, Trimming, trim


def test_all_who_ask_within_a_moment_are_served_at_once() -> None:
    asked: list[tuple[float, Callable[[], None]]] = []
    trimming = Trimming(lambda seconds, run: asked.append((seconds, run)))
    for _ in range(3):
        trimming.soon()
    ((seconds, run),) = asked
    assert seconds == DELAY
    run()
    trimming.soon()
    assert len(asked) == 2


def test_it_may_be_asked_for_at_any_time() -> None:
    trim()
    trim()
