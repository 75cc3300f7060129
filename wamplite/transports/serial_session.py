"""A session of WAMP on a serial line, at either end; docs/serial-line.md is its law.

    HostLine    the router's end: begun by a RESET with HELLO, ended by the next RESET
    DeviceLine  the client's end: HELLO, repeated until it is answered; ended by a RESET

The reading thread keeps the time as well: a sign of life after a second in which nothing was sent,
the end after three in which nothing was heard.
"""

from __future__ import annotations

import random
import time
from collections import deque
from contextlib import suppress
from itertools import islice

from ..core.errors import TransportLost
from .base import Transport
from .serial_frames import (
    END,
    KEEP_ALIVE,
    NUMBERS,
    RESET,
    SERIALIZERS,
    Frame,
    encode,
    header,
)
from .serial_line import BITS, SerialStream
from .stream import Stream

SILENCE = 1.0  # seconds without a byte sent, until a sign of life
LOST = 3.0  # seconds without a right frame heard, until the end
REPEAT = 2.0  # seconds from HELLO to the next one
PAUSE = 1.0  # seconds without an answer to anything but HELLO
BARE_RESET = END + encode(RESET)
NAMES = {number: name for name, number in SERIALIZERS.items()}


class SerialLine(Transport):
    """One session on a port; `number` tells it from the one before."""

    __slots__ = ("patience", "_port", "number")

    stream: SerialStream

    def __init__(self, stream: SerialStream, serializer: str, number: int) -> None:
        self.stream = stream
        self.serializer = serializer
        self.max_send = stream.port.address.max_send
        self.heard = time.monotonic()
        self._port = stream.port
        address = stream.port.address  # a large frame may take longer than three seconds
        self.patience = max(LOST, LOST - SILENCE + address.max_receive * BITS / address.baud)
        self._renumber(number)

    def _renumber(self, number: int) -> None:
        self.number = number
        self.framing = f"serial-{number}"

    def receive(self) -> list[bytes]:
        payloads = self._take()
        if not payloads:
            data = self._hear()
            if not data:
                raise self.stream.ended()
            self._port.feed(data)
            payloads = self._take()
        return payloads

    def _take(self) -> list[bytes]:
        """Return the messages of this session that have come."""
        payloads: list[bytes] = []
        frames = self._port.frames
        while frames and not (frames[0].is_reset and payloads):
            frame = frames[0]
            if frame.is_reset:
                self._on_reset()
                continue
            frames.popleft()
            if frame.number == self.number:
                self._on_frame(frame, payloads)
        return payloads

    def _on_frame(self, frame: Frame, payloads: list[bytes]) -> None:
        is_message = not frame.header & KEEP_ALIVE
        if is_message and NAMES.get(frame.serializer) != self.serializer:
            return
        self.heard = time.monotonic()
        if is_message:
            payloads.append(frame.message)

    def _on_reset(self) -> None:
        """End the session; a RESET with HELLO stays for the next one."""
        raise NotImplementedError

    def _end(self, why: str) -> TransportLost:
        self.stream.shutdown(why)
        return self.stream.ended()

    def _hear(self) -> bytes:
        """Wait for bytes, and keep the time meanwhile."""
        patience = self.stream.patience
        deadline = None if patience is None else time.monotonic() + patience
        while True:
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                raise TimeoutError(f"{self.stream.peer}: nothing received in time")
            due = self._keep_time(now)
            if deadline is not None:
                due = min(due, deadline)
            with suppress(TimeoutError):
                return self.stream.recv_within(due - now)

    def _keep_time(self, now: float) -> float:
        """Do what is due; return when to be asked again."""
        lost = self.heard + self.patience
        if now >= lost:
            raise self._end(f"nothing heard for {now - self.heard:.1f} s")
        if now >= self.stream.wrote + SILENCE:
            self.ping()
        return min(lost, self.stream.wrote + SILENCE)

    def frame(self, payload: bytes) -> bytes:
        return encode(header(self.serializer, self.number), payload)

    def limit_receive(self, size: int) -> None:
        """The port's own limit holds from its first byte on."""

    def ping(self) -> None:
        waiting = self.stream.left  # a sign of life behind it would be none
        self.stream.write([] if waiting else [encode(KEEP_ALIVE | self.number << 4)])

    def finish(self) -> None:
        self.stream.finish()


class HostLine(SerialLine):
    """The router's end of a session, which a device began."""

    __slots__ = ()

    def _on_reset(self) -> None:
        if not self._port.frames[0].message:
            self._port.frames.popleft()
        raise self._end("the device began anew")


def await_hello(stream: SerialStream, serializers: tuple[str, ...]) -> HostLine:
    """Wait for a device to say HELLO, which is left to be received; tell all others to say it.

    Raises TransportLost when the port is gone or `stream.shutdown` was called.
    """
    port = stream.port
    answered = float("-inf")
    while True:
        is_known = True  # it has nothing to say that a session would be needed for
        while port.frames:
            frame = port.frames[0]
            name = NAMES.get(frame.serializer, "")
            if not frame.is_reset:
                is_known = False
            elif frame.message and name in serializers and not _resets(port.frames):
                port.frames[0] = frame._replace(header=frame.header & ~RESET)
                stream.write([END])
                return HostLine(stream, name, frame.number)
            port.frames.popleft()
        if not is_known and time.monotonic() - answered >= PAUSE:
            answered = time.monotonic()
            stream.write([BARE_RESET])
        data = stream.recv_within(None)
        if not data:
            raise stream.ended()
        port.feed(data)


def _resets(frames: deque[Frame]) -> bool:
    """Tell whether another RESET lies behind the first frame: then that one counts."""
    return any(frame.is_reset for frame in islice(frames, 1, None))


class DeviceLine(SerialLine):
    """The client's end of a session: what it frames first is HELLO."""

    __slots__ = ("_hello", "_is_open", "_read_at", "_said_at")

    def __init__(self, stream: SerialStream, serializer: str) -> None:
        super().__init__(stream, serializer, random.randrange(NUMBERS))
        self._hello = b""
        self._said_at = 0.0  # when HELLO was said last
        self._read_at = 0.0  # when anything came last
        self._is_open = False

    def frame(self, payload: bytes) -> bytes:
        if self._hello:
            return super().frame(payload)
        self._hello = payload
        return self._next_hello()

    def _next_hello(self) -> bytes:
        self._renumber((self.number + 1) % NUMBERS)
        self._said_at = time.monotonic()
        return END + encode(RESET | header(self.serializer, self.number), self._hello)

    def _on_reset(self) -> None:
        self._port.frames.popleft()
        if self._is_open:
            raise self._end("the router has no session any more")

    def _on_frame(self, frame: Frame, payloads: list[bytes]) -> None:
        super()._on_frame(frame, payloads)
        if payloads:
            self._is_open = True

    def _keep_time(self, now: float) -> float:
        if self._is_open:
            return super()._keep_time(now)
        due = max(self._said_at + REPEAT, self._read_at + PAUSE)
        if now < due or self.stream.left:
            return max(due, now + SILENCE / 4)
        self.stream.write([self._next_hello()])
        return now + REPEAT

    def _hear(self) -> bytes:
        data = super()._hear()
        self._read_at = time.monotonic()
        return data


def connect(stream: Stream, serializer: str) -> DeviceLine:
    """Return the device's end of a session to come."""
    assert isinstance(stream, SerialStream)
    return DeviceLine(stream, serializer)
