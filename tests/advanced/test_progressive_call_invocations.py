from __future__ import annotations

from typing import Any

import pytest

from tests.core.test_conversation import Talk
from tests.core.world import CALL, YIELD, Peer, World, only, take
from wamplite.advanced import call_canceling, concurrency, shared_registration
from wamplite.advanced.progressive_call_invocations import GRACE, ForClient, ForRouter
from wamplite.core.feature import Floor, Refused, announced
from wamplite.core.grammar import State
from wamplite.core.messages import Call, Result
from wamplite.core.unfit import Unfit

KEYS = ("progressive_call_invocations", "call_canceling")
ABLE = {"features": dict.fromkeys(KEYS, True)}
PROGRESS = {"progress": True}
P = "com.app.p"


def a_world(*features: Any, strict: bool = False, **roles: Any) -> tuple[World, Peer, Peer]:
    world = World(call_canceling.ForRouter, ForRouter, *features, strict=strict)
    roles = {"callee": ABLE, "caller": ABLE, **roles}
    callee, caller = world.join(callee=roles["callee"]), world.join(caller=roles["caller"])
    world.register(callee, P)
    return world, callee, caller


def test_it_is_announced_by_the_dealer() -> None:
    expected = {"features": {"progressive_call_invocations": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": {}, "dealer": expected}


@pytest.mark.parametrize("strict", [False, True])
def test_all_parts_go_on_under_one_invocation(strict: bool) -> None:
    world, callee, caller = a_world(strict=strict)
    world.send(caller, [CALL, 1, PROGRESS, P, [0]], [CALL, 2, {}, P, ["other"]])
    world.send(caller, [CALL, 1, PROGRESS, P, [1], {"n": 1}], [CALL, 1, {}, P, ["last"]])
    assert take(callee) == [
        ["INVOCATION", 1, 1, PROGRESS, [0]],
        ["INVOCATION", 2, 1, {}, ["other"]],
        ["INVOCATION", 1, 1, PROGRESS, [1], {"n": 1}],
        ["INVOCATION", 1, 1, {}, ["last"]],
    ]
    world.send(callee, [YIELD, 1, {}, ["sum"]])
    assert take(caller) == [["RESULT", 1, {}, ["sum"]]]


def test_a_caller_that_did_not_announce_it_breaks_the_protocol() -> None:
    world, callee, caller = a_world(caller={})
    world.send(caller, [CALL, 1, PROGRESS, P])
    assert only(caller)[2] == "wamp.error.protocol_violation"
    assert take(callee) == []


@pytest.mark.parametrize("lacks", KEYS)
def test_a_callee_that_lacks_a_part_cannot_be_called_so(lacks: str) -> None:
    world, _, caller = a_world(callee={"features": {key: key != lacks for key in KEYS}})
    world.send(caller, [CALL, 1, PROGRESS, P])
    error = only(caller)
    assert error[4] == "wamp.error.feature_not_supported" and lacks in error[5][0]


def test_parts_stay_with_their_callee_whatever_the_policy() -> None:
    world, _, caller = a_world(shared_registration.ForRouter)
    callees = [world.join(callee=ABLE) for _ in range(2)]
    for callee in callees:
        world.register(callee, "com.app.shared", invoke="roundrobin")
    for request in (1, 2):
        world.send(caller, [CALL, request, PROGRESS, "com.app.shared"])
    world.send(caller, [CALL, 1, {}, "com.app.shared"], [CALL, 2, {}, "com.app.shared"])
    assert [[message[1] for message in take(callee)] for callee in callees] == [[1, 1], [1, 1]]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("end", ["answer", "cancel", "callee gone"])
def test_a_part_that_comes_late_is_dropped(end: str, strict: bool) -> None:
    world, callee, caller = a_world(strict=strict)
    world.send(caller, [CALL, 1, PROGRESS, P])
    if end == "answer":
        world.send(callee, [YIELD, 1, {}])
    elif end == "cancel":
        world.send(caller, [49, 1, {"mode": "killnowait"}])
    else:
        world.lose(callee)
    take(caller), take(callee)
    world.send(caller, [CALL, 1, PROGRESS, P], [CALL, 1, {}, P])
    assert take(caller) == [] and take(callee) == [] and caller.member.open


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("procedure", ["com.app.nobody", "com.app.poor", "com.app.own"])
def test_parts_of_a_call_that_was_refused_are_dropped(procedure: str, strict: bool) -> None:
    world, callee, caller = a_world(strict=strict, callee=ABLE)
    world.register(world.join(), "com.app.poor")  # it announced nothing
    world.realm.procedures["com.app.own"] = lambda caller, call: pytest.fail("it was called")
    world.send(caller, *[[CALL, 1, options, procedure] for options in (PROGRESS, PROGRESS, {})])
    wanted = "no_such_procedure" if procedure == "com.app.nobody" else "feature_not_supported"
    assert only(caller)[:5] == ["ERROR", 48, 1, {}, f"wamp.error.{wanted}"]
    world.send(caller, [CALL, 2, {}, P])
    assert only(callee)[:2] == ["INVOCATION", 1]


def test_a_procedure_of_the_router_takes_a_call_that_says_it_is_whole() -> None:
    world, _, caller = a_world()
    world.realm.procedures["com.app.own"] = lambda caller, call: Result(call.request, {}, [5])
    world.send(caller, [CALL, 1, {"progress": False}, "com.app.own"])
    assert only(caller) == ["RESULT", 1, {}, [5]]


def test_a_caller_that_did_not_announce_it_breaks_the_protocol_whomever_it_calls() -> None:
    world, _, caller = a_world(caller={})
    world.realm.procedures["com.app.own"] = lambda caller, call: pytest.fail("it was called")
    world.send(caller, [CALL, 1, PROGRESS, "com.app.nobody"], [CALL, 1, {}, "com.app.nobody"])
    assert [answer[4] for answer in take(caller)] == 2 * ["wamp.error.no_such_procedure"]
    world.send(caller, [CALL, 2, PROGRESS, "com.app.own"])
    assert only(caller)[2] == "wamp.error.protocol_violation"


@pytest.mark.parametrize(
    "part",
    [
        [CALL, 1, {}, "com.app.other"],  # another procedure
        [CALL, 2, PROGRESS, P],  # of a call that is not in parts
        [CALL, 2, {}, P],
    ],
)
def test_a_part_that_continues_nothing_is_a_violation(part: list[Any]) -> None:
    world, _, caller = a_world()
    world.send(caller, [CALL, 1, PROGRESS, P], [CALL, 2, {}, P], part)
    assert take(caller)[-1][2] == "wamp.error.protocol_violation"


def test_after_the_last_part_there_is_none() -> None:
    world, _, caller = a_world()
    world.send(caller, [CALL, 1, PROGRESS, P], [CALL, 1, {}, P], [CALL, 1, {}, P])
    assert only(caller)[2] == "wamp.error.protocol_violation"


def test_a_strict_realm_still_wants_its_sequence() -> None:
    world, _, caller = a_world(strict=True)
    world.send(caller, [CALL, 1, PROGRESS, P], [CALL, 3, {}, P])
    assert only(caller)[1]["message"] == "CALL: Request must be 2, not 3"


def test_only_the_last_calls_in_parts_are_remembered_and_none_of_who_left() -> None:
    world, callee, caller = a_world()
    for request in range(1, GRACE + 3):
        world.send(caller, [CALL, request, PROGRESS, P])
        world.send(callee, [YIELD, request, {}])
    (feature,) = [each for each in world.realm.features if each.name == KEYS[0]]
    remembered = feature.ended[caller.member]  # type: ignore[attr-defined]
    assert len(remembered) == GRACE and 2 not in remembered
    world.lose(caller)
    assert not feature.ended  # type: ignore[attr-defined]
    world.lose(callee)
    assert world.is_empty()


def test_a_caller_that_leaves_amid_its_parts_has_the_callee_interrupted() -> None:
    world, callee, caller = a_world()
    world.send(caller, [CALL, 1, PROGRESS, P])
    take(callee)
    world.lose(caller)
    assert take(callee) == [["INTERRUPT", 1, {"mode": "killnowait"}]]


def test_a_part_that_is_too_large_ends_the_call() -> None:
    world, _, caller = a_world()
    small = world.join(limit=700, callee=ABLE)
    world.register(small, "com.app.small")
    world.send(caller, [CALL, 1, PROGRESS, "com.app.small"])
    world.send(caller, [CALL, 1, PROGRESS, "com.app.small", ["x" * 1000]])
    assert only(caller)[4] == "wamp.error.payload_size_exceeded"
    assert [message[0] for message in take(small)] == ["INVOCATION", "INTERRUPT"]


def test_an_unfit_part_ends_the_call_once() -> None:
    world, callee, caller = a_world()
    world.send(caller, [CALL, 1, PROGRESS, P])
    world.realm.handle(caller.member, Unfit(Call(1, PROGRESS, P), "too deep"))
    assert only(caller)[4:] == ["wamp.error.invalid_argument", ["too deep"]]
    assert [message[0] for message in take(callee)] == ["INVOCATION", "INTERRUPT"]
    world.send(callee, [YIELD, 1, {}])
    world.send(caller, [CALL, 1, {}, P])
    assert take(caller) == take(callee) == []


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("options", [PROGRESS, {}])
def test_a_part_that_is_refused_ends_the_call_once(options: Any, strict: bool) -> None:
    world, callee, caller = a_world(strict=strict)

    def guard(inner: Any, member: Any, call: Any) -> None:
        if call.args == ["secret"]:
            raise Refused("wamp.error.not_authorized", "no", why=5)
        inner(member, call)

    world.realm.handlers.wrap(Call, guard, Floor.AUTHORIZATION)
    world.send(caller, [CALL, 1, PROGRESS, P], [CALL, 1, options, P, ["secret"]])
    assert only(caller) == ["ERROR", 48, 1, {}, "wamp.error.not_authorized", ["no"], {"why": 5}]
    assert [message[0] for message in take(callee)] == ["INVOCATION", "INTERRUPT"]
    world.send(callee, [YIELD, 1, {}, ["late"]])
    world.send(caller, [CALL, 1, PROGRESS, P, ["secret"]], [CALL, 1, PROGRESS, P])
    world.realm.handle(caller.member, Unfit(Call(1, PROGRESS, P), "too deep"))
    world.send(caller, [CALL, 2, {}, P])
    assert take(caller) == []
    assert only(callee)[:2] == ["INVOCATION", 2]


def test_a_call_that_says_it_has_no_parts_is_a_plain_one() -> None:
    world, callee, caller = a_world(callee={}, caller={})
    world.send(caller, [CALL, 1, {"progress": False}, P])
    assert take(callee) == [["INVOCATION", 1, 1, {}]]


def test_a_part_that_comes_before_a_callee_is_free_ends_the_call() -> None:
    world, callee, caller = a_world(concurrency.ForRouter)
    world.register(callee, "com.app.busy", concurrency=1)
    world.send(caller, [CALL, 1, {}, "com.app.busy"])
    take(callee)
    world.send(caller, *[[CALL, 2, PROGRESS, "com.app.busy", [part]] for part in (0, 1)])
    text = "a further part came before a callee was free"
    assert take(caller) == [["ERROR", 48, 2, {}, "wamp.error.unavailable", [text]]]
    world.send(callee, [YIELD, 1, {}])
    world.time.tick()
    assert take(callee) == []


# ---- the client's half


def serving() -> tuple[Talk, list[Any]]:
    """Return a client that serves invocation 1, in parts, and a list of the further ones."""
    talk, more = Talk(call_canceling.ForClient, ForClient), []
    talk.conversation.go_on = more.append
    talk.register()
    talk.hear([68, 1, 90, PROGRESS, [0]])
    return talk, more


def test_a_client_hands_further_parts_to_what_serves_the_first() -> None:
    talk, more = serving()
    talk.hear([68, 2, 90, {}, ["other"]], [68, 1, 90, PROGRESS, [1]], [68, 1, 90, {}, [2]])
    assert talk.served == [("me", 1), ("me", 2)]
    assert [part.args for part in more] == [[1], [2]]


def test_a_part_for_a_call_that_was_answered_is_dropped() -> None:
    talk, more = serving()
    talk.conversation.reply(1, ["early"])
    talk.hear([68, 1, 90, {}, [1]])
    assert talk.said() == [["YIELD", 1, {}, ["early"]]]
    assert more == [] and talk.served == [("me", 1)] and talk.state is State.OPEN


def test_a_part_of_a_call_without_parts_is_a_violation() -> None:
    talk, more = serving()
    talk.hear([68, 2, 90, {}], [68, 2, 90, {}])
    assert talk.said()[-1][2] == "wamp.error.protocol_violation" and more == []
