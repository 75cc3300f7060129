"""`wamplite sessions`, `subs`, `regs` and `kill` against a running router."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import wamplite
from tests.cli.asking import ask
from tests.processes import RouterProcess, running_router
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    with running_router() as process:
        yield process


@contextmanager
def joined(router: RouterProcess) -> Iterator[wamplite.Session]:
    with wamplite.connect(router.rs) as session:
        yield session


def rows(router: RouterProcess, *words: str) -> list[dict[str, Any]]:
    done = ask(router, *words)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_sessions_prints_a_line_for_each(router: RouterProcess) -> None:
    with joined(router) as one, joined(router) as two:
        found = {row["session"]: row for row in rows(router, "sessions")}
    assert {one.id, two.id} < set(found)
    assert found[one.id]["authrole"] == "anonymous"


def test_sessions_takes_authroles(router: RouterProcess) -> None:
    with joined(router) as session:
        found = rows(router, "sessions", "--role", "nobody", "--role", "anonymous")
        assert session.id in [row["session"] for row in found]
        assert rows(router, "sessions", "--role", "nobody") == []


def test_subs_and_regs_tell_of_whom_they_are(router: RouterProcess) -> None:
    with joined(router) as session:
        subscription = session.subscribe("com.a.", print, options={"match": "prefix"})
        registration = session.register("com.b", print)
        (sub,), (reg,) = rows(router, "subs"), rows(router, "regs")
    assert (sub["id"], sub["uri"], sub["match"]) == (subscription.id, "com.a.", "prefix")
    assert (reg["id"], reg["uri"], reg["match"]) == (registration.id, "com.b", "exact")
    assert sub["subscribers"] == reg["callees"] == [session.id]


def test_kill_ends_sessions_with_a_reason_and_a_message(router: RouterProcess) -> None:
    with joined(router) as one, joined(router) as two, joined(router) as three:
        words = ("--reason", "com.example.maintenance", "--message", "back at noon")
        done = ask(router, "kill", str(one.id), str(two.id), *words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")
        for session in (one, two):
            assert session.lost.wait(PATIENCE)
            assert "com.example.maintenance" in str(session.error)
            assert "back at noon" in str(session.error)
        assert not three.lost.is_set()


def test_kill_goes_on_where_a_session_is_not_there(router: RouterProcess) -> None:
    with joined(router) as session:
        done = ask(router, "kill", "1", str(session.id))
        assert (done.returncode, done.stdout) == (1, "1\n")
        assert done.stderr.startswith("wamplite: wamp.error.no_such_session")
        assert session.lost.wait(PATIENCE)


@pytest.mark.parametrize("which", ["authid", "authrole", "all"])
def test_kill_ends_all_of_somebody(router: RouterProcess, which: str) -> None:
    with joined(router) as session:
        who = {"authid": ["--by-authid", session.authid], "all": ["--all"]}
        words = who.get(which, ["--by-authrole", session.authrole])
        done = ask(router, "kill", *map(str, words))
        assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
        assert session.lost.wait(PATIENCE)


@pytest.mark.sampled
@pytest.mark.parametrize("words", [[], ["1", "--all"], ["--all", "--by-authid", "a"], ["x"], ["0"]])
def test_kill_is_told_whom_in_one_way(router: RouterProcess, words: list[str]) -> None:
    done = ask(router, "kill", *words)
    assert (done.returncode, done.stdout) == (2, "")
