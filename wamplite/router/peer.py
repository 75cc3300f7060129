"""What every connection to the router does once messages can be read, from a socket or not.

wamplite-conn-N:  joining  HELLO, perhaps CHALLENGE, then WELCOME or ABORT
                  open     receive -> take the turn -> arrive, once per receive, until the member
                           is gone; its turn comes back once all that has arrived is handled

Whatever goes wrong in this thread, the member leaves its realm before the thread ends.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

from ..core.errors import TransportLost
from ..core.handshake import Accepted, Acceptor
from ..core.ids import new_session
from ..core.members import Join, Lost, Member, Violation
from ..core.messages import Abort, Challenge, Message
from .routing import Arrival, Routing

if TYPE_CHECKING:
    from .router import Router

logger = logging.getLogger("wamplite.router")

LONGEST_TEXT = 200  # characters of what a peer sent, in a log


class Box(Protocol):
    """Where a realm posts what a member is to get; see core.members.Member."""

    def post(self, message: Message) -> bool: ...

    def post_droppable(self, message: Message) -> bool: ...

    def end(self) -> None: ...


class Peer(ABC):
    """Somebody who is connected; its own thread calls `converse`."""

    def __init__(self, router: Router, name: str, address: str | None) -> None:
        self.router = router
        self.name = name  # for logs
        self.address = address  # for the bounds; "": a Unix socket, None: exempt

    @abstractmethod
    def run(self) -> None:
        """Serve to the end; the target of its thread."""

    @abstractmethod
    def shutdown(self, why: str) -> None:
        """End now; any thread."""

    @abstractmethod
    def receive(self) -> list[Any]:
        """Wait for what one recv brings: messages, then Violation or Lost if it ended."""

    @abstractmethod
    def say(self, message: Message) -> None:
        """Send a message of the handshake: no realm has a part in it yet."""

    @abstractmethod
    def finish(self) -> None:
        """End the connection after what was said."""

    @abstractmethod
    def box(self, routing: Routing) -> Box:
        """Return where the realm posts to."""

    def accepted(self) -> None:
        """Notice that the handshake has succeeded."""
        self.router.joined(self)

    def came_in_part(self) -> None:  # noqa: B027 - most have nothing to do
        """Notice that a recv brought a part of a message and no whole one."""

    def disown(self) -> None:  # noqa: B027 - in one process there is nothing to close
        """Close what a forked child has of the connection."""

    def acceptor(self) -> Acceptor:
        """Return what judges its HELLO."""
        return Acceptor(self.router.realms, self.router.authmethods)

    def converse(self) -> None:
        """Speak until a session is accepted, then serve it; or until the peer is sent away."""
        acceptor = self.acceptor()
        while True:
            entries = self.receive()
            for at, entry in enumerate(entries, 1):
                if type(entry) is Lost:
                    raise TransportLost(entry.text)
                outcome = acceptor.on_message(entry)
                if isinstance(outcome, Accepted):
                    return self._serve(outcome, entries[at:])
                if outcome is not None:
                    self.say(outcome)
                if not isinstance(outcome, Challenge):
                    logger.info("%s did not join: %s", self.name, _why(outcome))
                    return self.finish()

    def _serve(self, accepted: Accepted, entries: list[Any]) -> None:
        routing = self.router.realms[accepted.realm]
        box = self.box(routing)
        member = Member(
            new_session(),
            accepted.identity,
            accepted.roles,
            box.post,
            box.post_droppable,
            box.end,
        )
        self.accepted()
        self._read(member, routing, [Join(), *entries])

    def _read(self, member: Member, routing: Routing, entries: list[Any]) -> None:
        turn = threading.Lock()  # held from an arrival of this member until it is handled
        while member.open:
            turn.acquire()
            routing.arrive(Arrival(member, entries, turn))
            if type(entries[-1]) in (Lost, Violation):
                level = logging.INFO if type(entries[-1]) is Violation else logging.DEBUG
                logger.log(level, "%s, %s: %s", self.name, member, shown(entries[-1].text))
                turn.acquire()  # its end is to be handled before the connection is closed
                return
            try:
                entries = self.receive()
                while not entries:
                    self.came_in_part()
                    entries = self.receive()
            except Exception:
                logger.exception("%s, %s: the session is closed", self.name, member)
                entries = [Lost("internal error")]


def shown(text: str) -> str:
    """Return what a peer sent as a log may show it: one line, no control characters, not long."""
    cut = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
    return cut if cut.isprintable() else ascii(cut)[1:-1]


def _why(outcome: Abort | None) -> str:
    if outcome is not None:
        return shown(f"{outcome.reason}: {outcome.details.get('message', '')}")
    return "it gave up"
