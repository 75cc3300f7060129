"""The thread that takes the steps of many connections: it reads what is there, and never blocks.

    wamplite-reader:  wait for something to receive, or to be woken
                      -> one step of each that is ready: one receive, gathered by realm
                      -> route what has come of all of them, one write for each outbox -> ...
                         ... and of the first TOGETHER already, while the others wait to be read

A connection waits here by what its flow yields, see waits.py. One whose arrival somebody else is
still routing is not waited for meanwhile; whoever has done with it wakes this thread. A step that
may block is taken by a thread of the crew, which brings the connection back with the next receive.
Only the thread that takes its steps closes a connection's socket, and here it is unregistered
before: others end a connection by shutting it down, which the selector tells. What is large is
taken by another reader, which routes each at once, or by a thread, see readers.py. Of a few dozen
small messages one has those decoded that take a millisecond, and the rest when others had their
turn.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import Any

from ..core.errors import TransportLost
from ..locks import Lock
from . import stacks
from .arrivals import Arrival
from .faults import guarded, log_fault
from .limits import Limits
from .routing import Routing
from .served import Served
from .waits import AS_LARGE, BLOCKING, Flow, Later, Wait
from .waking_selector import READABLE, WakingSelector

logger = logging.getLogger("wamplite.router")

CLOSING = 5.0  # seconds for the thread to end
TOGETHER = 64  # connections that are read before what they bring is routed
PAUSE = 0.01  # seconds after a fault: memory may be had again

Find = Callable[[Served], Any]  # returns the reader whose it is now, None: it needs a thread
Move = Callable[[Served, Flow, Wait], bool]  # to a thread or another reader; False: there is none


class Task:
    """A connection whose steps are taken here, and what it waits for."""

    __slots__ = ("connection", "fileno", "flow", "is_registered", "wait")

    def __init__(self, connection: Served, flow: Flow, wait: Wait) -> None:
        self.connection = connection
        self.fileno = connection.fileno
        self.flow: Flow | None = flow  # None: it is not here any more
        self.wait = wait
        self.is_registered = False  # the selector tells when there is something to receive


class SharedReader:
    """Takes the steps of connections, in a thread that begins with the first of them.

    gathers: it routes what it has read of all; else of each at once, as a thread of its own does.
    """

    def __init__(
        self, limits: Limits, name: str, gathers: bool, later: Later, find: Find, move: Move
    ) -> None:
        self.limits = limits
        self._name = name
        self._take_arrival = self._gather if gathers else None
        self._later = later
        self._find = find
        self._move = move
        self._lock = Lock()  # guards the next four
        self._woken: list[Task] = []
        self._asleep = False  # it must be woken
        self._ended = False
        self._thread: threading.Thread | None = None
        self._selector: WakingSelector[Task]  # this and all that follows is the thread's own
        self._ident = 0
        self._looked_at: deque[Task] = deque()
        self._gathered: dict[Routing, list[Arrival]] = {}  # what is to be routed

    # Any thread

    def take(self, connection: Served, flow: Flow, wait: Wait) -> bool:
        """Take its steps from now on, where it waits for this; False: there is no thread for it."""
        is_ours = get_ident() == self._ident  # this thread has accepted it
        if not is_ours:
            with self._lock:
                if self._ended or (self._thread is None and not self._start()):
                    return False
        connection.be_read(self._take_arrival, may_wait=False)  # nobody takes a step of it now
        task = Task(connection, flow, wait)
        if is_ours:
            self._looked_at.append(task)
        else:
            self._wake(task)
        return True

    def close(self) -> None:
        """End the thread; whoever is still here is served no more."""
        with self._lock:
            self._ended = True
            thread = self._thread
        if thread is None:
            return
        self._selector.wake()
        if thread is not threading.current_thread():
            thread.join(CLOSING)
        if not thread.is_alive():
            self._selector.close()

    def _wake(self, task: Task) -> None:
        """Look at a task soon."""
        with self._lock:
            self._woken.append(task)
            asleep, self._asleep = self._asleep, False
        if asleep:
            self._selector.wake()

    # Under the lock

    def _start(self) -> bool:
        """Start the thread; False where it cannot be."""
        self._selector = WakingSelector(READABLE)
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            stacks.start(thread, self.limits.stack_size)
        except (RuntimeError, MemoryError):  # those of the crew will tell
            self._selector.close()
            return False
        self._thread = thread
        return True

    # The reader

    def _run(self) -> None:
        self._ident = get_ident()
        while not self._ended:
            try:
                self._once()
            except BaseException:  # nothing may end it
                log_fault(logger, "%s goes on", self._name)
                time.sleep(PAUSE)
        self._ident = 0  # another thread may get it now

    def _once(self) -> None:
        """Take a step of each that is ready, and route what they have brought."""
        ready = self._selector.wait(self._fall_asleep())
        with self._lock:
            self._asleep = False
            self._looked_at += self._woken
            self._woken.clear()
        try:
            for at in range(0, len(ready), TOGETHER):  # first: it may not be there later
                self._step_ready(ready[at : at + TOGETHER])
                self._route()  # their peers have something to do meanwhile, some wait for that here
            while self._looked_at:  # one that fails is looked at again
                self._look(self._looked_at[0])
                self._looked_at.popleft()
        finally:
            self._route()

    def _route(self) -> None:
        """Route what has been read."""
        gathered = self._gathered
        while gathered:
            routing, arrivals = next(iter(gathered.items()))
            routing.arrive_all(arrivals)
            del gathered[routing]  # last: what is not routed is routed again

    def _fall_asleep(self) -> float | None:
        """Return for how many seconds; from now on it must be woken."""
        with self._lock:
            if self._woken or self._looked_at or self._gathered or self._ended:
                return 0.0
            self._asleep = True
            return None

    def _look(self, task: Task) -> None:
        """Go on with a task where it need not wait any more."""
        wait = task.wait
        if task.flow is None:
            return
        if not wait.is_over:
            wait.then(partial(self._wake, task), self._later)
        elif wait.receives and not task.connection.is_ready:
            if not task.is_registered:
                self._register(task)
        else:
            self._step(task)

    def _step_ready(self, ready: list[Task]) -> None:
        """Take a step of each of these that have something to receive, if it is its turn."""
        for task in ready:
            try:
                if task.wait.is_over:  # whoever wakes it for that finds it waits for something else
                    self._step(task)
                    continue
                self._unregister(task)
                if task.wait.receives:  # else it is to be looked at, or told of, already
                    self._look(task)
            except BaseException:
                self._looked_at.append(task)
                raise

    def _step(self, task: Task, fault: Exception | None = None) -> None:
        """Resume a flow until it waits again."""
        flow = task.flow
        assert flow is not None
        try:
            task.wait = wait = next(flow) if fault is None else flow.throw(fault)
        except StopIteration:
            return self._end(task)
        except BaseException as raised:
            if raised is not fault:  # so it is where the flow has not begun
                log_fault(logger, "%s: the connection is closed", task.connection.name)
            return self._end(task)
        if wait.receives:
            if self._find(task.connection) is not self:
                self._hand_over(task, wait, must=False)
            elif task.connection.is_ready:
                self._wake(task)
            elif not task.is_registered:
                self._register(task)
        elif wait is BLOCKING or (wait is AS_LARGE and self._take_arrival is not None):
            self._hand_over(task, wait, must=True)
        else:
            self._looked_at.append(task)

    def _register(self, task: Task) -> None:
        """Step it when there is something to receive."""
        self._selector.register(task)
        task.is_registered = task in self._selector
        if not task.is_registered:  # the system takes no more: a thread must do
            self._hand_over(task, BLOCKING, must=True)

    def _unregister(self, task: Task) -> None:
        self._selector.unregister(task)
        task.is_registered = False

    def _hand_over(self, task: Task, wait: Wait, must: bool) -> None:
        """Let somebody else go on; must: where there is nobody, the connection ends."""
        connection, flow = task.connection, task.flow
        assert flow is not None
        self._unregister(task)
        task.flow = None
        connection.be_read(None, may_wait=True)
        try:
            if self._move(connection, flow, wait):
                return
        except BaseException:
            log_fault(logger, "%s: a thread for it", connection.name)
        task.flow = flow
        connection.be_read(self._take_arrival, may_wait=False)
        if must:
            text = "there is no thread for it"
            connection.shutdown(text)
            self._route()  # what it brought goes before its end
            self._step(task, TransportLost(f"{connection.name}: {text}"))
        else:
            self._wake(task)

    def _end(self, task: Task) -> None:
        self._unregister(task)
        task.flow, name = None, task.connection.name
        guarded(logger, task.connection.conclude, "%s: closing", name)

    def _gather(self, routing: Routing, arrival: Arrival) -> None:
        """Take what one has brought, to route it with what others bring in this turn."""
        self._gathered.setdefault(routing, []).append(arrival)
