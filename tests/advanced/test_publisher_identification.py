from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.core.world import PUBLISH, World, only, take
from wamplite.advanced.publisher_identification import ForRouter
from wamplite.core.feature import announced


def test_it_is_announced_by_the_broker() -> None:
    expected = {"features": {"publisher_identification": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": expected, "dealer": {}}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"disclose_me": True},
            {"publisher": 2, "publisher_authid": "peer2", "publisher_authrole": "anonymous"},
        ),
        ({"disclose_me": False}, {}),
        ({}, {}),
    ],
)
def test_the_publisher_is_told_where_it_asks(options: dict[str, Any], expected: Any) -> None:
    world = World(ForRouter)
    ann, bob = world.joined(2)
    world.subscribe(ann, "com.app.t")
    world.send(bob, [PUBLISH, 1, options, "com.app.t"])
    assert only(ann)[3] == expected


def test_where_it_is_not_allowed_the_publish_is_refused() -> None:
    world = World(partial(ForRouter, allowed=False))
    ann, bob = world.joined(2)
    world.subscribe(ann, "com.app.t")
    world.send(bob, [PUBLISH, 1, {"disclose_me": True}, "com.app.t"])
    world.send(bob, [PUBLISH, 2, {"disclose_me": True, "acknowledge": True}, "com.app.t"])
    assert only(bob)[2:5] == [2, {}, "wamp.error.option_disallowed.disclose_me"]
    world.send(bob, [PUBLISH, 3, {"disclose_me": False}, "com.app.t"])
    assert [event[3] for event in take(ann)] == [{}]
