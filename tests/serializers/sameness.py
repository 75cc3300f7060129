"""Equality that tells 1 from 1.0 and True, and 0.0 from -0.0."""

from __future__ import annotations

import math
from typing import Any


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of equal types, all the way down."""
    if type(one) is not type(other):
        return False
    if type(one) is list:
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) is dict:
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if type(one) is float:
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)
