"""Answers those whom a bound refuses, so that they hear more than the end: one thread for all.

    wamplite-refuse:  wait for their first bytes, together -> HTTP 503 or RawSocket error 4 ->
                      read until they close, or time is up -> ... until nobody is left: it ends

They have no place among the connections, so there are few of them at a time, for a moment; whoever
comes beyond that is closed at once, as is whoever speaks TLS.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from contextlib import suppress

from ..core.errors import TransportLost
from ..locks import Lock
from ..transports import rawsocket
from ..transports.stream import Stream
from .faults import guarded, log_fault

logger = logging.getLogger("wamplite.router")

MOST = 32  # at a time
PATIENCE = 1.0  # seconds to ask, to read the answer and to close
LONGEST = 8192  # bytes of a request
STEP = 50  # milliseconds until somebody who came meanwhile is looked at
CLOSING = 2 * PATIENCE  # seconds for the thread to end


class Guest:
    """Somebody who is refused: a stream, and the words for it."""

    def __init__(self, stream: Stream, text: str) -> None:
        self.stream = stream
        self.until = time.monotonic() + PATIENCE
        self._text = text
        self._head = b""
        self._answered = False

    def read(self) -> bool:
        """Take what has come, and answer once it is all there; False at the end."""
        data = self.stream.recv()
        if data and not self._answered:
            self._head += data
            answer = answer_to(self._head, self._text)
            if answer is not None:
                self._answered = True
                self.stream.write([answer])
                self.stream.finish()
        return data != b""


def answer_to(head: bytes, text: str) -> bytes | None:
    """Return what to answer to the first bytes of a refused peer; None: there must be more."""
    if head[0] == rawsocket.MAGIC:
        return rawsocket.refusal(rawsocket.TOO_MANY_CONNECTIONS) if len(head) > 3 else None
    if b"\r\n\r\n" not in head and len(head) < LONGEST:
        return None
    body = f"{text}\n".encode()
    lines = [
        "HTTP/1.1 503 Service Unavailable",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Retry-After: 5",
        "Connection: close",
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode() + body


class TurningAway:
    """All who are being refused."""

    def __init__(self) -> None:
        self._lock = Lock()  # guards the next four
        self._coming: list[Guest] = []
        self._number = 0  # of all guests
        self._thread: threading.Thread | None = None
        self._ended = False

    def take(self, stream: Stream, text: str) -> None:
        """Answer and close a stream that nobody else reads; any thread."""
        with self._lock:
            takes = stream.is_plain and self._number < MOST and not self._ended
            if takes:
                stream.set_receive_timeout(PATIENCE)
                self._number += 1
                self._coming.append(Guest(stream, text))
                if self._thread is None:
                    self._thread = self._started()
                    takes = self._thread is not None
        if not takes:
            stream.close()

    def close(self) -> None:
        """Refuse nobody any more, and end the thread."""
        with self._lock:
            self._ended = True
            thread = self._thread
        if thread is not None:
            thread.join(CLOSING)

    def _started(self) -> threading.Thread | None:
        thread = threading.Thread(target=self._run, name="wamplite-refuse", daemon=True)
        if guarded(logger, thread.start, "nobody can be told why they are refused"):
            return thread
        self._number -= len(self._coming)
        self._coming.clear()
        return None

    def _run(self) -> None:
        guests: dict[int, Guest] = {}
        while self._take_in(guests):
            try:
                self._serve(guests)
            except BaseException:
                log_fault(logger, "those who are refused are closed")
                for number in list(guests):
                    self._dismiss(guests.pop(number))

    def _take_in(self, guests: dict[int, Guest]) -> bool:
        """Take in who has come; False, and the thread is over, when nobody is left."""
        with self._lock:
            guests.update((guest.stream.fileno(), guest) for guest in self._coming)
            self._coming.clear()
            if not guests:
                self._thread = None
            return bool(guests)

    def _serve(self, guests: dict[int, Guest]) -> None:
        poll = select.poll()
        for number in guests:
            poll.register(number, select.POLLIN)
        ready = {number for number, _ in poll.poll(STEP)}
        now = time.monotonic()
        for number, guest in list(guests.items()):
            goes_on = now < guest.until and not self._ended
            if number in ready:
                with suppress(TransportLost, TimeoutError):
                    goes_on = guest.read() and goes_on
            if not goes_on or guest.stream.lost is not None:
                self._dismiss(guests.pop(number))

    def _dismiss(self, guest: Guest) -> None:
        guest.stream.close()
        with self._lock:
            self._number -= 1
