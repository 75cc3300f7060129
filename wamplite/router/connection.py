"""One accepted connection and its thread, from accept to close.

    opening  TLS, then by the first byte RawSocket or WebSocket      one absolute deadline
    joining  HELLO, perhaps CHALLENGE, WELCOME or ABORT               ... the same
    open     recv -> frames -> messages -> arrive, once per recv      pinged when silent
    ending   GOODBYE or ABORT is on its way out: read until EOF       another deadline
    closed   by this thread only

The deadlines are kept by the drain thread, which ends a connection by shutting its stream down.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from .. import serializers
from ..core.errors import ProtocolError, TransportLost
from ..core.members import Lost, Violation
from ..core.messages import Message, parse, to_array
from ..serializers import Serializer
from ..transports.base import Transport
from ..transports.stream import Stream
from .mailbox import Mailbox
from .peer import Peer
from .routing import Routing

if TYPE_CHECKING:
    from .listener import Listener
    from .router import Router

logger = logging.getLogger("wamplite.router")

FOREVER = float("inf")


class Connection(Peer):
    """A peer that connected: serves as its thread's target and as what the drain thread ticks."""

    def __init__(self, router: Router, stream: Stream, listener: Listener, address: str) -> None:
        super().__init__(router, stream.peer)
        self.stream = stream
        self.address = address  # for the bound per address; "" is exempt
        self._listener = listener
        self._transport: Transport
        self._serializer: Serializer
        self.deadline = time.monotonic() + router.limits.handshake_timeout
        self._pinged_at = 0.0  # when the peer had last been heard as it was pinged

    def run(self) -> None:
        """Serve the connection to its end; the target of its thread."""
        try:
            self._transport = self._listener.open(self.stream)
            self._serializer = serializers.get(self._transport.serializer)
            self.converse()
            self._linger()
        except (TransportLost, ProtocolError) as error:
            logger.debug("%s: %s", self.stream.peer, error)
            self._linger()
        except Exception:
            logger.exception("%s: the connection is closed", self.stream.peer)
        finally:
            self.router.forget(self)
            self.stream.close()

    def tick(self, now: float) -> float:
        """Keep the deadlines (the drain thread); returns when to be asked again."""
        if now >= self.deadline:
            return self._give_up("deadlines_missed", "a deadline was missed")
        if self.deadline < FOREVER:
            return self.deadline
        heard, interval = self._transport.heard, self.router.limits.ping_interval
        if now - heard >= 2 * interval:
            return self._give_up("pings_unanswered", f"silent for {2 * interval:g} s")
        if now - heard >= interval:
            if self._pinged_at != heard:
                self._pinged_at = heard
                self._transport.ping()
            return heard + 2 * interval
        return heard + interval

    def _give_up(self, counter: str, why: str) -> float:
        self.router.count(counter)
        self.shutdown(why)
        return FOREVER  # its own thread is on the way out

    def ending(self) -> None:
        """The last words are posted: give the peer a moment to close (with the routing role)."""
        self.deadline = time.monotonic() + self.router.limits.linger
        self.router.drain.add(self, self.deadline)

    def receive(self) -> list[Any]:
        """Return the messages of one recv, and how the peer ended if it did."""
        try:
            payloads = self._transport.receive()
        except TransportLost as lost:
            return [Lost(str(lost))]
        except ProtocolError as error:
            return [Violation(str(error))]
        loads = self._serializer.loads
        entries: list[Any] = []
        try:
            for payload in payloads:
                entries.append(parse(loads(payload)))
        except ProtocolError as error:
            entries.append(Violation(str(error)))
        return entries

    def say(self, message: Message) -> None:
        """Send a message of the handshake."""
        payload = self._serializer.dumps(to_array(message))
        self.stream.write([self._transport.frame(payload)])

    def finish(self) -> None:
        """End the connection after what was said."""
        self._transport.finish()

    def box(self, routing: Routing) -> Mailbox:
        """Return where the realm posts to."""
        return Mailbox(routing, self._transport, self.router.count, self.ending)

    def accepted(self) -> None:
        """Lift the bounds of the handshake."""
        super().accepted()
        self._transport.limit_receive(self.router.limits.max_message_size)
        self.deadline = FOREVER
        self.router.drain.add(self, time.monotonic() + self.router.limits.ping_interval)

    def shutdown(self, why: str) -> None:
        """End the connection now; any thread."""
        self.stream.shutdown(why)

    def _linger(self) -> None:
        """Read what still comes and drop it, so that closing does not destroy our last words."""
        if self.stream.lost is None:
            self.ending()
            self.stream.finish()
            self.stream.linger(self.router.limits.linger)
