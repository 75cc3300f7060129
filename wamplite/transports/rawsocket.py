"""WAMP-RawSocket: a handshake of four octets, then frames with a header of four (RFC "RawSocket").

    handshake  7F | LLLL SSSS | 00 | 00    L: its sender receives at most 2^(9+L) octets a message
    refusal    7F | EEEE 0000 | 00 | 00

The parts that know octets (`request`, `read_request`, `reply`, `read_reply`, `refusal`, and the
frames of rawsocket_frames.py) are pure; `accept`, `connect` and `RawSocket` hold them to a stream.
Both sides keep the limit that the other announced: ours is enforced, the peer's is `max_send`.
"""

from __future__ import annotations

from functools import lru_cache
from time import monotonic
from typing import NamedTuple

from ..core.errors import ConnectTimeout, ProtocolError, TransportLost, UsageError
from .base import MOST, Transport
from .rawsocket_frames import PING, PONG, Framer, frame
from .stream import Stream

MAGIC = 0x7F
HANDSHAKE_SIZE = 4
SERIALIZERS = {"json": 1, "msgpack": 2, "cbor": 3}
NAMES = {code: name for name, code in SERIALIZERS.items()}
SERIALIZER_UNSUPPORTED, LENGTH_UNACCEPTABLE, RESERVED_BITS, TOO_MANY_CONNECTIONS = 1, 2, 3, 4
REFUSALS = {
    SERIALIZER_UNSUPPORTED: "serializer unsupported",
    LENGTH_UNACCEPTABLE: "maximum message length unacceptable",
    RESERVED_BITS: "use of reserved bits",
    TOO_MANY_CONNECTIONS: "maximum connection count reached",
}
TLS_RECORDS = (b"\x15\x03", b"\x16\x03")  # alert, handshake
LEAST = 512  # octets; L = 0
FIRST_MESSAGE = 16384


class HandshakeRequest(NamedTuple):
    """What the client's handshake asks for: a serializer, and the most it wants to receive."""

    serializer: str
    max_send: int


class RawSocketRefused(ProtocolError):
    """The handshake cannot be accepted; `answer` is what to write before closing."""

    def __init__(self, text: str, answer: bytes = b"") -> None:
        super().__init__(text)
        self.answer = answer


# Handshake; nearly all who connect say one of a few, and are answered the same

_remembered = lru_cache(maxsize=64)


@_remembered
def length_code(size: int) -> int:
    """Return L for the largest power of two that is not above `size`."""
    if size < LEAST:
        raise UsageError(f"a RawSocket message size must be at least {LEAST}, not {size}")
    return min(size, MOST).bit_length() - 10


@_remembered
def limit_of(size: int) -> int:
    """Return the most that is received where so much, or somewhat more, is allowed."""
    return LEAST << length_code(size)


@_remembered
def request(serializer: str, max_message_size: int) -> bytes:
    """Return the client's handshake."""
    code = SERIALIZERS.get(serializer)
    if code is None:
        raise UsageError(f"RawSocket carries {', '.join(SERIALIZERS)}, not {serializer!r}")
    return bytes((MAGIC, length_code(max_message_size) << 4 | code, 0, 0))


reply = request  # the router echoes the serializer, with its own L


def refusal(code: int) -> bytes:
    """Return the router's answer to a handshake it does not accept."""
    return bytes((MAGIC, code << 4, 0, 0))


@_remembered
def read_request(
    head: bytes, serializers: tuple[str, ...], least_send: int = LEAST
) -> HandshakeRequest:
    """Read a client's four octets; raises RawSocketRefused."""
    magic, kind, third, fourth = head
    if magic != MAGIC:
        raise RawSocketRefused(f"RawSocket handshake: expected 7f first, not {head.hex(' ')}")
    if third or fourth:
        raise RawSocketRefused(
            f"RawSocket handshake: reserved octets must be 0, not {head.hex(' ')}",
            refusal(RESERVED_BITS),
        )
    serializer = NAMES.get(kind & 15)
    if serializer is None or serializer not in serializers:
        raise RawSocketRefused(
            f"RawSocket handshake: serializer {kind & 15} is not one of {', '.join(serializers)}",
            refusal(SERIALIZER_UNSUPPORTED),
        )
    max_send = LEAST << (kind >> 4)
    if max_send < least_send:
        raise RawSocketRefused(
            f"RawSocket handshake: the peer receives {max_send} octets, {least_send} are needed",
            refusal(LENGTH_UNACCEPTABLE),
        )
    return HandshakeRequest(serializer, max_send)


def read_reply(head: bytes, serializer: str) -> int:
    """Read the router's four octets: the most it receives. Raises ProtocolError, TransportLost."""
    magic, kind, third, fourth = head
    if magic != MAGIC:
        hint = "; it speaks TLS: is it rss://?" if head[:2] in TLS_RECORDS else ""
        raise ProtocolError(f"expected a RawSocket handshake (7f first), got {head!r}{hint}")
    code = kind >> 4
    if not kind & 15:
        text = f"refused the RawSocket handshake: {REFUSALS.get(code, f'error {code}')}"
        raise (TransportLost if code == TOO_MANY_CONNECTIONS else ProtocolError)(text)
    if third or fourth or kind & 15 != SERIALIZERS[serializer]:
        raise ProtocolError(f"expected a RawSocket handshake for {serializer}, got {head.hex(' ')}")
    return LEAST << code


# With a stream


class RawSocket(Transport):
    """A RawSocket connection after its handshake, on either side."""

    __slots__ = ("_announced", "_early", "_framer", "_most", "is_ready")

    frame = staticmethod(frame)
    is_ready: bool

    def __init__(
        self,
        stream: Stream,
        serializer: str,
        *,
        max_send: int,
        limit: int,
        first_limit: int = MOST,
        early: bytes = b"",
    ) -> None:
        self.stream = stream
        self.serializer = serializer
        self.framing = "rawsocket"
        self.max_send = max_send
        self.heard = monotonic()
        self._framer = Framer(min(first_limit, limit))
        self._most = limit  # what we announced
        self._early = early  # came with the handshake
        self._announced = False  # that it answers PINGs
        self.is_ready = early != b""

    def receive(self) -> list[bytes]:
        framer = self._framer
        if self.is_ready:
            framer.check()
            data, self._early, self.is_ready = self._early, b"", False
        else:
            data = self.stream.recv()
            if not data:
                raise self.stream.ended()
        self.heard = monotonic()
        payloads = framer.feed(data)
        if framer.pings:
            pings, framer.pings = framer.pings, []
            self.stream.write([b"".join([frame(payload, PONG) for payload in pings])])
        if framer.error is not None:
            self.is_ready = True
            if not payloads:
                framer.check()
        return payloads

    @property
    def buffered(self) -> int:
        return self._framer.buffered

    @property
    def answers_pings(self) -> bool:
        """Whether the peer announced it, or has sent a PING or PONG itself.

        The specification has every peer answer, but many ignore a PING or die of it.
        """
        return self._announced or self._framer.knows_pings

    def expect_pongs(self) -> None:
        self._announced = True

    def limit_receive(self, size: int) -> None:
        self._framer.accept(min(size, self._most))

    def ping(self) -> None:
        self.stream.write([frame(b"", PING)])

    def finish(self) -> None:
        self.stream.finish()


def accept(
    stream: Stream,
    head: bytes,
    *,
    serializers: tuple[str, ...],
    max_message_size: int,
    first_message_size: int = FIRST_MESSAGE,
    least_send: int = LEAST,
) -> RawSocket:
    """Answer a client's handshake, of which `head` has been read already (the reading thread).

    Raises RawSocketRefused, after writing the answer that the specification wants, and
    TransportLost. Deadlines are the caller's: it calls `stream.shutdown`.
    """
    if len(head) < HANDSHAKE_SIZE:
        head = _read_handshake(stream, head)
    try:
        serializer, max_send = read_request(head[:4], serializers, least_send)
    except RawSocketRefused as refused:
        if refused.answer:
            stream.write([refused.answer])
        raise
    stream.write([reply(serializer, max_message_size)])
    return RawSocket(
        stream,
        serializer,
        max_send=max_send,
        limit=limit_of(max_message_size),
        first_limit=first_message_size,
        early=head[4:],
    )


def connect(
    stream: Stream, serializer: str, *, max_message_size: int, deadline: float | None = None
) -> RawSocket:
    """Shake hands with a router; `deadline` is a `time.monotonic()`, then ConnectTimeout."""
    stream.write([request(serializer, max_message_size)])
    try:
        head = _read_handshake(stream, b"", deadline)
    except TimeoutError as exc:
        raise ConnectTimeout(f"{stream.peer}: no answer to the RawSocket handshake") from exc
    except TransportLost as exc:
        raise TransportLost(
            f"{exc} before its RawSocket handshake: is it rss://, or ws://?"
        ) from exc
    try:
        max_send = read_reply(head[:4], serializer)
    except (ProtocolError, TransportLost) as exc:
        raise type(exc)(f"{stream.peer}: {exc}") from exc
    limit = limit_of(max_message_size)
    return RawSocket(stream, serializer, max_send=max_send, limit=limit, early=head[4:])


def _read_handshake(stream: Stream, head: bytes, deadline: float | None = None) -> bytes:
    """Return four octets or more."""
    while len(head) < HANDSHAKE_SIZE:
        if head and head[0] != MAGIC:
            return head.ljust(4, b"\0")  # whatever follows, it is refused
        data = stream.recv_by(deadline) if deadline is not None else stream.recv()
        if not data:
            raise stream.ended()
        head += data
    if deadline is not None:
        stream.set_receive_timeout(None)
    return head
