"""What every connection to the router does once messages can be read, from a socket or not.

joining  HELLO, perhaps CHALLENGE, then WELCOME or ABORT
open     receive -> arrive, once per receive, until the member is gone
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

from ..core import uris
from ..core.errors import TransportLost
from ..core.handshake import Accepted, Acceptor
from ..core.ids import new_session
from ..core.members import Join, Lost, Member, Violation
from ..core.messages import Abort, Challenge, Message
from .routing import Arrival, Routing

if TYPE_CHECKING:
    from .router import Router

logger = logging.getLogger("wamplite.router")


class Box(Protocol):
    """Where a realm posts what a member is to get; see core.members.Member."""

    def post(self, message: Message) -> bool: ...

    def post_droppable(self, message: Message) -> bool: ...

    def end(self) -> None: ...


class Peer(ABC):
    """Somebody who is connected; its own thread calls `converse`."""

    def __init__(self, router: Router, name: str) -> None:
        self.router = router
        self.name = name  # for logs
        self.joined = False

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
        self.joined = True

    def converse(self) -> None:
        """Speak until a session is accepted, then serve it; or until the peer is sent away."""
        acceptor = Acceptor(self.router.realms, self.router.authmethods)
        while True:
            entries = self.receive()
            for at, entry in enumerate(entries, 1):
                if type(entry) is Lost:
                    raise TransportLost(entry.text)
                outcome = _judge(acceptor, entry)
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
        turn = threading.Lock()  # held from an arrival of this member until it is handled
        entries = [Join(), *entries]
        self.accepted()
        while member.open:
            turn.acquire()
            routing.arrive(Arrival(member, entries, turn))
            if type(entries[-1]) in (Lost, Violation):
                turn.acquire()  # its end is to be handled before the connection is closed
                return
            entries = self.receive()
            while not entries:
                entries = self.receive()


def _judge(acceptor: Acceptor, entry: Any) -> Challenge | Abort | Accepted | None:
    if type(entry) is Violation:
        return Abort({"message": entry.text}, uris.PROTOCOL_VIOLATION)
    return acceptor.on_message(entry)


def _why(outcome: Abort | None) -> str:
    if outcome is not None:
        return f"{outcome.reason}: {outcome.details['message']}"
    return "it gave up"
