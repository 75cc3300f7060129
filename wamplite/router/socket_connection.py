"""One accepted connection, from accept to close.

    opening  TLS, then by the first byte RawSocket or WebSocket      one absolute deadline
    joining  HELLO, perhaps CHALLENGE, WELCOME or ABORT               ... the same
    open     recv -> frames -> messages -> arrive, once per recv      pinged when silent, or where
                                                                      it may not know pings, probed
    waiting  for another HELLO, after GOODBYE or a refused one       `linger`
    ending   GOODBYE or ABORT is on its way out: read until EOF       another deadline
    closed   by whoever takes its steps, and by nobody else

The housekeeper keeps the deadlines, and ends a connection by shutting its stream down. What it
holds (left over, half received, to be decoded) is noted as it grows; few decode what is large.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, Protocol

from .. import serializers
from ..core import uris
from ..core.errors import ProtocolError, TransportLost
from ..core.handshake import Accepted, Acceptor
from ..core.members import Lost, Violation
from ..core.messages import Message
from ..core.parsing import to_array
from ..core.words import shorten
from ..transports.base import HandshakeRefused, MessageTooLarge, Transport
from ..transports.stream import Stream
from .decoding import decode, decode_for
from .faults import log_fault
from .large import LargePlace
from .mailbox import FrameMailbox
from .routing import NOTHING, Routing
from .served import LARGE, SLOW, SMALL, Gather
from .shared import Shared
from .timed_connection import TimedConnection
from .trimming import MUCH
from .waits import RECEIVE, Flow, Wait

logger = logging.getLogger("wamplite.router")

LONGEST_REFUSAL = 600  # characters in the log
LARGE_RECEIVE = (
    16 * 1024
)  # bytes of a receive that take a place to be decoded; 16 KB may take 12 ms
MANY = 64  # messages of one receive, which are more than a few where it is large
SLICE = 0.001  # seconds for which one is served by the reader of many
LONG = 0.002  # seconds of processor time of a large receive: who takes more has its own thread

Payloads = list[bytes]
Opening = Generator[Wait, None, Transport]


class Listening(Protocol):
    """Whose connection it is. may_share: its plain streams may be read by one thread for many."""

    url: str
    may_share: bool

    def acceptor(self, connection: SocketConnection) -> Acceptor:
        """Return what judges HELLO over a connection."""

    def open(self, connection: SocketConnection) -> Opening:
        """Bring it to where messages can be read."""


class SocketConnection(TimedConnection):
    """A peer that connected."""

    cookie: Any = None  # that HTTP has shown, where cookies count
    _opened = False  # the next one, and the transport, are there
    _loads: Callable[[bytes], Any]
    _payloads: list[bytes] = NOTHING  # that are to be decoded yet
    _may_wait = True  # who takes its steps
    _waiting = 0  # bytes that wait for a place to be decoded, or for the rest of a request

    def __init__(
        self, shared: Shared, stream: Stream, listener: Listening, address: str | None
    ) -> None:
        super().__init__(shared, stream, address, listener.url)
        stream.on_left = self._on_left
        self._listener = listener
        self.may_be_shared = stream.is_plain and listener.may_share

    def be_read(self, gather: Gather | None, may_wait: bool) -> None:
        self.gather, self._may_wait = gather, may_wait
        self.stream.may_wait(may_wait)

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

    def note_request(self, size: int) -> None:
        """Notice how many bytes of a request are here."""
        self._waiting = size
        if size:
            self.shared.buffered.note(self)
            self.shared.buffered.wait(self)

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

    @property
    def held(self) -> int:
        """How many bytes wait, in the outbox or to be read; 0 once it has ended."""
        if self.stream.lost is not None:
            return 0
        received = self._transport.buffered if self._opened else 0
        return self.stream.left + received + self._waiting

    def evict(self) -> None:
        """End the connection, which holds most, because all together hold too much."""
        self.shared.count("largest_holders")
        if 2 * self.stream.left > self.held:
            self.shared.count("slow_consumers")
        logger.warning("%s is disconnected: it holds most, and all hold too much", self.name)
        self.shutdown(uris.SLOW_CONSUMER)

    @property
    def is_full(self) -> bool:  # type: ignore[override]
        """Tell whether all together hold too much."""
        return self.shared.buffered.is_full

    @property
    def is_left(self) -> bool:  # type: ignore[override]
        """Tell whether there is something to decode for who may take long over it."""
        return self._payloads is not NOTHING and self.weight != SMALL

    def came_in_part(self) -> None:
        """Notice that a recv brought a part of a message, or what is to be decoded yet."""
        self.shared.buffered.note(self)

    def await_room(self) -> None:
        """Wait a moment for those to go that were ended because all hold too much."""
        self.shared.buffered.wait(self)

    def _on_left(self, stream: Stream) -> None:
        """Have the housekeeper write what a write has left over (any thread)."""
        self.shared.housekeeper.watch(stream)
        self.shared.buffered.note(self)

    def receive(self) -> list[Any]:
        """Return the messages of one recv, and how the peer ended if it did."""
        if self.weight == SMALL:
            entries = self._receive()
        else:
            began = time.thread_time()
            entries = self._receive()
            if self.weight != SMALL and time.thread_time() - began > LONG:
                self.weight = SLOW
        self.is_ready = self._payloads is not NOTHING or self._transport.is_ready
        return entries

    def _receive(self) -> list[Any]:
        payloads, self._payloads = self._payloads, NOTHING
        if payloads is not NOTHING:
            self._waiting = 0
            return self._decode_much(payloads)
        before = self.stream.came
        try:
            payloads = self._transport.receive()
        except TimeoutError:  # the reader of many waits for nobody
            return NOTHING
        except TransportLost as lost:
            return [Lost(str(lost))]
        except ProtocolError as error:
            if isinstance(error, MessageTooLarge):
                self.shared.count("messages_too_large")
            return [Violation(str(error))]
        brought = self.stream.came - before  # with what is no message: 64 KB may be 16,000 PINGs
        if not payloads:
            if brought > LARGE_RECEIVE and self.weight == SMALL:
                self.weight = LARGE
            return NOTHING
        size = sum(map(len, payloads))
        if size <= LARGE_RECEIVE and brought <= LARGE_RECEIVE:
            self.weight = SMALL
            return decode(payloads, self._loads, self._tell_unfit, self.shared.structure)
        few = len(payloads) <= MANY and max(map(len, payloads)) <= LARGE_RECEIVE
        self.weight = SMALL if few and brought - size <= LARGE_RECEIVE else LARGE
        return self._decode_much(payloads)

    def _decode_much(self, payloads: Payloads) -> list[Any]:
        """Return the messages of a large receive, or leave them to another, or for later."""
        how = self._loads, self._tell_unfit, self.shared.structure
        if self.gather is not None:
            entries, rest = NOTHING, payloads
            if self.weight == SMALL:
                entries, rest = decode_for(SLICE, payloads, *how)
            if rest:
                self._leave(rest)
            return entries
        size = sum(map(len, payloads))
        if size > LARGE_RECEIVE:
            if not self._take_place(size):
                self.weight = SLOW  # it is a thread that waits for a place
                self._leave(payloads)
                return NOTHING
            if self.stream.lost is not None:
                return [Lost(str(self.stream.ended()))]
        if size > MUCH:
            self.shared.trimming.soon()
        entries = decode(payloads, *how)
        if self.place is not None and self.routing is not None:
            self.place.write(entries, self.routing.encoders.names())
        return entries

    def _leave(self, payloads: Payloads) -> None:
        """Keep what is to be decoded the next time."""
        self._payloads = payloads
        self._waiting = sum(map(len, payloads))
        self.shared.buffered.note(self)

    def _take_place(self, size: int) -> bool:
        """Take a place to decode what is large; False: none is free, and nobody may wait here."""
        places = self.shared.decoding
        if not places.acquire(blocking=False):
            if not self._may_wait:
                return False
            self._waiting = size
            self.shared.buffered.note(self)
            places.acquire()
        self._waiting = 0
        self.place = LargePlace(places)
        return True

    def _tell_unfit(self, text: str) -> None:
        self.shared.count("unfit_messages")
        logger.debug("%s: %s", self.name, shorten(text))

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
