"""An open WebSocket, as both of its sides share it: its messages, and its life.

    receive() ... receive() -> the end is found -> close frame -> it is raised

One recv is cut into all its messages at once. A small one in one frame costs a microsecond or two;
what comes in several recvs or several frames is unmasked and checked as it comes. Control frames
are handed to the subclass whole, in their place between data.
Bounds: a message and its fragments `limit_receive()`, asked of each header, and only what has come
is held; of a header or a control frame up to 138 bytes; PONGs only while the peer reads them. The
peer's end, its breach or its close frame, is told after the messages that came before it:
`receive()` returns those, the next `receive()` writes the close frame and raises. Any thread may
write, ping and finish; only the reading thread receives.
"""

from __future__ import annotations

from abc import abstractmethod
from codecs import utf_8_decode
from time import monotonic
from typing import TYPE_CHECKING

from ..core.errors import ProtocolError, TransportLost, WampliteError
from ..locks import Lock
from .base import MOST, MessageTooLarge, Transport
from .stream import Stream
from .websocket_frames import (
    BINARY,
    BREACH,
    CLOSE,
    CONTROL,
    DEFLATED,
    FIN,
    NORMAL,
    NOT_UTF8,
    PING,
    PONG,
    TEXT,
    TOO_BIG,
    WRONG_KIND,
    close_payload,
    flaw,
    header_size,
    payload_size,
    xor,
)

if TYPE_CHECKING:
    from .deflate import Deflate

UNREAD_PONGS = 65536  # bytes left over in the outbox: a peer that does not read gets no more PONGs
NOTHING = bytearray()  # is collected: made once, it lies amid nothing that others free


class WebSocket(Transport):
    """An open WebSocket connection: what its reader, its writers and its end have in common."""

    __slots__ = (
        "_early", "_goodbye", "_key", "_last_word", "_missing", "_rest", "_undecoded", "answers",
        "deflate", "ended", "first_byte", "incoming", "is_deflated", "is_ready", "limit",
        "messages", "within",
    )  # fmt: skip

    is_ready: bool
    max_send = MOST
    keyed = 0  # 0x80 where the peer's frames are masked

    def __init__(
        self,
        stream: Stream,
        serializer: str,
        limit: int,
        arrived: bytes,
        deflate: Deflate | None = None,
    ) -> None:
        self.stream = stream
        self.serializer = serializer
        self.deflate = deflate
        self.heard = monotonic()
        self.first_byte = TEXT if serializer == "json" else BINARY
        self.limit = limit
        self.within = False  # a message: its last frame is still to come
        self.incoming = NOTHING  # what has come of a message, unmasked
        self.is_deflated = False  # that message
        self.messages: list[bytes] = []  # those of one recv
        self.answers: list[bytes] = []  # PONGs of one recv
        self._missing = 0  # bytes of its frame that are still to come
        self._key = b""  # of their mask, turned to the next byte
        self._undecoded = b""  # the beginning of a character at its end
        self.ended: WampliteError | None = None
        self._last_word = (NORMAL, "")
        self._goodbye = Lock()  # taken once, by whoever writes the close frame
        self._early = arrived  # behind the opening handshake
        self.is_ready = arrived != b""
        self._rest = b""  # the beginning of a header, or of a control frame

    @property
    def buffered(self) -> int:
        return len(self.incoming)

    def limit_receive(self, size: int) -> None:
        """Set the largest message that is accepted from now on."""
        self.limit = size

    def receive(self) -> list[bytes]:
        """Return the messages that one recv completed; raise how the connection ended."""
        if self.ended is None:
            self._cut(self._read())
            if self.answers:
                answers, self.answers = self.answers, []
                self.stream.write(answers)
            messages, self.messages = self.messages, []
            if messages or self.ended is None:
                return messages
        self.say_goodbye(*self._last_word)
        raise type(self.ended)(*self.ended.args)  # a fresh one: it holds the frames it passes

    def _read(self) -> bytes:
        if self.is_ready:
            early, self._early, self.is_ready = self._early, b"", False
            return early
        data = self.stream.recv()
        if not data:
            raise self.stream.ended()
        self.heard = monotonic()
        if self._rest:
            data, self._rest = self._rest + data, b""
        return data

    def _cut(self, data: bytes) -> None:
        """Cut what has arrived into `messages`, `answers` and, when it is the last, `ended`."""
        end, keyed = len(data), self.keyed
        if 6 < end < 128 and data[0] == self.first_byte and not (self._missing or self.within):
            begin = 2 + (keyed >> 5)
            if data[1] ^ keyed == end - begin <= self.limit:  # one message, and nothing else
                message = xor(data[2:begin], data[begin:]) if keyed else data[begin:]
                if self.first_byte != TEXT or message.isascii() or self.is_text(message):
                    self.messages.append(message)
                return
        position = self._collect(data, 0, end) if self._missing else 0
        while position < end and self.ended is None:
            if not self.within:
                position = self._cut_whole(data, position, end)
                if position == end or self.ended is not None:
                    return
            position = self._cut_any(data, position, end)

    def _cut_whole(self, data: bytes, position: int, end: int) -> int:
        """Cut unfragmented frames of our kind; return where another thing begins."""
        first_byte, limit, messages, keyed = self.first_byte, self.limit, self.messages, self.keyed
        key_size = keyed >> 5  # 4, or 0 without a key
        least = 2 + key_size  # of a header
        is_text = first_byte == TEXT
        while end - position > 1 and data[position] == first_byte:
            start, size = position + least, data[position + 1] ^ keyed
            if size > 125:  # it stands in two octets, or eight
                width, fewest = (2, 126) if size == 126 else (8, 65536)
                start += width
                if size > 127 or start > end:
                    break
                size = int.from_bytes(data[position + 2 : position + 2 + width], "big")
                if size < fewest:
                    break
            if size > limit:
                break
            stop = start + size
            if stop > end:
                if start > end:
                    break
                self._begin(first_byte, data[start - key_size : start], size)
                return self._collect(data, start, end)
            position, message = stop, data[start:stop]
            if keyed:
                message = xor(data[start - 4 : start], message)
            if is_text and not (message.isascii() or self.is_text(message)):
                break
            messages.append(message)
        return position

    def _cut_any(self, data: bytes, position: int, end: int) -> int:
        """Take a frame of any kind, or what there is of it; return where that ends."""
        size = header_size(data[position + 1]) if end - position > 1 else 2
        start = position + size
        if start > end:
            self._rest = data[position:]
            return end
        head = data[position:start]
        size = payload_size(head)
        self._judge(head, size)
        if self.ended is not None:
            return start
        if not head[0] & CONTROL:
            self._begin(head[0], head[-4:] if self.keyed else b"", size)
            return self._collect(data, start, end)
        if start + size > end:
            self._rest = data[position:]
            return end
        self.take_control(data[position : start + size])
        return start + size

    def _judge(self, head: bytes, size: int) -> None:
        """Refuse a frame for what its header says."""
        kind = head[0] & 0x0F
        fault = flaw(head, self.keyed, self.within, self.deflate is not None)
        if fault:
            self.refuse(BREACH, fault)
        elif kind & CONTROL:
            return
        elif kind and not self.takes(FIN | kind):
            name = "text" if FIN | kind == TEXT else "binary"
            self.refuse(WRONG_KIND, f"a {name} message on wamp.2.{self.serializer}")
        elif len(self.incoming) + size > self.longest():
            self.refuse_size(len(self.incoming) + size)

    def takes(self, kind: int) -> bool:
        """Tell whether messages of a kind, TEXT or BINARY, are those of the serializer."""
        return kind == self.first_byte

    def _begin(self, first: int, key: bytes, size: int) -> None:
        """Begin a frame of a message."""
        if not self.within:
            self.incoming, self.is_deflated = bytearray(), bool(first & DEFLATED)
        self.within = not first & FIN
        self._key, self._missing = key, size

    def _collect(self, data: bytes, position: int, end: int) -> int:
        """Take the next part of a frame; return where it ends."""
        stop = min(end, position + self._missing)
        part = data[position:stop]
        if self.keyed:
            turn = len(part) & 3
            part, self._key = xor(self._key, part), self._key[turn:] + self._key[:turn]
        self._missing -= len(part)
        if self.first_byte == TEXT and not (self.is_deflated or self._goes_on_as_text(part)):
            return stop
        self.incoming += part
        if not (self._missing or self.within):
            message, self.incoming = bytes(self.incoming), NOTHING
            self.take(message)
        return stop

    def _goes_on_as_text(self, part: bytes) -> bool:
        """Tell whether it is UTF-8, in which a character may be cut; where not, that is the end."""
        if part.isascii() and not self._undecoded:
            return True
        text = self._undecoded + part
        try:
            _, decoded = utf_8_decode(text, "strict", not (self._missing or self.within))
        except UnicodeDecodeError as exc:
            self._refuse_text(exc, len(self.incoming) - len(self._undecoded))
            return False
        self._undecoded = text[decoded:]
        return True

    @abstractmethod
    def take_control(self, frame: bytes) -> None:
        """Act on a control frame whose header is right."""

    def longest(self) -> int:
        """Return how many octets the frames of a message may hold."""
        if self.deflate is None:
            return self.limit
        from .deflate import longest

        return longest(self.limit)

    def take(self, message: bytes) -> None:
        """Take a message whose last byte has come, or refuse it."""
        if self.is_deflated and self.deflate is not None:
            from .deflate import TooMuch

            try:
                message = self.deflate.unpack(message, self.limit)
            except TooMuch as exc:
                return self.refuse(TOO_BIG, str(exc), MessageTooLarge)
            except ProtocolError as exc:
                return self.refuse(NOT_UTF8, str(exc))
            if self.first_byte == TEXT and not self.is_text(message):
                return None
        elif len(message) > self.limit:
            return self.refuse_size(len(message))
        self.messages.append(message)
        return None

    def frame(self, payload: bytes) -> bytes:
        """Return the payload as one frame."""
        if self.deflate is not None:
            packed = self.deflate.pack(payload)
            if packed is not None:
                return self.frame_of(self.first_byte | DEFLATED, packed)
        return self.frame_of(self.first_byte, payload)

    @abstractmethod
    def frame_of(self, first: int, payload: bytes) -> bytes:
        """Return a frame of any kind, as this side of the connection writes it."""

    def ping(self) -> None:
        """Put a ping into the outbox."""
        self.stream.write([self.frame_of(PING, b"")])

    def finish(self) -> None:
        """Say goodbye after all that is queued, and write no more."""
        self.say_goodbye(NORMAL)

    def say_goodbye(self, code: int, reason: str = "") -> None:
        """Write the close frame unless that is done, and end the writing side."""
        if self._goodbye.acquire(blocking=False):
            self.stream.write([self.frame_of(CLOSE, close_payload(code, reason))])
            self.stream.finish()

    def answer(self, ping: bytes) -> None:
        """Answer a ping, unless the peer pings without reading."""
        if self.stream.left < UNREAD_PONGS:
            self.answers.append(self.frame_of(PONG, ping))

    def refuse(self, code: int, reason: str, kind: type[ProtocolError] = ProtocolError) -> None:
        """End the connection because the peer broke the rules of WebSocket."""
        self._last_word, self.is_ready = (code, reason), True
        self.ended = kind(f"{self.stream.peer} broke WebSocket ({code}): {reason}")

    def refuse_size(self, size: int) -> None:
        """End the connection because of a message that has so many bytes already."""
        came = f"a message of {size} bytes or more"
        self.refuse(TOO_BIG, f"{came}, at most {self.limit} are taken", MessageTooLarge)

    def closed_by_peer(self, code: int, reason: str) -> None:
        """End the connection as the peer's close frame asks, with its own code."""
        self._last_word, self.is_ready = (code, ""), True
        said = f"{code} {reason!r}" if reason else str(code)
        self.ended = TransportLost(f"{self.stream.peer} closed the WebSocket: {said}")

    def is_text(self, message: bytes) -> bool:
        """Tell whether a text message is UTF-8; where not, the connection ends."""
        if message.isascii():
            return True
        try:
            message.decode()
        except UnicodeDecodeError as exc:
            self._refuse_text(exc)
            return False
        return True

    def _refuse_text(self, exc: UnicodeDecodeError, before: int = 0) -> None:
        at = before + exc.start
        self.refuse(NOT_UTF8, f"a text message is not UTF-8: {exc.reason}, byte {at}")
