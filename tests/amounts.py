"""How much is tried: all of it in CI, a third where somebody waits for it.

QUICK=1, which `tools/test` sets where CI is not, leaves out the tests that are marked `long`.
"""

from __future__ import annotations

import os

QUICK = os.environ.get("QUICK") == "1"


def steps(amount: int) -> int:
    """Return so many, or a third, or what WAMPLITE_STEPS says."""
    return int(os.environ.get("WAMPLITE_STEPS") or some(amount))


def some(amount: int) -> int:
    """Return so many, or a third."""
    return amount // 3 if QUICK else amount
