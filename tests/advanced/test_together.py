"""What the specification says of two features at a time: one message, both of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.core.world import CALL, ERROR, PUBLISH, REGISTER, YIELD, Peer, World, only, take
from wamplite.advanced import (
    call_canceling,
    call_reroute,
    call_timeout,
    caller_identification,
    concurrency,
    event_history,
    event_retention,
    force_reregister,
    pattern_based_registration,
    pattern_based_subscription,
    payload_passthru_mode,
    progressive_call_invocations,
    progressive_call_results,
    publisher_exclusion,
    publisher_identification,
    registration_revocation,
    session_meta_api,
    shared_registration,
    subscriber_blackwhite_listing,
    testament_meta_api,
)

P, T = "com.app.p", "com.app.t"
PROGRESS = {"progress": True}
SEALED = {"ppt_scheme": "x_app", "ppt_serializer": "custom", "ppt_cipher": "c", "ppt_keyid": "7"}
UNAVAILABLE = [ERROR, 68, 1, {}, "wamp.error.unavailable"]
TIMEOUT = ["ERROR", 48, 10, {}, "wamp.error.timeout", ["the call took longer than 400 ms"]]
PARTS = (call_canceling, progressive_call_invocations)


def a_world(*modules: Any) -> World:
    return World(*(module.ForRouter for module in modules))


def able(*modules: Any) -> dict[str, Any]:
    """Return the roles of a peer that announces these features for each of them."""
    names = [module.ForRouter.name for module in modules]
    roles = ("publisher", "subscriber", "caller", "callee")
    return {role: {"features": dict.fromkeys(names, True)} for role in roles}


def callees_of(world: World, number: int, roles: dict[str, Any], **options: Any) -> list[Peer]:
    callees = [world.join(**roles) for _ in range(number)]
    for callee in callees:
        world.register(callee, P, **options)
    return callees


# ---- arguments in parts


RICH = (
    *PARTS,
    caller_identification,
    call_timeout,
    pattern_based_registration,
    payload_passthru_mode,
    progressive_call_results,
)


def a_rich_world() -> tuple[World, Peer, Peer]:
    """Return a world in which INVOCATION has much to tell, a callee and a caller."""
    world = a_world(*RICH)
    callee, caller = world.join(**able(*RICH)), world.join(**able(*RICH))
    world.register(callee, "com.app", match="prefix", forward_timeout=True)
    return world, callee, caller


def test_the_options_of_the_first_part_count_for_all_and_each_invocation_tells_so() -> None:
    world, callee, caller = a_rich_world()
    asked = {"disclose_me": True, "receive_progress": True, "timeout": 400, **SEALED}
    other = {"disclose_me": False, "timeout": 9, "receive_progress": False, "ppt_scheme": "x_no"}
    world.send(caller, [CALL, 1, {**PROGRESS, **asked}, P, [b"0"]])
    world.send(caller, [CALL, 1, PROGRESS, P, [b"1"]], [CALL, 1, other, P, [b"2"]])
    told = {
        "caller": 2, "caller_authid": "peer2", "caller_authrole": "anonymous",
        "procedure": P, "receive_progress": True, "timeout": 400, **SEALED,
    }  # fmt: skip
    assert take(callee) == [
        ["INVOCATION", 1, 1, {**told, **PROGRESS}, [b"0"]],
        ["INVOCATION", 1, 1, {**told, **PROGRESS}, [b"1"]],
        ["INVOCATION", 1, 1, told, [b"2"]],
    ]


def test_options_of_a_later_part_ask_for_nothing() -> None:
    world, callee, caller = a_rich_world()
    asked = {"disclose_me": True, "receive_progress": True, "timeout": 400, **SEALED}
    world.send(caller, [CALL, 1, PROGRESS, P], [CALL, 1, asked, P])
    told = {"procedure": P}
    assert [message[3] for message in take(callee)] == [{**told, **PROGRESS}, told]
    assert not world.time.timers


@pytest.mark.parametrize("scheme", [{"ppt_scheme": "x_app"}, {}])
def test_a_part_may_be_one_binary_and_the_first_tells_how_all_are_sealed(
    scheme: dict[str, str],
) -> None:
    world, callee, caller = a_rich_world()
    world.send(caller, [CALL, 1, {**PROGRESS, **scheme}, P, [b"0"]])
    world.send(caller, [CALL, 1, {**PROGRESS, "ppt_scheme": "x_app"}, P, b"1"])
    told = {"procedure": P, **PROGRESS, **scheme}
    assert [message[3:] for message in take(callee)] == [[told, [b"0"]], [told, [b"1"]]]


def test_a_part_that_is_one_binary_is_of_who_announced_that() -> None:
    world, callee, _ = a_rich_world()
    caller = world.join(**able(*PARTS))
    world.send(caller, [CALL, 1, PROGRESS, P, [0]])
    take(callee)
    world.send(caller, [CALL, 1, {**PROGRESS, "ppt_scheme": "x_app"}, P, b"1"])
    assert only(caller)[2] == "wamp.error.protocol_violation"
    assert [message[0] for message in take(callee)] == ["INTERRUPT"]


def test_a_call_in_parts_is_not_sent_on_to_another_callee() -> None:
    world = a_world(*PARTS, shared_registration, call_reroute)
    roles = able(*PARTS, call_reroute)
    first, second = callees_of(world, 2, roles, invoke="first")
    caller = world.join(**roles)
    world.send(caller, [CALL, 1, PROGRESS, P], [CALL, 1, {}, P])
    world.send(first, UNAVAILABLE)
    assert take(second) == []  # it would have got the first part only
    assert only(caller)[4] == "wamp.error.unavailable"


# ---- calls that are sent on


def test_a_call_that_was_canceled_is_sent_on_to_nobody() -> None:
    modules = (call_canceling, shared_registration, call_reroute)
    world = a_world(*modules)
    first, second = callees_of(world, 2, able(*modules), invoke="first")
    caller = world.join()
    world.send(caller, [CALL, 1, {}, P], [49, 1, {"mode": "kill"}])
    world.send(first, UNAVAILABLE)
    assert take(second) == []
    assert only(caller)[4] == "wamp.error.unavailable"


@pytest.mark.parametrize("first", [True, False])
def test_one_side_keeps_the_time_whoever_gets_the_call(first: bool) -> None:
    modules = (call_canceling, call_timeout, shared_registration, call_reroute)
    world = a_world(*modules)
    callees, caller = [world.join(**able(*modules)) for _ in range(2)], world.join()
    for callee, forwards in zip(callees, (first, not first), strict=True):
        world.register(callee, P, invoke="first", forward_timeout=forwards)
    world.send(caller, [CALL, 10, {"timeout": 400}, P])
    assert ("timeout" in only(callees[0])[3]) is first
    world.time.tick(0.1)
    world.send(callees[0], UNAVAILABLE)
    assert only(callees[1])[3] == {}  # the dealer keeps it, from now on or from the first
    world.time.tick(0.39 if first else 0.29)
    assert take(caller) == []
    world.time.tick(0.01)
    assert take(caller) == [TIMEOUT] and not world.time.timers
    assert take(callees[1]) == [["INTERRUPT", 1, {"mode": "killnowait"}]]


def test_the_next_callee_may_keep_the_time_as_the_one_before() -> None:
    modules = (call_timeout, shared_registration, call_reroute)
    world = a_world(*modules)
    first, second = callees_of(world, 2, able(*modules), invoke="first", forward_timeout=True)
    world.send(world.join(), [CALL, 10, {"timeout": 400}, P])
    world.send(first, UNAVAILABLE)
    assert only(second)[3] == {"timeout": 400} and not world.time.timers


def test_of_a_call_that_waits_for_a_callee_the_dealer_keeps_the_time() -> None:
    world = a_world(call_timeout, concurrency)
    (callee,) = callees_of(world, 1, able(call_timeout), concurrency=1, forward_timeout=True)
    caller = world.join()
    for request, timeout in ((8, 0), (9, 300), (10, 400)):
        world.send(caller, [CALL, request, {"timeout": timeout}, P])
    assert len(take(callee)) == 1
    world.time.tick(0.3)
    assert only(caller)[2:5] == [9, {}, "wamp.error.timeout"]
    world.send(callee, [YIELD, 1, {}])
    world.time.tick()
    assert only(callee)[:4] == ["INVOCATION", 2, 1, {}]
    take(caller)
    world.time.tick(0.1)
    assert take(caller) == [TIMEOUT]


def test_who_calls_and_what_is_told_to_the_next_callee_too() -> None:
    modules = (
        caller_identification,
        pattern_based_registration,
        shared_registration,
        call_reroute,
    )
    world = a_world(*modules)
    callees, caller = [world.join(**able(*modules)) for _ in range(2)], world.join()
    for callee in callees:
        world.register(callee, "com.app", match="prefix", invoke="roundrobin")
    world.send(caller, [CALL, 1, {"disclose_me": True}, P])
    first = only(callees[0])
    world.send(callees[0], UNAVAILABLE)
    assert only(callees[1])[3] == first[3]
    assert first[3]["procedure"] == P and first[3]["caller"] == 3


# ---- partial results


def test_partial_results_that_were_not_asked_for_prolong_nothing() -> None:
    modules = (call_canceling, progressive_call_results, call_timeout)
    world = a_world(*modules)
    (callee,) = callees_of(world, 1, able(call_canceling, progressive_call_results))
    caller = world.join()
    for request, asked in ((9, True), (10, False)):
        world.send(caller, [CALL, request, {"timeout": 400, "receive_progress": asked}, P])
    for _ in range(2):
        world.time.tick(0.3)
        for invocation in (1, 2):
            world.send(callee, [YIELD, invocation, PROGRESS])
    answers = [answer[:2] if answer[0] == "RESULT" else answer for answer in take(caller)]
    assert answers == [["RESULT", 9], TIMEOUT, ["RESULT", 9]]


def test_a_partial_result_may_be_sealed() -> None:
    modules = (call_canceling, progressive_call_results, payload_passthru_mode)
    world = a_world(*modules)
    (callee,) = callees_of(world, 1, able(*modules))
    caller = world.join(**able(*modules))
    world.send(caller, [CALL, 10, {"receive_progress": True}, P])
    world.send(callee, [YIELD, 1, {**SEALED, **PROGRESS}, [b"1"]], [YIELD, 1, SEALED, [b"2"]])
    assert take(caller) == [
        ["RESULT", 10, {**SEALED, **PROGRESS}, [b"1"]],
        ["RESULT", 10, SEALED, [b"2"]],
    ]


# ---- registrations


def test_a_pattern_may_be_shared_and_is_another_registration_than_the_uri() -> None:
    world = a_world(pattern_based_registration, shared_registration)
    callees, caller = world.joined(2), world.join()
    numbers = {world.register(c, "com.app", match="prefix", invoke="last") for c in callees}
    assert numbers == {1}
    world.send(callees[0], [REGISTER, 7, {"invoke": "first"}, "com.app"])
    assert only(callees[0]) == ["REGISTERED", 7, 2]
    world.send(callees[0], [REGISTER, 8, {"match": "prefix", "invoke": "first"}, "com.app"])
    assert only(callees[0])[4] == "wamp.error.procedure_already_exists"
    world.send(caller, [CALL, 1, {}, P])
    assert take(callees[0]) == []
    assert only(callees[1]) == ["INVOCATION", 1, 1, {"procedure": P}]


@pytest.mark.parametrize("announced", [True, False])
def test_who_loses_a_procedure_by_force_is_told_where_it_announced_that(announced: bool) -> None:
    world = a_world(force_reregister, registration_revocation)
    before = world.join(**(able(registration_revocation) if announced else {"callee": {}}))
    now = world.join()
    world.register(before, P)
    world.register(now, P, force_reregister=True)
    reason = {"registration": 1, "reason": "wamplite.close.reregistered"}
    assert take(before) == ([["UNREGISTERED", 0, reason]] if announced else [])


# ---- events


def test_what_says_who_gets_an_event_holds_for_each_subscription_that_it_finds() -> None:
    world = a_world(pattern_based_subscription, publisher_exclusion, subscriber_blackwhite_listing)
    ann, bob = world.joined(2)
    for peer in (ann, bob):
        world.subscribe(peer, T)
        world.subscribe(peer, "com", match="prefix")
        world.subscribe(peer, "com..t", match="wildcard")
    for options, reached in (
        ({"exclude_me": False}, [3, 3]),
        ({}, [0, 3]),
        ({"exclude_me": False, "exclude": [1]}, [0, 3]),
        ({"exclude_me": False, "eligible_authid": ["peer1"]}, [3, 0]),
    ):
        world.send(ann, [PUBLISH, 2, options, T])
        assert [len(take(peer)) for peer in (ann, bob)] == reached


EVENTS = (
    event_retention,
    partial(event_history.ForRouter, ["prefix:com.app"]),
    payload_passthru_mode,
    pattern_based_subscription,
    publisher_identification,
    subscriber_blackwhite_listing,
)


@pytest.mark.parametrize("payload", [[b"sealed"], b"sealed"])
def test_what_is_kept_tells_who_published_it_and_how_it_is_sealed(payload: Any) -> None:
    world = World(*(getattr(each, "ForRouter", each) for each in EVENTS))
    late, publisher = world.join(), world.join(**able(payload_passthru_mode))
    options = {"retain": True, "disclose_me": True, **SEALED}
    world.send(publisher, [PUBLISH, 1, options, T, payload])
    told = {
        "publisher": 2, "publisher_authid": "peer2", "publisher_authrole": "anonymous",
        "topic": T, **SEALED,
    }  # fmt: skip
    world.send(late, [32, 1, {"match": "prefix", "get_retained": True}, "com.app"])
    subscribed, event = take(late)
    assert subscribed == ["SUBSCRIBED", 1, 1]
    assert event[3:] == [{**told, "retained": True}, [b"sealed"]]
    world.send(late, [CALL, 2, {}, "wamp.subscription.get_events", [1]])
    (past,) = only(late)[3]
    assert (past["details"], past["args"]) == (told, [b"sealed"])


@pytest.mark.parametrize("payload", [[b"sealed"], b"sealed"])
def test_what_is_sealed_outlives_the_router(payload: Any, tmp_path: Path) -> None:
    retention = partial(event_retention.ForRouter, file=str(tmp_path / "retained.db"))
    history = partial(event_history.ForRouter, ["prefix:"], file=str(tmp_path / "history.db"))
    worlds = []
    for _ in range(2):
        world = World(retention, history, payload_passthru_mode.ForRouter)
        worlds.append(world)
        if len(worlds) == 1:
            publisher = world.join(**able(payload_passthru_mode))
            world.send(publisher, [PUBLISH, 1, {"retain": True, **SEALED}, T, payload])
        for feature in world.realm.features:
            feature.close()
    _, late = worlds[1].joined(2)
    worlds[1].send(late, [32, 1, {"get_retained": True}, T])
    assert take(late)[1][3:] == [{**SEALED, "retained": True}, [b"sealed"]]
    worlds[1].send(late, [CALL, 2, {}, "wamp.subscription.get_events", [1]])
    (past,) = only(late)[3]
    assert (past["details"], past["args"]) == (SEALED, [b"sealed"])


@pytest.mark.parametrize("how", ["lost", "kill", "kill_by_authid", "kill_by_authrole"])
def test_a_testament_may_be_retained_tell_who_left_and_be_for_some(how: str) -> None:
    modules = (
        testament_meta_api,
        session_meta_api,
        event_retention,
        publisher_identification,
        subscriber_blackwhite_listing,
    )
    world = a_world(*modules)
    ann, bob, cat = world.joined(3)
    ann.member.identity = ann.identity._replace(authrole="user")
    for peer in (bob, cat):
        world.subscribe(peer, T)
    options = {"retain": True, "disclose_me": True, "exclude_authid": ["peer3"]}
    add = [CALL, 1, {}, "wamp.session.add_testament", [T, ["gone"], {}]]
    world.send(ann, [*add, {"publish_options": options}])
    if how == "lost":
        world.lose(ann)
    else:
        whom = {"kill": 1, "kill_by_authid": "peer1", "kill_by_authrole": "user"}[how]
        world.send(cat, [CALL, 1, {}, f"wamp.session.{how}", [whom]])
        assert only(cat)[0] == "RESULT"
    told = {"publisher": 1, "publisher_authid": "peer1", "publisher_authrole": "user"}
    assert only(bob)[3:] == [told, ["gone"]]
    assert take(cat) == []
    world.send(bob, [32, 2, {"get_retained": True}, T])
    assert take(bob)[1][3:] == [{**told, "retained": True}, ["gone"]]
