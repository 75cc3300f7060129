"""WebSocket, as both of its sides share it: frames of RFC 6455 section 5, and a connection's life.

    frames:  first byte (FIN, opcode) . size . masking key, from the client alone . payload
    life:    receive() ... receive() -> the end is found -> close frame -> it is raised

One recv is cut into all its messages at once. Messages in one frame are cut here, however long
they are and however many recvs they take: a small one costs a microsecond or two. Whatever else
arrives (fragments, control frames, deflated messages, nonsense) takes the subclass's careful way,
byte for byte in the order of arrival.
Bounds: a message and its fragments `limit_receive()`, asked of its header, and only what has come
is held; of a header 13 bytes; PONGs only while the peer reads them. The peer's end, its breach or
its close frame, is told after the messages that came before it: `receive()` returns those, the next
`receive()` writes the close frame and raises. Any thread may write, ping and finish; only the
reading thread receives.
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

if TYPE_CHECKING:
    from .deflate import Deflate

try:
    from wsaccel.xormask import XorMaskerSimple
except ImportError:  # the extra `fast` is not installed
    XorMaskerSimple = None

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A  # with FIN
DEFLATED = 0x40  # the bit RSV1, in the first frame of a message
NORMAL, BREACH, WRONG_KIND, NO_CODE, NOT_UTF8, TOO_BIG = 1000, 1002, 1003, 1005, 1007, 1009
UNREAD_PONGS = 65536  # bytes left over in the outbox: a peer that does not read gets no more PONGs
NOTHING = bytearray()  # is collected: made once, it lies amid nothing that others free
_TABLES = [bytes(byte ^ key for byte in range(256)) for key in range(256)]


def xor(key: bytes, data: bytes) -> bytes:
    """Mask or unmask a payload with its key of four bytes."""
    if XorMaskerSimple is not None:
        fast: bytes = XorMaskerSimple(key).process(data)
        return fast
    size = len(data)
    words = (size + 3) // 4
    if words < 256:  # as one large number; longer payloads are faster in four strides
        mixed = int.from_bytes(key * words, "little") ^ int.from_bytes(data, "little")
        return mixed.to_bytes(words * 4, "little")[:size]
    masked = bytearray(data)
    for stride in range(4):
        masked[stride::4] = masked[stride::4].translate(_TABLES[key[stride]])
    return bytes(masked)


def header(first: int, size: int, masked: int = 0) -> bytes:
    """Return a frame's first bytes up to its size; `masked` is 0x80 in a client's frames."""
    if size < 126:
        return bytes((first, masked | size))
    if size < 65536:
        return bytes((first, masked | 126)) + size.to_bytes(2, "big")
    return bytes((first, masked | 127)) + size.to_bytes(8, "big")


def header_size(second: int) -> int:
    """Return how long a header is whose second byte this is, masking key included."""
    return 2 + {126: 2, 127: 8}.get(second & 0x7F, 0) + (second >> 7) * 4


def payload_size(head: bytes) -> int:
    """Return the size of the payload that a whole header announces."""
    short = head[1] & 0x7F
    return short if short < 126 else int.from_bytes(head[2 : 4 if short == 126 else 10], "big")


def close_payload(code: int, reason: str = "") -> bytes:
    """Return what stands in a close frame; NO_CODE stands for a close frame without a code."""
    if code == NO_CODE:
        return b""
    return code.to_bytes(2, "big") + reason.encode()[:123].decode(errors="ignore").encode()


class WebSocket(Transport):
    """An open WebSocket connection: what its reader, its writers and its end have in common."""

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
        self.owed = 0  # bytes that the frame which takes the careful way still lacks
        self.within = False  # a message: its last frame is still to come
        self.incoming = bytearray()  # of a message whose last frame is still to come
        self.messages: list[bytes] = []  # those of one recv
        self.answers: list[bytes] = []  # PONGs of one recv
        self._collected = NOTHING  # of a message in one frame that a recv has cut, unmasked
        self._missing = 0  # bytes that it still lacks
        self._key = b""  # of its mask
        self._undecoded = b""  # the beginning of a character at its end
        self.ended: WampliteError | None = None
        self._last_word = (NORMAL, "")
        self._goodbye = Lock()  # taken once, by whoever writes the close frame
        self._early = arrived  # behind the opening handshake
        self._rest = b""  # the beginning of a header

    @property
    def is_ready(self) -> bool:
        return self._early != b"" or self.ended is not None

    @property
    def buffered(self) -> int:
        return len(self.incoming) + len(self._collected)

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
        early, self._early = self._early, b""
        if early:
            return early
        data = self.stream.recv()
        if not data:
            raise self.stream.ended()
        self.heard = monotonic()
        rest, self._rest = self._rest, b""
        return rest + data if rest else data

    def _cut(self, data: bytes) -> None:
        """Cut what has arrived into `messages`, `answers` and, when it is the last, `ended`."""
        position, end = self._collect(data) if self._missing else 0, len(data)
        while position < end and self.ended is None:
            if not self.owed and not self.within:
                position = self._cut_whole(data, position, end)
                if position == end or self.ended is not None:
                    return
            position = self.cut_carefully(data, position, end)

    def _cut_whole(self, data: bytes, position: int, end: int) -> int:
        """Cut unfragmented frames of our kind; return where another thing begins."""
        first_byte, limit, messages, keyed = self.first_byte, self.limit, self.messages, self.keyed
        key_size = keyed >> 5  # 4, or 0 without a key
        while end - position > 1 and data[position] == first_byte:
            start, size = position + 2 + key_size, data[position + 1] ^ keyed
            if size == 126 and end - position > 3:
                start, size = start + 2, data[position + 2] << 8 | data[position + 3]
                if size < 126:
                    break
            elif size == 127 and end - position > 9:
                start, size = start + 8, int.from_bytes(data[position + 2 : position + 10], "big")
                if size < 65536:
                    break
            elif size > 125:
                break
            if size > limit or start > end:
                break
            position = start + size
            if position > end:
                self._collected, self._missing = bytearray(), size
                self._key = data[start - 4 : start]
                return start + self._collect(data[start:])
            message = data[start:position]
            if keyed:
                message = xor(data[start - 4 : start], message)
            if first_byte == TEXT and not self.is_text(message):
                break
            messages.append(message)
        return position

    def _collect(self, data: bytes) -> int:
        """Take the next part of a message in one frame; return where it ends."""
        part = data if len(data) <= self._missing else data[: self._missing]
        if self.keyed:
            turn = len(self._collected) & 3
            part = xor(self._key[turn:] + self._key[:turn], part)
        self._missing -= len(part)
        if self.first_byte == TEXT and not self._goes_on_as_text(part):
            return len(part)
        self._collected += part
        if not self._missing:
            self.messages.append(bytes(self._collected))
            self._collected = NOTHING
        return len(part)

    def _goes_on_as_text(self, part: bytes) -> bool:
        """Tell whether it is UTF-8, in which a character may be cut; where not, that is the end."""
        if part.isascii() and not self._undecoded:
            return True
        text = self._undecoded + part
        try:
            _, decoded = utf_8_decode(text, "strict", not self._missing)
        except UnicodeDecodeError as exc:
            self._refuse_text(exc, len(self._collected) - len(self._undecoded))
            return False
        self._undecoded = text[decoded:]
        return True

    @abstractmethod
    def cut_carefully(self, data: bytes, position: int, end: int) -> int:
        """Take the next part of any frame; return where it ends."""

    def keep(self, rest: bytes) -> None:
        """Keep the beginning of a header for the next recv."""
        self._rest = rest

    def longest(self) -> int:
        """Return how many octets the frames of a message may hold."""
        if self.deflate is None:
            return self.limit
        from .deflate import longest

        return longest(self.limit)

    def take(self, message: bytes, is_deflated: bool) -> None:
        """Take a message whose last frame has come, or refuse it."""
        if is_deflated and self.deflate is not None:
            from .deflate import TooMuch

            try:
                message = self.deflate.unpack(message, self.limit)
            except TooMuch as exc:
                return self.refuse(TOO_BIG, str(exc), MessageTooLarge)
            except ProtocolError as exc:
                return self.refuse(NOT_UTF8, str(exc))
        elif len(message) > self.limit:
            return self.refuse_size(len(message))
        if self.first_byte != TEXT or self.is_text(message):
            self.messages.append(message)

    def frame(self, payload: bytes) -> bytes:
        """Return the payload as one frame."""
        packed = None if self.deflate is None else self.deflate.pack(payload)
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
        self._last_word = (code, reason)
        self.ended = kind(f"{self.stream.peer} broke WebSocket ({code}): {reason}")

    def refuse_size(self, size: int) -> None:
        """End the connection because of a message that has so many bytes already."""
        came = f"a message of {size} bytes or more"
        self.refuse(TOO_BIG, f"{came}, at most {self.limit} are taken", MessageTooLarge)

    def closed_by_peer(self, code: int, reason: str) -> None:
        """End the connection as the peer's close frame asks, with its own code."""
        self._last_word = (code, "")
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
