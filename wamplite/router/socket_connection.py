"""One accepted connection and its thread, from accept to close.

    opening  TLS, then by the first byte RawSocket or WebSocket      one absolute deadline
    joining  HELLO, perhaps CHALLENGE, WELCOME or ABORT               ... the same
    open     recv -> frames -> messages -> arrive, once per recv      pinged when silent, or where
                                                                      it may not know pings, probed
    waiting  for another HELLO, after GOODBYE or a refused one       `linger`
    ending   GOODBYE or ABORT is on its way out: read until EOF       another deadline
    closed   by this thread only

The housekeeper keeps the deadlines, and ends a connection by shutting its stream down. What it
holds (left over, half received, to be decoded) is noted as it grows; few decode what is large.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

from .. import serializers
from ..core import uris
from ..core.errors import ProtocolError, TransportLost
from ..core.handshake import Accepted, Acceptor
from ..core.members import Lost, Violation
from ..core.messages import Message
from ..core.parsing import to_array
from ..core.words import shorten
from ..locks import Lock
from ..serializers import Serializer
from ..transports.base import HandshakeRefused, MessageTooLarge, Transport
from ..transports.stream import Stream
from .connection import Connection
from .decoding import decode
from .faults import log_fault
from .mailbox import FrameMailbox
from .routing import Routing
from .shared import ENDED, Shared
from .silence import Silence, Verdict
from .timers import FOREVER
from .trimming import MUCH

logger = logging.getLogger("wamplite.router")

LONGEST_REFUSAL = 600  # characters in the log
LARGE = 16 * 1024  # bytes of one receive that take a place to be decoded; 16 KB may take 12 ms


class Listening(Protocol):
    """Whose connection it is."""

    url: str

    def acceptor(self, connection: SocketConnection) -> Acceptor:
        """Return what judges HELLO over a connection."""

    def open(self, connection: SocketConnection) -> Transport:
        """Bring it to where messages can be read; in its own thread."""


class SocketConnection(Connection):
    """A peer that connected: serves as its thread's target and as what the housekeeper ticks."""

    def __init__(
        self, shared: Shared, stream: Stream, listener: Listening, address: str | None
    ) -> None:
        super().__init__(shared, stream.peer, address, listener.url)
        self.stream = stream
        stream.on_left = self._on_left
        self._listener = listener
        self.cookie: Any = None  # that HTTP has shown, where cookies count
        self._opened = False  # the next two are there
        self._transport: Transport
        self._serializer: Serializer
        self.deadline = time.monotonic() + shared.limits.handshake_timeout
        self._joins_until = self.deadline  # of all handshakes together, until one succeeds
        self._lock = Lock()  # guards `waits`
        self._waiting = 0  # bytes that wait for a place to be decoded, or for the rest of a request
        self._silence = Silence()

    def disown(self) -> None:
        """Close the descriptor that a forked child has."""
        self.stream.disown()

    def run(self) -> None:
        """Serve the connection to its end; the target of its thread."""
        try:
            self._open()
            self.converse()
            self._linger()
        except (TransportLost, ProtocolError) as error:
            logger.debug("%s: %s", self.name, shorten(self.unnamed(str(error))))
            self._linger()
        except BaseException:  # SystemExit too: nobody else would tell of it
            log_fault(logger, "%s: the connection is closed", self.name)
        finally:
            try:
                self.stream.close()
            finally:  # closed first: nothing it holds is noted any more
                self._leave()

    def _leave(self) -> None:
        """Leave the accounts: the last act of its own thread."""
        shared = self.shared
        shared.housekeeper.remove(self)
        if shared.buffered.forget(self):
            shared.trimming.soon()  # it is freed as soon as this thread has ended
        shared.connections.leave(self)

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

    def _open(self) -> None:
        """Shake hands; who is sent away will wonder why, so the log says it."""
        try:
            self._transport = self._listener.open(self)
        except (HandshakeRefused, ProtocolError) as refused:
            kind = refused.kind if isinstance(refused, HandshakeRefused) else "handshake"
            if kind != "http_200":  # somebody looked what this is
                text = str(refused)
                who = "" if text.startswith(self.name) else f"{self.name}: "
                self.shared.refusals.warn(kind, shorten(who + text, LONGEST_REFUSAL))
            raise
        self._serializer = serializers.get(self._transport.serializer)
        self._opened = True

    def tick(self, now: float) -> float:
        """Keep the deadlines (the housekeeper); returns when to be asked again."""
        deadline = self.deadline  # other threads set it
        if now >= deadline:
            if self._has_more_time(now):
                return self.deadline
            return self._give_up("deadlines_missed", "a deadline was missed")
        if deadline < FOREVER:
            return deadline
        heard = max(self._transport.heard, self.pace.slowed_at)  # slowed: some is not read yet
        interval = self.shared.limits.ping_interval
        if not interval:
            return FOREVER
        if not self._transport.answers_pings:
            self.stream.keep_alive(interval)  # the kernel looks; later it may send a PING
            return now + interval
        verdict, again = self._silence.judge(now, heard, interval)
        if verdict is Verdict.GONE:
            return self._give_up("pings_unanswered", f"silent for {2 * interval:g} s")
        if verdict is Verdict.PING:
            self._transport.ping()
        return again

    def _give_up(self, counter: str, why: str) -> float:
        if self.stream.lost is None:
            self.shared.count(counter)
            logger.debug("%s: %s", self.name, why)
            self.shutdown(why)
        return FOREVER  # its own thread is on the way out

    def ending(self) -> None:
        """Give the peer a moment to close: the last words are posted (any thread, once or twice).

        Its own thread may have ended in the meantime, and then there is nothing to move.
        """
        self.deadline = min(self.deadline, time.monotonic() + self.shared.limits.linger)
        self.shared.housekeeper.move(self, self.deadline)

    def released(self) -> None:
        """Wait for another session: one has ended, and its last words are posted."""
        self._joins_until = time.monotonic() + self.shared.limits.handshake_timeout
        if not self.wait_again():
            self.finish()
            self.ending()

    def wait_again(self) -> bool:
        """Wait for another HELLO, for as long as for the peer to close; False at the end of all."""
        if not self.shared.connections.joins_again(self):
            return False
        with self._lock:
            self.waits = True
            self.deadline = min(self._joins_until, time.monotonic() + self.shared.limits.linger)
        self.shared.housekeeper.move(self, self.deadline)
        return True

    def resume(self) -> bool:
        """Notice that HELLO came; False if the connection had been given up."""
        with self._lock:
            waited, self.waits = self.waits, False
            if waited:
                self.deadline = self._joins_until
        return waited

    # Before there is a transport: requests over HTTP

    def waits_for_request(self, seconds: float) -> bool:
        """Wait so long for a request; False at the end of all. The first takes its place."""
        if not self.shared.connections.joins_again(self):
            if not self.stream.left:
                self.shutdown(ENDED)  # the client would only ask again
            return False
        self._has_time(seconds)
        return True

    def handles_request(self, seconds: float) -> None:
        """Have so long to answer a request for a session that there is."""
        self.shared.connections.joined(self)
        self._has_time(seconds)

    def note_request(self, size: int) -> None:
        """Notice how many bytes of a request are here."""
        self._waiting = size
        if size:
            self.shared.buffered.note(self)
            self.shared.buffered.wait(self)

    def _has_time(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self.shared.housekeeper.move(self, self.deadline)

    def _has_more_time(self, now: float) -> bool:
        """Tell whether HELLO came just now, or was waited for in vain: then say goodbye."""
        with self._lock:
            if now < self.deadline:
                return True
            waited, self.waits = self.waits, False
        if waited:
            self.deadline = now + self.shared.limits.linger
            self.finish()
        return waited

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

    def came_in_part(self) -> None:
        """Notice that a recv brought a part of a message and no whole one."""
        self.shared.buffered.note(self)
        self.shared.buffered.wait(self)

    def _on_left(self, stream: Stream) -> None:
        """Have the housekeeper write what a write has left over (any thread)."""
        self.shared.housekeeper.watch(stream)
        self.shared.buffered.note(self)

    def receive(self) -> list[Any]:
        """Return the messages of one recv, and how the peer ended if it did."""
        try:
            payloads = self._transport.receive()
        except TransportLost as lost:
            return [Lost(str(lost))]
        except ProtocolError as error:
            if isinstance(error, MessageTooLarge):
                self.shared.count("messages_too_large")
            return [Violation(str(error))]
        size = sum(map(len, payloads))
        if size > LARGE and not self._take_place(size):
            return [Lost(str(self.stream.ended()))]
        if size > MUCH:
            self.shared.trimming.soon()
        loads, structure = self._serializer.loads, self.shared.structure
        return decode(payloads, loads, self._tell_unfit, structure)

    def _take_place(self, size: int) -> bool:
        """Wait until fewer decode what is large; False if the connection was ended meanwhile."""
        places = self.shared.decoding
        if not places.acquire(blocking=False):
            self._waiting = size
            self.shared.buffered.note(self)
            places.acquire()
            self._waiting = 0
        self.place = places
        return self.stream.lost is None

    def _tell_unfit(self, text: str) -> None:
        self.shared.count("unfit_messages")
        logger.debug("%s: %s", self.name, shorten(text))

    def say(self, message: Message) -> None:
        """Send a message of the handshake."""
        payload = self._serializer.dumps(to_array(message))
        self._transport.writer()([self._transport.frame(payload)])

    def finish(self) -> None:
        """End the connection after what was said."""
        self._transport.finish()

    def box(self, routing: Routing) -> FrameMailbox:
        """Return where the realm posts to."""
        return FrameMailbox(routing, self._transport, self.shared.count, self.ending, self.released)

    def accepted(self, outcome: Accepted) -> None:
        """Lift the bounds of the handshake, and watch over the peer from now on."""
        super().accepted(outcome)
        self._transport.limit_receive(self.shared.limits.max_message_size)
        if outcome.answers_ping:
            self._transport.expect_pongs()
        self.deadline = FOREVER
        self.shared.housekeeper.move(self, self.tick(time.monotonic()))

    def shutdown(self, why: str) -> None:
        """End the connection now; any thread."""
        self.stream.shutdown(why)

    def _linger(self) -> None:
        """Read what still comes and drop it, so that closing does not destroy our last words."""
        if self.stream.lost is None:
            self.ending()
            self.stream.finish()
            self.stream.linger(self.shared.limits.linger)
