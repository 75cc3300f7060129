"""Registrations and subscriptions that are taken away, and who is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, PUBLISH, Peer, World, only, take
from wamplite.advanced import registration_revocation, subscription_revocation
from wamplite.core.feature import announced

CALLEE = {"callee": {"features": {"registration_revocation": True}}}
SUBSCRIBER = {"subscriber": {"features": {"subscription_revocation": True}}}
REMOVE_CALLEE = "wamp.registration.remove_callee"
REMOVE_SUBSCRIBER = "wamp.subscription.remove_subscriber"


def a_world(**roles: Any) -> tuple[World, Peer, Peer]:
    features = registration_revocation.ForRouter, subscription_revocation.ForRouter
    world = World(*features)
    return world, world.join(**roles) if roles else world.join(), world.join()


def test_they_are_announced_by_dealer_and_broker() -> None:
    features = [registration_revocation.ForRouter(), subscription_revocation.ForRouter()]
    assert announced(["broker", "dealer"], features) == {
        "broker": {"features": {"subscription_revocation": True}},
        "dealer": {"features": {"registration_revocation": True}},
    }


@pytest.mark.parametrize(
    ("kwargs", "reason"), [({}, "revoked"), ({"reason": "com.app.why"}, "com.app.why")]
)
@pytest.mark.parametrize("roles", [CALLEE, {}])
def test_a_callee_is_told_where_it_announced_that(
    roles: dict[str, Any], kwargs: dict[str, Any], reason: str
) -> None:
    world, callee, ann = a_world(**roles)
    world.register(callee, "com.app.p")
    world.send(ann, [CALL, 1, {}, REMOVE_CALLEE, [1, 1], kwargs], [CALL, 2, {}, "com.app.p"])
    assert [answer[0] for answer in take(ann)] == ["RESULT", "ERROR"]
    told = [["UNREGISTERED", 0, {"registration": 1, "reason": reason}]] if roles else []
    assert take(callee) == told


@pytest.mark.parametrize("roles", [SUBSCRIBER, {}])
def test_a_subscriber_is_told_where_it_announced_that(roles: dict[str, Any]) -> None:
    world, subscriber, ann = a_world(**roles)
    world.subscribe(subscriber, "com.app.t")
    world.send(ann, [CALL, 1, {}, REMOVE_SUBSCRIBER, [1, 1], {"reason": "why"}])
    assert only(ann)[0] == "RESULT"
    world.send(ann, [PUBLISH, 1, {}, "com.app.t"])
    told = [["UNSUBSCRIBED", 0, {"subscription": 1, "reason": "why"}]] if roles else []
    assert take(subscriber) == told


@pytest.mark.parametrize("args", [[1, 2], [2, 1], [1, 99]])
@pytest.mark.parametrize(
    ("procedure", "error"),
    [
        (REMOVE_CALLEE, "wamp.error.no_such_registration"),
        (REMOVE_SUBSCRIBER, "wamp.error.no_such_subscription"),
    ],
)
def test_what_is_not_there_cannot_be_taken_away(procedure: str, error: str, args: Any) -> None:
    world, callee, ann = a_world()
    world.register(callee, "com.app.p")
    world.subscribe(callee, "com.app.t")
    world.send(ann, [CALL, 1, {}, procedure, args])
    assert only(ann)[4] == error
    assert callee.member.registrations and callee.member.subscriptions


@pytest.mark.parametrize("args", [[], None, ["a"], [1, "a"], [1, []], [{}, 1]])
@pytest.mark.parametrize("procedure", [REMOVE_CALLEE, REMOVE_SUBSCRIBER])
def test_what_names_nothing_is_refused(procedure: str, args: Any) -> None:
    world, _, ann = a_world()
    world.send(ann, [CALL, 1, {}, procedure, args])
    assert only(ann)[4] == "wamp.error.invalid_argument"
