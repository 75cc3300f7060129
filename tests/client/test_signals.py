"""Ctrl-C and SIGTERM, in programs of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.client.scripted import PATIENCE
from tests.processes import ROOT
from wamplite.signals import Gate, until_signal

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
say("ready")
number = 0
for _ in range(20):
    try:
        while True:
            number += 1
            if session.call("com.app.echo", number) != number:
                say("a wrong answer")
    except KeyboardInterrupt:
        pass
    except wamplite.TransportLost as error:
        assert "interrupted" in str(error), error
        session = wamplite.connect(url)
    try:
        say("ready")
    except KeyboardInterrupt:
        say("ready")
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


@contextmanager
def program(text: str, url: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program until the end of the block."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", START + text, url]
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_forever_leaves_and_returns(url: str, number: signal.Signals) -> None:
    with program(FOREVER, url) as process:
        assert line(process) == "ready"
        process.send_signal(number)
        assert line(process) == "lost=True error=None"
        assert process.wait(PATIENCE) == 0


def test_ctrl_c_ends_any_wait_and_the_session_stays_usable(url: str) -> None:
    with program(WAITING, url) as process:
        for _ in range(2):
            assert line(process) == "ready"
            threading.Event().wait(0.1)  # it has to be in its wait
            process.send_signal(signal.SIGINT)
            assert line(process) == "usable"
        assert process.wait(PATIENCE) == 0


def test_ctrl_c_at_any_time_leaves_a_session_usable_or_closed(url: str) -> None:
    with program(CALLING, url) as process:
        assert line(process) == "ready"
        for number in range(20):
            threading.Event().wait(0.01 + number * 0.0013)
            process.send_signal(signal.SIGINT)
            assert line(process) == "ready"
        assert line(process) == "done"
        assert line(process) == "['MainThread']"
        assert process.wait(PATIENCE) == 0


def test_a_program_that_forgets_to_leave_ends(url: str) -> None:
    with program(FORGETTING, url) as process:
        assert process.wait(PATIENCE) == 0
        assert line(process).endswith("ready") or line(process) == "ready"


def test_a_gate_is_opened_once_and_stays_open() -> None:
    gate = Gate()
    gate.open()
    gate.open()
    gate.wait()


def test_the_end_of_a_session_ends_the_wait() -> None:
    ended, on_end = threading.Event(), []
    threading.Timer(0.01, lambda: (ended.set(), [done() for done in on_end])).start()
    until_signal(on_end, ended)
    until_signal(on_end, ended)
    before = signal.getsignal(signal.SIGTERM)
    assert before is signal.getsignal(signal.SIGTERM)
