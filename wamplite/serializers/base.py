"""What every serializer promises: arrays to bytes, and bytes that were checked to arrays.

`loads` is the only place where what a peer sent is judged: its structure, its sizes, its values
(see `payload.py`). Whatever it lets pass, `dumps` of every other serializer can write.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar


class Serializer(ABC):
    """One format. An instance is cheap, and used by one thread at a time."""

    name: ClassVar[str]
    binary: ClassVar[bool]  # False: WebSocket carries it in text frames

    @abstractmethod
    def dumps(self, array: list[Any]) -> bytes:
        """Write an array; UsageError names what this format cannot carry."""

    @abstractmethod
    def loads(self, data: bytes) -> Any:
        """Read and check one message; ProtocolError says what is wrong with it."""
