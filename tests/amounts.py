"""How much is tried: all of it in CI, a third where somebody waits for it.

QUICK=1, which `tools/test` sets where CI is not, leaves out the tests that are marked `long`, and
two thirds of the cases of each test that is marked `sampled`: of cases that are alike, where each
starts a program or takes a tenth of a second. What is a feature's only test is not marked so.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

QUICK = os.environ.get("QUICK") == "1"


def is_left_out(item: pytest.Item) -> bool:
    """Tell whether a test is left out where QUICK=1 is given.

    The first case of a test never is. Of the others a third is not: each time the same, and where
    tables cross not always those of one row.
    """
    if item.get_closest_marker("long"):
        return True
    place = place_of(item)
    return item.get_closest_marker("sampled") is not None and (place + place // 4) % 3 != 0


def place_of(item: pytest.Item) -> int:
    """Return the place of a case in its table, from 0 on, whichever others are collected."""
    case = getattr(item, "callspec", None)  # where a test has parameters
    return max(case.indices.values(), default=0) if case else 0


def steps(amount: int) -> int:
    """Return so many, or a third, or what WAMPLITE_STEPS says."""
    return int(os.environ.get("WAMPLITE_STEPS") or some(amount))


def some(amount: int) -> int:
    """Return so many, or a third."""
    return amount // 3 if QUICK else amount
