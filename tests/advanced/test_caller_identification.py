from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.core.world import CALL, World, only, take
from wamplite.advanced.caller_identification import ForRouter
from wamplite.core.feature import announced

IDENTITY = {"caller": 2, "caller_authid": "peer2", "caller_authrole": "anonymous"}


def told(options: dict[str, Any], register: dict[str, Any], **more: Any) -> Any:
    """Return INVOCATION.Details, or the ERROR that the caller got."""
    world = World(partial(ForRouter, **more))
    callee, caller = world.joined(2)
    world.register(callee, "com.app.p", **register)
    world.send(caller, [CALL, 10, options, "com.app.p"])
    return only(callee)[3] if callee.outbox else only(caller)[4]


def test_it_is_announced_by_the_dealer() -> None:
    expected = {"features": {"caller_identification": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": {}, "dealer": expected}


@pytest.mark.parametrize(
    ("options", "register", "expected"),
    [
        ({"disclose_me": True}, {}, IDENTITY),
        ({"disclose_me": False}, {}, {}),
        ({}, {}, {}),
        ({}, {"disclose_caller": True}, IDENTITY),
        ({"disclose_me": False}, {"disclose_caller": True}, IDENTITY),
        ({}, {"disclose_caller": False}, {}),
    ],
)
def test_the_caller_is_told_where_either_side_asks(
    options: dict[str, Any], register: dict[str, Any], expected: Any
) -> None:
    assert told(options, register) == expected


def test_where_it_is_not_allowed_the_wish_is_refused_and_the_callee_not_told() -> None:
    error = "wamp.error.option_disallowed.disclose_me"
    assert told({"disclose_me": True}, {}, allowed=False) == error
    assert told({}, {"disclose_caller": True}, allowed=False) == {}
    assert told({"disclose_me": False}, {}, allowed=False) == {}


def test_the_router_is_no_caller_to_tell_of() -> None:
    world = World(ForRouter)
    callee = world.join()
    world.register(callee, "com.app.p", disclose_caller=True)
    world.realm.call("com.app.p", lambda answer: None)
    assert take(callee) == [["INVOCATION", 1, 1, {}]]


def test_where_it_is_noted_that_nobody_is_to_be_told_no_callee_is() -> None:
    world = World(ForRouter)
    callee, caller = world.joined(2)
    world.register(callee, "com.app.p", disclose_caller=True)
    world.realm.dealer.drafted.append(
        lambda member, record, message: record.notes.update(undisclosed=True)
    )
    world.send(caller, [CALL, 10, {}, "com.app.p"])
    assert only(callee)[3] == {}
