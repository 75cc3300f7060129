"""The threads that run users' handlers: events in order on one, invocations on a pool.

    the reading thread ── Events.put ───> [at most 10,000 events, 16 MiB] ──> wamplite-events-N
                       └─ Pool.submit ──> wamplite-call-N-M, as many as there is work for

Events are handled in order of arrival across all topics. A job of the pool either has a thread at
once or is refused: were it to wait for one, handlers that call each other could all wait for a
thread that none of them frees. Idle threads are taken last in, first out, so that those not needed
any more grow old and end.
"""

from __future__ import annotations

import threading
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from ..locks import Latch, Lock
from .faults import contain

MOST_EVENTS = 10_000
MOST_BYTES = 1 << 24
MOST_THREADS = 1024  # a router has no more calls in flight for one callee
MOST_WAITING = 1024  # calls that wait to be served one by one
IDLE = 10.0  # seconds until a thread that nobody needs ends

Job = Callable[[], None]


class Events:
    """The events that wait for their handlers, and the thread that runs those.

    Each of the counters is written by one thread only, so that nothing needs a lock.
    """

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

    def drain(self, seconds: float) -> bool:
        """Wait until the events that have come so far are handled; False when time is up."""
        done = Latch()

        def reached() -> None:
            self._taken -= 1  # this was no event
            done.set()

        if self.thread is None:
            return True
        self._queue.put((reached, 0))
        return done.wait(seconds)

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


class Worker:
    """A thread's place. Who takes it off the idle list puts a job in (None: end) and releases."""

    __slots__ = ("lock", "job")

    def __init__(self, job: Job | None) -> None:
        self.lock = allocate_lock()
        self.lock.acquire()
        self.job = job


class Pool:
    """An elastic, bounded pool."""

    def __init__(self, name: str, most: int = MOST_THREADS) -> None:
        self._name = name
        self._most = most
        self._lock = Lock()  # guards all that follows
        self._idle: list[Worker] = []
        self._started = 0
        self._ended = False
        self._threads: set[threading.Thread] = set()

    def submit(self, job: Job) -> bool:
        """Run a job on a thread of its own; False if there is none to be had."""
        with self._lock:
            if self._ended:
                return False
            if self._idle:
                worker = self._idle.pop()
                worker.job = job
                worker.lock.release()
                return True
            if len(self._threads) >= self._most:
                return False
            self._started += 1
            thread = threading.Thread(
                target=self._run,
                args=(Worker(job),),
                name=f"{self._name}-{self._started}",
                daemon=True,
            )
            self._threads.add(thread)
        return self._start(thread)

    def _start(self, thread: threading.Thread) -> bool:
        try:
            thread.start()
        except RuntimeError:  # the system gives no more threads
            with self._lock:
                self._threads.discard(thread)
            return False
        return True

    @property
    def ended(self) -> bool:
        """Whether it takes no more jobs."""
        return self._ended

    def running(self) -> list[threading.Thread]:
        """Return the threads that have not ended."""
        with self._lock:
            return list(self._threads)

    def end(self) -> None:
        """Take no more jobs; each thread ends after the one it has."""
        with self._lock:
            self._ended = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.job = None
            worker.lock.release()

    def _run(self, worker: Worker) -> None:
        try:
            while worker.job is not None:
                contain(worker.job)
                worker.job = None
                if not self._rest(worker):
                    return
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _rest(self, worker: Worker) -> bool:
        """Wait for the next job; False when none came in time, or none will."""
        with self._lock:
            if self._ended:
                return False
            self._idle.append(worker)
        if worker.lock.acquire(True, IDLE):
            return True
        with self._lock:
            if worker in self._idle:
                self._idle.remove(worker)
                return False
        worker.lock.acquire()  # a job was put in just now
        return True


class OneByOne:
    """Jobs that wait for each other, in order; a thread of the pool serves while there are any."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lock = Lock()  # guards the next three
        self._waiting: deque[Job] = deque()
        self._is_served = False
        self._server: threading.Thread | None = None

    def is_served_here(self) -> bool:
        """Tell whether the current thread serves, so that what is queued waits for it."""
        return self._server is threading.current_thread()

    def submit(self, job: Job) -> bool:
        """Queue a job; False if too many wait, or there is no thread (the reading thread)."""
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                return False
            self._waiting.append(job)
            if self._is_served:
                return True
            self._is_served = True
        if self._pool.submit(self._serve):
            return True
        with self._lock:  # nobody else submits: the job is the only one
            self._waiting.clear()
            self._is_served = False
        return False

    def _serve(self) -> None:
        self._server = threading.current_thread()
        while True:
            with self._lock:
                if not self._waiting or self._pool.ended:  # then nobody would get an answer
                    self._waiting.clear()
                    self._is_served = False
                    self._server = None
                    return
                job = self._waiting.popleft()
            contain(job)
