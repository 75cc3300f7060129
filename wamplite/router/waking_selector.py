"""A selector that another thread can wake: for room to write, or for something to read.

It asks epoll, where the system has that, else poll(2), which is asked the same way but for the unit
of time: what `selectors` adds to either is half of what waiting for six connections takes.
"""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

READABLE, WRITABLE = select.POLLIN, select.POLLOUT  # of epoll, too
EPOLL: Any = getattr(select, "epoll", None)


class Described(Protocol):
    """What has a descriptor."""

    def fileno(self) -> int: ...


T = TypeVar("T", bound=Described)


class WakingSelector(Generic[T]):
    """Waits for one kind of event of streams, or until it is woken.

    `wake` is for any thread, the rest for one. A descriptor that others close may be reused while
    it is registered for writing. That does no harm: a stream that is closed has nothing left to
    write, and is unregistered before its successor is.
    """

    def __init__(self, event: int = WRITABLE) -> None:
        self._event = event
        self._system: Any = (EPOLL or select.poll)()
        self._second = 1.0 if EPOLL else 1000.0  # in its unit of time
        self._registered: dict[T, int] = {}  # each with its descriptor
        self._streams: dict[int, T] = {}  # the same, by descriptor
        self._waking, self._woken = socket.socketpair()
        self._waking.setblocking(False)
        self._woken.setblocking(False)
        self._system.register(self._woken.fileno(), READABLE)

    def __contains__(self, stream: T) -> bool:
        return stream in self._registered

    def __len__(self) -> int:
        return len(self._registered)

    def wake(self) -> None:
        """End the wait that runs, or else the next one."""
        with suppress(OSError):  # it is being woken already, or was closed
            self._waking.send(b"\0")

    def register(self, stream: T) -> bool:
        """Wait for this one; False: its descriptor is still registered for another."""
        if stream not in self._registered:
            descriptor = stream.fileno()
            if descriptor in self._streams:
                return False
            try:
                self._system.register(descriptor, self._event)
            except (ValueError, OSError):  # closed just now, or none may be added
                return True
            self._registered[stream], self._streams[descriptor] = descriptor, stream
        return True

    def unregister(self, stream: T) -> None:
        """Wait for it no more."""
        descriptor = self._registered.pop(stream, None)
        if descriptor is not None:
            del self._streams[descriptor]
            try:  # noqa: SIM105 - of each session that ends
                self._system.unregister(descriptor)
            except OSError:  # it was closed, and epoll has forgotten it
                pass

    def wait(self, seconds: float | None) -> list[T]:
        """Return those that are ready, none where it was woken or time is up; None: never."""
        find, events = self._streams.get, self._system.poll(seconds and seconds * self._second)
        ready = [find(descriptor) for descriptor, _ in events]
        if None not in ready:
            return ready  # type: ignore[return-value]
        with suppress(BlockingIOError):  # woken, or told of one that is not waited for any more
            self._woken.recv(4096)
        return [stream for stream in ready if stream is not None]

    def close(self) -> None:
        """Give the descriptors back."""
        if EPOLL:
            self._system.close()
        self._waking.close()
        self._woken.close()
