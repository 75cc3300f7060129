"""Waiting for what happens in another thread or process, with a bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

PATIENCE = 20.0  # seconds: the machine may be busy; nothing here should need more than one
PAUSE = 0.002


def until(
    holds: Callable[[], object],
    what: str | Callable[[], str] = "what it waits for",
    seconds: float = PATIENCE,
) -> None:
    """Wait until something holds, and fail if it does not in time; `what`: said then."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(
                f"still not after {seconds} s: {what if isinstance(what, str) else what()}"
            )
        time.sleep(PAUSE)


def thread_named(name: str) -> threading.Thread | None:
    """Return a running thread of this name, if there is one."""
    return next((one for one in threading.enumerate() if one.name == name), None)


class HesitantNumber(int):
    """A number that lets other threads run while it is added to, as Hesitant does."""

    def __add__(self, other: int) -> HesitantNumber:
        found = HesitantNumber(int(self) + other)
        time.sleep(0)
        return found


class Hesitant(dict[Any, Any]):
    """A dict that lets other threads run while it is read: what a lock leaves out shows at once."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        time.sleep(0)
        return found

    def get(self, key: Any, default: Any = None) -> Any:
        found = super().get(key, default)
        time.sleep(0)
        return found

    def __iter__(self) -> Iterator[Any]:
        for key in super().__iter__():
            time.sleep(0)
            yield key

    def items(self) -> Iterator[tuple[Any, Any]]:  # type: ignore[override]
        for item in super().items():
            time.sleep(0)
            yield item
