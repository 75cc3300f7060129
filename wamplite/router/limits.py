"""The bounds and deadlines of a router, and the counters that tell when one was hit."""

from __future__ import annotations

import threading
from typing import NamedTuple

MIB = 2**20


class Limits(NamedTuple):
    """All bounds of a router. Sizes are bytes, times are seconds."""

    max_connections: int = 1024
    max_connections_per_address: int = 128  # Unix sockets and in-process sessions are exempt
    max_handshaking: int = 64
    max_message_size: int = MIB
    max_first_message_size: int = 16 * 1024  # before WELCOME
    max_outbox_size: int = 0  # 0: max(1 MiB, 2 x max_message_size)
    max_outbox_messages: int = 4096
    max_buffered: int = 64 * MIB  # left over in all outboxes together
    max_subscriptions: int = 1024  # of one session
    max_registrations: int = 1024
    max_calls: int = 1024  # in flight, as caller and as callee
    handshake_timeout: float = 10.0  # from accept to WELCOME
    ping_interval: float = 20.0  # of silence, until a ping; as long again until the end
    write_timeout: float = 10.0  # for an outbox that does not shrink
    linger: float = 2.0  # for the peer to close after GOODBYE or ABORT
    shutdown_timeout: float = 3.0  # to write all out
    stack_size: int = 512 * 1024  # of a connection's thread

    @property
    def outbox_size(self) -> int:
        """How much may be left over in one outbox before its peer is a slow consumer."""
        return self.max_outbox_size or max(MIB, 2 * self.max_message_size)


class Counters:
    """Counts by name, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _counts
        self._counts: dict[str, int] = {}

    def add(self, name: str, amount: int = 1) -> None:
        """Count `amount` more."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + amount

    def snapshot(self) -> dict[str, int]:
        """Return all counts as they are now."""
        with self._lock:
            return dict(self._counts)
