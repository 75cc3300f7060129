"""HTTP requests of one connection, one after the other, each with its body and its answer.

    next -> answer -> next -> ... -> None: the client, or what it asked for, ends the connection

h11 keeps to RFC 9112: chunks, `Expect`, HTTP/1.0, requests sent ahead. Each request has a deadline,
a bound for its head and one for its body. Used by the reading thread of the stream alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from http import HTTPStatus

import h11

from .base import USUAL, HttpBounds
from .http_server import (
    TEXT,
    HttpRefusal,
    HttpRequest,
    bad,
    check_bounds,
    refuse,
    request_of,
    values,
)
from .stream import Stream


class Exchange:
    """What is left of a connection that speaks HTTP: `head` has been read of it."""

    _wants_head: bool  # the request that `next` has returned: the headers of its answer alone

    def __init__(self, stream: Stream, head: bytes, bounds: HttpBounds = USUAL) -> None:
        self._stream = stream
        self._bounds = bounds
        self._machine = h11.Connection(h11.SERVER, bounds.size)
        self._machine.receive_data(head)
        self._until = 0.0  # of the request that is read

    def next(
        self, seconds: float, longest: int, note: Callable[[int], None]
    ) -> tuple[HttpRequest, bytes] | None:
        """Return the next request and its body, None at the end; HttpRefusal where it is none.

        seconds: until all of it must be here; nothing of it by then is the end. longest: bytes of
        the body; `note` is told how many are here.
        """
        self._until = time.monotonic() + seconds
        try:
            event = self._event()
            if not isinstance(event, h11.Request):
                return None
            request = request_of(event)
            self._wants_head = request.method == b"HEAD"
            size = sum(len(key) + len(value) for key, value in event.headers)
            check_bounds(request, size, self._bounds)
            _check_framing(request)
            return request, self._body(longest, note)
        except h11.RemoteProtocolError as exc:
            raise bad(exc) from None

    def answer(self, status: int, body: bytes, headers: Iterable[tuple[str, str]]) -> bool:
        """Answer the request; False if that was the last one."""
        machine = self._machine
        answer = [*headers, ("Date", _date())]
        if status != HTTPStatus.NO_CONTENT:
            answer.append(("Content-Length", str(len(body))))
        reason = HTTPStatus(status).phrase.encode()
        entries = [
            machine.send(h11.Response(status_code=status, headers=answer, reason=reason)),
            machine.send(h11.Data(data=body)) if body and not self._wants_head else b"",
            machine.send(h11.EndOfMessage()),
        ]
        self._stream.write([b"".join(entry or b"" for entry in entries)])
        if machine.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            self._stream.finish()
            return False
        machine.start_next_cycle()
        return True

    def refuse(self, refusal: HttpRefusal, headers: Iterable[tuple[str, str]]) -> bool:
        """Answer with a refusal; False if the connection ends with it: what came was not HTTP."""
        if self._machine.their_state is h11.DONE:
            text = f"{refusal.text}\n".encode()
            return self.answer(refusal.status, text, [TEXT, *refusal.headers, *headers])
        refusal.headers += tuple(headers)
        self._stream.write([refuse(refusal, with_text=True)])
        self._stream.finish()
        return False

    def _body(self, longest: int, note: Callable[[int], None]) -> bytes:
        body = bytearray()  # not its parts: each weighs 40 bytes more, and may hold 1
        while isinstance(event := self._event(), h11.Data):
            body += event.data
            if len(body) > longest:
                text = f"a body of {len(body)} bytes or more, at most {longest} taken"
                raise HttpRefusal(413, text)
            note(len(body))
        if not isinstance(event, h11.EndOfMessage):
            raise self._stream.ended()
        return bytes(body)

    def _event(self) -> object:
        """Return the next event, or ConnectionClosed."""
        machine, stream = self._machine, self._stream
        while (event := machine.next_event()) is h11.NEED_DATA:
            if machine.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
                stream.write([machine.send(go_on) or b""])
            try:
                data = stream.recv_by(self._until)
            except TimeoutError:
                if machine.their_state is h11.IDLE and not machine.trailing_data[0]:
                    return None
                raise HttpRefusal(408, "the request did not come in time") from None
            machine.receive_data(data)
        return event


def _check_framing(request: HttpRequest) -> None:
    """Refuse a body with two ends: a proxy in front may go by the other one (RFC 9112 6.1)."""
    if values(request, "transfer-encoding") and values(request, "content-length"):
        raise HttpRefusal(400, "Transfer-Encoding and Content-Length in one request")


def _date() -> str:
    """Return the time as HTTP wants it."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
