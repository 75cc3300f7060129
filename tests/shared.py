"""The specification's vectors, the captures and the probe, which lie beside the project or not.

Where `SHARED` is missing, its tests are skipped, and say so; in CI they fail. Where it is there but
what they look for is not, they always fail: a loop over no file would pass.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("WAMPLITE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
NOT_HERE = f"{SHARED} is not here: vectors, captures and the probe come from there"


def is_here() -> bool:
    """Tell whether there is shared material, without which CI fails."""
    if not SHARED.is_dir() and os.environ.get("CI") == "true":
        pytest.fail(NOT_HERE)
    return SHARED.is_dir()


def files(pattern: str) -> list[Path]:
    """Return the files of a pattern, of which there is one at least unless all are missing."""
    found = sorted(SHARED.glob(pattern))
    if not found and is_here():
        pytest.fail(f"{SHARED} has no {pattern}")
    return found


def parameters(found: list[Any]) -> list[Any]:
    """Return what was found in the files of `files`, or one parameter that skips its test."""
    return found or [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=NOT_HERE))]
