"""What is posted to a member, on its way to the connection's outbox.

Posting happens with the routing role of the realm only, so nothing is locked here: messages are
encoded as they are posted, gathered, and written at once at the end of the round. An Encoder serves
all peers of a realm that share serializer and framing, and remembers the last EVENT of a round:
that is encoded once, however many subscribers it has, and nothing of it stays. What several
framings or several heads have in common is written once, too (event_writer.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakValueDictionary

from .. import serializers
from ..core import uris
from ..core.messages import Event, Message
from ..core.parsing import to_array
from ..locks import Lock
from ..serializers import Serializer
from ..transports.base import MOST, Transport
from .event_writer import LARGE, EventWriter
from .large import LargePlace
from .presence import Posting

MANY = 128  # so many in one round are written before it ends


class Mailbox(Posting, Protocol):
    """Where a realm posts what a member is to get; see core.members.Member."""

    def post(self, message: Message) -> bool: ...

    def post_droppable(self, message: Message) -> bool: ...

    def end(self) -> None: ...

    def release(self) -> None: ...


class Encoder:
    """Messages to frames, for one serializer and one framing.

    events: of the serializer. `frame` and `size`, that of its payload, are of `last`, an EVENT.
    """

    def __init__(self, serializer: Serializer, events: EventWriter, rounds: Rounds) -> None:
        self._dumps = serializer.dumps
        self._name = serializer.name
        self._events = events
        self._rounds = rounds
        self.last: Message | None = None
        self.frame = b""
        self.size = 0
        self.written = 0  # octets of the payload that was written last

    def encode(self, message: Message, transport: Transport) -> bytes:
        """Return the frame of a message; b"" where the peer does not take messages so large."""
        if type(message) is Event:
            return self._encode_event(message, transport)
        array, place, dumps = to_array(message), self._rounds.place, self._dumps
        payload = (place and place.find(array, self._name)) or dumps(array)
        self.written = size = len(payload)
        return transport.frame(payload) if size <= transport.max_send else b""

    def _encode_event(self, event: Event, transport: Transport) -> bytes:
        """Do the same for an EVENT, and keep its frame for the next who is posted the same."""
        if self.last is event:
            self.written = self.size
            return self.frame if self.size <= transport.max_send else b""
        events, place = self._events, self._rounds.place
        payload = b"" if events.last is None else events.find(event)
        if not payload:
            array = to_array(event)
            payload = (place and place.find(array, self._name)) or self._dumps(array)
        self.written = size = len(payload)
        frame = transport.frame(payload) if size <= MOST else b""  # no transport carries it
        if self.last is None:
            self._rounds.encoding.append(self)
        self.last, self.size, self.frame = event, size, frame
        if size > LARGE:
            events.keep(event, payload)
        return frame if size <= transport.max_send else b""

    def forget(self) -> None:
        """Forget the EVENT: after its round nobody is posted the same."""
        self.last, self.frame = None, b""
        self._events.forget()


class Encoders:
    """The encoders of a realm, each as long as a mailbox has it; any thread."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._lock = Lock()  # guards all that follows
        self._encoders: WeakValueDictionary[tuple[str, str], Encoder] = WeakValueDictionary()
        self._named = 0  # so many of them
        self._names: frozenset[str] = frozenset()  # ... read these
        self._events: dict[str, tuple[Serializer, EventWriter]] = {}

    def find(self, transport: Transport) -> Encoder:
        """Return what encodes for all members of the realm that read the same bytes."""
        name = transport.serializer
        key = (name, transport.framing)
        with self._lock:
            found = self._encoders.get(key)
            if found is None:
                if name not in self._events:
                    serializer = serializers.get(name)
                    self._events[name] = serializer, EventWriter(serializer)
                found = self._encoders[key] = Encoder(*self._events[name], self._rounds)
                self._named = 0  # one may have gone for it
        return found

    def names(self) -> frozenset[str]:
        """Return which serializers members of the realm read now."""
        with self._lock:
            if len(self._encoders) != self._named:
                self._names = frozenset(name for name, _ in self._encoders)
                self._named = len(self._encoders)
            return self._names


class ToldEncoder:
    """The same, for one mailbox that tells of each message."""

    last, frame, size = None, b"", 0  # so that it is asked each time

    def __init__(self, encoder: Encoder, listener: Callable[[Message, int], None]) -> None:
        self.plain = encoder
        self._listener = listener

    def encode(self, message: Message, transport: Transport) -> bytes:
        """Return the frame of a message, and tell of it."""
        frame = self.plain.encode(message, transport)
        self._listener(message, self.plain.written)
        return frame


class Rounds(Protocol):
    """The routing of a realm, as a mailbox knows it."""

    touched: list[Any]  # mailboxes that were posted to in this round
    encoding: list[Any]  # the encoders that keep an EVENT
    place: LargePlace | None  # of what is being handled
    encoders: Encoders


class FrameMailbox:
    """The way from a realm to one connection."""

    __slots__ = (
        "_count",
        "_encoder",
        "_max_send",
        "_on_end",
        "_on_release",
        "_queued",
        "_routing",
        "_transport",
        "_write",
        "delivered",
    )

    def __init__(
        self,
        routing: Rounds,
        transport: Transport,
        tally: Callable[[str], None],
        on_end: Callable[[], None],
        on_release: Callable[[], None] | None = None,
    ) -> None:
        self._routing = routing
        self._transport = transport
        self._encoder: Encoder | ToldEncoder = routing.encoders.find(transport)
        self._count = tally
        self._max_send = transport.max_send
        self._write = transport.writer()
        self.delivered = 0  # messages that were handed to the outbox
        self._queued: list[bytes] | None = None  # an empty list would lie amid what others free
        self._on_end = on_end
        self._on_release = on_release  # None: one session is all that the connection carries

    def post(self, message: Message) -> bool:
        """Queue a message; False if the peer does not take messages so large."""
        encoder = self._encoder
        if encoder.last is message and encoder.size <= self._max_send:
            frame = encoder.frame
        else:
            frame = encoder.encode(message, self._transport)
            if not frame:
                self._count("messages_above_the_peers_limit")
                return False
        queued = self._queued
        if queued is None:
            self._routing.touched.append(self)
            self._queued = [frame]
        else:
            queued.append(frame)
            if len(queued) == MANY:
                self.deliver()
        return True

    def post_droppable(self, message: Message) -> bool:
        """Queue an event that a slow peer would rather lose than its session."""
        frame = self._encoder.encode(message, self._transport)
        if not frame:
            self._count("messages_above_the_peers_limit")
            return False
        self.deliver()  # what was posted before goes before
        self.delivered += 1
        self._write([frame], droppable=True)
        return True

    def deliver(self) -> None:
        """Hand all that is queued to the outbox, in one write that cannot block."""
        queued = self._queued
        if queued is not None:
            self._queued, write = None, self._write
            self.delivered += len(queued)
            write(queued)

    def tell(self, listener: Callable[[Message, int], None] | None) -> None:
        """Tell of each message that is posted from now on; None: no more."""
        encoder = self._encoder
        plain = encoder.plain if isinstance(encoder, ToldEncoder) else encoder
        self._encoder = plain if listener is None else ToldEncoder(plain, listener)

    def fail(self) -> None:
        """End the connection at once: something of what was posted is lost."""
        self._transport.stream.shutdown(uris.INTERNAL_ERROR)

    def end(self) -> None:
        """Finish the connection after all that was posted."""
        self.deliver()
        self._transport.finish()
        self._on_end()

    def release(self) -> None:
        """End the session after all that was posted; another one may follow."""
        if self._on_release is None:
            self.end()
        else:
            self.deliver()
            self._on_release()
