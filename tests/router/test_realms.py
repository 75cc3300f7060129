"""Realms that a router gets and loses while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wamplite.advanced.event_retention import ForRouter as Retention
from wamplite.core.errors import UsageError
from wamplite.router import Router

from .conftest import ROLES, Connect, Start, eventually


def test_a_realm_is_added_while_sessions_are_there(start: Start, connect: Connect) -> None:
    router = start(realms=["one"])
    wire = connect(router.url).join("one")  # type: ignore[attr-defined]
    refused = connect(router.url)  # type: ignore[attr-defined]
    assert refused.ask(1, "two", {"roles": {"caller": {}}})[2] == "wamp.error.no_such_realm"
    router.add_realm("two", features="basic", strict=True)
    other = connect(router.url).join("two")  # type: ignore[attr-defined]
    assert "features" not in other.welcome[2]["roles"]["broker"]
    assert "features" in wire.welcome[2]["roles"]["broker"]
    assert other.ask(32, 7, {}, "com.example.t")[0] == 3  # ids begin at 1


def test_a_router_may_begin_without_any_realm(connect: Connect) -> None:
    with Router(realms=[]) as router:
        url = router.listen("rs://127.0.0.1:0")
        router.add_realm("late")
        connect(url).join("late")


def test_a_realm_that_is_removed_says_goodbye_to_its_sessions_alone(
    start: Start, connect: Connect
) -> None:
    router = start(realms=["one", "two"])
    wire, other = (connect(router.url).join(name) for name in ("one", "two"))  # type: ignore[attr-defined]
    router.remove_realm("one")
    assert wire.receive()[2] == "wamp.close.close_realm"
    assert other.ask(32, 1, {}, "com.example.t")[0] == 33
    eventually(lambda: router.sessions == 1)
    again = connect(router.url)  # type: ignore[attr-defined]
    assert again.ask(1, "one", {"roles": {"caller": {}}})[2] == "wamp.error.no_such_realm"
    router.add_realm("one")
    connect(router.url).join("one")  # type: ignore[attr-defined]


def test_a_realm_that_is_removed_closes_its_files(tmp_path: Path) -> None:
    made: list[Any] = []

    def retention() -> Retention:
        made.append(Retention(file=str(tmp_path / "retained-{realm}.db")))
        return made[-1]

    with Router(realms=[]) as router:
        router.add_realm("one", features=[retention])
        with router.connect("one") as session:
            options = {"retain": True, "acknowledge": True}
            session.publish("com.example.t", 1, options=options)
        router.remove_realm("one")
        router.add_realm("one", features=[retention])
        assert "com.example.t" in made[-1].shelves[-1].topics


def test_what_cannot_be_is_refused(start: Start) -> None:
    router = start(realms=["one"])
    for change, text in (
        (lambda: router.add_realm("one"), "there is a realm one already"),
        (lambda: router.add_realm("a..b"), "must be a valid URI"),
        (lambda: router.remove_realm("two"), "there is no realm two"),
        (lambda: router.close_listener("rs://127.0.0.1:1"), "there is no listener at"),
    ):
        with pytest.raises(UsageError, match=text):
            change()
    router.close()
    with pytest.raises(UsageError, match="the router has ended"):
        router.add_realm("two")


def test_a_listener_is_closed_and_who_came_there_stays(start: Start, connect: Connect) -> None:
    router = start()
    other = router.listen("rs://127.0.0.1:0")
    wire = connect(other).join()
    router.close_listener(other)
    with pytest.raises(OSError):
        connect(other)
    assert wire.ask(32, 1, {}, "com.example.t")[0] == 33


def test_what_is_told_of_sessions_and_records_stays_in_their_realm(
    start: Start, connect: Connect
) -> None:
    url = start(realms=["realm1", "realm2"], features="all").url  # type: ignore[attr-defined]
    ann = connect(url).join()
    topics = ("session.on_join", "session.on_leave", "registration.on_create")
    for request, topic in enumerate((*topics, "subscription.on_create"), 1):
        assert ann.ask(32, request, {}, f"wamp.{topic}")[0] == 33
    bob = connect(url)
    welcome = bob.ask(1, "realm2", {"roles": ROLES})
    number = bob.ask(64, 1, {}, "com.app.p")[2]
    assert bob.ask(32, 2, {}, "com.app.t")[0] == 33
    for request, (uri, args) in enumerate(
        (
            ("session.get", [welcome[1]]),
            ("session.kill", [welcome[1]]),
            ("registration.get", [number]),
            ("registration.remove_callee", [number, welcome[1]]),
        ),
        5,
    ):
        kind = uri.partition(".")[0]
        answer = ann.ask(48, request, {}, f"wamp.{uri}", args)
        assert answer[4] == f"wamp.error.no_such_{kind}"
    assert ann.ask(48, 9, {}, "wamp.session.kill_all") == [50, 9, {}, [0]]
    assert ann.ask(48, 10, {}, "wamp.registration.lookup", ["com.app.p"])[3] == [None]
    for wire in (ann, bob):
        assert wire.ask(48, 11, {}, "wamp.session.count")[3] == [1]
    assert bob.ask(6, {}, "wamp.close.close_realm")[0] == 6
    connect(url).join()
    assert ann.receive()[4][0]["authid"] != welcome[2]["authid"]  # the one who joined here
