from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, ERROR, PUBLISH, YIELD, Peer, World, only, take
from wamplite.advanced.payload_passthru_mode import ForRouter
from wamplite.core.feature import announced
from wamplite.core.messages import Result

NAME = "payload_passthru_mode"
PPT = {
    "ppt_scheme": "x_app",
    "ppt_serializer": "custom",
    "ppt_cipher": "custom",
    "ppt_keyid": "key/1",
}
ABLE = {
    role: {"features": {NAME: True}} for role in ("publisher", "subscriber", "caller", "callee")
}


def a_world(one: Any = ABLE, other: Any = ABLE) -> tuple[World, Peer, Peer]:
    world = World(ForRouter)
    ann, bob = world.join(**one), world.join(**other)
    world.register(ann, "com.app.p")
    world.subscribe(ann, "com.app.t")
    return world, ann, bob


def without(role: str) -> dict[str, Any]:
    return {**ABLE, role: {}}


def test_it_is_announced_by_broker_and_dealer() -> None:
    expected = {"features": {NAME: True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {
        "broker": expected,
        "dealer": expected,
    }


@pytest.mark.parametrize("options", [PPT, {"ppt_scheme": "mqtt"}])
@pytest.mark.parametrize("payload", [[b"sealed"], b"sealed"])
def test_what_is_sealed_goes_through_with_its_keys(options: dict[str, Any], payload: Any) -> None:
    world, ann, bob = a_world()
    world.send(bob, [PUBLISH, 1, options, "com.app.t", payload])
    assert only(ann)[3:] == [options, [b"sealed"]]
    world.send(bob, [CALL, 2, options, "com.app.p", payload], [CALL, 3, {}, "com.app.p"])
    assert [message[3:] for message in take(ann)] == [[options, [b"sealed"]], [{}]]
    world.send(ann, [YIELD, 1, options, payload], [ERROR, 68, 2, options, "com.app.no", payload])
    assert take(bob) == [
        ["RESULT", 2, options, [b"sealed"]],
        ["ERROR", 48, 3, options, "com.app.no", [b"sealed"]],
    ]


@pytest.mark.parametrize("options", [PPT, {"ppt_keyid": "a", "ppt_scheme": "b"}])
@pytest.mark.parametrize(
    ("message", "role"),
    [([PUBLISH, 1, "com.app.t"], "publisher"), ([CALL, 1, "com.app.p"], "caller")],
)
def test_a_sender_that_did_not_announce_it_breaks_the_protocol(
    message: list[Any], role: str, options: dict[str, Any]
) -> None:
    for payload in ([b"sealed"], b"sealed"):
        world, ann, bob = a_world(other=without(role))
        world.send(bob, [*message[:2], options, message[2], payload])
        assert only(bob)[2] == "wamp.error.protocol_violation"
        assert take(ann) == []


@pytest.mark.parametrize("payload", [[b"sealed"], b"sealed"])
def test_a_procedure_of_the_router_is_not_asked_what_it_cannot_read(payload: Any) -> None:
    world, _, bob = a_world()
    poor = world.join(**without("caller"))
    world.realm.procedures["com.app.own"] = lambda caller, call: pytest.fail("it was called")
    world.send(bob, [CALL, 2, PPT, "com.app.own", payload])
    assert only(bob)[4] == "wamp.error.feature_not_supported"
    world.send(poor, [CALL, 1, PPT, "com.app.own", payload])
    assert only(poor)[2] == "wamp.error.protocol_violation"


def test_a_scheme_of_no_name_is_none() -> None:
    world, ann, bob = a_world(one={}, other={})
    empty = {"ppt_scheme": ""}
    world.realm.procedures["com.app.own"] = lambda caller, call: Result(call.request, {}, [5])
    world.send(bob, [PUBLISH, 1, empty, "com.app.t", [1]], [CALL, 2, empty, "com.app.p", [2]])
    assert [message[3:] for message in take(ann)] == [[{}, [1]], [{}, [2]]]
    world.send(ann, [YIELD, 1, empty, [3]])
    world.send(bob, [CALL, 3, empty, "com.app.own"])
    assert take(bob) == [["RESULT", 2, {}, [3]], ["RESULT", 3, {}, [5]]]


@pytest.mark.parametrize("options", [{"enc_algo": "cryptobox"}, {"ppt_scheme": ""}])
@pytest.mark.parametrize("kind", [PUBLISH, CALL, YIELD, ERROR])
def test_nothing_passes_unread_that_the_receiver_would_not_be_told_of(
    kind: int, options: dict[str, Any]
) -> None:
    world, ann, bob = a_world()
    sender, receiver = (bob, ann) if kind in (PUBLISH, CALL) else (ann, bob)
    world.send(bob, [CALL, 1, {}, "com.app.p"])
    take(ann)
    said: dict[int, list[Any]] = {
        PUBLISH: [PUBLISH, 2, options, "com.app.t", b"sealed"],
        CALL: [CALL, 2, options, "com.app.p", b"sealed"],
        YIELD: [YIELD, 1, options, b"sealed"],
        ERROR: [ERROR, 68, 1, options, "com.app.no", b"sealed"],
    }
    world.send(sender, said[kind])
    assert only(sender)[2] == "wamp.error.protocol_violation"
    assert b"sealed" not in [part for message in take(receiver) for part in message]


@pytest.mark.parametrize("answer", [[YIELD, 1, PPT, [b""]], [ERROR, 68, 1, PPT, "com.app.no"]])
def test_a_callee_that_did_not_announce_it_must_not_seal_its_answer(answer: list[Any]) -> None:
    world, ann, bob = a_world(one=without("callee"))
    world.send(bob, [CALL, 1, {}, "com.app.p"])
    take(ann)
    world.send(ann, answer)
    assert only(ann)[2] == "wamp.error.protocol_violation"
    assert only(bob)[4] == "wamp.error.canceled"


def test_a_callee_that_could_not_read_it_is_not_asked() -> None:
    world, ann, bob = a_world(one=without("callee"))
    world.send(bob, [CALL, 1, PPT, "com.app.p", [b""]])
    assert only(bob)[4] == "wamp.error.feature_not_supported"
    assert take(ann) == []


@pytest.mark.parametrize("answer", [[YIELD, 1, PPT, [b""]], [ERROR, 68, 1, PPT, "com.app.no"]])
def test_a_caller_that_could_not_read_the_answer_is_told_so(answer: list[Any]) -> None:
    world, ann, bob = a_world(other=without("caller"))
    world.send(bob, [CALL, 1, {}, "com.app.p"])
    world.send(ann, answer, answer)
    assert only(bob)[4] == "wamp.error.feature_not_supported"
    assert ann.member.open


def test_an_answer_that_is_not_sealed_is_anybodys() -> None:
    world, ann, bob = a_world(one={}, other={})
    world.send(bob, [CALL, 1, {}, "com.app.p"], [CALL, 2, {}, "com.app.p"])
    world.send(ann, [YIELD, 1, {}, [5]], [ERROR, 68, 2, {}, "com.app.no"])
    assert take(bob) == [["RESULT", 1, {}, [5]], ["ERROR", 48, 2, {}, "com.app.no"]]
