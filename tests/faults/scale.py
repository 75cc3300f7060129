"""How much of a long fault is done: a part in the suite, all of it by `tools/faults --full`."""

from __future__ import annotations

import os
from typing import TypeVar

Amount = TypeVar("Amount", int, float)

VARIABLE = "WAMPLITE_FAULTS"


def scaled(part: Amount, whole: Amount) -> Amount:
    """Return how much is done here."""
    return whole if os.environ.get(VARIABLE) == "full" else part
