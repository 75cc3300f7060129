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
import threading
import time
from typing import TYPE_CHECKING, Any

from .. import serializers
from ..core import uris
from ..core.errors import ProtocolError, TransportLost
from ..core.handshake import Accepted, Acceptor
from ..core.ids import new_session
from ..core.members import Join, Lost, Member, Violation
from ..core.messages import Abort, Challenge, Message, parse, to_array
from ..transports.base import Transport
from ..transports.stream import Stream
from .mailbox import Mailbox
from .routing import Arrival, Routing

if TYPE_CHECKING:
    from .listener import Listener
    from .router import Router

logger = logging.getLogger("wamplite.router")

FOREVER = float("inf")


class Connection:
    """A peer that connected: serves as its thread's target and as what the drain thread ticks."""

    def __init__(self, router: Router, stream: Stream, listener: Listener, address: str) -> None:
        self.stream = stream
        self.address = address  # for the bound per address; "" is exempt
        self.joined = False
        self._router = router
        self._listener = listener
        self._transport: Transport | None = None
        self.deadline = time.monotonic() + router.limits.handshake_timeout
        self._pinged_at = 0.0  # when the peer had last been heard as it was pinged

    def run(self) -> None:
        """Serve the connection to its end; the target of its thread."""
        try:
            self._transport = transport = self._listener.open(self.stream)
            self._serializer = serializers.get(transport.serializer)
            self._join(transport)
            self._linger()
        except (TransportLost, ProtocolError) as error:
            logger.debug("%s: %s", self.stream.peer, error)
            self._linger()
        except Exception:
            logger.exception("%s: the connection is closed", self.stream.peer)
        finally:
            self._router.forget(self)
            self.stream.close()

    def tick(self, now: float) -> float:
        """Keep the deadlines (the drain thread); returns when to be asked again."""
        if now >= self.deadline:
            self._router.count("deadlines_missed")
            self.stream.shutdown("a deadline was missed")
            return now + 60
        transport, interval = self._transport, self._router.limits.ping_interval
        if self.deadline < FOREVER or transport is None:
            return self.deadline
        heard = transport.heard
        if now - heard >= 2 * interval:
            self._router.count("pings_unanswered")
            self.stream.shutdown(f"silent for {2 * interval:g} s")
        elif now - heard >= interval:
            if self._pinged_at != heard:
                self._pinged_at = heard
                transport.ping()
            return heard + 2 * interval
        return heard + interval

    def ending(self) -> None:
        """The last words are posted: give the peer a moment to close (with the routing role)."""
        self.deadline = time.monotonic() + self._router.limits.linger
        self._router.drain.add(self, self.deadline)

    def _join(self, transport: Transport) -> None:
        """Speak until a session is accepted, then serve it; or until the peer is sent away."""
        acceptor = Acceptor(self._router.realms, self._router.authmethods)
        while True:
            entries = self._receive(transport)
            for at, entry in enumerate(entries, 1):
                if type(entry) is Lost:
                    raise TransportLost(entry.text)
                if type(entry) is Violation:
                    outcome = Abort({"message": entry.text}, uris.PROTOCOL_VIOLATION)
                else:
                    outcome = acceptor.on_message(entry)
                if type(outcome) is Accepted:
                    return self._serve(transport, outcome, entries[at:])
                if outcome is not None:
                    self._say(transport, outcome)
                if type(outcome) is not Challenge:
                    logger.info("%s did not join: %s", self.stream.peer, outcome or "it gave up")
                    transport.finish()
                    return None

    def _serve(self, transport: Transport, accepted: Accepted, entries: list[Any]) -> None:
        """Read and let route, one arrival for one recv, until the member is gone."""
        routing = self._router.realms[accepted.realm]
        member = self._member(transport, routing, accepted)
        turn = threading.Lock()  # held from an arrival of this member until it is handled
        entries = [Join(), *entries]
        transport.limit_receive(self._router.limits.max_message_size)
        self.deadline = FOREVER
        self.joined = True
        while member.open:
            turn.acquire()
            routing.arrive(Arrival(member, entries, turn))
            if type(entries[-1]) in (Lost, Violation):
                turn.acquire()  # its end is to be handled before the stream is closed
                return
            entries = self._receive(transport)
            while not entries:
                entries = self._receive(transport)

    def _member(self, transport: Transport, routing: Routing, accepted: Accepted) -> Member:
        mailbox = Mailbox(routing, transport, self._router.count, self.ending)
        return Member(
            new_session(),
            accepted.identity,
            accepted.roles,
            mailbox.post,
            mailbox.post_droppable,
            mailbox.end,
        )

    def _receive(self, transport: Transport) -> list[Any]:
        """Return the messages of one recv, and how the peer ended if it did."""
        try:
            payloads = transport.receive()
        except TransportLost as lost:
            return [Lost(str(lost))]
        except ProtocolError as error:
            return [Violation(str(error))]
        entries: list[Any] = []
        try:
            for payload in payloads:
                entries.append(parse(self._serializer.loads(payload)))
        except ProtocolError as error:
            entries.append(Violation(str(error)))
        return entries

    def _say(self, transport: Transport, message: Message) -> None:
        """Send a message of the handshake: no realm has a part in it yet."""
        self.stream.write([transport.frame(self._serializer.dumps(to_array(message)))])

    def _linger(self) -> None:
        """Read what still comes and drop it, so that closing does not destroy our last words."""
        if self.stream.lost is None:
            self.ending()
            self.stream.finish()
            self.stream.linger(self._router.limits.linger)
