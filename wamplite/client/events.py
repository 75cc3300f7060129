"""Events to handlers: one thread per session, in order of arrival across all topics.

    the reading thread ── put ──> [at most 10,000 events, 16 MiB] ──> wamplite-events-<session>

A handler of a subscription with `concurrent` runs on the session's pool instead, or here where the
pool is full. Each counter below is written by one thread alone, so that nothing needs a lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

from .faults import contain

MOST_EVENTS = 10_000
MOST_BYTES = 1 << 24

Job = Callable[[], None]


class Events:
    """The events that wait for their handlers, and the thread that runs those."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[tuple[Job, int] | None] = SimpleQueue()
        self._put = self._put_bytes = 0  # written by the reading thread
        self._taken = self._taken_bytes = 0  # written by the events thread
        self._dropping = False
        self.thread: threading.Thread | None = None  # none before the first event

    def put(self, job: Job, size: int) -> bool:
        """Queue an event; False if the handlers have fallen too far behind (the reading thread)."""
        waiting, held = self._put - self._taken, self._put_bytes - self._taken_bytes
        if waiting >= MOST_EVENTS or (waiting and held + size > MOST_BYTES):
            return False
        self._put += 1
        self._put_bytes += size
        self._queue.put((job, size))
        if self.thread is None:
            self.thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self.thread.start()
        return True

    def end(self, drop: bool) -> None:
        """Let the thread end, after the events that wait unless they are dropped."""
        self._dropping = self._dropping or drop
        self._queue.put(None)

    def _run(self) -> None:
        while (entry := self._queue.get()) is not None:
            job, size = entry
            if not self._dropping:
                contain(job)
            self._taken += 1
            self._taken_bytes += size
