"""`wamplite top` against a running router: a line of JSON each time, or a table on a terminal."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from functools import partial

import pytest

import wamplite
from tests.cli.asking import ask, run
from tests.cli.terminals import Terminal, on_terminal
from tests.processes import RouterProcess, running, running_router
from tests.processes import wamplite as command
from tests.waiting import PATIENCE
from wamplite.auth.authorization import Authorization
from wamplite.auth.permissions import Permission, Role
from wamplite.cli.top import ENTER, LEAVE


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    with running_router() as process:
        yield process


def test_each_look_is_a_line_of_json_when_piped(router: RouterProcess) -> None:
    with (
        wamplite.connect(router.rs) as session,
        running(*command("top", "--url", router.rs, "-i", "0.3", "-C", "3")) as program,
    ):
        first = json.loads(program.line())
        for _ in range(50):
            session.call("wamp.session.count")
        second, third = json.loads(program.line()), json.loads(program.line())
        assert program.wait() == 0
    assert first["realms"]["realm1"]["in_per_second"] is None
    [before] = [row for row in first["rows"] if row["session"] == session.id]
    assert before["out_per_second"] is None
    rows = [row for look in (second, third) for row in look["rows"]]
    assert sum(row["in_per_second"] > 20 for row in rows if row["session"] == session.id) >= 1
    assert second["sessions_of"] == "realm1" and second["process"]["cpu_share"] >= 0
    assert third["uptime"] > first["uptime"] + 0.5


def test_on_a_terminal_it_is_a_table_that_ctrl_c_takes_away(router: RouterProcess) -> None:
    with on_terminal("top", "--url", router.rs, "-i", "0.2") as terminal:
        shown = terminal.read("here for")
        assert shown.startswith(ENTER) and "realm1" in shown
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.read(LEAVE).endswith(LEAVE)
        assert terminal.process.wait(PATIENCE) == 130


def test_it_is_drawn_anew_when_the_terminal_is_resized(router: RouterProcess) -> None:
    with on_terminal("top", "--url", router.rs, "-i", "100") as terminal:
        assert "agent" in terminal.read("\x1b[J")
        terminal.resize(5, 40)
        again = terminal.read("\x1b[J")
        lines = re.sub(r"\x1b\[[HJK]", "", again).split("\r\n")
        assert len(lines) == 4 and all(len(line) <= 40 for line in lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGALRM])
def test_a_signal_gives_the_terminal_back(router: RouterProcess, number: int) -> None:
    with on_terminal("top", "--url", router.rs) as terminal:
        terminal.read("here for")
        terminal.process.send_signal(number)
        assert LEAVE in terminal.read(LEAVE)
        assert terminal.process.wait(PATIENCE) == 0


def test_the_end_of_the_router_gives_the_terminal_back() -> None:
    with running_router() as router:
        begun = Terminal("top", "--url", router.rs, "-i", "60")
        begun.read("here for")
    assert LEAVE in begun.read(LEAVE)
    assert begun.process.wait(PATIENCE) == 3
    assert begun.process.stderr is not None
    assert b"wamp.close.system_shutdown" in begun.process.stderr.read()
    begun.process.stderr.close()
    os.close(begun.master)


@pytest.mark.parametrize(
    ("allowed", "rows"), [("wamplite.router.", 1), ("wamplite.router.stats", 0)]
)
def test_without_the_right_to_ask_for_sessions_there_are_none(allowed: str, rows: int) -> None:
    permission = Permission(allowed, "prefix", frozenset({"call"}))
    roles = [Role("anonymous", (permission,))]
    with wamplite.Router(features=["standard", partial(Authorization, roles)]) as router:
        url = router.listen("rs://127.0.0.1:0")
        done = run("top", "--url", url, "-C", "2", "-i", "0.1")
    assert (done.returncode, done.stderr) == (0, "")
    looks = [json.loads(line) for line in done.stdout.splitlines()]
    assert [len(look["rows"]) for look in looks] == [rows, rows]


def test_a_router_without_figures_is_told(router: RouterProcess) -> None:
    with wamplite.Router(features=[partial(Authorization, [Role("anonymous", ())])]) as closed:
        done = run("top", "--url", closed.listen("rs://127.0.0.1:0"))
    assert done.returncode == 1 and "wamp.error.not_authorized" in done.stderr
    assert ask(router, "top", "-i", "0").returncode == 2
