"""Two or more threads, stepped through every interleaving of what they do to their locks.

Each thread runs alone until it is about to touch a lock or whatever else they share: there it stops
at a `point`, and the next step is any thread's that can go on. `explore` tries every choice, depth
first, but once for each state: threads that have seen the same, of locks that are held the same,
will do the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any

PATIENCE = 20.0  # seconds for one step


class Abandoned(BaseException):
    """The rest of a run is known: its threads end."""


class Stuck(AssertionError):
    """Nobody can go on, and not all have ended."""


class Actor:
    """A thread that makes one step when it is told to."""

    def __init__(self, run: Run, body: Callable[[], None]) -> None:
        self.run, self.body = run, body
        self.go = threading.Semaphore(0)
        self.ready: Callable[[], bool] | None = lambda: True  # None: it has ended
        self.seen: list[Hashable] = []
        self.interrupted = False  # KeyboardInterrupt is raised where it goes on
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def can_go_on(self) -> bool:
        return self.ready is not None and (self.interrupted or self.ready())

    def _run(self) -> None:
        self.go.acquire()
        try:
            self.body()
        except Abandoned:
            pass
        except BaseException as error:
            self.error = error
        self.ready = None
        self.run.stopped.release()


class Run:
    """One run: the choices that are prescribed, then the first that is possible."""

    def __init__(self, choices: Sequence[int]) -> None:
        self.choices = list(choices)
        self.stopped = threading.Semaphore(0)
        self.actors: list[Actor] = []
        self.current: Actor | None = None
        self.is_over = False

    def point(self, what: Hashable, ready: Callable[[], bool] = lambda: True) -> None:
        """Stop before something that is shared is touched, until `ready` (an actor's thread)."""
        actor = self.current
        if actor is None:
            return  # before the first step, and after the last
        if self.is_over:
            raise Abandoned
        actor.seen.append(what)
        actor.ready = ready
        self.stopped.release()
        actor.go.acquire()
        if self.is_over:
            raise Abandoned
        if actor.interrupted:
            actor.interrupted = False
            actor.seen.append("interrupted")
            raise KeyboardInterrupt

    def note(self, seen: Hashable) -> None:
        """Remember what the current thread has learned: it may act upon it."""
        if self.current is not None:
            self.current.seen.append(seen)

    def step(self, actor: Actor) -> None:
        self.current = actor
        actor.go.release()
        assert self.stopped.acquire(timeout=PATIENCE), "a step does not end"

    def end(self) -> None:
        self.is_over = True
        for actor in self.actors:
            if actor.ready is not None:
                self.step(actor)
        for actor in self.actors:
            actor.thread.join(PATIENCE)
        self.current = None


def explore(
    bodies: Callable[[Run], tuple[list[Callable[[], None]], Callable[[], Hashable]]],
) -> tuple[int, int]:
    """Try every interleaving; raises what a thread raises, and Stuck.

    bodies: makes, for a run, what each thread does, and a function that tells the shared state.
    Returns how many states there were, and how many runs.
    """
    known: set[Hashable] = set()
    waiting: list[list[int]] = [[]]
    runs = 0
    while waiting:
        runs += 1
        run = Run(waiting.pop())
        functions, state = bodies(run)
        run.actors = [Actor(run, body) for body in functions]
        try:
            _follow(run, state, known, waiting)
        finally:
            run.end()
    return len(known), runs


def _follow(
    run: Run, state: Callable[[], Hashable], known: set[Hashable], waiting: list[list[int]]
) -> None:
    taken: list[int] = []
    while True:
        for actor in run.actors:
            if actor.error is not None:
                raise AssertionError(f"after {taken}: {actor.error!r}") from actor.error
        possible = [number for number, actor in enumerate(run.actors) if actor.can_go_on()]
        if not possible:
            if any(actor.ready is not None for actor in run.actors):
                seen = [actor.seen for actor in run.actors if actor.ready is not None]
                raise Stuck(f"after {taken}: nobody can go on: {seen}")
            return
        if len(taken) < len(run.choices):
            choice = run.choices[len(taken)]
        else:
            seen = [(tuple(a.seen), a.ready is None, a.interrupted) for a in run.actors]
            now = (tuple(seen), state())
            if now in known:
                return
            known.add(now)
            choice, *others = possible
            waiting.extend([*taken, other] for other in others)
        taken.append(choice)
        run.step(run.actors[choice])


class SteppedLock:
    """A lock, or one that its owner may take again, whose every use is a point.

    Time that is waited is up at any moment at which the lock is not free.
    """

    def __init__(self, run: Run, name: str, again: bool = False, times_out: bool = True) -> None:
        self.run, self.name, self.again, self.times_out = run, name, again, times_out
        self.owner: Any = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        me = self.run.current or "the test"

        def is_free() -> bool:
            return self.owner is None or (self.again and self.owner is me)

        must = blocking and (timeout < 0 or not self.times_out)
        self.run.point(f"acquire {self.name}", is_free if must else lambda: True)
        got = is_free()
        if got:
            self.owner = me
        self.run.note(got)
        self.run.point(f"acquired {self.name}")  # Ctrl-C may come here, too
        return got

    def release(self) -> None:
        self.run.point(f"release {self.name}")
        mine = self.owner is not None and (not self.again or self.owner is self.run.current)
        self.run.note(mine)
        if not mine:
            raise RuntimeError("not held")
        self.owner = None
