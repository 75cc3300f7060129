"""WebSocket, the client's side: websocket-client shakes hands, its frames are read here.

websocket-client's own reading knows no largest message, copies fragments quadratically, checks
UTF-8 in pure Python and holds a lock that its `close` waits for; its grammar (ABNF) is good.
So the handshake and the judgement of frames are the library's; cutting and collecting is done
below, within `limit`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from http.cookies import CookieError
from typing import TYPE_CHECKING, Any

import websocket
from websocket import ABNF

from ..core.errors import ConnectTimeout, ProtocolError, TransportLost
from . import batches
from .base import Transport
from .stream import Stream
from .websocket_frames import (
    BREACH,
    CLOSE,
    DEFLATED,
    NO_CODE,
    NOT_UTF8,
    PING,
    WRONG_KIND,
    WebSocket,
    header,
    header_size,
    payload_size,
    xor,
)

if TYPE_CHECKING:
    from .deflate import Deflate

__all__ = ["WebSocketClient", "connect"]

LARGEST_ANSWER = 16384  # bytes of a server's answer to the handshake


def connect(
    stream: Stream,
    url: str,
    serializers: Iterable[str],
    *,
    max_message_size: int,
    deadline: float | None = None,
    headers: Mapping[str, str] | None = None,
    compress: bool = False,
) -> Transport:
    """Ask for a WebSocket at `url` over a connected stream; the server chooses a serializer.

    `serializers` are names like json and json.batched.
    `headers` go with the request, as `http_request.checked` returns them. compress: ask for
    permessage-deflate. `deadline` is a `time.monotonic()`, then ConnectTimeout. Raises
    TransportLost for any answer but 101, ProtocolError when the server agrees to something that
    was not asked.
    """
    names = tuple(serializers)
    socket = HandshakeSocket(stream, deadline)
    if compress:
        from .deflate import OFFER  # few ask for it

        headers = {**(headers or {}), "Sec-WebSocket-Extensions": OFFER}
    try:
        answer = shake_hands(url, socket, names, headers or {})
    except websocket.WebSocketTimeoutException as exc:
        raise ConnectTimeout(f"{url}: no answer to the WebSocket handshake in time") from exc
    except websocket.WebSocketBadStatusException as exc:
        raise TransportLost(f"{url}: {refusal(exc, socket)}") from exc
    except (websocket.WebSocketException, CookieError, ValueError, IndexError) as exc:
        raise ProtocolError(f"{url}: not an answer to a WebSocket handshake: {exc}") from exc
    if deadline is not None:
        stream.set_receive_timeout(None)
    deflate = extension(url, answer, compress)
    serializer, is_batched = batches.split(chosen(url, answer, names))
    opened = WebSocketClient(stream, serializer, max_message_size, socket.unread, deflate)
    if not is_batched:
        return opened
    from .websocket_batched import Batched  # few ask for it

    return Batched(opened)


def shake_hands(
    url: str, socket: HandshakeSocket, names: tuple[str, ...], headers: Mapping[str, str]
) -> dict[str, str]:
    """Let websocket-client shake hands; return the headers of the answer.

    The subprotocols are no option of its, but a header: then `chosen` can judge the answer, and
    say what was wrong with it. A redirect is not followed: it would leave our stream, and TLS.
    """
    scheme, _, rest = url.partition(":")
    asked = ", ".join(f"wamp.2.{name}" for name in names)
    more = {name.lower(): f"{name}: {value}" for name, value in headers.items()}
    host = more.pop("host", "").partition(": ")[2] or None
    library: Any = websocket.WebSocket(enable_multithread=False, skip_utf8_validation=True)
    try:
        library.connect(
            f"{scheme.lower()}:{rest}",
            socket=socket,
            suppress_origin=True,
            redirect_limit=0,
            host=host,
            header=[f"Sec-WebSocket-Protocol: {asked}", *more.values()],
        )
    finally:
        library.sock = None  # it refers to itself, and would keep our stream
    if library.getstatus() != 101:  # older versions take a redirect for an agreement
        raise ProtocolError(f"{url}: expected HTTP 101, got a redirect ({library.getstatus()})")
    answer: dict[str, str] = library.getheaders() or {}
    return answer


def refusal(exc: websocket.WebSocketBadStatusException, socket: HandshakeSocket) -> str:
    """Say what a server answered that did not agree."""
    if hasattr(exc, "resp_body"):
        body = exc.resp_body or b""
    else:  # before 1.5, as Debian 12 has it, the library leaves it unread
        length = (exc.resp_headers or {}).get("content-length", "")
        body = socket.read(int(length) if length.isdecimal() else 0)
    text = body.decode(errors="replace").strip()
    return f"expected HTTP 101, got {exc.status_code}: {text[:300]!r}"


def extension(url: str, headers: dict[str, str], asked: bool) -> Deflate | None:
    """Return how messages are deflated, None where they are not."""
    came = headers.get("sec-websocket-extensions")
    if came is None:
        return None
    if not asked:
        raise ProtocolError(f"{url}: the server chose an extension without being asked: {came!r}")
    from .deflate import agreed

    try:
        return agreed(came)
    except ProtocolError as exc:
        raise ProtocolError(f"{url}: {exc}") from None


def chosen(url: str, headers: dict[str, str], names: tuple[str, ...]) -> str:
    """Return the serializer that the server chose of those it was offered."""
    subprotocol = headers.get("sec-websocket-protocol", "")
    for name in names:
        if subprotocol == f"wamp.2.{name}":
            return name
    expected = " or ".join(f"wamp.2.{name}" for name in names)
    raise ProtocolError(f"{url}: expected subprotocol {expected}, the server chose {subprotocol!r}")


class HandshakeSocket:
    """A stream as the socket that websocket-client reads one byte at a time."""

    def __init__(self, stream: Stream, deadline: float | None) -> None:
        self._stream = stream
        self._deadline = deadline
        self._read = 0
        self.unread = b""

    def gettimeout(self) -> float:
        """Tell websocket-client to call `recv` and `send` as they are."""
        return 0

    def recv(self, size: int) -> bytes:
        """Return at most `size` bytes of a bounded answer."""
        stream, deadline = self._stream, self._deadline
        if self._read - len(self.unread) > LARGEST_ANSWER:
            raise ProtocolError(f"{stream.peer}: the answer is over {LARGEST_ANSWER} bytes")
        if not self.unread:
            self.unread = stream.recv() if deadline is None else stream.recv_by(deadline)
            self._read += len(self.unread)
            if not self.unread:
                raise stream.ended()
        data, self.unread = self.unread[:size], self.unread[size:]
        return data

    def read(self, size: int) -> bytes:
        """Return so many bytes of the answer, or raise where it is too long or ends before."""
        data = b""
        while len(data) < size:
            data += self.recv(size - len(data))
        return data

    def send(self, data: bytes) -> int:
        """Put it into the outbox."""
        self._stream.write([data])
        return len(data)

    def close(self) -> None:
        """Leave that to the stream's owner."""


class WebSocketClient(WebSocket):
    """The client's side of one WebSocket."""

    def __init__(
        self,
        stream: Stream,
        serializer: str,
        limit: int,
        arrived: bytes = b"",
        deflate: Deflate | None = None,
    ) -> None:
        super().__init__(stream, serializer, limit, arrived, deflate)
        self.is_deflated = False  # the message that is being collected
        self.framing = f"websocket-masked-{id(self)}"  # each frame has a key of its own
        self.first = 0  # byte of the frame that is being collected
        self.control = bytearray()  # payload of a control frame that is being collected

    def frame_of(self, first: int, payload: bytes) -> bytes:
        """Return a frame masked with a fresh key."""
        key = os.urandom(4)
        return header(first, len(payload), 0x80) + key + xor(key, payload)

    def cut_carefully(self, data: bytes, position: int, end: int) -> int:
        """Take the next part of a frame; return where it ends."""
        if not self.owed:
            size = header_size(data[position + 1]) if end - position > 1 else 2
            if end - position < size:
                self.keep(data[position:])
                return end
            self._begin(data[position : position + size])
            position += size
        piece = data[position : position + self.owed]
        self.owed -= len(piece)
        if self.first & 0x08:
            self.control += piece
        else:
            self.incoming += piece
        if not self.owed and self.ended is None:
            self._complete()
        return position + len(piece)

    def _begin(self, head: bytes) -> None:
        """Judge a header: RFC 6455 sections 5.1, 5.2, 5.4 and 5.5."""
        self.first = head[0]
        self.owed = size = payload_size(head)
        is_control = head[0] & 0x08
        if head[1] & 0x80:
            self.refuse(BREACH, "a masked frame from the server")
        elif head[1] == 126 and size < 126 or head[1] == 127 and not 65536 <= size < 1 << 63:
            self.refuse(BREACH, f"a size of {size} in {len(head) - 2} bytes")
        elif is_control and (size > 125 or not head[0] & 0x80):
            self.refuse(BREACH, "a control frame that is fragmented or over 125 bytes")
        elif not is_control and len(self.incoming) + size > self.longest():
            self.refuse_size(len(self.incoming) + size)
        else:
            self._judge(head[0])

    def _judge(self, first: int) -> None:
        """Judge bits and opcode, and where in a message it stands."""
        opcode = first & 0x0F
        is_data = opcode in (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY)
        bits = first & 0x70
        if is_data and self.deflate is not None:
            bits &= ~DEFLATED
        if bits or opcode not in ABNF.OPCODES:
            self.refuse(BREACH, f"reserved bits or opcode in {first:#04x}")
        elif is_data:
            if self.within:
                self.refuse(BREACH, "a new message within a message")
            elif opcode != self.first_byte & 0x0F:
                self.refuse(WRONG_KIND, f"the wrong kind of message for wamp.2.{self.serializer}")
            self.within, self.is_deflated = True, bool(first & DEFLATED)
        elif opcode == ABNF.OPCODE_CONT and not self.within:
            self.refuse(BREACH, "a continuation without a message")

    def _complete(self) -> None:
        """Act on a frame that is all there."""
        if self.first & 0x08:
            payload, self.control = bytes(self.control), bytearray()
            if self.first == PING:
                self.answer(payload)
            elif self.first == CLOSE:
                self._on_close(payload)
        elif self.first & 0x80:
            message, self.incoming, self.within = bytes(self.incoming), bytearray(), False
            self.take(message, self.is_deflated)

    def _on_close(self, payload: bytes) -> None:
        """Judge a close frame: section 5.5.1 and 7.4."""
        try:
            ABNF(1, 0, 0, 0, ABNF.OPCODE_CLOSE, 0, payload).validate(skip_utf8_validation=True)
            reason = payload[2:].decode()
        except websocket.WebSocketProtocolException as exc:
            self.refuse(BREACH, str(exc))
        except UnicodeDecodeError:
            self.refuse(NOT_UTF8, "the reason of a close frame is not UTF-8")
        else:
            code = int.from_bytes(payload[:2], "big") if payload else NO_CODE
            self.closed_by_peer(code, reason)
