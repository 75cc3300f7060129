"""A session of the same process: a pair of channel ends instead of a socket.

Its thread (`wamplite-conn-N`) reads what the user's threads hand in: those never route themselves,
so Ctrl-C cannot land inside the broker. Payloads pass the same gate as from a socket and are
copied: nothing mutable is shared. Who lets more than 4096 messages wait is a slow consumer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..core import uris
from ..core.errors import TransportLost
from ..core.handshake import Acceptor
from ..core.ids import new_authid
from ..core.members import Identity, Lost
from ..core.messages import Message
from ..in_process_channel import LocalChannel, pair
from .connection import Connection
from .large import LargePlace, holds_much
from .presence import Listener
from .routing import Routing
from .shared import Shared
from .waits import Flow

if TYPE_CHECKING:
    from ..client.session import Session

logger = logging.getLogger("wamplite.router")


def connect(shared: Shared, realm: str, options: Mapping[str, Any]) -> Session:
    """Join a realm of a router in this process."""
    from ..client.joining import join
    from ..client.terms import JOINING, Terms, check_keywords, checked

    check_keywords("Router.connect()", options, JOINING)
    terms = checked(Terms("", realm, **options))
    deadline = time.monotonic() + terms.connect_timeout
    ours, theirs = pair()
    refusal = shared.serve(LocalConnection(shared, ours))
    if refusal:
        raise TransportLost(f"no session in this process: {refusal}")
    try:
        return join(theirs, terms, deadline)
    except BaseException:
        theirs.shutdown("did not join")
        raise


class LocalConnection(Connection):
    """The router's end of a session in the same process."""

    is_slowed = False

    def __init__(self, shared: Shared, end: LocalChannel) -> None:
        super().__init__(shared, end.peer, None)
        self._end = end
        self._listener: Listener | None = None  # is told of each message
        self.delivered = 0  # messages; it carries one session

    def flow(self) -> Flow:
        """Serve the session to its end."""
        try:
            yield from self.converse()
        except TransportLost as error:
            self.tell_end(str(error))
        except Exception:
            logger.exception("%s: the session is closed", self.name)

    def conclude(self) -> None:
        """Give its place back."""
        self._end.finish()  # not close: our last words may still be on their way
        self.shared.leave(self)

    def acceptor(self) -> Acceptor:
        """Return what judges its HELLO: the embedding program is not asked who it is."""
        identity = Identity(new_authid(), "trusted", "internal", "router")
        return Acceptor(self.shared.realms, trusted=identity)

    def receive(self) -> list[Any]:
        """Wait for messages; what holds much takes a place, as what is large from a socket does."""
        try:
            entries = self._end.take()
        except TransportLost as lost:
            return [Lost(str(lost))]
        if self.routing is not None and any(map(holds_much, entries)):
            self.shared.decoding.acquire()
            self.place = LargePlace(self.shared.decoding)
            self.place.write(entries, self.routing.encoders.names())
        return entries

    def say(self, message: Message) -> None:
        """Send a message of the handshake."""
        self._end.send(message)

    def finish(self) -> None:
        """End the session after what was said."""
        self._end.finish()

    def shutdown(self, why: str) -> None:
        """End the session now; any thread."""
        self._end.shutdown(why)

    def box(self, routing: Routing) -> LocalMailbox:
        """Return where the realm posts to."""
        return LocalMailbox(self)

    def deliver(self, message: Message) -> bool:
        """Hand a message over, or end the session if it does not take them (the routing role)."""
        self.delivered += 1
        listener = self._listener
        if listener is not None:
            listener(message, 0)
        if not self._hand_over(message):
            self.shared.count("slow_consumers")
            logger.warning("%s is disconnected: it reads too slowly", self.name)
            self._end.shutdown(uris.SLOW_CONSUMER)
        return True

    def tell(self, listener: Listener | None) -> None:
        """Tell of each message that is delivered from now on; None: no more."""
        self._listener = listener

    def _hand_over(self, message: Message) -> bool:
        """Send a message; what came large is copied by who takes it, not by who routes."""
        place = self.routing.place if self.routing is not None else None
        if place is not None and place.brought(message):
            return self._end.lend(message)
        return self._end.send(message)


class LocalMailbox:
    """What is posted to a member in the same process: handed over at once."""

    def __init__(self, peer: LocalConnection) -> None:
        self._peer = peer
        self.tell = peer.tell
        self.post = peer.deliver
        self.post_droppable = peer.deliver
        self.end = self.release = peer.finish

    @property
    def delivered(self) -> int:
        """How many messages were handed over."""
        return self._peer.delivered
