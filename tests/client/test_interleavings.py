"""Who may read: the reading thread and callers, stepped through every interleaving."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.client.interleavings import Run, SteppedLock, explore
from wamplite.client import waiting
from wamplite.client.waiting import Turn


class World:
    """A session without bytes: requests, a router that answers each at once, and a turn to read.

    times_out: whether the reading thread's rest ends by itself, too.
    """

    def __init__(
        self,
        run: Run,
        monkeypatch: pytest.MonkeyPatch,
        times_out: bool,
        kind: type[Turn] = Turn,
    ) -> None:
        self.run = run
        self.locks: list[SteppedLock] = []

        def made(again: bool) -> Callable[[], SteppedLock]:
            def make() -> SteppedLock:
                lock = SteppedLock(run, "turn" if again else "wanted", again, times_out)
                self.locks.append(lock)
                return lock

            return make

        fake = SimpleNamespace(RLock=made(True), Lock=made(False))
        monkeypatch.setattr(waiting, "threading", fake)
        monkeypatch.setattr(waiting, "Lock", fake.Lock)
        self.turn = kind(self.may_rest)
        self.pending: set[str] = set()
        self.sent: list[str] = []  # to the router
        self.inbox: list[str] = []  # what it has answered
        self.reads: list[str] = []  # who is reading
        self.is_open = True

    def may_rest(self) -> bool:
        self.run.point("may it rest?")
        rests = self.is_open and not self.pending
        self.run.note(rests)
        return rests

    def state(self) -> Hashable:
        owners = tuple(
            self.run.actors.index(lock.owner) if lock.owner in self.run.actors else bool(lock.owner)
            for lock in self.locks
        )
        return (
            owners,
            self.turn._came,
            tuple(sorted(self.pending)),
            tuple(self.inbox),
            len(self.sent),
        )

    def receive(self, who: str, wait: bool) -> None:
        """Read and handle what there is; a caller does not wait for it."""
        assert not self.reads, f"{who} reads, and so does {self.reads}"
        self.reads.append(who)
        try:
            self.run.point("receive", (lambda: bool(self.inbox)) if wait else lambda: True)
        finally:
            self.reads.remove(who)
        came, self.inbox = self.inbox, []
        self.run.note(tuple(came))
        self.pending -= set(came)
        self.is_open = self.is_open and "goodbye" not in came

    def read(self) -> None:
        """Do what the reading thread does."""
        while self.is_open:
            with self.turn.reading():
                self.receive("the reading thread", wait=True)

    def ask(self, name: str) -> None:
        """Do what a caller does, whom Ctrl-C may interrupt."""
        try:
            self.run.point("ask")
            self.pending.add(name)
            self.sent.append(name)
            held = self.turn.try_read()
            if held is not None:
                with held:
                    if name in self.pending:
                        self.receive(name, wait=False)
            self.run.point("wait", lambda: name not in self.pending)
        except KeyboardInterrupt:
            self.turn.hand_back()
            self.pending.discard(name)

    def leave(self) -> None:
        """Do what ends the session."""
        self.turn.want_reader()
        self.run.point("leave")
        self.pending.add("goodbye")
        self.sent.append("goodbye")

    def answer(self) -> None:
        """Do what the router does: answer in its own time."""
        answered = ""
        while answered != "goodbye":
            self.run.point("answer", lambda: bool(self.sent))
            answered = self.sent.pop(0)
            self.inbox.append(answered)


Made = Callable[[Run], World]


@pytest.fixture(params=["its rest ends by itself", "its rest ends only when it is wanted"])
def world(request: Any, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Give what makes a world for a run."""
    return lambda run: World(run, monkeypatch, "itself" in request.param)


def one_caller(world: World, calls: int) -> list[Callable[[], None]]:
    """Return a router, a reading thread, and a caller that asks so often and leaves."""

    def call() -> None:
        for _ in range(calls):
            world.ask("a")
        world.leave()

    return [world.answer, world.read, call]


def test_one_reads_at_a_time_and_nobody_waits_for_ever(world: Made) -> None:
    def bodies(run: Run) -> Any:
        made = world(run)
        return one_caller(made, 2), made.state

    states, _ = explore(bodies)
    assert states > 200


def interrupted_caller(world: World) -> list[Callable[[], None]]:
    """Return the same, and Ctrl-C at any moment of a call."""
    answering, reading, calling = one_caller(world, 1)
    run = world.run

    def interrupt() -> None:
        run.point("Ctrl-C")
        run.actors[2].interrupted = "a" in world.pending

    def call() -> None:
        try:
            calling()
        except KeyboardInterrupt:  # it came after the call
            world.leave()

    return [answering, reading, call, interrupt]


@pytest.mark.long
def test_ctrl_c_at_any_moment_leaves_the_turn_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def bodies(run: Run) -> Any:
        made = World(run, monkeypatch, False)
        return interrupted_caller(made), made.state

    states, _ = explore(bodies)
    assert states > 500


# ---- faults would be found


class ForgetsTheReader(Turn):
    """Does not end the rest of the reading thread when a caller gives up."""

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class TakesWhatIsTaken(Turn):
    """Lets a caller read whoever does."""

    def try_read(self) -> Turn | None:
        return super().try_read() or self


class KeepsTheTurn(Turn):
    """Does not give the turn back after Ctrl-C."""

    def hand_back(self) -> None:
        self.want_reader()


@pytest.mark.parametrize(
    ("faulty", "actors"),
    [
        (ForgetsTheReader, lambda world: one_caller(world, 2)),
        (TakesWhatIsTaken, lambda world: one_caller(world, 1)),
        (KeepsTheTurn, interrupted_caller),
    ],
)
def test_a_faulty_turn_is_found(
    monkeypatch: pytest.MonkeyPatch, faulty: type[Turn], actors: Any
) -> None:
    def bodies(run: Run) -> Any:
        made = World(run, monkeypatch, False, faulty)
        return actors(made), made.state

    with pytest.raises(AssertionError):
        explore(bodies)
