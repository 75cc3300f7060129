"""The suite in another order: SHUFFLE=SEED tools/test; the same seed is the same order.

Files change places, and the tests within each: what a file makes for all its tests is made once.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from typing import Any

SEED = os.environ.get("SHUFFLE", "")


def shuffled(items: Iterable[Any], seed: str) -> list[Any]:
    """Return tests, each with the path of its file, in the order that a seed draws."""
    files: dict[Any, list[Any]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    dice = random.Random(seed)
    drawn = list(files.values())
    dice.shuffle(drawn)
    for tests in drawn:
        dice.shuffle(tests)
    return [item for tests in drawn for item in tests]
