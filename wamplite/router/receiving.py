"""What one receive brings of a peer, as messages; and who may take how long to decode it.

    up to 512 bytes   at once
    up to 16 KB       timed; by the reader of many, where the connection is known to be quick
    a few dozen such  the same; it decodes for a millisecond, and the rest after others' turns
    what is larger    timed; by the reader of what is large or by a thread, with a place: few
                      decode at a time

What takes more than 2 ms of a processor makes its connection slow, whatever its size: 12 KB of
empty dicts take 10. A thread has the next receive of it, with a place, until one takes less; and
the reader of many has none of it again but what is at most 512 bytes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ..core import uris
from ..core.errors import ProtocolError, TransportLost
from ..core.members import Lost, Violation
from ..core.words import shorten
from ..transports.base import MessageTooLarge
from ..transports.stream import Stream
from .arrivals import NOTHING
from .decoding import decode, decode_for
from .large import LargePlace
from .served import LARGE, SLOW, SMALL, Gather
from .timed_connection import TimedConnection
from .trimming import MUCH

logger = logging.getLogger("wamplite.router")

EASY = 512  # bytes; the worst that is known of these takes 2 ms
LARGE_RECEIVE = 16 * 1024  # bytes of a receive that take a place to be decoded
MANY = 64  # messages of one receive, which are more than a few where it is large
SLICE = 0.001  # seconds for which one is served by the reader of many
LONG = 0.002  # seconds of processor time of a receive: who takes more has its own thread

Payloads = list[bytes]
Result = TypeVar("Result")


class ReceivingConnection(TimedConnection):
    """A connection whose messages come over a transport: what it holds, and what it brings.

    What it holds (left over, half received, to be decoded) is noted as it grows.
    """

    _opened = False  # the next one, and the transport, are there
    _loads: Callable[[bytes], Any]
    _payloads: Payloads = NOTHING  # that are to be decoded yet
    _may_wait = True  # who takes its steps
    _is_quick: bool | None = None  # to decode: None: nobody knows, False: once it was not
    _waiting = 0  # bytes that wait for a place to be decoded, or for the rest of a request

    def be_read(self, gather: Gather | None, may_wait: bool) -> None:
        self.gather, self._may_wait = gather, may_wait
        self.stream.may_wait(may_wait)

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

    def note_request(self, size: int) -> None:
        """Notice how many bytes of a request are here."""
        self._waiting = size
        if size:
            self.shared.buffered.note(self)
            self.shared.buffered.wait(self)

    def _on_left(self, stream: Stream) -> None:
        """Have the housekeeper write what a write has left over (any thread)."""
        self.shared.housekeeper.watch(stream)
        self.shared.buffered.note(self)

    def receive(self) -> list[Any]:
        """Return the messages of one recv, and how the peer ended if it did."""
        entries = self._receive() if self.weight == SMALL else self._timed(self._receive)
        self.is_ready = self._payloads is not NOTHING or self._transport.is_ready
        return entries

    def _timed(self, run: Callable[..., Result], *args: Any) -> Result:
        """Do something, and notice whether that took long: others would wait for the next."""
        began = time.thread_time()
        result = run(*args)
        if time.thread_time() - began > LONG:
            self.weight, self._is_quick = SLOW, False
        return result

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
        if size <= EASY and brought <= LARGE_RECEIVE:
            self.weight = SMALL
            return decode(payloads, self._loads, self._tell_unfit, self.shared.structure)
        if size <= LARGE_RECEIVE and brought <= LARGE_RECEIVE:
            if self.weight == SLOW and self.gather is None:
                return self._decode_much(payloads)
            self.weight = SMALL if self._is_quick or self.routing is None else LARGE
            if self.weight == LARGE and self.gather is not None:
                self._leave(payloads)
                return NOTHING
            return self._decode(payloads)
        few = len(payloads) <= MANY and max(map(len, payloads)) <= LARGE_RECEIVE
        is_small = self._is_quick and few and brought - size <= LARGE_RECEIVE
        self.weight = SMALL if is_small else LARGE
        return self._decode_much(payloads)

    def _decode_much(self, payloads: Payloads) -> list[Any]:
        """Return the messages of a large receive, or leave them to another, or for later."""
        if self.gather is not None:
            entries, rest = NOTHING, payloads
            if self.weight == SMALL:
                entries, rest = self._timed(decode_for, SLICE, payloads, *self._how)
            if rest:
                self._leave(rest)
            return entries
        size = sum(map(len, payloads))
        if size > LARGE_RECEIVE or self.weight == SLOW:
            if not self._take_place(size):
                self.weight = SLOW  # it is a thread that waits for a place
                self._leave(payloads)
                return NOTHING
            if self.weight == SLOW:  # if this takes long, too, it will be again
                self.weight = LARGE if size > LARGE_RECEIVE else SMALL
            if self.stream.lost is not None:
                return [Lost(str(self.stream.ended()))]
        if size > MUCH:
            self.shared.trimming.soon()
        entries = self._decode(payloads)
        if self.place is not None and self.routing is not None:
            self.place.write(entries, self.routing.encoders.names())
        return entries

    def _decode(self, payloads: Payloads) -> list[Any]:
        """Return the messages; who is quick at the first is known to be."""
        entries = self._timed(decode, payloads, *self._how)
        if self._is_quick is None:
            self._is_quick = True
        return entries

    @property
    def _how(self) -> tuple[Any, ...]:
        """What `decode` wants besides the payloads."""
        return self._loads, self._tell_unfit, self.shared.structure

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
