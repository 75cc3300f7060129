"""What every serializer promises: arrays to bytes, and bytes that were checked to arrays.

`loads` is the only place where what a peer sent is judged: its structure, its sizes, its values
(see `payload.py`). Whatever it lets pass, `dumps` of every other serializer can write.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from .pieces import Form


class Serializer(ABC):
    """One format. An instance is cheap; one thread at a time writes by it, any reads."""

    name: ClassVar[str]
    binary: ClassVar[bool]  # False: WebSocket carries it in text frames

    @abstractmethod
    def dumps(self, array: list[Any]) -> bytes:
        """Write an array; UsageError names what this format cannot carry."""

    @property
    def form(self) -> Form | None:
        """How it writes lists and dicts, where that takes so long that pieces are better."""
        return None

    def with_head(self, written: bytes, head: list[Any], other: list[Any]) -> bytes:
        """Return what `dumps` has written of an array that begins with `head`, beginning otherwise.

        `other` has as many elements; the array has at most 15. The rest is not written again.
        """
        return written[:1] + self.dumps(other)[1:] + written[len(self.dumps(head)) :]

    @abstractmethod
    def loads(self, data: bytes) -> Any:
        """Read and check one message; ProtocolError says what is wrong with it."""
