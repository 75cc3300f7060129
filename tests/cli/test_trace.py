"""`wamplite trace` against a running router: lines as JSON when piped, in words on a terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import wamplite
from tests.cli.asking import ask, run
from tests.processes import Program, RouterProcess, running, running_router
from tests.processes import wamplite as command
from tests.waiting import PATIENCE, until
from wamplite.auth import Ticket
from wamplite.cli.trace import in_words


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    with running_router() as process:
        yield process


@contextmanager
def tracing(router: RouterProcess, *words: str) -> Iterator[Program]:
    with running(*command("trace", "-v", "--url", router.rs, *words)) as program:
        program.await_stderr("tracing realm1")
        yield program


def rows(program: Program, number: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in program.lines(number)]


def test_messages_are_lines_of_json_when_piped(router: RouterProcess) -> None:
    with tracing(router, "--uri", "com.example.") as program:
        done = ask(router, "call", "com.example.none", "7")
        assert done.returncode == 1
        asked, answered = rows(program, 2)
        program.interrupt()
        assert program.wait() == 130
    assert (asked["message"], asked["direction"], asked["uri"]) == (
        "CALL",
        "in",
        "com.example.none",
    )
    assert asked["array"][3:] == ["com.example.none", [7]]
    assert (answered["message"], answered["direction"]) == ("ERROR", "out")
    assert answered["session"] == asked["session"]


def test_count_ends_it_and_a_session_may_be_chosen(router: RouterProcess) -> None:
    with (
        wamplite.connect(router.rs) as session,
        wamplite.connect(router.rs) as other,
        tracing(router, "--session", str(session.id), "-C", "3") as program,
    ):
        for each in (other, session, other, session):
            each.publish("com.example.t", each.id, options={"acknowledge": True})
        lines = rows(program, 3)
        assert program.wait() == 0
    assert [line["message"] for line in lines] == ["PUBLISH", "PUBLISHED", "PUBLISH"]
    assert {line["session"] for line in lines} == {session.id}


def test_no_secret_of_a_handshake_is_printed(router: RouterProcess) -> None:
    with tracing(router) as program:
        extra = {"pubkey": "do-not-tell"}
        with pytest.raises(wamplite.WampliteError):
            wamplite.connect(router.rs, auth=Ticket("joe", "do-not-tell"), authextra=extra)
        lines = rows(program, 2)
    assert [line["message"] for line in lines] == ["HELLO", "ABORT"]
    assert lines[0]["array"][2]["authextra"] == {"pubkey": "***"}
    assert "do-not-tell" not in str(lines)


def test_on_a_terminal_it_is_words() -> None:
    master, slave = pty.openpty()
    with running_router() as router:
        process = subprocess.Popen(
            command("trace", "-v", "--url", router.rs, "--uri", "com.", "-C", "2"),
            stdout=slave, stderr=subprocess.PIPE,
        )  # fmt: skip
        os.close(slave)
        assert process.stderr is not None
        assert process.stderr.readline() == b"tracing realm1\n"
        ask(router, "pub", "com.example.t", "1\x1b[2J")
        assert process.wait(PATIENCE) == 0
        process.stderr.close()
        text = os.read(master, 65536).decode()
        os.close(master)
    lines = text.splitlines()
    assert "-> PUBLISH [16,1," in lines[0] and '"com.example.t",["1\\u001b[2J"]]' in lines[0]
    assert "<- PUBLISHED [17,1," in lines[1] and "\x1b" not in text


def test_the_end_of_the_router_ends_it() -> None:
    with running_router() as router, tracing(router) as program:
        router.interrupt(signal.SIGTERM)
        assert program.wait() == 3


def test_lines_that_were_lost_are_told(router: RouterProcess) -> None:
    with wamplite.connect(router.rs) as session, tracing(router) as program:
        for _ in range(2000):
            session.publish("com.example.flood", 1)
        until(lambda: "lines lost" in flooded(program, session), "losses are told")


def flooded(program: Program, session: wamplite.Session) -> str:
    session.call("wamp.session.count")
    program.line()
    return program.stderr()


@pytest.mark.parametrize("words", [["--session", "x"], ["--session", "0"], ["-C", "0"], ["word"]])
def test_what_cannot_be_meant_is_usage(words: list[str]) -> None:
    assert run("trace", *words).returncode == 2


def test_words_tell_of_ends_and_of_what_cannot_be_carried() -> None:
    line = {"time": "2026-01-01T10:20:30.123Z", "session": None, "peer": "127.0.0.1:5"}
    ended = {**line, "direction": "end", "message": "the peer\x07 closed"}
    assert in_words(ended) == "10:20:30.123 127.0.0.1:5 -- the peer\\x07 closed"
    unfit = {**line, "session": 7, "direction": "in", "message": "CALL", "array": [48, 1]}
    assert in_words({**unfit, "unfit": "too deep"}) == (
        "10:20:30.123 7 -> CALL [48,1] (it cannot be carried on: too deep)"
    )
