"""The thread that writes for slow connections, and keeps all deadlines, pings and timers.

    outbox left something over ── watch ──> Leftovers ──> room again? ──> stream.drain()
    every connection ── tick(now) ──> its deadlines; returns when it wants to be asked again
    later(seconds, run) ──> Timers ──> run() in this thread (a realm's timers go on to its inbox)

    wamplite-housekeeper:  register the new ones -> sleep -> write -> sweep -> tick -> ring -> ...

It sleeps until the nearest of these, or until it is woken. What it does each time costs the same
however many connections there are: all are looked at only when one of them is due, all that are
watched four times in a write deadline, at least once a second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..core import uris
from ..locks import Lock
from ..transports.stream import Stream
from .deadlines import Deadlines, Ticking
from .faults import guarded, log_fault
from .leftovers import Leftovers
from .limits import Counters, Limits
from .timers import FOREVER
from .waking_selector import WakingSelector

logger = logging.getLogger("wamplite.router")

LONGEST_SLEEP = 60.0
CLOSING = 5.0  # seconds for the thread to end
PAUSE = 0.1  # seconds after a fault


class Housekeeper:
    """Writes what was left over, and keeps time."""

    def __init__(self, limits: Limits, counters: Counters) -> None:
        self.limits = limits
        self._counters = counters
        self._lock = Lock()  # guards the next three
        self._leftovers = Leftovers()
        self._deadlines = Deadlines()
        self._asleep_until = 0.0  # 0: awake, nobody need wake it
        self._ended = False
        self._next_sweep = 0.0  # of the thread's own
        self._selector: WakingSelector[Stream] = WakingSelector()
        self._thread = threading.Thread(target=self._run, name="wamplite-housekeeper", daemon=True)
        self._thread.start()

    # Any thread

    @property
    def watched(self) -> int:
        """How many streams it writes for, or has not forgotten yet."""
        return max(len(self._leftovers), len(self._selector))

    @property
    def kept(self) -> list[Ticking]:
        """Whose deadlines it keeps."""
        with self._lock:
            return list(self._deadlines)

    def watch(self, stream: Stream) -> None:
        """Write for a stream whose outbox left something over; end it if that is too much."""
        if self._is_too_much(stream):
            limits = self.limits
            dropped = stream.drop_oldest(limits.outbox_size, limits.max_outbox_messages)
            if dropped:
                self._counters.add("events_dropped", dropped)
            if self._is_too_much(stream):
                self._disconnect(stream)
                return
        with self._lock:
            asleep = self._leftovers.add(stream, time.monotonic()) and self._asleep_until > 0
        if asleep:
            self._selector.wake()

    def add(self, ticking: Ticking, when: float) -> None:
        """Keep the deadlines of a connection from now on."""
        with self._lock:
            self._deadlines.ask(ticking, when)
            sooner = when < self._asleep_until
        if sooner:
            self._selector.wake()

    def move(self, ticking: Ticking, when: float) -> None:
        """Ask at another time; nothing if it has been removed."""
        with self._lock:
            sooner = self._deadlines.move(ticking, when) and when < self._asleep_until
        if sooner:
            self._selector.wake()

    def ask_all(self) -> None:
        """Ask all whose deadlines it keeps, for what they go by has changed."""
        with self._lock:
            self._deadlines.ask_all(time.monotonic())
        self._selector.wake()

    def remove(self, ticking: Ticking) -> None:
        """Forget a connection that has ended."""
        with self._lock:
            self._deadlines.remove(ticking)

    def later(self, seconds: float, run: Callable[[], None]) -> Callable[[], None]:
        """Run a function in so many seconds; returns a function that cancels it."""
        when = time.monotonic() + seconds
        timers = self._deadlines.timers
        with self._lock:
            timer = timers.add(when, run)
            sooner = when < self._asleep_until
        if sooner:
            self._selector.wake()

        def cancel() -> None:
            with self._lock:
                timers.cancel(timer)

        return cancel

    def close(self) -> None:
        """End the thread."""
        self._ended = True
        self._selector.wake()
        self._thread.join(CLOSING)
        if not self._thread.is_alive():  # else it is stuck in what somebody gave it to run
            self._selector.close()

    def _is_too_much(self, stream: Stream) -> bool:
        limits = self.limits
        return stream.left > limits.outbox_size or stream.waiting > limits.max_outbox_messages

    def _disconnect(self, stream: Stream) -> None:
        if stream.lost is not None:
            return
        self._counters.add("slow_consumers")
        logger.warning("%s is disconnected: it reads too slowly", stream.peer)
        stream.shutdown(uris.SLOW_CONSUMER)

    # The housekeeper

    def _run(self) -> None:
        while not self._ended:
            try:
                self._once()
            except BaseException:  # it keeps all deadlines: nothing may end it
                log_fault(logger, "the housekeeper goes on")
                time.sleep(PAUSE)

    def _once(self) -> None:
        with self._lock:
            new = self._leftovers.take_new()
        for stream in new:
            self._register(stream)
        ready = self._selector.wait(self._fall_asleep())
        with self._lock:
            self._asleep_until = 0.0
        now = time.monotonic()
        self._write(ready, now)
        self._sweep(now)
        self._tick(now)
        self._ring(now)

    def _fall_asleep(self) -> float:
        """Return for how many seconds; from now on it must be woken."""
        with self._lock:
            now = time.monotonic()
            wake_at = min(now + LONGEST_SLEEP, self._deadlines.next)
            if self._leftovers:
                wake_at = min(wake_at, self._next_sweep)
            if self._leftovers.has_new:
                wake_at = now
            self._asleep_until = max(wake_at, 1e-9)
        return max(0.0, wake_at - now)

    def _write(self, ready: list[Stream], now: float) -> None:
        for stream in ready:
            if stream.drain():
                self._forget(stream)
            else:
                with self._lock:
                    self._leftovers.took(stream, now)

    def _sweep(self, now: float) -> None:
        """Look at all that are watched: who has gone, who takes nothing, who is not registered."""
        if now < self._next_sweep:
            return
        self._next_sweep = now + min(1.0, self.limits.write_timeout / 4)
        with self._lock:
            watched = self._leftovers.all()
        for stream, since in watched:
            if stream.fileno() < 0 or not stream.left:
                self._forget(stream)
            elif now - since > self.limits.write_timeout:
                self._disconnect(stream)
        for stream, _ in watched:
            if stream in self._leftovers and stream not in self._selector:
                self._register(stream)
                stream.drain()  # should no room be had in the selector, this is how it goes on

    def _register(self, stream: Stream) -> None:
        if not self._selector.register(stream):  # the other one is closed: let the sweep forget it
            self._next_sweep = 0.0

    def _forget(self, stream: Stream) -> None:
        with self._lock:
            if stream.left and stream.fileno() >= 0:
                return  # somebody wrote in the meantime, and saw that it is watched
            self._leftovers.remove(stream)
        self._selector.unregister(stream)

    def _tick(self, now: float) -> None:
        with self._lock:
            due = self._deadlines.due(now)
        if not due:
            return
        for ticking, scheduled in due:
            again = self._ask(ticking, now)
            with self._lock:
                self._deadlines.asked(ticking, scheduled, again)
        with self._lock:
            self._deadlines.settle()

    def _ask(self, ticking: Ticking, now: float) -> float:
        try:
            return ticking.tick(now)
        except BaseException:
            log_fault(logger, "the deadlines of %s cannot be kept: it is closed", ticking)
            ticking.shutdown("internal error")
            return FOREVER

    def _ring(self, now: float) -> None:
        with self._lock:
            due = self._deadlines.timers.take(now)
        for run in due:
            guarded(logger, run, "a timer failed")
