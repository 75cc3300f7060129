"""The thread that writes for slow connections, and keeps all deadlines, pings and timers.

    outbox left something over ── watch ──> selectors ──> stream.drain() until nothing is left
    every connection ── tick(now) ──> its deadlines; returns when it wants to be asked again
    later(seconds, run) ──> a heap ──> run() in this thread (a realm's timers go on to its inbox)

It sleeps until the nearest of these, or until it is woken through a socket pair.
"""

from __future__ import annotations

import heapq
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Protocol

from ..transports.stream import Stream
from .limits import Counters, Limits

logger = logging.getLogger("wamplite.router")

LONGEST_SLEEP = 60.0


class Ticking(Protocol):
    """Something with deadlines."""

    def tick(self, now: float) -> float:
        """Act on what is due, and return when to be asked again (monotonic seconds)."""


class Drain:
    """Writes what was left over, and keeps time."""

    def __init__(self, limits: Limits, counters: Counters) -> None:
        self._limits = limits
        self._counters = counters
        self._lock = threading.Lock()  # guards _left, _ticking, _timers, _wake_at
        self._left: dict[Stream, tuple[int, float]] = {}  # -> bytes left over, since when so many
        self._ticking: dict[Ticking, float] = {}  # -> when to ask it again
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._wake_at = 0.0
        self._ended = False
        self._selector = selectors.DefaultSelector()
        self._registered: set[Stream] = set()  # this thread's own
        self._waking, self._woken = socket.socketpair()
        self._waking.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="wamplite-drain", daemon=True)
        self._thread.start()

    def watch(self, stream: Stream) -> None:
        """Write for a stream whose outbox left something over; end it if that is too much."""
        limits = self._limits
        if stream.left > limits.outbox_size or stream.waiting > limits.max_outbox_messages:
            dropped = stream.drop_oldest(limits.outbox_size)
            self._counters.add("events_dropped", dropped)
            if stream.left > limits.outbox_size or stream.waiting > limits.max_outbox_messages:
                self._disconnect(stream)
                return
        with self._lock:
            known = stream in self._left
            if not known:
                self._left[stream] = (stream.left, time.monotonic())
            total = sum(other.left for other in self._left) if self._left else 0
        if total > limits.max_buffered:
            with self._lock:
                largest = max(self._left, key=lambda other: other.left)
            self._disconnect(largest)
        if not known:
            self._wake()

    def add(self, ticking: Ticking, when: float) -> None:
        """Keep the deadlines of a connection from now on."""
        with self._lock:
            self._ticking[ticking] = when
            sooner = when < self._wake_at
        if sooner:
            self._wake()

    def remove(self, ticking: Ticking) -> None:
        """Forget a connection that has ended."""
        with self._lock:
            self._ticking.pop(ticking, None)

    def later(self, seconds: float, run: Callable[[], None]) -> Callable[[], None]:
        """Run a function in so many seconds; returns a function that cancels it."""
        when, number = time.monotonic() + seconds, next(self._numbers)
        pending = [run]

        def ring() -> None:
            for waiting in pending:
                waiting()

        with self._lock:
            heapq.heappush(self._timers, (when, number, ring))
            sooner = when < self._wake_at
        if sooner:
            self._wake()
        return pending.clear

    def close(self) -> None:
        """End the thread."""
        self._ended = True
        self._wake()
        self._thread.join()
        self._selector.close()
        self._waking.close()
        self._woken.close()

    def _disconnect(self, stream: Stream) -> None:
        self._counters.add("slow_consumers")
        logger.warning("%s is disconnected: it reads too slowly", stream.peer)
        stream.shutdown("wamplite.close.slow_consumer")

    def _wake(self) -> None:
        try:
            self._waking.send(b"\0")
        except BlockingIOError:
            return  # it is being woken already

    def _run(self) -> None:
        while not self._ended:
            try:
                self._once()
            except Exception:
                logger.exception("the drain thread goes on")
                time.sleep(0.1)

    def _once(self) -> None:
        with self._lock:
            now = time.monotonic()
            due = [now + LONGEST_SLEEP, *self._ticking.values()]
            due += [timer[0] for timer in self._timers[:1]]
            if self._left:
                due.append(now + min(1.0, self._limits.write_timeout / 4))
            self._wake_at = min(due)
        for key, _ in self._selector.select(max(0.0, self._wake_at - now)):
            if key.data is None:
                self._take_wakes()
            else:
                key.data.drain()
        with self._lock:
            self._wake_at = 0.0  # awake: whoever comes now need not wake us
        self._check_left(time.monotonic())
        self._tick(time.monotonic())
        self._run_timers(time.monotonic())

    def _take_wakes(self) -> None:
        try:
            self._woken.recv(4096)
        except BlockingIOError:
            return

    def _check_left(self, now: float) -> None:
        with self._lock:
            watched = list(self._left.items())
        for stream, (left, since) in watched:
            remaining = stream.left
            if stream.fileno() < 0 or remaining == 0:
                self._forget(stream)
            elif remaining != left:
                with self._lock:
                    self._left[stream] = (remaining, now)
            elif now - since > self._limits.write_timeout:
                self._disconnect(stream)
        with self._lock:
            unregistered = [stream for stream in self._left if stream not in self._registered]
        for stream in unregistered:
            self._register(stream)

    def _register(self, stream: Stream) -> None:
        try:
            self._selector.register(stream, selectors.EVENT_WRITE, stream)
        except (ValueError, KeyError, OSError):
            return  # it was closed just now: the next round forgets it
        self._registered.add(stream)

    def _forget(self, stream: Stream) -> None:
        with self._lock:
            if stream.left and not stream.fileno() < 0:
                return  # somebody wrote in the meantime, and saw that it is watched
            self._left.pop(stream, None)
        if stream in self._registered:
            self._registered.discard(stream)
            self._selector.unregister(stream)

    def _tick(self, now: float) -> None:
        with self._lock:
            due = [ticking for ticking, when in self._ticking.items() if when <= now]
        for ticking in due:
            when = ticking.tick(now)
            with self._lock:
                if ticking in self._ticking:
                    self._ticking[ticking] = when

    def _run_timers(self, now: float) -> None:
        while True:
            with self._lock:
                if not self._timers or self._timers[0][0] > now:
                    return
                run = heapq.heappop(self._timers)[2]
            run()
