"""Invocations that are being served, by request: how an INTERRUPT and further parts reach them.

The reading thread begins, interrupts and adds parts; the handler's thread asks, and ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

from ..core import messages
from ..core.errors import Canceled
from ..core.uris import CANCELED
from ..locks import Latch

MOST_PARTS = 1024  # of one call, that its handler has not taken yet
Yield = Callable[["Running", list[Any], dict[str, Any], dict[str, Any]], None]
Unpack = Callable[
    [messages.Invocation, messages.Invocation], tuple[list[Any], dict[str, Any]]
]  # (a part, the first part): args and kwargs
PATIENCE = 0.5  # seconds between two looks whether a call was canceled


class Running:
    """One invocation between INVOCATION and its answer."""

    __slots__ = ("_event", "_parts", "_yield", "_unpack", "canceled", "message")

    def __init__(self, message: messages.Invocation, yield_: Yield, unpack: Unpack) -> None:
        self.message = message
        self._unpack = unpack
        self.canceled = False  # nobody waits for the answer any more
        self._yield = yield_
        self._event: Latch | None = None  # made by the handler that waits
        self._parts: SimpleQueue[messages.Invocation] | None = None
        if message.details.get("progress"):
            self._parts = SimpleQueue()

    def interrupt(self) -> None:
        """Let the handler know that it may stop (the reading thread)."""
        self.canceled = True
        if self._event is not None:
            self._event.set()

    def wait(self, seconds: float | None) -> bool:
        """Wait for an INTERRUPT; False when time is up."""
        event = self._event = Latch()  # before the flag is asked: either sees the other
        return self.canceled or event.wait(seconds)

    def check(self) -> None:
        """Raise Canceled where the call was canceled."""
        if self.canceled:
            raise Canceled(CANCELED, "the call was canceled")

    @property
    def wants_progress(self) -> bool:
        """Whether the caller asked for partial results."""
        return bool(self.message.details.get("receive_progress"))

    def progress(self, args: list[Any], kwargs: dict[str, Any], details: dict[str, Any]) -> None:
        """Send a partial result, if the caller wants such; raises Canceled (the handler's).

        details: of the YIELD, if they tell how it is packed.
        """
        self.check()
        if self.wants_progress:
            self._yield(self, args, kwargs, details)

    def payload_of(self, part: messages.Invocation) -> tuple[list[Any], dict[str, Any]]:
        """Return what a part says; all are packed as the first, whose options count for all."""
        return self._unpack(part, self.message)

    def add(self, part: messages.Invocation) -> bool:
        """Keep a further part; False if it cannot be (the reading thread)."""
        if self._parts is None or self._parts.qsize() >= MOST_PARTS:
            return False
        self._parts.put(part)
        return True

    def parts(self) -> Iterator[messages.Invocation]:
        """Give each part, the first included, as it comes; raises Canceled (the handler's)."""
        part = self.message
        while True:
            yield part
            if self._parts is None or not part.details.get("progress"):
                return
            part = self._next(self._parts)

    def _next(self, parts: SimpleQueue[messages.Invocation]) -> messages.Invocation:
        while True:
            self.check()
            try:
                return parts.get(timeout=PATIENCE)
            except Empty:
                continue
