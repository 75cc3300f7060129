"""The figures of a router as its procedures tell them, over real connections and processes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

import wamplite
from tests.processes import ROOT

from .conftest import Connect, Start, Wire, connected, eventually, figures

STATS, SESSIONS = "wamplite.router.stats", "wamplite.router.sessions"
GOODBYE = (6, {}, "wamp.close.close_realm")


def asked(wire: Wire, procedure: str) -> Any:
    answer = wire.ask(48, 999, {}, procedure)
    assert answer[0] == 50, answer
    return answer[3][0]


def test_what_is_there_is_told_by_realm_and_listener(start: Start, connect: Connect) -> None:
    router = start(realms=["realm1", "lab"])
    other = router.listen("ws://127.0.0.1:0")
    wire, away = connect(router.url).join(), connect(other).join("lab")
    wire.ask(32, 1, {}, "com.topic")
    wire.ask(64, 2, {}, "com.add")
    told = asked(wire, STATS)
    assert told["sessions"] == told["connections"] == 2 and told["joining"] == 0
    assert told["version"] == wamplite.__version__
    assert 0 <= told["uptime"] < 60 and told["started"].startswith("20")
    assert told["realms"] == {
        "realm1": {
            "sessions": 1,
            "subscriptions": 1,
            "subscribers": 1,
            "registrations": 1,
            "calls": 0,
            "waiting": 0,
            "joined": 1,
            "messages_in": 3,
            "messages_out": 3,  # the answer to this call is on its way
        },
        "lab": dict.fromkeys(told["realms"]["lab"], 0)
        | {"sessions": 1, "joined": 1}
        | {"messages_out": 1},
    }
    assert set(told["listeners"]) == {router.url, other}
    assert all(one["connections"] == one["accepted"] == 1 for one in told["listeners"].values())
    away.close()
    eventually(lambda: asked(wire, STATS)["listeners"][other]["connections"] == 0)
    assert asked(wire, STATS)["listeners"][other]["accepted"] == 1


def test_messages_are_counted_whoever_carries_them(start: Start, connect: Connect) -> None:
    router = start()
    calls = 40
    with router.connect() as inside:
        inside.register("com.echo", lambda value: value)
        for url in (router.url, router.listen("ws://127.0.0.1:0")):
            before = figures(router)["realms"]["realm1"]
            wire = connect(url).join()
            for request in range(1, calls + 1):
                assert wire.ask(48, request, {}, "com.echo", [request])[3] == [request]
            wire.ask(*GOODBYE)
            eventually(lambda: router.sessions == 1)
            wire.close()
            eventually(lambda: connected(router) == 1)
            after = figures(router)["realms"]["realm1"]
            assert after["joined"] - before["joined"] == 1
            # CALL, YIELD and GOODBYE; WELCOME, INVOCATION, RESULT and GOODBYE
            assert after["messages_in"] - before["messages_in"] == 2 * calls + 1
            assert after["messages_out"] - before["messages_out"] == 2 * calls + 2


def test_messages_of_one_write_are_counted_each(start: Start, connect: Connect) -> None:
    router = start()
    wire = connect(router.url).join()
    wire.send_at_once(*([32, n, {}, f"com.topic{n}"] for n in range(1, 301)), [34, 301, 1])
    for _ in range(301):
        wire.receive()
    [row] = asked(wire, SESSIONS)
    assert (row["messages_in"], row["messages_out"]) == (302, 302)
    assert row["subscriptions"] == 299


def test_what_a_session_holds_is_told(start: Start, connect: Connect) -> None:
    router = start()
    caller, callee = connect(router.url).join(), connect(router.url).join()
    callee.ask(32, 1, {}, "com.topic")
    for number, procedure in enumerate(["com.one", "com.two"], 2):
        callee.ask(64, number, {}, procedure)
    for number in (1, 2, 3):
        caller.send(48, number, {}, "com.one")
        assert callee.receive()[0] == 68
    rows = {row["session"]: row for row in asked(caller, SESSIONS)}
    kinds = ("subscriptions", "registrations", "calls", "invocations")
    assert [rows[callee.welcome[1]][kind] for kind in kinds] == [1, 2, 0, 3]
    assert [rows[caller.welcome[1]][kind] for kind in kinds] == [0, 0, 3, 0]


def test_two_sessions_of_one_connection_are_counted_apart(start: Start, connect: Connect) -> None:
    router = start()
    wire = connect(router.url).join()
    wire.ask(32, 1, {}, "com.topic")
    wire.ask(*GOODBYE)
    wire.join()
    [row] = asked(wire, SESSIONS)
    assert row["session"] == wire.welcome[1]
    assert (row["messages_in"], row["messages_out"]) == (1, 1)
    told = asked(wire, STATS)["realms"]["realm1"]
    assert told["joined"] == 2 and told["messages_in"] == 4


def test_bytes_are_those_on_the_wire(start: Start, connect: Connect) -> None:
    router = start()
    wire = connect(router.url).join()
    before = asked(wire, STATS)["listeners"][router.url]
    wire.ask(48, 1, {}, "com.none", ["x" * 5000])
    now = asked(wire, STATS)["listeners"][router.url]
    assert 5000 < now["bytes_in"] - before["bytes_in"] < 5500
    assert 400 < now["bytes_out"] - before["bytes_out"] < 2500
    wire.close()
    eventually(lambda: connected(router) == 0)
    ended = figures(router)["listeners"][router.url]
    assert ended["bytes_in"] >= now["bytes_in"] and ended["bytes_out"] > now["bytes_out"]


def test_a_session_is_told_with_what_it_holds_and_where_it_came_from(
    start: Start, connect: Connect
) -> None:
    router = start(realms=["realm1", "lab"])
    wire = connect(router.url).join(agent="probe-1")
    connect(router.url).join("lab")
    with router.connect() as inside:
        rows = {row["session"]: row for row in asked(wire, SESSIONS)}
        assert set(rows) == {wire.welcome[1], inside.id}
        assert rows[inside.id]["listener"] is None
        assert rows[inside.id]["authrole"] == "trusted"
    mine = rows[wire.welcome[1]]
    assert mine["agent"] == "probe-1" and mine["listener"] == router.url
    assert mine["peer"].startswith("127.0.0.1:") and mine["transport"] == "rawsocket, msgpack"
    assert mine["queued_bytes"] == mine["queued_messages"] == 0 and mine["seconds"] >= 0


def test_what_waits_for_a_slow_reader_is_told(start: Start, connect: Connect) -> None:
    router = start(max_outbox_size=2**23, socket_buffer=4096)
    slow, wire = connect(router.url).join(), connect(router.url).join()
    slow.ask(32, 1, {}, "com.big")
    with router.connect() as inside:
        for _ in range(8):
            inside.publish("com.big", "x" * 400_000, options={"acknowledge": True})
    told = asked(wire, STATS)["queues"]
    assert told["connections"] == 1 and told["messages"] >= 4
    assert told["bytes"] == told["largest"] > 10**6
    rows = {row["session"]: row["queued_bytes"] for row in asked(wire, SESSIONS)}
    assert rows[slow.welcome[1]] > 10**6 and rows[wire.welcome[1]] == 0


def test_counters_are_those_of_the_router(start: Start, connect: Connect) -> None:
    router = start(max_connections=2)
    wire = connect(router.url).join()
    connect(router.url).join()
    with pytest.raises(wamplite.TransportLost):
        wamplite.connect(router.url)
    assert asked(wire, STATS)["counters"] == router.counters == {"connections_refused": 1}


def test_nobody_else_serves_or_publishes_what_is_the_routers(
    start: Start, connect: Connect
) -> None:
    wire = connect(start().url).join()
    for answer in (
        wire.ask(64, 1, {}, STATS),
        wire.ask(64, 2, {}, "wamplite.router.other"),
        wire.ask(64, 3, {"match": "prefix"}, "wamplite.router."),
        wire.ask(16, 4, {"acknowledge": True}, "wamplite.router.trace"),
    ):
        assert answer[0] == 8 and answer[4] == "wamp.error.invalid_uri"
    assert wire.ask(64, 5, {}, "wamplite.routers")[0] == 65
    assert wire.ask(64, 6, {"match": "prefix"}, "wamplite.")[0] == 65
    assert asked(wire, STATS)["sessions"] == 1


def test_nothing_is_imported_for_it_before_somebody_asks() -> None:
    program = """
import sys, wamplite
with wamplite.Router(features="basic") as router:
    url = router.listen("rs://127.0.0.1:0")
    with wamplite.connect(url, features="basic") as session:
        print("wamplite.router.statistics" in sys.modules, "wamplite.core.meta" in sys.modules)
        print(session.call("wamplite.router.stats")["process"]["pid"])
"""
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())\n" + program],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=True, env=os.environ,
    )  # fmt: skip
    pid, nothing, asked_for = done.stdout.splitlines()
    assert (nothing, asked_for) == ("False False", pid)
