"""Ctrl-C and SIGTERM, in programs of their own."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import AbstractContextManager

import pytest

from tests.processes import Program, running
from wamplite.signals import ENDING, Gate, until_signal

START = """
import sys, time, threading
import wamplite
url = sys.argv[1]

def say(text):
    print(text, flush=True)
"""
FOREVER = """
import signal

def watch():
    while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        time.sleep(0.001)
    say("ready")

with wamplite.connect(url) as session:
    threading.Thread(target=watch).start()
    session.run_forever()
    say(f"lost={session.lost.is_set()} error={session.error}")
"""
WAITING = """
with wamplite.connect(url) as session:
    callee = wamplite.connect(url)
    callee.register("com.app.slow", lambda: time.sleep(60))
    callee.register("com.app.echo", lambda value: value)
    for wait in (
        lambda: session.call("com.app.slow", options={"timeout": 0}),
        lambda: session.lost.wait(),
    ):
        try:
            say("ready")
            wait()
        except KeyboardInterrupt:
            say(session.call("com.app.echo", "usable"))
    callee.leave(timeout=0.5)
"""
CALLING = """
callee = wamplite.connect(url)
callee.register("com.app.echo", lambda value: value)
session = wamplite.connect(url)

def call():
    global session
    try:
        assert session.call("com.app.echo", "echo") == "echo", "a wrong answer"
    except wamplite.TransportLost as error:  # the signal before met it while it sent
        assert "interrupted" in str(error), error
        session = wamplite.connect(url)

signals, told = 0, False
while signals < 20:
    try:
        if not told:  # once for each signal, however often the session had to be joined again
            told = True
            say("ready")
        while True:
            call()
    except KeyboardInterrupt:
        signals, told = signals + 1, False
say("done")
session.leave()
callee.leave()
say([thread.name for thread in threading.enumerate()])
"""
FORGETTING = """
session = wamplite.connect(url)
session.subscribe("com.app.t", print)
session.register("com.app.p", print)
session.call("com.app.p")
say("ready")
"""


def program(text: str, url: str) -> AbstractContextManager[Program]:
    """Run a program until the end of the block."""
    return running(sys.executable, "-c", START + text, url)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_forever_leaves_and_returns(url: str, number: signal.Signals) -> None:
    with program(FOREVER, url) as process:
        assert process.line() == "ready"
        process.interrupt(number)
        assert process.line() == "lost=True error=None"
        assert process.wait() == 0


def test_ctrl_c_ends_any_wait_and_the_session_stays_usable(url: str) -> None:
    with program(WAITING, url) as process:
        for _ in range(2):
            assert process.line() == "ready"
            threading.Event().wait(0.1)  # it has to be in its wait
            process.interrupt(signal.SIGINT)
            assert process.line() == "usable"
        assert process.wait() == 0


def test_ctrl_c_at_any_time_leaves_a_session_usable_or_closed(url: str) -> None:
    with program(CALLING, url) as process:
        for number in range(20):
            assert process.line() == "ready"
            threading.Event().wait(0.01 + number * 0.0013)
            process.interrupt(signal.SIGINT)
        assert process.line() == "done"
        assert process.line() == "['MainThread']"
        assert process.wait() == 0


def test_a_program_that_forgets_to_leave_ends(url: str) -> None:
    with program(FORGETTING, url) as process:
        assert process.wait() == 0
        assert [process.line(), process.line()] == ["", "ready"]  # the empty one is the handler's


def test_a_gate_is_opened_once_and_stays_open() -> None:
    gate = Gate()
    gate.open()
    gate.open()
    gate.wait()


def test_the_end_of_a_session_ends_the_wait() -> None:
    before = [signal.getsignal(number) for number in ENDING]
    ended, on_end = threading.Event(), []
    threading.Timer(0.01, lambda: (ended.set(), [done() for done in on_end])).start()
    until_signal(on_end, ended)
    until_signal(on_end, ended)
    assert [signal.getsignal(number) for number in ENDING] == before
