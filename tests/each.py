"""Many cases in one test, where each of them costs less than a test of its own would."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def for_each(cases: Iterable[tuple[Any, ...]], check: Callable[..., object]) -> None:
    """Check every case, then tell all that fail, each with its case; the traceback is the first's.

    No case at all is a failure, too.
    """
    given = list(cases)
    faults: list[tuple[object, BaseException]] = []
    for case in given:
        try:
            check(*case)
        except (Exception, pytest.fail.Exception) as fault:  # of pytest.raises is the second
            if "pytest-timeout" in str(fault):  # no fault of one case: the whole has no time left
                raise
            faults.append((case, fault))
    if not given:
        raise AssertionError("there is no case")
    if faults:
        told = [f"{case!r:.100}: {type(fault).__name__}: {fault}" for case, fault in faults]
        raise AssertionError("\n".join(told)) from faults[0][1]
