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
from .websocket import WebSocket
from .websocket_frames import BREACH, CLOSE, NO_CODE, NOT_UTF8, PING, header, xor

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
        self.framing = f"websocket-masked-{id(self)}"  # each frame has a key of its own

    def frame_of(self, first: int, payload: bytes) -> bytes:
        """Return a frame masked with a fresh key."""
        key = os.urandom(4)
        return header(first, len(payload), 0x80) + key + xor(key, payload)

    def take_control(self, frame: bytes) -> None:
        """Answer a ping, heed a close frame; a PONG was heard, that is all."""
        if frame[0] == PING:
            self.answer(frame[2:])
        elif frame[0] == CLOSE:
            self._on_close(frame[2:])

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
