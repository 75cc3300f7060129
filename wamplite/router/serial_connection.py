"""A device on a serial line, as the router's realm meets it.

What differs from a connection that loses nothing: WELCOME is short, for a small memory, and an
INVOCATION whose answer may have been lost is answered by a timeout. Else the call would be pending
for as long as the session, and so many of them would keep the device from being called at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..core import uris
from ..core.grammar import CLIENT, announced_features
from ..core.messages import CODES, Error, Hello, Invocation, Message, Welcome, Yield
from ..locks import Lock
from ..transports.base import Transport
from ..transports.stream import Stream
from .mailbox import FrameMailbox
from .routing import Routing
from .shared import Shared
from .socket_connection import Listening, SocketConnection


class SerialConnection(SocketConnection):
    """One session of a device."""

    def __init__(
        self, shared: Shared, stream: Stream, listener: Listening, call_timeout: float
    ) -> None:
        super().__init__(shared, stream, listener, None)  # a port has one at a time
        self._asked = Asked(call_timeout)
        self._roles: dict[str, Any] = {}  # as announced in HELLO

    def receive(self) -> list[Any]:
        """Return what came, and a timeout for each invocation that was not answered."""
        entries = super().receive()
        for entry in entries:
            if type(entry) is Hello:
                self._roles = entry.details["roles"]
            elif type(entry) in (Yield, Error):
                self._asked.settle(entry.request)
        return [*self._asked.give_up(time.monotonic()), *entries]

    def wait_again(self) -> bool:
        """Wait for no HELLO: the line begins a session anew by itself."""
        return False

    def box(self, routing: Routing) -> FrameMailbox:
        """Return where the realm posts to."""
        return SerialFrames(
            routing, self._transport, self.shared.count, self.ending, self._roles, self._asked
        )


class Asked:
    """The invocations that a device has not answered yet."""

    def __init__(self, patience: float) -> None:
        self._patience = patience  # seconds; 0: for ever
        self._lock = Lock()  # guards _deadlines
        self._deadlines: dict[int, float] = {}  # by INVOCATION.Request, the oldest first

    def note(self, request: int, now: float) -> None:
        """Remember an invocation (with the routing role)."""
        if self._patience:
            with self._lock:
                self._deadlines[request] = now + self._patience

    def settle(self, request: int) -> None:
        """Forget one that was answered."""
        with self._lock:
            self._deadlines.pop(request, None)

    def give_up(self, now: float) -> list[Error]:
        """Return the answers of those that have waited for too long."""
        with self._lock:
            late = [request for request, when in self._deadlines.items() if when <= now]
            for request in late:
                del self._deadlines[request]
        text = f"no answer from the device within {self._patience:g} s"
        code = CODES[Invocation]
        return [Error(code, request, {}, uris.TIMEOUT, [text], None) for request in late]


class SerialFrames(FrameMailbox):
    """The way to a device: with a short WELCOME."""

    __slots__ = ("_asked", "_roles")

    def __init__(
        self,
        routing: Routing,
        transport: Transport,
        tally: Callable[[str], None],
        on_end: Callable[[], None],
        roles: dict[str, Any],
        asked: Asked,
    ) -> None:
        super().__init__(routing, transport, tally, on_end)
        self._roles = roles
        self._asked = asked

    def post(self, message: Message) -> bool:
        """Queue a message; False if the device does not take messages so large."""
        kind = type(message)
        if kind is Welcome:
            message = shortened(message, self._roles)  # type: ignore[arg-type]
        posted = super().post(message)
        if posted and type(message) is Invocation:
            self._asked.note(message.request, time.monotonic())
        return posted


def shortened(welcome: Welcome, roles: dict[str, Any]) -> Welcome:
    """Return WELCOME with those features alone that the device announced, under any role."""
    known = {feature for role in CLIENT for feature in announced_features(roles, role)}
    ours = {role: _common(entry, known) for role, entry in welcome.details["roles"].items()}
    return welcome._replace(details={**welcome.details, "roles": ours})


def _common(role: dict[str, Any], known: set[str]) -> dict[str, Any]:
    features = {key: told for key, told in role.get("features", {}).items() if key in known}
    rest = {key: entry for key, entry in role.items() if key != "features"}
    return {**rest, "features": features} if features else rest
