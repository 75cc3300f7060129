"""Giving memory back: once for all who ask within a moment, and never while nobody asks."""

from __future__ import annotations

import subprocess
import sys
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


def test_what_it_needs_is_imported_when_it_is_asked_for_and_not_amid_what_is_large() -> None:
    ask = "Trimming(lambda seconds, run: None).soon(); assert 'ctypes' in sys.modules"
    before = "assert 'ctypes' not in sys.modules"
    program = f"import sys; from wamplite.router.trimming import Trimming; {before}; {ask}"
    subprocess.run([sys.executable, "-c", program], check=True)
