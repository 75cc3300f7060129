"""The threads of connections: each takes the steps of one, and is kept a moment for the next.

wamplite-conn-N:  a connection's steps, to its end or until it goes (back) to the shared reader
                  -> wait for another connection -> ... -> nobody came: it ends
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..locks import Lock
from . import stacks
from .faults import log_fault
from .served import Served
from .waits import Flow, Wait

logger = logging.getLogger("wamplite.router")

IDLE = 0.25  # seconds until a thread that nobody needs ends

# Takes a connection over where it waits for this; False: it stays where it is.
TakeOver = Callable[[Served, Flow, Wait], bool]
Job = tuple[Served, Flow]


class Seat:
    """Where an idle thread waits: whoever takes it off the list puts a job in, and releases."""

    __slots__ = ("job", "lock")

    def __init__(self, job: Job) -> None:
        self.job: Job | None = job
        self.lock = Lock()
        self.lock.acquire()


class Crew:
    """As many threads as there are connections that need one."""

    def __init__(self, take_over: TakeOver) -> None:
        self._take_over = take_over
        self._lock = Lock()  # guards all that follows
        self._idle: list[Seat] = []  # the last in is the first out: the others grow old
        self._threads: set[threading.Thread] = set()
        self._started = 0
        self._ended = False

    def has(self, thread: threading.Thread) -> bool:
        """Tell whether it is one of these."""
        return thread in self._threads

    def take(self, connection: Served, flow: Flow, stack_size: int) -> bool:
        """Take the steps of a connection from now on; False where there is no thread to be had."""
        with self._lock:
            if self._idle:
                seat = self._idle.pop()
                seat.job = connection, flow
                seat.lock.release()
                return True
            self._started += 1
            name = f"wamplite-conn-{self._started}"
        thread = threading.Thread(
            target=self._run, args=(Seat((connection, flow)),), name=name, daemon=True
        )
        with self._lock:
            self._threads.add(thread)
        try:
            stacks.start(thread, stack_size)
        except (RuntimeError, MemoryError) as error:
            with self._lock:
                self._threads.discard(thread)
            logger.warning("%s: no thread for the connection: %s", connection.name, error)
            return False
        return True

    def close(self, seconds: float) -> None:
        """End the threads that are idle, and each other one after its connection; wait so long."""
        deadline = time.monotonic() + seconds
        with self._lock:
            self._ended = True
            idle, self._idle = self._idle, []
            threads = self._threads - {threading.current_thread()}
        for seat in idle:
            seat.lock.release()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, seat: Seat) -> None:
        try:
            while seat.job is not None:
                job, seat.job = seat.job, None
                self._serve(*job)
                del job
                self._rest(seat)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _serve(self, connection: Served, flow: Flow) -> None:
        """Take its steps, to the end of its life or until it is taken over."""
        try:
            for wait in flow:
                if not wait.receives:
                    wait.block()
                    continue
                try:
                    if self._take_over(connection, flow, wait):
                        return
                except BaseException:  # its life is not over: it stays here
                    log_fault(logger, "%s: nobody takes it over", connection.name)
        except BaseException:
            log_fault(logger, "%s: the connection is closed", connection.name)
        try:
            connection.conclude()
        except BaseException:
            log_fault(logger, "%s: closing", connection.name)

    def _rest(self, seat: Seat) -> None:
        """Wait for another job; none: nobody came in time, or nobody will."""
        with self._lock:
            if self._ended:
                return
            self._idle.append(seat)
        if seat.lock.acquire(timeout=IDLE):
            return
        with self._lock:
            if seat in self._idle:
                self._idle.remove(seat)
                return
        seat.lock.acquire()  # a job was put in just now


def serve(connection: Served) -> None:
    """Take all steps of a connection, in this thread."""
    try:
        for wait in connection.flow():
            if not wait.receives:
                wait.block()
    finally:
        connection.conclude()
