"""Signals of every kind, sent to every program that runs for long: it says GOODBYE, or goes on."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

import wamplite
from tests.processes import Program, RouterProcess, running
from tests.processes import wamplite as command
from tests.waiting import until

ALONE = "import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])"
ON_A_TERMINAL = ALONE.replace(
    "os.execv", "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv"
)
READY = """
import signal, sys, threading, time
import wamplite
def watch():
    while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        time.sleep(0.001)
    print("ready", flush=True)
threading.Thread(target=watch).start()
"""
SCRIPTS = {
    "session": "with wamplite.connect(sys.argv[1]) as session: session.run_forever()",
    "component": "wamplite.Component(sys.argv[1]).run()",
    "router script": "with wamplite.Router() as router: router.run_forever()",
}
BRIDGE = """
[session]
url = "{url}"
[[port]]
name = "p"
device = "/dev/no-such-device"
framing = "lines"
decode = "text"
[[port.publish]]
topic = "com.example.p"
"""
VERBS = {
    "router": ["router", "--listen", "tcp://127.0.0.1:0"],
    "bridge": ["bridge"],
    "serial": ["serial", "/dev/no-such-device", "--publish", "com.example.t"],
    "sub": ["sub", "com.example.t", "-v"],
    "register": ["register", "com.example.p", "-v", "--", "true"],
}
SAID = {  # when it waits for signals
    "bridge": "joined ",
    "serial": "no-such-device",
    "sub": "subscribed ",
    "register": "registered ",
}


@pytest.fixture
def program(
    request: pytest.FixtureRequest,
    router_process: RouterProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Program]:
    """One of the programs, without a terminal."""
    monkeypatch.setenv("WAMPLITE_URL", router_process.rs)
    with started(request.param, router_process.rs, tmp_path, ALONE) as started_program:
        yield started_program


@contextmanager
def started(name: str, url: str, tmp_path: Path, how: str, stdin: int = -3) -> Iterator[Program]:
    """Start a program and wait until it hears signals."""
    if name in SCRIPTS:
        words = [sys.executable, "-c", READY + SCRIPTS[name], url]
    else:
        words = command(*VERBS[name])
        if name == "bridge":
            (tmp_path / "bridge.toml").write_text(BRIDGE.format(url=url))
            words.append(str(tmp_path / "bridge.toml"))
    with running(sys.executable, "-c", how, *words, stdin=stdin) as program:
        if name in SCRIPTS or name == "router":
            while program.line() != "ready":
                continue
        else:
            program.await_stderr(SAID[name])
        yield program


def contains(program: Program, text: str) -> bool:
    return text in program.stderr()


ALL = [*VERBS, *SCRIPTS]


@pytest.mark.sampled
@pytest.mark.parametrize("program", ALL, indirect=True)
def test_signals_without_a_meaning_are_told_and_end_nothing(program: Program) -> None:
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        program.interrupt(number)
        told = f"{number.name}: "
        until(partial(contains, program, told), told)
    assert program.process.poll() is None
    program.interrupt(signal.SIGTERM)
    assert program.wait() == 0
    assert "Traceback" not in program.stderr()


@pytest.mark.sampled
@pytest.mark.parametrize("program", ALL, indirect=True)
def test_an_alarm_ends_a_program_politely(program: Program) -> None:
    program.interrupt(signal.SIGALRM)
    assert program.wait() == 0


@pytest.mark.sampled
@pytest.mark.parametrize("name", ALL)
def test_a_terminal_that_hangs_up_ends_a_program_politely(
    name: str, router_process: RouterProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAMPLITE_URL", router_process.rs)
    master, slave = os.openpty()
    try:
        with started(name, router_process.rs, tmp_path, ON_A_TERMINAL, slave) as program:
            os.close(slave)
            slave = -1
            os.close(master)
            master = -1
            assert program.wait() == 0
    finally:
        for number in (master, slave):
            if number >= 0:
                os.close(number)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_sessions_of_a_router_live_through_it_and_hear_goodbye_at_the_end(
    number: int, tmp_path: Path
) -> None:
    url = f"unix://{tmp_path}/sock"
    words = command("router", "--listen", url)
    with running(sys.executable, "-c", ALONE, *words) as router:
        assert router.lines(2)[1] == "ready"
        with wamplite.connect(url) as session:
            router.interrupt(number)
            router.await_stderr(signal.Signals(number).name)
            with pytest.raises(wamplite.NoSuchProcedure):
                session.call("com.example.nobody")
            router.interrupt(signal.SIGALRM)
            assert session.lost.wait(20) and "GOODBYE" in str(session.error)
        assert router.wait() == 0


def test_a_router_tells_its_figures_when_asked(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/sock"
    with running(*command("router", "--listen", url)) as router:
        assert router.lines(2)[1] == "ready"
        with wamplite.connect(url):
            router.interrupt(signal.SIGUSR1)
            router.await_stderr("SIGUSR1: sessions=1")


def test_a_program_that_ignores_hangups_goes_on_ignoring_them(
    router_process: RouterProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAMPLITE_URL", router_process.rs)
    for words in (VERBS["sub"], VERBS["register"]):
        ignoring = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *command(*words)]
        with running(*ignoring) as program:
            program.await_stderr("ed com.example")
            program.interrupt(signal.SIGHUP)
            program.interrupt(signal.SIGTERM)
            assert program.wait() == 0
            assert "SIGHUP" not in program.stderr()


def test_a_call_that_is_told_to_end_has_no_result_and_says_so(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/sock"
    with wamplite.Router() as router:
        router.listen(url)
        with router.connect() as callee:
            called = []
            callee.register("com.example.p", lambda: (called.append(1), callee.lost.wait(20)))
            with running(*command("call", "com.example.p", "--url", url)) as caller:
                until(lambda: called, "it is called")
                caller.interrupt(signal.SIGTERM)
                assert caller.wait() == 128 + signal.SIGTERM
