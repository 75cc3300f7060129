"""Registrations and subscriptions that are taken away, and who is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.test_conversation import Asked, Talk
from tests.core.world import CALL, PUBLISH, Peer, World, only, take
from wamplite.advanced import registration_revocation, subscription_revocation
from wamplite.core.feature import announced
from wamplite.core.grammar import State
from wamplite.core.messages import Subscribe

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


# ---- the client's half


def a_talk() -> tuple[Talk, list[Any]]:
    """Return a client with registration 90 and subscription 70, and a list of what was revoked."""
    talk, told = Talk(registration_revocation.ForClient, subscription_revocation.ForClient), []
    talk.conversation.revoked = lambda receivers, why: told.append((receivers, why))
    talk.register()
    talk.ask(Subscribe, Asked("com.app.t", "ann"))
    talk.hear([33, 2, 70])
    talk.said()
    return talk, told


@pytest.mark.parametrize(
    ("array", "key", "receivers", "what"),
    [
        ([67, 0], "registration", ["me"], "registration 90"),
        ([35, 0], "subscription", ["ann"], "subscription 70"),
    ],
)
def test_a_client_gives_up_what_was_taken_away_once(
    array: list[Any], key: str, receivers: list[str], what: str
) -> None:
    talk, told = a_talk()
    number = int(what[-2:])
    talk.hear([*array, {key: number, "reason": "com.app.why"}], [*array, {key: number}])
    assert told == [
        (receivers, f"the router has revoked {what}: com.app.why"),
        ([], f"the router has revoked {what}: no reason was given"),
    ]
    gone = {"registration": talk.conversation.registrations}
    assert number not in gone.get(key, talk.conversation.subscriptions)


def test_an_answer_to_a_clients_own_wish_takes_nothing_away() -> None:
    talk, told = a_talk()
    asked = Asked(), Asked()
    talk.conversation.unregister(90, asked[0])
    talk.conversation.unsubscribe(70, "ann", asked[1])
    talk.hear([67, 3], [35, 4])
    assert [len(each.answers) for each in asked] == [1, 1]
    assert told == [] and talk.state is State.OPEN


@pytest.mark.parametrize("array", [[67, 0, {"registration": 91}], [67, 0, {}], [35, 0, {}]])
def test_what_a_client_does_not_have_is_taken_from_nobody(array: list[Any]) -> None:
    talk, told = a_talk()
    talk.hear(array)
    assert [receivers for receivers, _ in told] == [[]]
    assert talk.conversation.registrations and talk.conversation.subscriptions
