"""Locks that no signal leaves taken, whenever its handler raises."""

from __future__ import annotations

import ast
import gc
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sources import FILES
from tests.waiting import PATIENCE
from wamplite.locks import Condition, Latch, Lock, Unbroken

INTERRUPTS = 150
STANDARD = {"threading.Lock", "threading.Condition", "threading.Event"}
KINDS = [Lock, Unbroken, Condition, lambda: Condition(Lock()), lambda: Condition(Unbroken())]


class Interrupted(BaseException):
    """What a signal's handler raises."""


def interrupted(work: Callable[[], object], seconds: float) -> None:
    """Do it again and again until a signal's handler raises, after so much work.

    What it raises within a callback of the garbage collector, of which hypothesis has one, would be
    lost. A signal that comes to another thread is seen late, or not before another one comes.
    """

    def interrupt(*_: object) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        raise Interrupted

    gc.disable()
    before = signal.signal(signal.SIGVTALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 0.5)
        while True:
            work()
    except Interrupted:
        pass
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        gc.enable()


def is_free(lock: Any) -> bool:
    """Tell whether another thread can take it."""
    found: list[bool] = []

    def ask() -> None:
        taken = lock.acquire(False)
        found.append(taken)
        if taken:
            lock.release()

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(PATIENCE)
    return found == [True]


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_is_free_again_whenever_a_signal_came(kind: Callable[[], Any]) -> None:
    lock = kind()

    def take() -> None:
        with lock:
            pass

    for number in range(INTERRUPTS):
        interrupted(take, 0.0002 + number % 50 / 100_000)
        assert is_free(lock), f"interrupt {number}"


def test_a_latch_can_be_set_whenever_a_signal_came_to_one_who_waits() -> None:
    latch = Latch()
    for number in range(INTERRUPTS):
        interrupted(lambda: latch.wait(0.0), 0.0002 + number % 50 / 100_000)
    setting = threading.Thread(target=latch.set)
    setting.start()
    setting.join(PATIENCE)
    assert not setting.is_alive() and latch.wait(0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_one_thread_has_it_at_a_time_and_an_error_gives_it_back(kind: Callable[[], Any]) -> None:
    lock = kind()
    with pytest.raises(LookupError), lock:
        assert not is_free(lock)
        raise LookupError
    assert is_free(lock)


def test_an_unbroken_lock_is_used_as_a_lock_is() -> None:
    lock = Unbroken()
    assert lock.acquire() and lock.locked() and not lock.acquire(False)
    lock.release()
    assert not lock.locked() and lock.acquire(True, 0.01)


def test_a_condition_is_waited_for_and_may_be_taken_twice() -> None:
    condition, came = Condition(), []

    def come() -> None:
        with condition:
            came.append(1)
            condition.notify_all()

    with condition, condition:
        threading.Timer(0.01, come).start()
        assert condition.wait_for(lambda: came, PATIENCE)
        assert not condition.wait(0.001)


def test_a_condition_may_be_of_a_lock_that_is_taken_by_itself() -> None:
    lock, came = Lock(), []
    condition = Condition(lock)

    def come() -> None:
        with lock:
            came.append(1)
            condition.notify_all()

    with lock:
        threading.Timer(0.01, come).start()
        assert condition.wait_for(lambda: came, PATIENCE)
        assert not condition.wait(0.001) and not is_free(lock)
    assert is_free(lock)


def test_a_latch_wakes_all_who_wait_and_stays_set_until_it_is_cleared() -> None:
    latch, woken = Latch(), []
    waiting = [
        threading.Thread(target=lambda: woken.append(latch.wait(PATIENCE))) for _ in range(3)
    ]
    for thread in waiting:
        thread.start()
    assert not latch.is_set() and not latch.wait(0.001) and not latch.wait(-1)
    latch.set()
    for thread in waiting:
        thread.join(PATIENCE)
    assert woken == [True] * 3 and latch.is_set() and latch.wait()
    latch.clear()
    assert not latch.is_set() and not latch.wait(0)


def test_a_wait_without_a_bound_ends_with_the_latch() -> None:
    latch = Latch()
    threading.Timer(0.01, latch.set).start()
    before = time.monotonic()
    assert latch.wait() and time.monotonic() - before < PATIENCE


def test_nobody_takes_the_standard_ones() -> None:
    files = [path for path in FILES if path.name != "locks.py"]
    wrong = [f"{path}: {name}" for path in files for name in sorted(STANDARD & names_in(path))]
    assert not wrong, "see wamplite/locks.py"


def names_in(path: Path) -> set[str]:
    """Return what a file takes of `threading`, as `threading.Lock`."""
    text = path.read_text()
    if "threading" not in text:
        return set()
    nodes = list(ast.walk(ast.parse(text)))
    imported = {
        f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return imported | {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
