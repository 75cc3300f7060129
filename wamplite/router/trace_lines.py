"""What a trace shows of a message: its array, shortened, its URI, and no secrets (pure).

A secret is whatever the handshake proves somebody by (AUTHENTICATE, the extra of CHALLENGE,
authextra), all that the router's own calls carry (an authenticator is handed tickets by them), and
in payloads what stands under a key like `password`. At most MOST values of a message are shown, and
the beginning of each text: one of a megabyte costs no more than one of a kilobyte.
"""

from __future__ import annotations

import re
from typing import Any

from ..core.messages import (
    Authenticate,
    Call,
    Cancel,
    Challenge,
    Event,
    Hello,
    Interrupt,
    Invocation,
    Message,
    Publish,
    Register,
    Result,
    Subscribe,
    Unregister,
    Unsubscribe,
    Welcome,
    Yield,
)
from ..core.parsing import to_array

SECRET = "***"
KEYS = re.compile(r"passw|secret|token|ticket|signature|credential|api_?key|private_?key", re.I)
HARMLESS = ("iterations", "keylen", "kdf", "memory", "channel_binding")  # of a CHALLENGE
MOST = 40  # values of one message
LONGEST = 120  # characters of a text
REMEMBERED = 4096  # requests that wait for their answer
NAMED = (Publish, Subscribe, Register, Call)  # by the URI behind their options


def shown(message: Message, is_secret: bool) -> list[Any]:
    """Return the array of a message as a trace shows it; is_secret: without its payload."""
    array: list[Any] = Abridging().of(to_array(masked(message, is_secret)))
    return array


def masked(message: Any, is_secret: bool) -> Message:
    """Return a message with its secrets hidden."""
    kind = type(message)
    if kind is Authenticate:
        return Authenticate(SECRET, hidden(message.extra))
    if kind is Challenge:
        return Challenge(message.authmethod, hidden(message.extra, HARMLESS))
    if kind is Hello or kind is Welcome:
        details = message.details
        if isinstance(details.get("authextra"), dict):
            details = {**details, "authextra": hidden(details["authextra"])}
        found: Message = message._replace(details=details)
        return found
    if is_secret and "args" in message._fields:
        return message._replace(args=[SECRET], kwargs=None)  # type: ignore[no-any-return]
    return message  # type: ignore[no-any-return]


def hidden(extra: dict[str, Any], harmless: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a dict whose values are hidden but for those of harmless keys."""
    return {key: said if key in harmless else SECRET for key, said in extra.items()}


class Abridging:
    """Shortens the values of one message, all together."""

    def __init__(self) -> None:
        self._left = MOST

    def of(self, value: Any) -> Any:
        """Return a value that is as long as there is room."""
        self._left -= 1
        if isinstance(value, str):
            return value if len(value) <= LONGEST else f"{value[:LONGEST]}..."
        if isinstance(value, (bytes, bytearray)):
            return f"{len(value)} bytes"
        if isinstance(value, dict):
            return self._of_dict(value)
        if isinstance(value, (list, tuple)):
            return self._of_list(value)
        return value

    def _of_list(self, values: Any) -> list[Any]:
        found: list[Any] = []
        for value in values:
            if self._left <= 0:
                return [*found, f"... {len(values) - len(found)} more"]
            found.append(self.of(value))
        return found

    def _of_dict(self, values: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in values.items():
            if self._left <= 0:
                return {**found, "...": f"{len(values) - len(found)} more"}
            short = key if len(key) <= LONGEST else f"{key[:LONGEST]}..."
            found[short] = SECRET if KEYS.search(key[:LONGEST]) else self.of(value)
        return found


class Subjects:
    """The URI that each message is about: answers are about that of their request.

    subscriptions, registrations: the records of the realm by id.
    """

    def __init__(self, subscriptions: dict[int, Any], registrations: dict[int, Any]) -> None:
        self._subscriptions = subscriptions
        self._registrations = registrations
        self._waiting: dict[tuple[int, bool, int], str] = {}  # (session, it asks, request)

    def of(self, session: int, message: Any, came: bool) -> str:
        """Return the URI of a message that came from a session or goes to it; "": of none."""
        kind = type(message)
        if kind in NAMED:
            return self._named(session, message, message[2], came)
        if kind is Event:
            return str(message.details.get("topic") or _uri(self._subscriptions, message[0]))
        if kind is Invocation:
            registered = _uri(self._registrations, message.registration)
            uri = str(message.details.get("procedure") or registered)
            return self._named(session, message, uri, came)
        if kind is Unsubscribe:
            uri = _uri(self._subscriptions, message.subscription)
            return self._named(session, message, uri, came)
        if kind is Unregister:
            uri = _uri(self._registrations, message.registration)
            return self._named(session, message, uri, came)
        return self._answered(session, message, came)

    def _named(self, session: int, message: Any, uri: str, came: bool) -> str:
        """Remember the URI of a request that will be answered."""
        if type(message) is not Publish or message.options.get("acknowledge"):
            if len(self._waiting) >= REMEMBERED:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[session, came, message.request] = uri
        return uri

    def _answered(self, session: int, message: Any, came: bool) -> str:
        """Return the URI of the request that a message answers, cancels or interrupts."""
        if "request" not in message._fields:
            return ""
        goes_along = isinstance(message, (Cancel, Interrupt))
        key = session, came if goes_along else not came, message.request
        options = message[1] if isinstance(message, (Result, Yield)) else {}
        if goes_along or options.get("progress"):
            return self._waiting.get(key, "")
        return self._waiting.pop(key, "")


def _uri(records: dict[int, Any], number: int) -> str:
    return records[number].uri if number in records else ""
