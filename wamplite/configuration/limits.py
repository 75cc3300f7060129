"""[router]: every bound and deadline of wamplite.router.limits by its name, in one line each.

A limit that is added there is a key here at once; a test asks for its line in ABOUT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config import Location
from ..core.errors import UsageError
from ..keys import Declared, DeclaredKey, TableSettings
from ..router.limits import OF_THE_MEMORY, READERS, Limits, check
from ..schema import MISSING, Kind, Text, Whole
from ..transports.base import MOST
from ..units import Duration, Size
from .kinds import FileName

ABOUT = {
    "max_connections": "how many connections there may be",
    "max_connections_per_address": "how many of one address; Unix sockets are exempt",
    "max_handshaking": "how many that have not joined yet",
    "max_handshaking_per_address": "how many of them of one address",
    "max_message_size": "the largest message, up to 16 MiB",
    "max_first_message_size": "the largest message before WELCOME",
    "max_depth": "how many containers one argument may nest; up to 64",
    "max_elements": "how many elements one list or dict may have; up to 65536",
    "max_elements_in_all": "... all of one message; up to 100000",
    "max_http_request": "the largest HTTP request, its body not counted",
    "max_http_headers": "how many headers it may have",
    "max_outbox_size": "how much may wait for one slow reader; 0: 1 MiB, or two messages",
    "max_outbox_messages": "how many messages may wait for one slow reader",
    "max_buffered": "how much all connections together may hold",
    "max_decoding": "how many messages above 16 KiB, or slow to decode, are decoded at a time",
    "socket_buffer": "what the kernel keeps of a connection, each way; 0: what it likes",
    "max_subscriptions": "of one session",
    "max_registrations": "of one session",
    "max_calls": "in flight of one session, as caller and as callee",
    "max_message_rate": "of one session in a second; who sends more is slowed; 0: any number",
    "max_message_burst": "how many at once; 0: those of one second",
    "max_in_realm": "subscriptions, registrations and calls of one realm, each",
    "handshake_timeout": "from the connection to WELCOME",
    "ping_interval": "of silence, until a peer is pinged, and as long until its end; 0: never",
    "write_timeout": "for a reader that takes nothing",
    "linger": "for a peer to close after the last word",
    "shutdown_timeout": "to write all out at the end",
    "login_delay": "after a bad login until the next one of that address; 0: none",
    "max_login_delay": "the longest such, after many bad logins",
    "max_logins_per_connection": "how many bad logins end a connection",
    "stack_size": "of a connection's thread",
    "readers": "who reads plain sockets: each one's thread, one for all, or the latter if many",
}
SIZES = {"max_buffered", "max_http_request", "socket_buffer"}  # and what ends with _size
OTHERS = {
    "pid_file": DeclaredKey(
        FileName(of_state=True),
        "a file for the number of the process, by which `wamplite reload` finds it",
        "",
        example="/run/wamplite/router.pid",
    ),
    "cookie_max_age": DeclaredKey(
        Duration(),
        "how long a browser that has logged in over WebSocket comes back by a cookie; 0: never",
        0.0,
        example="7 d",
    ),
    "max_cookies": DeclaredKey(Whole(1, 1 << 20), "of whom; then the oldest is forgotten", 1024),
}


@dataclass(frozen=True, kw_only=True)
class RouterSettings(TableSettings):
    """The bounds and deadlines of the whole router."""

    said: Mapping[str, Any] = field(default_factory=dict)  # every key that is given

    @property
    def limits(self) -> dict[str, Any]:
        """Those that are given."""
        return {name: value for name, value in self.said.items() if name not in OTHERS}

    @property
    def pid_file(self) -> str:
        """Where the number of the process is to be; "": nowhere."""
        return str(self._other("pid_file"))

    @property
    def cookie_max_age(self) -> float:
        """For how many seconds a browser comes back by a cookie; 0: never."""
        return float(self._other("cookie_max_age"))

    @property
    def max_cookies(self) -> int:
        """How many cookies are kept."""
        return int(self._other("max_cookies"))

    def _other(self, name: str) -> Any:
        return self.said.get(name, OTHERS[name].default)


class LimitKind(Kind):
    """The value of one limit, with its unit, within what the router can mean."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._of = kind_of(name)
        self.wanted, self.short = self._of.wanted, self._of.short

    def read(self, value: Any, at: Location) -> Any:
        number = self._of.read(value, at)
        if number is MISSING:
            return number
        try:
            check(self._name, number)
        except UsageError as error:
            at.wrong(str(error).removeprefix(f"{self._name} "))
            return MISSING
        return number

    def shown(self, value: Any) -> Any:
        return self._of.shown(value)

    def described(self) -> dict[str, Any]:
        return self._of.described()


def kind_of(name: str) -> Kind:
    """Return what the value of a limit must be, by its name and its default."""
    if name == "readers":
        return Text(*READERS)
    if name == "max_message_size":
        return Size(512, MOST)
    if name.endswith("_size") or name in SIZES:
        return Size()
    if type(Limits._field_defaults[name]) is float:
        return Duration()
    return Whole(0, 1 << 31)


def declared() -> dict[str, DeclaredKey]:
    """Return the keys of [router]."""
    limits = {
        name: DeclaredKey(
            LimitKind(name),
            ABOUT.get(name, "") + ("; follows the memory" if name in OF_THE_MEMORY else ""),
            default,
        )
        for name, default in Limits._field_defaults.items()
    }
    return {**limits, **OTHERS}


def _made(**said: Any) -> RouterSettings:
    return RouterSettings(said=said)


class RouterTable(Declared):
    """[router]."""

    about = (RouterSettings.__doc__ or "").strip()

    def __init__(self) -> None:
        self.declared = declared()
        super().__init__({name: each.kind for name, each in self.declared.items()}, _made)
