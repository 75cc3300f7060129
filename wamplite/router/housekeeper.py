"""The thread that writes for slow connections, and keeps all deadlines, pings and timers.

    outbox left something over ── watch ──> selector: room again? ──> stream.drain(), else nothing
    every connection ── tick(now) ──> its deadlines; returns when it wants to be asked again
    later(seconds, run) ──> a heap ──> run() in this thread (a realm's timers go on to its inbox)

    wamplite-housekeeper:  register the new ones -> sleep -> write -> sweep -> tick -> ring -> ...

It sleeps until the nearest of these, or until it is woken through a socket pair. What it does each
time costs the same however many connections there are: all are looked at only when one of them is
due, all that are watched four times in a write deadline, at least once a second.

A descriptor may be closed, and be reused, while it is registered here. That does no harm: a stream
that is closed has nothing left to write, and the sweep forgets it before its successor registers.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from ..core import uris
from ..transports.stream import Stream
from .faults import guarded, log_fault
from .limits import Counters, Limits
from .timers import FOREVER, Timers

logger = logging.getLogger("wamplite.router")

LONGEST_SLEEP = 60.0
CLOSING = 5.0  # seconds for the thread to end
PAUSE = 0.1  # seconds after a fault


class Ticking(Protocol):
    """Something with deadlines."""

    def tick(self, now: float) -> float:
        """Act on what is due, and return when to be asked again (monotonic seconds)."""

    def shutdown(self, why: str) -> None:
        """End now: its tick failed."""


class Housekeeper:
    """Writes what was left over, and keeps time."""

    def __init__(self, limits: Limits, counters: Counters) -> None:
        self._limits = limits
        self._counters = counters
        self._lock = threading.Lock()  # guards the next six
        self._left: dict[Stream, float] = {}  # -> when the kernel last took some of it
        self._new: list[Stream] = []  # of those: not yet registered
        self._ticking: dict[Ticking, float] = {}  # -> when to ask it again
        self._next_tick = FOREVER  # not after the first of these
        self._timers = Timers()
        self._asleep_until = 0.0  # 0: awake, nobody need wake it
        self._ended = False
        self._sweep_every = min(1.0, limits.write_timeout / 4)
        self._next_sweep = 0.0  # these three are the thread's own
        self._selector = selectors.DefaultSelector()
        self._registered: set[Stream] = set()
        self._waking, self._woken = socket.socketpair()
        self._waking.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="wamplite-housekeeper", daemon=True)
        self._thread.start()

    # Any thread

    def watch(self, stream: Stream) -> None:
        """Write for a stream whose outbox left something over; end it if that is too much."""
        if self._is_too_much(stream):
            limits = self._limits
            dropped = stream.drop_oldest(limits.outbox_size, limits.max_outbox_messages)
            if dropped:
                self._counters.add("events_dropped", dropped)
            if self._is_too_much(stream):
                self._disconnect(stream)
                return
        with self._lock:
            if stream in self._left:
                return
            self._left[stream] = time.monotonic()
            self._new.append(stream)
            asleep = self._asleep_until > 0
        if asleep:
            self._wake()

    def add(self, ticking: Ticking, when: float) -> None:
        """Keep the deadlines of a connection from now on."""
        with self._lock:
            self._schedule(ticking, when)
            sooner = when < self._asleep_until
        if sooner:
            self._wake()

    def move(self, ticking: Ticking, when: float) -> None:
        """Ask at another time; nothing if it has been removed."""
        with self._lock:
            if ticking not in self._ticking:
                return
            self._schedule(ticking, when)
            sooner = when < self._asleep_until
        if sooner:
            self._wake()

    def remove(self, ticking: Ticking) -> None:
        """Forget a connection that has ended."""
        with self._lock:
            self._ticking.pop(ticking, None)

    def later(self, seconds: float, run: Callable[[], None]) -> Callable[[], None]:
        """Run a function in so many seconds; returns a function that cancels it."""
        when = time.monotonic() + seconds
        with self._lock:
            timer = self._timers.add(when, run)
            sooner = when < self._asleep_until
        if sooner:
            self._wake()

        def cancel() -> None:
            with self._lock:
                self._timers.cancel(timer)

        return cancel

    def close(self) -> None:
        """End the thread."""
        self._ended = True
        self._wake()
        self._thread.join(CLOSING)
        if self._thread.is_alive():
            return  # it is stuck in what somebody gave it to run, and still needs what follows
        self._selector.close()
        self._waking.close()
        self._woken.close()

    def _is_too_much(self, stream: Stream) -> bool:
        limits = self._limits
        return stream.left > limits.outbox_size or stream.waiting > limits.max_outbox_messages

    def _disconnect(self, stream: Stream) -> None:
        if stream.lost is not None:
            return
        self._counters.add("slow_consumers")
        logger.warning("%s is disconnected: it reads too slowly", stream.peer)
        stream.shutdown(uris.SLOW_CONSUMER)

    def _schedule(self, ticking: Ticking, when: float) -> None:
        self._ticking[ticking] = when
        self._next_tick = min(self._next_tick, when)

    def _wake(self) -> None:
        with suppress(OSError):  # it is being woken already, or has ended
            self._waking.send(b"\0")

    # The housekeeper

    def _run(self) -> None:
        while not self._ended:
            try:
                self._once()
            except BaseException:  # it keeps all deadlines: nothing may end it
                log_fault(logger, "the housekeeper goes on")
                time.sleep(PAUSE)

    def _once(self) -> None:
        self._register_new()
        with self._lock:
            now = time.monotonic()
            wake_at = min(now + LONGEST_SLEEP, self._next_tick, self._timers.next)
            if self._left:
                wake_at = min(wake_at, self._next_sweep)
            if self._new:
                wake_at = now
            self._asleep_until = max(wake_at, 1e-9)
        ready = self._selector.select(max(0.0, wake_at - now))
        with self._lock:
            self._asleep_until = 0.0
        now = time.monotonic()
        self._write([key.data for key, _ in ready], now)
        self._sweep(now)
        self._tick(now)
        self._ring(now)

    def _register_new(self) -> None:
        with self._lock:
            new, self._new = self._new, []
        for stream in new:
            self._register(stream)

    def _write(self, ready: list[Stream | None], now: float) -> None:
        for stream in ready:
            if stream is None:
                self._take_wakes()
            elif stream.drain():
                self._forget(stream)
            else:
                with self._lock:
                    self._left[stream] = now

    def _take_wakes(self) -> None:
        with suppress(BlockingIOError):
            self._woken.recv(4096)

    def _sweep(self, now: float) -> None:
        """Look at all that are watched: who has gone, who takes nothing, who is not registered."""
        if now < self._next_sweep:
            return
        self._next_sweep = now + self._sweep_every
        with self._lock:
            watched = list(self._left.items())
        for stream, since in watched:
            if stream.fileno() < 0 or not stream.left:
                self._forget(stream)
            elif now - since > self._limits.write_timeout:
                self._disconnect(stream)
        for stream, _ in watched:
            if stream in self._left and stream not in self._registered:
                self._register(stream)
                stream.drain()  # should no room be had in the selector, this is how it goes on

    def _register(self, stream: Stream) -> None:
        if stream in self._registered:
            return
        with suppress(ValueError, OSError):  # closed just now: the sweep will see
            try:
                self._selector.register(stream, selectors.EVENT_WRITE, stream)
            except KeyError:  # its descriptor was another's, who is closed: sweep at once
                self._next_sweep = 0.0
            else:
                self._registered.add(stream)

    def _forget(self, stream: Stream) -> None:
        with self._lock:
            if stream.left and stream.fileno() >= 0:
                return  # somebody wrote in the meantime, and saw that it is watched
            self._left.pop(stream, None)
        if stream in self._registered:
            self._registered.discard(stream)
            self._selector.unregister(stream)

    def _tick(self, now: float) -> None:
        with self._lock:
            if now < self._next_tick:
                return
            due = [(ticking, when) for ticking, when in self._ticking.items() if when <= now]
        for ticking, scheduled in due:
            when = self._ask(ticking, now)
            with self._lock:
                if self._ticking.get(ticking) == scheduled:  # else it was moved or removed
                    self._ticking[ticking] = when
        with self._lock:
            self._next_tick = min(self._ticking.values(), default=FOREVER)

    def _ask(self, ticking: Ticking, now: float) -> float:
        try:
            return ticking.tick(now)
        except BaseException:
            log_fault(logger, "the deadlines of %s cannot be kept: it is closed", ticking)
            ticking.shutdown("internal error")
            return FOREVER

    def _ring(self, now: float) -> None:
        with self._lock:
            due = self._timers.take(now)
        for run in due:
            guarded(logger, run, "a timer failed")
