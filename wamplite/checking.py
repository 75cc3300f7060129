"""What checks of a configuration have in common; each notes a problem at its location."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .config import Location
from .core.errors import UsageError
from .schema import nearest

__all__ = ["attempt", "check_names", "check_unlike"]


def attempt(at: Location, make: Callable[..., Any], *args: Any) -> bool:
    """Call `make` and note its UsageError; tell whether there was none."""
    try:
        make(*args)
    except UsageError as error:
        at.wrong(str(error))
        return False
    return True


def check_names(names: Iterable[str], known: set[str] | None, at: Location) -> None:
    """Note each name that is not known; known: None where any may be."""
    for name in names:
        if known is not None and name not in known:
            at.wrong(f'there is no value named "{name}"; {nearest(name, known)}')


def check_unlike(what: str, pairs: Iterable[tuple[str, Location]]) -> None:
    """Note each value that another one has already."""
    seen: set[str] = set()
    for value, at in pairs:
        if value in seen:
            at.wrong(f"another one has the {what} {value!r} already")
        seen.add(value)
