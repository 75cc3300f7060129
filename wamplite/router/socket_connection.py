"""One accepted connection, from accept to close.

    opening  TLS, then by the first byte RawSocket or WebSocket      one absolute deadline
    joining  HELLO, perhaps CHALLENGE, WELCOME or ABORT               ... the same
    open     recv -> frames -> messages -> arrive, once per recv      pinged when silent, or where
                                                                      it may not know pings, probed
    waiting  for another HELLO, after GOODBYE or a refused one       `linger`
    ending   GOODBYE or ABORT is on its way out: read until EOF       another deadline
    closed   by whoever takes its steps, and by nobody else

The housekeeper keeps the deadlines, and ends a connection by shutting its stream down.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import suppress
from typing import Any, Protocol

from .. import serializers
from ..core.errors import ProtocolError, TransportLost
from ..core.handshake import Accepted, Acceptor
from ..core.messages import Message
from ..core.parsing import to_array
from ..core.words import shorten
from ..transports.base import HandshakeRefused, Transport
from ..transports.stream import Stream
from .faults import log_fault
from .mailbox import FrameMailbox
from .receiving import ReceivingConnection
from .routing import Routing
from .shared import Shared
from .waits import RECEIVE, Flow, Wait

logger = logging.getLogger("wamplite.router")

LONGEST_REFUSAL = 600  # characters in the log
Opening = Generator[Wait, None, Transport]


class Listening(Protocol):
    """Whose connection it is. may_share: its plain streams may be read by one thread for many."""

    url: str
    may_share: bool

    def acceptor(self, connection: SocketConnection) -> Acceptor:
        """Return what judges HELLO over a connection."""

    def open(self, connection: SocketConnection) -> Opening:
        """Bring it to where messages can be read."""


class SocketConnection(ReceivingConnection):
    """A peer that connected."""

    cookie: Any = None  # that HTTP has shown, where cookies count

    def __init__(
        self, shared: Shared, stream: Stream, listener: Listening, address: str | None
    ) -> None:
        super().__init__(shared, stream, address, listener.url)
        stream.on_left = self._on_left
        self._listener = listener
        self.may_be_shared = stream.is_plain and listener.may_share

    def disown(self) -> None:
        """Close the descriptor that a forked child has."""
        self.stream.disown()

    def fileno(self) -> int:
        """Return the descriptor that tells when there is something to receive."""
        return self.stream.fileno()

    def flow(self) -> Flow:
        """Serve the connection until the peer has closed it, or time is up."""
        try:
            yield from self._open()
            yield from self.converse()
        except (TransportLost, ProtocolError) as error:
            self.tell_end(str(error))
        except GeneratorExit:
            raise
        except BaseException:  # SystemExit too: nobody else would tell of it
            log_fault(logger, "%s: the connection is closed", self.name)
            return
        yield from self._linger()

    def conclude(self) -> None:
        """Close it and leave the accounts: the last act."""
        try:
            self.stream.close()
        finally:  # closed first: nothing it holds is noted any more
            shared = self.shared
            shared.housekeeper.remove(self)
            if shared.buffered.forget(self):
                shared.trimming.soon()  # it is freed as soon as its flow is
            shared.leave(self)

    def acceptor(self) -> Acceptor:
        """Return what judges its HELLO: the listener's."""
        return self._listener.acceptor(self)

    def facts(self) -> dict[str, Any]:
        """Return what may be told of what carries the session."""
        return {
            "type": self._transport.framing.partition("-")[0],
            "serializer": self._transport.serializer,
            "peer": self.name,
            "listener": self.listener_url,
            "tls": self.stream.tls is not None,
        }

    def _open(self) -> Flow:
        """Shake hands; who is sent away will wonder why, so the log says it."""
        try:
            self._transport = yield from self._listener.open(self)
        except (HandshakeRefused, ProtocolError) as refused:
            kind = refused.kind if isinstance(refused, HandshakeRefused) else "handshake"
            if kind != "http_200":  # somebody looked what this is
                text = str(refused)
                who = "" if text.startswith(self.name) else f"{self.name}: "
                self.shared.refusals.warn(kind, shorten(who + text, LONGEST_REFUSAL))
            raise
        self._loads = serializers.loads_of(self._transport.serializer)
        self._opened, self.is_ready = True, self._transport.is_ready

    @property
    def has_ended(self) -> bool:
        """Tell whether nothing more can come."""
        return self.stream.lost is not None

    @property
    def transport_name(self) -> str:  # type: ignore[override]
        """What carries the session, for logs."""
        kind = self._transport.framing.partition("-")[0]
        return f"{kind}, {self._transport.serializer}"

    @property
    def queued(self) -> tuple[int, int]:
        """How many bytes and messages wait to be sent."""
        return self.stream.left, self.stream.waiting

    @property
    def bytes(self) -> tuple[int, int]:
        """How many have come, and have gone."""
        return self.stream.came, self.stream.went

    def say(self, message: Message) -> None:
        """Send a message of the handshake."""
        payload = serializers.get(self._transport.serializer).dumps(to_array(message))
        self._transport.writer()([self._transport.frame(payload)])

    def finish(self) -> None:
        """End the connection after what was said."""
        self._transport.finish()

    def box(self, routing: Routing) -> FrameMailbox:
        """Return where the realm posts to."""
        return FrameMailbox(routing, self._transport, self.shared.count, self.ending, self.released)

    def accepted(self, outcome: Accepted) -> None:
        """Lift the bounds of the handshake, and watch over the peer from now on."""
        self._transport.limit_receive(self.shared.limits.max_message_size)
        if outcome.answers_ping:
            self._transport.expect_pongs()
        super().accepted(outcome)

    def shutdown(self, why: str) -> None:
        """End the connection now; any thread."""
        self.stream.shutdown(why)

    def _linger(self) -> Flow:
        """Read what still comes and drop it, so that closing does not destroy our last words."""
        stream = self.stream
        if stream.lost is not None or (stream.at_end and not stream.left):
            return
        self.ending()
        stream.finish()
        # Whatever the transport has yet to tell is not what comes now
        self._opened = self.is_ready = False
        if not self.may_be_shared:
            return stream.linger(self.shared.limits.linger)
        with suppress(TransportLost, TimeoutError):  # the deadline ends it, too
            data = b" "
            while data:
                yield RECEIVE
                data = stream.recv()
