"""A selector that another thread can wake: for room to write, or for something to read."""

from __future__ import annotations

import selectors
import socket
from contextlib import suppress
from typing import Generic, Protocol, TypeVar


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

    def __init__(self, event: int = selectors.EVENT_WRITE) -> None:
        self._event = event
        self._selector = selectors.DefaultSelector()
        self._registered: dict[T, int] = {}  # each with its descriptor
        self._waking, self._woken = socket.socketpair()
        self._waking.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)

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
            try:
                self._selector.register(descriptor, self._event, stream)
            except KeyError:
                return False
            except (ValueError, OSError):  # closed just now, or none may be added
                return True
            self._registered[stream] = descriptor
        return True

    def unregister(self, stream: T) -> None:
        """Wait for it no more."""
        descriptor = self._registered.pop(stream, None)
        if descriptor is not None:
            self._selector.unregister(descriptor)

    def wait(self, seconds: float | None) -> list[T]:
        """Return those that are ready, none where it was woken or time is up; None: never."""
        streams = []
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with suppress(BlockingIOError):
                    self._woken.recv(4096)
            else:
                streams.append(key.data)
        return streams

    def close(self) -> None:
        """Give the descriptors back."""
        self._selector.close()
        self._waking.close()
        self._woken.close()
