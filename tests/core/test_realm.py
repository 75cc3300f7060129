from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import (
    ABORT,
    CALL,
    GOODBYE,
    PUBLISH,
    REGISTER,
    ROLES,
    SUBSCRIBE,
    UNREGISTER,
    UNSUBSCRIBE,
    World,
    only,
    take,
)
from wamplite.core.errors import UsageError
from wamplite.core.feature import Feature, Refused, lacking
from wamplite.core.ids import new_session
from wamplite.core.members import Join
from wamplite.core.messages import Publish, Register
from wamplite.core.realm import Realm

WELCOME: dict[str, Any] = {
    "realm": "realm1",
    "roles": {"broker": {}, "dealer": {}},
    "agent": "wamplite",
    "authid": "peer1",
    "authrole": "anonymous",
    "authmethod": "anonymous",
    "authprovider": "static",
}


def cleaned_up(world: World) -> bool:
    """Tell whether the first peer is gone with all it had, and ended once."""
    return world.is_empty() and not world.peers[0].member.open and world.peers[0].ends == 1


def settled_in() -> World:
    """Return a world whose first peer holds a subscription and a registration."""
    world = World()
    ann = world.join()
    world.subscribe(ann, "com.app.t")
    world.register(ann, "com.app.p")
    return world


# ---- joining


def test_a_session_is_welcomed_with_who_it_is() -> None:
    world = World()
    ann = world.arrive()
    world.realm.handle(ann.member, Join())
    assert take(ann) == [["WELCOME", 1, WELCOME]]
    assert world.realm.members == {1: ann.member}


def test_what_the_authentication_tells_besides_is_in_the_welcome() -> None:
    world = World()
    ann = world.arrive()
    ann.member.identity = ann.identity._replace(authextra={"verifier": "x"})
    world.realm.handle(ann.member, Join())
    assert only(ann)[2] == WELCOME | {"authextra": {"verifier": "x"}}


def test_ids_of_sessions_are_drawn_of_the_whole_range() -> None:
    ids = {new_session() for _ in range(2000)}
    assert len(ids) == 2000 and min(ids) < 2**53 // 100 and 2**53 >= max(ids) > 2**53 // 100 * 99


def test_the_welcome_announces_what_is_installed() -> None:
    class Quiet(Feature):
        name = "quiet"
        roles = ("broker",)

        def install(self, host: Realm) -> None:
            host.about["_quiet"] = True

    world = World(Quiet)
    ann = world.arrive()
    world.realm.handle(ann.member, Join())
    assert only(ann)[2]["roles"] == {"broker": {"features": {"quiet": True}}, "dealer": {}}


def test_nobody_joins_a_realm_that_closes() -> None:
    world = World()
    world.realm.dismiss_all()
    ann = world.arrive()
    world.realm.handle(ann.member, Join())
    assert take(ann) == [
        ["ABORT", {"message": "the router is shutting down"}, "wamp.close.system_shutdown"]
    ]
    assert cleaned_up(world)


def test_a_peer_that_cannot_take_the_welcome_is_told_so() -> None:
    world = World()
    ann = world.arrive(limit=150)
    world.realm.joined.append(lambda *_: pytest.fail("it did not join"))
    world.realm.handle(ann.member, Join())
    assert only(ann)[::2] == ["ABORT", "wamp.error.payload_size_exceeded"]
    assert cleaned_up(world)


# ---- ending


def test_goodbye_is_answered_with_goodbye_and_out() -> None:
    world = settled_in()
    (ann,) = world.peers
    world.send(ann, [GOODBYE, {}, "wamp.close.close_realm"])
    assert take(ann) == [["GOODBYE", {}, "wamp.close.goodbye_and_out"]]
    assert cleaned_up(world)


def test_abort_is_not_answered() -> None:
    world = settled_in()
    (ann,) = world.peers
    world.send(ann, [ABORT, {}, "com.app.no"])
    assert take(ann) == []
    assert cleaned_up(world)


def test_a_lost_connection_frees_all_that_the_session_held() -> None:
    world = settled_in()
    world.lose(world.peers[0])
    assert cleaned_up(world)


def test_what_sessions_held_that_have_ended_is_added_up() -> None:
    world = World()
    ann, bob, cat = world.joined(3)
    world.subscribe(ann, "com.app.t")
    world.subscribe(bob, "com.app.t")
    world.register(ann, "com.app.p")
    world.send(bob, [CALL, 2, {}, "com.app.p"])
    world.lose(cat)
    assert world.realm.given_up == 0
    world.lose(ann)
    assert world.realm.given_up == 3  # with the call that it was to answer
    world.send(bob, [GOODBYE, {}, "wamp.close.normal"])
    assert world.realm.given_up == 4


def test_a_violation_is_answered_with_abort_and_disposal() -> None:
    world = settled_in()
    (ann,) = world.peers
    world.violate(ann, "not JSON")
    assert take(ann) == [["ABORT", {"message": "not JSON"}, "wamp.error.protocol_violation"]]
    assert cleaned_up(world)


def test_an_abort_does_not_quote_at_length() -> None:
    world = World()
    ann = world.join()
    world.violate(ann, "x" * 5000)
    assert len(only(ann)[1]["message"]) == 200


@pytest.mark.parametrize("end", ["lose", "violate"])
def test_a_member_that_never_joined_is_ended_as_well(end: str) -> None:
    world = World()
    world.realm.left.append(lambda *_: pytest.fail("it never joined"))
    ann = world.arrive()
    getattr(world, end)(ann)
    assert cleaned_up(world)


def test_a_member_that_never_joined_does_not_take_its_namesake_along() -> None:
    world = World()
    ann, namesake = world.join(), world.arrive()
    namesake.member.session = ann.member.session
    world.lose(namesake)
    assert world.realm.members == {1: ann.member}
    assert ann.member.open


@pytest.mark.parametrize("end", ["dismiss", "abort"])
def test_a_member_ends_once(end: str) -> None:
    world = World()
    ann = world.join()
    heard: list[Any] = []
    world.realm.left.append(lambda member, *_: heard.append(member))
    world.realm.dismiss(ann.member, "wamp.close.killed")
    if end == "dismiss":
        world.realm.dismiss(ann.member, "wamp.close.killed")
    else:
        world.realm.abort(ann.member, "com.app.no", "once more")
    world.lose(ann)
    assert take(ann) == [["GOODBYE", {}, "wamp.close.killed"]]
    assert heard == [ann.member]
    assert cleaned_up(world)


def test_a_realm_that_closes_says_goodbye_to_all() -> None:
    world = World()
    ann, bob = world.joined(2)
    for who, other in ((ann, bob), (bob, ann)):
        world.register(who, f"com.app.n{who.member.session}")
        world.send(other, [CALL, 10, {}, f"com.app.n{who.member.session}"])
    take(ann)
    take(bob)
    world.realm.dismiss_all()
    goodbye = ["GOODBYE", {}, "wamp.close.system_shutdown"]
    assert take(ann) == take(bob) == [goodbye]  # which answers their calls
    assert world.is_empty()


# ---- what may arrive


@pytest.mark.parametrize(
    ("array", "why"),
    [
        ([1, "realm1", {"roles": ROLES}], "HELLO must not come in an open session"),
        ([2, 1, {"roles": {"broker": {}}}], "WELCOME must not come from a client"),
        ([4, "ticket", {}], "CHALLENGE must not come from a client"),
        ([5, "signature", {}], "AUTHENTICATE must not come in an open session"),
        ([17, 1, 1], "PUBLISHED must not come from a client"),
        ([33, 1, 1], "SUBSCRIBED must not come from a client"),
        ([35, 1], "UNSUBSCRIBED must not come from a client"),
        ([36, 1, 1, {}], "EVENT must not come from a client"),
        ([49, 1, {}], f"CANCEL: {lacking('call_canceling')}"),
        ([50, 1, {}], "RESULT must not come from a client"),
        ([65, 1, 1], "REGISTERED must not come from a client"),
        ([67, 1], "UNREGISTERED must not come from a client"),
        ([68, 1, 1, {}], "INVOCATION must not come from a client"),
        ([69, 1, {}], "INTERRUPT must not come from a client"),
        ([337, 1], "EVENT_RECEIVED belongs to a feature that was not announced"),
    ],
)
def test_what_a_client_must_not_say_is_a_violation(array: list[Any], why: str) -> None:
    world = settled_in()
    (ann,) = world.peers
    world.send(ann, array)
    assert take(ann) == [["ABORT", {"message": why}, "wamp.error.protocol_violation"]]
    assert cleaned_up(world)


# ---- refusals


def refuse(inner: Any, member: Any, message: Any) -> None:
    raise Refused("com.app.no", "because", 7, left=3)


def test_a_refusal_is_an_error_with_its_payload() -> None:
    world = World()
    ann = world.join()
    world.realm.handlers.wrap(Register, refuse)
    world.send(ann, [REGISTER, 7, {}, "com.app.p"])
    assert take(ann) == [["ERROR", 64, 7, {}, "com.app.no", ["because", 7], {"left": 3}]]
    assert ann.member.open


def test_a_refused_publish_is_silent_unless_it_asks() -> None:
    world = World()
    ann = world.join()
    world.realm.handlers.wrap(Publish, refuse)
    world.send(ann, [PUBLISH, 7, {}, "com.app.t"])
    world.send(ann, [PUBLISH, 8, {"acknowledge": True}, "com.app.t"])
    assert only(ann)[:5] == ["ERROR", 16, 8, {}, "com.app.no"]


def test_an_error_does_not_quote_at_length() -> None:
    world = World()
    ann = world.join()
    world.send(ann, [CALL, 7, {}, "x" * 5000])
    *_, error, args = only(ann)
    assert error == "wamp.error.invalid_uri"
    assert len(args[0]) == 200


def test_an_error_too_large_for_its_peer_comes_without_payload() -> None:
    world = World()
    ann = world.join(limit=512)
    world.send(ann, [CALL, 7, {}, "\u4e2d" * 5000])
    assert take(ann) == [["ERROR", 48, 7, {}, "wamp.error.invalid_uri"]]


# ---- strict


def requests(numbers: list[int]) -> list[list[Any]]:
    """Return one request of each kind, in turn, with these ids."""
    kinds: list[list[Any]] = [
        [SUBSCRIBE, {}, "com.app.t"], [REGISTER, {}, "com.app.p"],
        [PUBLISH, {}, "com.app.t"], [CALL, {}, "com.app.nobody"],
        [UNSUBSCRIBE, 99], [UNREGISTER, 99],
    ]  # fmt: skip
    chosen = [kinds[at % len(kinds)] for at in range(len(numbers))]
    return [[kind[0], number, *kind[1:]] for kind, number in zip(chosen, numbers, strict=True)]


def test_a_strict_realm_takes_requests_in_sequence_also_refused_ones() -> None:
    world = World(strict=True)
    ann = world.join()
    world.send(ann, *requests([1, 2, 3, 4, 5, 6, 7]))
    assert ann.member.open
    assert [answer[0] for answer in take(ann)] == [
        "SUBSCRIBED", "REGISTERED", "ERROR", "ERROR", "ERROR", "SUBSCRIBED"
    ]  # fmt: skip


@pytest.mark.parametrize("numbers", [[7], [2], [1, 3], [1, 1], [1, 2, 1]])
def test_a_strict_realm_ends_who_leaves_the_sequence(numbers: list[int]) -> None:
    world = World(strict=True)
    ann = world.join()
    world.send(ann, *requests(numbers))
    assert take(ann)[-1][::2] == ["ABORT", "wamp.error.protocol_violation"]
    assert cleaned_up(world)


def test_a_strict_realm_says_which_id_it_expected() -> None:
    world = World(strict=True)
    ann = world.join()
    world.send(ann, [CALL, 7, {}, "com.app.p"])
    assert only(ann)[1] == {"message": "CALL: Request must be 1, not 7"}


def test_the_sequence_begins_again_after_the_largest_id() -> None:
    world = World(strict=True)
    ann = world.join()
    ann.member.last_request = 2**53 - 1
    world.send(ann, *requests([2**53, 1, 2]))
    assert ann.member.open


def test_a_realm_becomes_strict_and_is_no_longer_while_sessions_are_there() -> None:
    world = World()
    ann, joe = world.join(), world.join()
    world.send(ann, *requests([7, 3]))
    world.realm.take_strict(True)
    world.send(joe, *requests([9, 10]))
    world.send(ann, *requests([100, 101]))
    new = world.join()
    world.send(new, *requests([2]))
    assert (ann.member.open, joe.member.open, new.member.open) == (True, True, False)
    world.send(joe, *requests([12]))
    assert not joe.member.open
    world.realm.take_strict(False)
    world.send(ann, *requests([500, 3]))
    assert ann.member.open
    world.realm.take_strict(True)
    world.send(ann, [CALL, 4, {}, "a..b"], [CALL, 6, {}, "a"])
    assert take(ann)[-1][::2] == ["ABORT", "wamp.error.protocol_violation"]


def test_by_default_ids_may_be_arbitrary() -> None:
    world = World()
    ann = world.join()
    world.send(ann, *requests([7, 3, 3]))
    assert ann.member.open


# ---- features and moments


def test_features_are_installed_after_those_they_need() -> None:
    installed: list[str] = []

    class Recorded(Feature):
        def install(self, host: Realm) -> None:
            installed.append(self.name)

    class One(Recorded):
        name, needs = "one", ("two",)

    class Two(Recorded):
        name = "two"

    assert [feature.name for feature in World(One, Two).realm.features] == installed
    assert installed == ["two", "one"]


def test_a_feature_that_lacks_another_is_refused() -> None:
    class Needy(Feature):
        name, needs = "needy", ("call_canceling",)

    with pytest.raises(UsageError, match="call_canceling"):
        World(Needy)


def test_joining_and_leaving_are_told_with_all_in_place() -> None:
    world = World()
    heard: list[Any] = []
    realm = world.realm
    ann = world.arrive()
    realm.joined.append(lambda *_: heard.append(("joined", only(ann)[0])))
    realm.left.append(
        lambda member, _, entry: heard.append(("left", world.is_empty(), member.open, entry[1]))
    )
    realm.handle(ann.member, Join())
    world.subscribe(ann, "com.app.t")
    world.send(ann, [GOODBYE, {}, "wamp.close.close_realm"])
    assert heard == [("joined", "WELCOME"), ("left", True, False, "wamp.close.close_realm")]
