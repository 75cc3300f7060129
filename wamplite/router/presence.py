"""The sessions that are here, as whoever operates the router sees them: since when, how busy.

Counting costs a call or an event next to nothing: what is received is counted once for each recv,
what is sent once for each write. What has ended is added up under the same lock under which all is
read, so that no total ever falls.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..core.members import Member
from ..core.messages import Message
from ..locks import Lock

Listener = Callable[[Message, int], None]  # of a message, and of its size in bytes; 0: it has none


class SessionCarrier(Protocol):
    """The connection that carries a session."""

    name: str
    transport_name: str
    address: str | None  # "": a Unix socket, None: in this process, serial
    listener_url: str  # "": it came to none
    received: int  # entries so far, of all of its sessions: each one's Join, and its messages

    def unnamed(self, text: str) -> str:
        """Return a text without the peer's name, where it begins with that."""

    @property
    def is_near(self) -> bool:
        """Tell whether the client is of this machine."""

    @property
    def queued(self) -> tuple[int, int]:
        """How many bytes and messages wait to be sent."""


class Posting(Protocol):
    """The mailbox of a session."""

    @property
    def delivered(self) -> int:
        """How many messages were handed on to be sent."""

    def tell(self, listener: Listener | None) -> None:
        """Tell of each message that is posted from now on; None: no more."""


class Presence:
    """One session, from WELCOME to its end."""

    __slots__ = ("_before", "carrier", "mailbox", "member", "realm", "since")

    def __init__(
        self, carrier: SessionCarrier, mailbox: Posting, member: Member, realm: str
    ) -> None:
        self.carrier = carrier
        self.member = member
        self.realm = realm
        self.since = time.time()
        self.mailbox = mailbox
        self._before = carrier.received + 1  # Join is no message

    @property
    def messages(self) -> tuple[int, int]:
        """How many it has sent, and how many it was sent."""
        return max(0, self.carrier.received - self._before), self.mailbox.delivered


class Visits(NamedTuple):
    """What all sessions of a realm have done so far, those that have ended included."""

    joined: int = 0
    messages_in: int = 0
    messages_out: int = 0


class Presences:
    """All sessions that are here, and the sums of those that are not any more; any thread."""

    def __init__(self) -> None:
        self._lock = Lock()  # guards the next two
        self._present: dict[Presence, None] = {}
        self._ended: dict[str, list[int]] = {}  # by realm: figures as of Visits

    def begin(self, presence: Presence) -> None:
        """Count a session as present until `end`."""
        with self._lock:
            self._present[presence] = None

    def end(self, presence: Presence) -> None:
        """Add a session to those that are not here any more."""
        with self._lock:
            del self._present[presence]
            _add(self._ended, presence)

    def visits(self) -> dict[str, Visits]:
        """Return by realm what all sessions have done."""
        with self._lock:
            sums = {realm: list(ended) for realm, ended in self._ended.items()}
            for presence in self._present:
                _add(sums, presence)
        return {realm: Visits(*figures) for realm, figures in sums.items()}

    def of(self, realm: str) -> list[Presence]:
        """Return the sessions of a realm that are here."""
        with self._lock:
            return [presence for presence in self._present if presence.realm == realm]


def _add(sums: dict[str, list[int]], presence: Presence) -> None:
    figures = sums.get(presence.realm)
    if figures is None:
        figures = sums[presence.realm] = [0, 0, 0]
    came, went = presence.messages
    figures[0] += 1
    figures[1] += came
    figures[2] += went
