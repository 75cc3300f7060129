"""What the log tells at DEBUG of a realm: subscriptions, registrations, refusals, no payloads."""

from __future__ import annotations

import logging

import pytest

from .conftest import Connect, Start, connected, eventually, name_of

SAID = [
    ([32, 1, {}, "com.topic"], "SUBSCRIBE 1 of com.topic"),
    ([64, 2, {}, "com.add"], "REGISTER 2 of com.add"),
    (
        [64, 3, {}, "com.add"],
        "REGISTER 3 of com.add is refused: wamp.error.procedure_already_exists",
    ),
    (
        [48, 4, {}, "com.none", ["secret"]],
        "CALL 4 of com.none is refused: wamp.error.no_such_procedure",
    ),
    ([34, 5, 999], "UNSUBSCRIBE 5 of 999 is refused: wamp.error.no_such_subscription"),
    (
        [16, 6, {"acknowledge": True}, "wamp.x", ["secret"]],
        "PUBLISH 6 of wamp.x is refused: wamp.error.invalid_uri",
    ),
]


def test_what_is_subscribed_registered_and_refused_is_told(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    router = start()
    with caplog.at_level(logging.DEBUG, "wamplite.router"):
        wire = connect(router.url).join()
        session = wire.welcome[1]
        caplog.clear()
        for array, expected in SAID:
            wire.ask(*array)
            told = caplog.records[-1].getMessage()
            assert told.startswith(f"session {session}: {expected}")
            assert "secret" not in told
        assert len(caplog.records) == len(SAID)


def test_without_debug_nothing_of_it_is_told(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    router = start()
    wire = connect(router.url).join()
    with caplog.at_level(logging.INFO, "wamplite.router"):
        wire.ask(32, 1, {}, "com.topic")
        wire.ask(48, 2, {}, "com.none")
    assert caplog.records == []


def test_an_option_that_nobody_can_be_told_of_is_told_once_and_counted(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    router = start(features="basic")
    wire = connect(router.url).join()
    for request in (1, 2):
        wire.send(16, request, {"retain": True}, "com.topic")
        wire.send(16, request, {"eligible": [5]}, "com.topic")
    wire.send(16, 3, {"eligible": [5], "acknowledge": True}, "com.topic")
    wire.ask(16, 4, {"retain": True, "acknowledge": True}, "com.topic")
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    first, second = told
    assert "the option retain: it lacks the feature event_retention" in first
    assert first.endswith("it published an event without it")
    assert "the option eligible" in second and second.endswith("it did not publish an event")
    assert router.counters == {"options_unheeded": 2, "events_not_published": 2}


def test_a_line_names_its_peer_once(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    router = start()
    with caplog.at_level(logging.DEBUG, "wamplite.router"):
        silent, joined = connect(router.url), connect(router.url).join()
        names = [name_of(wire) for wire in (silent, joined)]
        silent.close()
        joined.close()
        eventually(lambda: connected(router) == 0)
    said = [record.getMessage() for record in caplog.records]
    for name in names:
        assert [line for line in said if name in line and "closed the connection" in line]
    assert [line for line in said if any(line.count(name) > 1 for name in names)] == []
