"""The bounds and deadlines of a router, and the counters that tell when one was hit."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..core.errors import UsageError
from ..transports.base import MOST

MIB = 2**20
ADDRESS_SPACE = 2**31  # of a 32-bit process, what is left of it for stacks at most


class Limits(NamedTuple):
    """All bounds of a router. Sizes are bytes, times are seconds."""

    max_connections: int = 1024
    max_connections_per_address: int = 128  # Unix sockets and in-process sessions are exempt
    max_handshaking: int = 64
    max_message_size: int = MIB
    max_first_message_size: int = 16 * 1024  # before WELCOME
    max_outbox_size: int = 0  # 0: max(1 MiB, 2 x max_message_size)
    max_outbox_messages: int = 4096
    max_buffered: int = 64 * MIB  # of all connections: left over in outboxes, half received
    max_subscriptions: int = 1024  # of one session
    max_registrations: int = 1024
    max_calls: int = 1024  # in flight, as caller and as callee
    handshake_timeout: float = 10.0  # from accept to WELCOME
    ping_interval: float = 20.0  # of silence, until a ping; as long again until the end; 0: never
    write_timeout: float = 10.0  # for an outbox of which nothing is taken
    linger: float = 2.0  # for the peer to close after GOODBYE or ABORT
    shutdown_timeout: float = 3.0  # to write all out
    stack_size: int = 512 * 1024  # of a connection's thread; the deepest payload needs a sixth

    @property
    def outbox_size(self) -> int:
        """How much may be left over in one outbox before its peer is a slow consumer."""
        return self.max_outbox_size or max(MIB, 2 * self.max_message_size)


LEAST = {  # what is not named here may be 0
    "max_message_size": 512,  # a RawSocket cannot announce less
    "max_first_message_size": 512,
    "max_outbox_messages": 1,
    "handshake_timeout": 0.001,
    "write_timeout": 0.001,
    "stack_size": 128 * 1024,
}


def checked(given: Mapping[str, Any]) -> Limits:
    """Return the limits with what is given; UsageError names what cannot be meant."""
    unknown = set(given) - set(Limits._fields)
    if unknown:
        raise UsageError(
            f"unknown settings {sorted(unknown)}; there are {', '.join(Limits._fields)}"
        )
    for name, setting in given.items():
        _check(name, setting)
    limits = Limits(**given)
    if limits.max_message_size > MOST:
        raise UsageError(f"max_message_size must be at most {MOST}, not {limits.max_message_size}")
    if sys.maxsize < 2**32 and limits.max_connections * limits.stack_size > ADDRESS_SPACE:
        raise UsageError(
            f"{limits.max_connections} connections with stacks of {limits.stack_size} bytes"
            " do not fit into a 32-bit process"
        )
    return limits


def _check(name: str, setting: Any) -> None:
    whole = type(Limits._field_defaults[name]) is int
    if type(setting) is not int and (whole or type(setting) is not float):
        kind = "a number without a fraction" if whole else "a number"
        raise UsageError(f"{name} must be {kind}, not {setting!r}")
    least = LEAST.get(name, 0)
    if not setting >= least:  # NaN neither
        raise UsageError(f"{name} must be at least {least}, not {setting!r}")


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
