"""The bounds and deadlines of a router, and the counters that tell when one was hit.

Those that are "of the memory" follow it where they are not given: an eighth may be buffered, and
what else there can be many of fits beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypedDict, get_args

from ..core.errors import UsageError
from ..locks import Lock
from ..serializers.payload import MAX_DEPTH, MAX_LENGTH, MAX_TOTAL
from ..serializers.structure import USUAL, Structure
from ..transports.base import MOST, HttpBounds
from .memory import KIB, MIB, available

WhoReads = Literal["auto", "threads", "shared"]
AUTO, THREADS, SHARED = READERS = get_args(WhoReads)
ADDRESS_SPACE = 2**31  # of a 32-bit process, what is left of it for stacks at most


class Limits(NamedTuple):
    """All bounds of a router. Sizes are bytes, times are seconds."""

    max_connections: int = 1024  # of the memory: one for each 192 KiB
    max_connections_per_address: int = 128  # Unix sockets and in-process sessions are exempt
    max_handshaking: int = 64  # not yet joined; Unix sockets and serial lines have as many apart
    max_handshaking_per_address: int = 16  # twice as many while half of all places are free
    max_message_size: int = MIB
    max_first_message_size: int = 16 * 1024  # before WELCOME
    max_depth: int = MAX_DEPTH  # of one argument; these three may be less
    max_elements: int = MAX_LENGTH  # of one container
    max_elements_in_all: int = MAX_TOTAL  # of one payload
    max_http_request: int = 8192  # of a request's head
    max_http_headers: int = 64
    max_outbox_size: int = 0  # 0: max(1 MiB, 2 x max_message_size)
    max_outbox_messages: int = 4096
    max_buffered: int = 64 * MIB  # of the memory: an eighth. Of all connections: left over in
    # outboxes, half received, waiting to be decoded
    max_decoding: int = 2  # of the memory: one for each 64 MiB. Messages above 16 KiB, or slow to
    # decode, on their way to being handled: each may take a hundred times its size
    socket_buffer: int = 256 * KIB  # of the memory: a 2048th. In the kernel, each way; 0: its own
    max_subscriptions: int = 1024  # of one session
    max_registrations: int = 1024
    max_calls: int = 1024  # in flight, as caller and as callee
    max_message_rate: int = 0  # messages of one session in a second; 0: any number. It is slowed
    max_message_burst: int = 0  # how many at once; 0: those of a second
    max_in_realm: int = 65536  # of the memory: one for each 8 KiB. Subscriptions, registrations and
    # calls in flight of one realm, each
    login_delay: float = 0.25  # after a bad login until the next of that address; 0: none
    max_login_delay: float = 8.0  # it doubles with each bad login up to here
    max_logins_per_connection: int = 3  # bad ones, then the connection ends
    handshake_timeout: float = 10.0  # from accept to WELCOME
    ping_interval: float = 20.0  # of silence, until a ping; as long again until the end; 0: never
    write_timeout: float = 10.0  # for an outbox of which nothing is taken
    linger: float = 2.0  # for the peer to close after GOODBYE or ABORT
    shutdown_timeout: float = 3.0  # to write all out
    stack_size: int = 512 * 1024  # of a connection's thread; the deepest payload needs a sixth
    readers: WhoReads = "auto"  # who reads plain sockets: see reader.py

    @property
    def structure(self) -> Structure:
        """What a message may nest and hold."""
        found = Structure(self.max_depth, self.max_elements, self.max_elements_in_all)
        return USUAL if found == USUAL else found

    @property
    def of_http(self) -> HttpBounds:
        """How much of an HTTP request is read."""
        return HttpBounds(self.max_http_request, self.max_http_headers)

    @property
    def outbox_size(self) -> int:
        """How much may be left over in one outbox before its peer is a slow consumer."""
        return self.max_outbox_size or max(MIB, 2 * self.max_message_size)


class LimitKeywords(TypedDict, total=False):
    """The same as keywords of Router(), for editors and type checkers."""

    max_connections: int
    max_connections_per_address: int
    max_handshaking: int
    max_handshaking_per_address: int
    max_message_size: int
    max_first_message_size: int
    max_depth: int
    max_elements: int
    max_elements_in_all: int
    max_http_request: int
    max_http_headers: int
    max_outbox_size: int
    max_outbox_messages: int
    max_buffered: int
    max_decoding: int
    socket_buffer: int
    max_subscriptions: int
    max_registrations: int
    max_calls: int
    max_message_rate: int
    max_message_burst: int
    max_in_realm: int
    login_delay: float
    max_login_delay: float
    max_logins_per_connection: int
    handshake_timeout: float
    ping_interval: float
    write_timeout: float
    linger: float
    shutdown_timeout: float
    stack_size: int
    readers: WhoReads


OF_THE_MEMORY = {  # one for so many bytes
    "max_connections": 192 * KIB,  # a WebSocket within TLS takes 110, half of it in the kernel
    "max_buffered": 8,
    "max_decoding": 64 * MIB,
    "socket_buffer": 2048,
    "max_in_realm": 8 * KIB,  # 0.7 each, with a URI of 200 bytes
}
LEAST = {  # what is not named here may be 0
    "max_message_size": 512,  # a RawSocket cannot announce less
    "max_first_message_size": 512,
    "max_http_request": 256,
    "max_http_headers": 8,  # fewer than a WebSocket needs
    "max_outbox_messages": 1,
    "max_decoding": 1,
    "max_logins_per_connection": 1,
    "handshake_timeout": 0.001,
    "write_timeout": 0.001,
    "stack_size": 128 * 1024,
}


MOST_OF = {  # what every serializer carries
    "max_depth": MAX_DEPTH,
    "max_elements": MAX_LENGTH,
    "max_elements_in_all": MAX_TOTAL,
    "max_message_size": MOST,
}


def checked(given: Mapping[str, Any]) -> Limits:
    """Return the limits with what is given; UsageError names what cannot be meant."""
    unknown = set(given) - set(Limits._fields)
    if unknown:
        raise UsageError(
            f"unknown settings {sorted(unknown)}; there are {', '.join(Limits._fields)}"
        )
    for name, setting in given.items():
        check(name, setting)
    memory = available()
    fitting = {
        name: max(1, min(Limits._field_defaults[name], memory // size))
        for name, size in OF_THE_MEMORY.items()
    }
    limits = Limits(**{**fitting, **given})
    if sys.maxsize < 2**32 and limits.max_connections * limits.stack_size > ADDRESS_SPACE:
        raise UsageError(
            f"{limits.max_connections} connections with stacks of {limits.stack_size} bytes"
            " do not fit into a 32-bit process"
        )
    return limits


def check(name: str, setting: Any) -> None:
    """Raise UsageError where a limit cannot be this."""
    if name == "readers":
        if setting not in READERS:
            raise UsageError(f"readers must be one of {', '.join(READERS)}, not {setting!r}")
        return
    whole = type(Limits._field_defaults[name]) is int
    if type(setting) is not int and (whole or type(setting) is not float):
        kind = "a number without a fraction" if whole else "a number"
        raise UsageError(f"{name} must be {kind}, not {setting!r}")
    least = LEAST.get(name, 0)
    if not setting >= least:  # NaN neither
        raise UsageError(f"{name} must be at least {least}, not {setting!r}")
    if setting > MOST_OF.get(name, setting):
        raise UsageError(f"{name} must be at most {MOST_OF[name]}, not {setting!r}")


class Counters:
    """Counts by name, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()  # guards _counts
        self._counts: dict[str, int] = {}

    def add(self, name: str, amount: int = 1) -> None:
        """Count `amount` more."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + amount

    def snapshot(self) -> dict[str, int]:
        """Return all counts as they are now."""
        with self._lock:
            return dict(self._counts)
