"""What the log tells of who joins, who leaves and why, and who is refused; from a process."""

from __future__ import annotations

import json
from typing import Any

import pytest

import wamplite
from tests.processes import RouterProcess, running_router

from .conftest import ROLES, Connect, Start, Wire, eventually

Lines = list[dict[str, Any]]


def lines(router: RouterProcess, event: str) -> Lines:
    written = router.stderr().rpartition("\n")[0]  # the last line may be half there
    every = [json.loads(line) for line in written.splitlines()]
    return [line for line in every if line.get("event") == event]


def awaited(router: RouterProcess, event: str, number: int = 1) -> Lines:
    eventually(lambda: len(lines(router, event)) >= number)
    return lines(router, event)


def test_who_joins_and_leaves_is_told_by_names() -> None:
    with running_router("--log-format", "json") as router:
        with wamplite.connect(router.ws) as session:
            who = {"session": session.id, "realm": "realm1", "authid": session.authid}
            [joined] = awaited(router, "joined")
        [left] = awaited(router, "left")
    where = {"listener": router.urls[0], "address": "127.0.0.1"}
    assert {**who, **where, "authrole": "anonymous", "authmethod": "anonymous"}.items() <= (
        joined.items()
    )
    assert joined["transport"] == "websocket, json" and joined["agent"].startswith("wamplite")
    assert {**who, **where}.items() <= left.items() and left["peer"] == joined["peer"]
    assert left["reason"] == "it said GOODBYE, wamp.close.close_realm"
    assert 0 <= left["seconds"] < 60


def test_why_a_session_ends_is_told() -> None:
    with running_router("--log-format", "json") as router:
        gone, bad, gave_up, killed = (Wire(router.rs).join() for _ in range(4))
        gone.close()
        bad.send(50, 1, {})  # RESULT is the router's
        gave_up.send(3, {}, "com.example.tired")
        killer = Wire(router.rs).join()
        killer.ask(48, 1, {}, "wamp.session.kill", [killed.welcome[1]])
        assert killed.receive()[0] == 6
        killed.close()
        told = {line["session"]: line["reason"] for line in awaited(router, "left", 4)}
        for wire in (bad, gave_up, killer):
            wire.close()
        why = [told[wire.welcome[1]] for wire in (gone, bad, gave_up, killed)]
    assert why[0] == "the peer closed the connection"
    assert why[1].startswith("it broke the protocol: RESULT")
    assert why[2] == "it said ABORT, com.example.tired"
    assert why[3] == "it was sent away, wamp.close.killed"


def test_the_end_of_the_router_is_a_reason(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    router = start()
    connect(router.url).join()
    with caplog.at_level("INFO", "wamplite.router"):
        router.close()
    assert "it was sent away, wamp.close.system_shutdown" in caplog.text


def test_who_does_not_join_is_told_with_what_they_wished_for() -> None:
    with running_router("--log-format", "json") as router:
        wire = Wire(router.rs)
        wishes = {"authid": "joe\x1b[2J", "authmethods": ["ticket", "scram"], "agent": "probe"}
        wire.send(1, "realm1", {"roles": ROLES, **wishes})
        assert wire.receive()[2] == "wamp.error.no_matching_auth_method"
        wire.close()
        [told] = awaited(router, "refused")
    assert told["reason"].startswith("wamp.error.no_matching_auth_method: ")
    assert (told["realm"], told["agent"], told["authid"]) == ("realm1", "probe", "joe\\x1b[2J")
    assert told["authmethods"] == "ticket, scram" and told["listener"] == router.urls[0]


def test_who_gives_up_or_begins_with_nonsense_is_told(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    router = start()
    with caplog.at_level("INFO", "wamplite.router"):
        connect(router.url).send(3, {}, "com.example.no")
        eventually(lambda: "did not join: it gave up" in caplog.text)
        connect(router.url).send(32, 1, {}, "com.topic")
        eventually(lambda: "a session starts with HELLO, not SUBSCRIBE" in caplog.text)
    assert router.counters == {"joins_refused": 2}


def test_requests_are_told_by_names_at_debug() -> None:
    with running_router("--log-format", "json", "-v") as router:
        with wamplite.connect(router.rs) as session:
            session.subscribe("com.topic", print)
            session.register("com.add", print)
            with pytest.raises(wamplite.NoSuchProcedure):
                session.call("com.none", "secret")
            told = awaited(router, "request", 2)
            [refused] = awaited(router, "request_refused")
        assert "secret" not in router.stderr()
    assert [(line["request"], line["uri"]) for line in told] == [
        ("SUBSCRIBE", "com.topic"),
        ("REGISTER", "com.add"),
    ]
    assert {line["session"] for line in [*told, refused]} == {session.id}
    assert refused["request"] == "CALL" and refused["reason"].startswith("wamp.error.no_such")
    assert refused["level"] == "debug" and refused["realm"] == "realm1"
