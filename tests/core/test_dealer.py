from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import (
    CALL,
    ERROR,
    GOODBYE,
    INVOCATION,
    REGISTER,
    UNREGISTER,
    YIELD,
    Peer,
    World,
    only,
    take,
)
from wamplite.core.feature import Refused, lacking
from wamplite.core.matching import ExactMatch

LEFT = ["ERROR", 48, 10, {}, "wamp.error.canceled", ["the callee has left"]]


def in_service(*, max_calls: int = 1024, caller_limit: int | None = None) -> tuple[Any, ...]:
    """Return a world, a callee that serves com.app.p, and a caller."""
    world = World(max_calls=max_calls)
    callee, caller = world.join(), world.join(limit=caller_limit)
    world.register(callee, "com.app.p")
    return world, callee, caller


def called(world: World, callee: Peer, caller: Peer, request: int = 10) -> int:
    """Call com.app.p and return INVOCATION.Request."""
    world.send(caller, [CALL, request, {}, "com.app.p"])
    return int(only(callee)[1])


def refuse(draft: Any, value: Any) -> None:
    raise Refused("com.app.no", "not with this option")


# ---- REGISTER, UNREGISTER


def test_a_registration_is_answered_with_its_id() -> None:
    world = World()
    ann = world.join()
    world.send(ann, [REGISTER, 7, {}, "com.app.p"])
    assert take(ann) == [["REGISTERED", 7, 1]]


@pytest.mark.parametrize("same", [True, False])
def test_a_procedure_is_registered_once(same: bool) -> None:
    world = World()
    ann, bob = world.joined(2)
    world.register(ann, "com.app.p")
    second = ann if same else bob
    world.send(second, [REGISTER, 7, {}, "com.app.p"])
    assert take(second) == [
        ["ERROR", 64, 7, {}, "wamp.error.procedure_already_exists",
         ["'com.app.p' is registered already"]]
    ]  # fmt: skip


@pytest.mark.parametrize("procedure", ["", "a..b", "a.", "a b", "a#", "a\n", "wamp.session.list"])
def test_a_procedure_that_cannot_be_registered_is_refused(procedure: str) -> None:
    world = World()
    ann = world.join()
    world.send(ann, [REGISTER, 7, {}, procedure])
    assert only(ann)[:5] == ["ERROR", 64, 7, {}, "wamp.error.invalid_uri"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"match": "prefix"}, "wamp.error.feature_not_supported"),
        ({"match": "regex"}, "wamp.error.invalid_argument"),
        ({"invoke": "roundrobin"}, "wamp.error.feature_not_supported"),
        ({"invoke": "nobody"}, "wamp.error.invalid_argument"),
        ({"no": 1}, "com.app.no"),
    ],
)
def test_an_option_that_cannot_be_had_is_refused(options: dict[str, Any], error: str) -> None:
    world = World()
    ann = world.join()
    world.realm.dealer.register_options["no"] = refuse
    world.send(ann, [REGISTER, 7, options, "com.app.p"])
    assert only(ann)[:5] == ["ERROR", 64, 7, {}, error]
    world.lose(ann)
    assert world.is_empty()


def test_options_nobody_knows_are_ignored() -> None:
    world = World()
    world.register(world.join(), "com.app.p", _mine=1, invoke="single", match="exact")


def test_a_session_holds_so_many_registrations_and_no_more() -> None:
    world = World(max_registrations=1)
    ann, bob = world.joined(2)
    world.register(ann, "com.app.p")
    world.register(bob, "com.app.q")
    world.send(ann, [REGISTER, 2, {}, "com.app.r"])
    assert only(ann)[:5] == ["ERROR", 64, 2, {}, "wamplite.error.limit_reached"]
    assert "com.app.r" not in world.realm.dealer.matches["exact"].records


def test_an_unregistered_procedure_is_free_again() -> None:
    world, callee, caller = in_service()
    world.send(callee, [UNREGISTER, 8, 1])
    assert take(callee) == [["UNREGISTERED", 8]]
    world.send(caller, [CALL, 10, {}, "com.app.p"])
    assert only(caller)[4] == "wamp.error.no_such_procedure"
    assert world.register(caller, "com.app.p") == 2


def test_the_registration_of_another_cannot_be_ended() -> None:
    world, callee, caller = in_service()
    world.send(caller, [UNREGISTER, 8, 1])
    assert take(caller) == [
        ["ERROR", 66, 8, {}, "wamp.error.no_such_registration",
         ["the session has no registration 1"]]
    ]  # fmt: skip
    assert called(world, callee, caller) == 1


def test_a_call_in_flight_outlives_its_registration() -> None:
    world, callee, caller = in_service()
    invocation = called(world, callee, caller)
    world.send(callee, [UNREGISTER, 8, 1], [YIELD, invocation, {}, [5]])
    assert take(caller) == [["RESULT", 10, {}, [5]]]


# ---- CALL


@pytest.mark.parametrize("payload", [[], [[1, [None]]], [[], {"k": 1}], [["a"], {"k": {}}]])
def test_a_call_goes_there_and_back_with_its_payload_unchanged(payload: list[Any]) -> None:
    world, callee, caller = in_service()
    world.send(caller, [CALL, 10, {}, "com.app.p", *payload])
    assert take(callee) == [["INVOCATION", 1, 1, {}, *payload]]
    world.send(callee, [YIELD, 1, {}, *payload])
    assert take(caller) == [["RESULT", 10, {}, *payload]]


def test_options_of_the_caller_do_not_reach_the_callee() -> None:
    world, callee, caller = in_service()
    world.send(caller, [CALL, 10, {"timeout": 0, "_mine": 1, "x": 2}, "com.app.p"])
    assert take(callee) == [["INVOCATION", 1, 1, {}]]


def test_options_of_the_callee_do_not_reach_the_caller() -> None:
    world, callee, caller = in_service()
    world.send(callee, [YIELD, called(world, callee, caller), {"progress": False, "x": 2}])
    assert take(caller) == [["RESULT", 10, {}]] and not caller.member.calls


def test_invocations_count_for_each_callee() -> None:
    world, callee, caller = in_service()
    world.register(caller, "com.app.q")
    assert [called(world, callee, caller, request) for request in (10, 11)] == [1, 2]
    world.send(callee, [CALL, 3, {}, "com.app.q"])
    assert only(caller)[:2] == ["INVOCATION", 1]


def test_invocation_ids_begin_again_after_the_largest() -> None:
    world, callee, caller = in_service()
    callee.member.last_invocation = 2**53
    assert called(world, callee, caller) == 1


def test_a_procedure_nobody_registered_is_refused() -> None:
    world = World()
    ann = world.join()
    world.send(ann, [CALL, 10, {}, "com.app.p"])
    assert take(ann) == [
        ["ERROR", 48, 10, {}, "wamp.error.no_such_procedure",
         ["nobody has registered 'com.app.p'"]]
    ]  # fmt: skip


@pytest.mark.parametrize("procedure", ["", "a..b", "a.", "a b", "a#", "a\n"])
def test_a_call_of_what_is_no_uri_is_refused(procedure: str) -> None:
    world = World()
    ann = world.join()
    world.send(ann, [CALL, 10, {}, procedure])
    assert only(ann)[:5] == ["ERROR", 48, 10, {}, "wamp.error.invalid_uri"]


def test_a_match_that_would_take_anything_is_not_asked_for_what_is_no_uri() -> None:
    class Greedy(ExactMatch[Any]):
        def find(self, uri: str) -> Any:
            return self.records.values()

    world, callee, caller = in_service()
    world.realm.dealer.matches["greedy"] = greedy = Greedy()
    greedy.records["x"] = world.realm.dealer.registrations[1]
    world.send(caller, [CALL, 10, {}, "a..b"], [CALL, 11, {}, "a.b"])
    assert only(caller)[4] == "wamp.error.invalid_uri"
    assert only(callee)[0] == "INVOCATION"


def test_an_option_that_refuses_reaches_nobody() -> None:
    world, callee, caller = in_service()
    world.realm.dealer.call_options["no"] = refuse
    world.send(caller, [CALL, 10, {"no": 1}, "com.app.p"])
    assert take(caller) == [["ERROR", 48, 10, {}, "com.app.no", ["not with this option"]]]
    assert take(callee) == []
    assert called(world, callee, caller) == 1


def test_options_and_writers_tell_in_the_invocation() -> None:
    world, callee, caller = in_service()
    dealer = world.realm.dealer
    dealer.call_options["tell"] = lambda pending, value: pending.details.update(told=value)
    (record,) = dealer.registrations[1].callees.values()
    record.writers.append(lambda pending: {"procedure": pending.procedure})
    world.send(caller, [CALL, 10, {"tell": 5}, "com.app.p"])
    assert only(callee)[3] == {"told": 5, "procedure": "com.app.p"}


def crowded(world: World, caller: Peer, procedure: str = "com.app.p") -> str:
    """Call once more and return what the ERROR says of the bound that was hit."""
    take(caller)
    world.send(caller, [CALL, 999, {}, procedure])
    *error, (text,) = only(caller)
    assert error == ["ERROR", 48, 999, {}, "wamp.error.unavailable"]
    name, _, why = text.partition(": ")
    assert name == repr(procedure)
    return str(why)


@pytest.mark.parametrize(
    ("many", "why"),
    [
        ("one caller", "this session has 1 calls in flight, at most 1"),
        ("several callers", "its callee has 1 calls to answer, at most 1"),
    ],
)
def test_so_many_calls_are_in_flight_and_no_more(many: str, why: str) -> None:
    world, callee, caller = in_service(max_calls=1)
    called(world, callee, caller)
    second = caller if many == "one caller" else world.join()
    assert crowded(world, second) == why
    assert take(callee) == []


def test_a_callee_that_never_answers_costs_only_itself() -> None:
    world, hung, caller = in_service()
    good, other = world.joined(2)
    world.register(good, "com.app.good")
    for request in range(1, 1025):
        world.send(caller, [CALL, request, {}, "com.app.p"])
    held = len(hung.member.invocations)
    assert 64 < held < 256
    assert crowded(world, caller) == (
        f"its callee has {held} calls of this session to answer, its share of 1024"
    )
    world.send(caller, [CALL, 1025, {}, "com.app.good"])
    assert only(good)[0] == "INVOCATION"
    take(hung)
    assert called(world, hung, other)


def test_one_caller_leaves_a_callee_room_for_others() -> None:
    world, callee, _ = in_service()
    callers = world.joined(12)
    for caller in callers:
        for request in range(1, 300):
            world.send(caller, [CALL, request, {}, "com.app.p"])
    shares = [len(caller.member.calls) for caller in callers]
    assert 200 < shares[0] < 256 and shares[-1] > 8 and sum(shares) < 1024


def test_of_many_callees_that_hang_each_takes_a_share_of_what_is_left() -> None:
    world = World()
    caller = world.join()
    for number in range(16):
        hung = world.join()
        world.register(hung, f"com.app.p{number}")
        for request in range(300):
            world.send(caller, [CALL, number * 300 + request + 1, {}, f"com.app.p{number}"])
        assert hung.member.invocations
    assert len(caller.member.calls) < 1024


def test_an_answer_gives_the_share_back() -> None:
    world, callee, caller = in_service(max_calls=4)
    invocation = called(world, callee, caller)
    assert (
        crowded(world, caller) == "its callee has 1 calls of this session to answer, its share of 4"
    )
    world.send(callee, [YIELD, invocation, {}])
    take(caller)
    assert called(world, callee, caller, 11) == 2
    world.lose(caller)
    assert not caller.member.asked and not callee.member.invocations


def test_a_realm_has_so_many_calls_and_registrations_and_no_more() -> None:
    world = World(max_in_realm=2)
    callee, caller, other = world.joined(3)
    world.register(callee, "com.app.p")
    world.register(callee, "com.app.q")
    world.send(other, [REGISTER, 2, {}, "com.app.r"])
    assert only(other)[3:] == [
        {},
        "wamplite.error.limit_reached",
        ["the realm may hold 2 registrations"],
    ]
    world.send(caller, [CALL, 1, {}, "com.app.p"], [CALL, 2, {}, "com.app.p"])
    assert crowded(world, other) == "the realm has 2 calls in flight, at most 2"
    world.lose(callee)
    world.register(other, "com.app.p")
    assert called(world, other, caller) == 1


def test_an_answered_call_makes_room_for_another() -> None:
    world, callee, caller = in_service(max_calls=1)
    world.send(callee, [YIELD, called(world, callee, caller), {}])
    assert called(world, callee, caller, 11) == 2


def test_a_call_too_large_for_its_callee_is_refused_and_no_id_is_lost() -> None:
    world = World()
    callee, caller = world.join(limit=512), world.join()
    world.register(callee, "com.app.p")
    world.send(caller, [CALL, 10, {}, "com.app.p", ["x" * 600]])
    assert only(caller)[:5] == ["ERROR", 48, 10, {}, "wamp.error.payload_size_exceeded"]
    assert called(world, callee, caller, 11) == 1


def test_a_session_may_call_itself() -> None:
    world = World()
    ann = world.join()
    world.register(ann, "com.app.p")
    world.send(ann, [CALL, 10, {}, "com.app.p", [5]], [YIELD, 1, {}, [6]])
    assert take(ann) == [["INVOCATION", 1, 1, {}, [5]], ["RESULT", 10, {}, [6]]]


def test_the_id_of_a_call_in_flight_belongs_to_it() -> None:
    world, callee, caller = in_service()
    called(world, callee, caller)
    world.send(caller, [CALL, 10, {}, "com.app.p"])
    text = "CALL.Request 10 belongs to a call in flight"
    assert take(caller) == [["ABORT", {"message": text}, "wamp.error.protocol_violation"]]
    assert take(callee) == []


def test_the_id_of_a_call_that_was_answered_may_be_used_again() -> None:
    world, callee, caller = in_service()
    for answer in (1, 2):
        world.send(callee, [YIELD, called(world, callee, caller), {}, [answer]])
        assert take(caller) == [["RESULT", 10, {}, [answer]]]


# ---- YIELD and ERROR


def test_an_error_of_the_callee_reaches_the_caller() -> None:
    world, callee, caller = in_service()
    invocation = called(world, callee, caller)
    world.send(callee, [ERROR, INVOCATION, invocation, {"x": 1}, "com.app.no", [1], {"k": 2}])
    assert take(caller) == [["ERROR", 48, 10, {}, "com.app.no", [1], {"k": 2}]]


@pytest.mark.parametrize("payload", [[], [["detail", 5]], [["detail"], {"k": 1}], [[], {"k": 1}]])
def test_an_error_of_no_valid_uri_is_told_as_such_and_keeps_its_words(payload: list[Any]) -> None:
    world, callee, caller = in_service()
    world.send(callee, [ERROR, INVOCATION, called(world, callee, caller), {}, "no good", *payload])
    args, *kwargs = payload or [[]]
    assert take(caller) == [
        ["ERROR", 48, 10, {}, "wamp.error.invalid_uri",
         ["the callee answered with an error of no valid URI: 'no good'", *args], *kwargs]
    ]  # fmt: skip


@pytest.mark.parametrize("answer", [[YIELD, 1, {}, [6]], [ERROR, 68, 1, {}, "com.app.no"]])
def test_a_second_answer_is_ignored(answer: list[Any]) -> None:
    world, callee, caller = in_service()
    invocation = called(world, callee, caller)
    world.send(callee, [YIELD, invocation, {}, [5]], answer)
    assert take(caller) == [["RESULT", 10, {}, [5]]]
    assert callee.member.open


@pytest.mark.parametrize("answer", [[YIELD, 1, {}, [6]], [ERROR, 68, 1, {}, "com.app.no"]])
def test_an_answer_for_a_caller_that_has_left_is_ignored(answer: list[Any]) -> None:
    world, callee, caller = in_service()
    called(world, callee, caller)
    world.lose(caller)
    world.send(callee, answer)
    assert take(callee) == []
    assert callee.member.open


@pytest.mark.parametrize("answer", [[YIELD, 2, {}], [ERROR, 68, 2, {}, "com.app.no"]])
def test_an_answer_to_what_was_never_asked_is_a_violation(answer: list[Any]) -> None:
    world, callee, caller = in_service()
    called(world, callee, caller)
    world.send(callee, answer)
    assert take(callee) == [
        ["ABORT", {"message": "INVOCATION.Request 2 was never sent to session 1"},
         "wamp.error.protocol_violation"]
    ]  # fmt: skip
    assert take(caller) == [LEFT]


def test_a_stranger_cannot_answer_for_the_callee() -> None:
    world, callee, caller = in_service()
    stranger = world.join()
    invocation = called(world, callee, caller)
    world.send(stranger, [YIELD, invocation, {}, ["forged"]])
    assert only(stranger)[0] == "ABORT"
    world.send(callee, [YIELD, invocation, {}, [5]])
    assert take(caller) == [["RESULT", 10, {}, [5]]]


def test_another_callee_cannot_answer_for_the_callee() -> None:
    world, callee, caller = in_service()
    other = world.join()
    world.register(other, "com.app.q")
    world.send(caller, [CALL, 10, {}, "com.app.p"], [CALL, 11, {}, "com.app.q"])
    world.send(other, [YIELD, 1, {}, ["mine"]])
    assert take(caller) == [["RESULT", 11, {}, ["mine"]]]
    world.send(other, [YIELD, 1, {}, ["forged"]])
    assert take(caller) == []


@pytest.mark.parametrize("request_type", [16, 32, 34, 48, 64, 66])
def test_a_client_can_answer_nothing_but_invocations(request_type: int) -> None:
    world, callee, caller = in_service()
    invocation = called(world, callee, caller)
    world.send(callee, [ERROR, request_type, invocation, {}, "com.app.no"])
    assert only(callee)[2] == "wamp.error.protocol_violation"
    assert take(caller) == [LEFT]


@pytest.mark.parametrize(
    "answer", [[YIELD, 1, {}, ["x" * 600]], [ERROR, 68, 1, {}, "com.app.no", ["x" * 600]]]
)
def test_an_answer_too_large_for_its_caller_becomes_an_error(answer: list[Any]) -> None:
    world, callee, caller = in_service(caller_limit=512)
    called(world, callee, caller)
    world.send(callee, answer)
    assert take(caller) == [
        ["ERROR", 48, 10, {}, "wamp.error.payload_size_exceeded",
         ["the caller does not take messages so large as the answer"]]
    ]  # fmt: skip
    world.send(callee, [YIELD, 1, {}, ["late"]])
    assert take(caller) == []


def test_a_yield_whose_option_cannot_be_had_fails_the_call() -> None:
    world, callee, caller = in_service()
    world.realm.dealer.yield_options["no"] = refuse
    world.send(callee, [YIELD, called(world, callee, caller), {"no": 1}, [5]])
    assert take(caller) == [["ERROR", 48, 10, {}, "com.app.no", ["not with this option"]]]
    assert take(callee) == []


def with_progress(world: World) -> None:
    def progress(answer: Any, value: bool) -> None:
        if value:
            answer.final = False
            answer.details["progress"] = True

    world.realm.dealer.yield_options["progress"] = progress


def test_an_answer_that_is_not_final_leaves_the_call_in_flight() -> None:
    world, callee, caller = in_service()
    with_progress(world)
    called(world, callee, caller)
    world.send(callee, [YIELD, 1, {"progress": True}, [1]], [YIELD, 1, {}, [2]])
    assert take(caller) == [["RESULT", 10, {"progress": True}, [1]], ["RESULT", 10, {}, [2]]]
    assert not caller.member.calls


def test_a_progress_too_large_for_its_caller_fails_the_call() -> None:
    world, callee, caller = in_service(caller_limit=512)
    with_progress(world)
    called(world, callee, caller)
    world.send(callee, [YIELD, 1, {"progress": True}, ["x" * 600]], [YIELD, 1, {}, [2]])
    assert only(caller)[4] == "wamp.error.payload_size_exceeded"


PPT = {"ppt_scheme": "x_a"}


@pytest.mark.parametrize(
    "answer", [[YIELD, 1, PPT, b"sealed"], [ERROR, 68, 1, PPT, "com.app.no", b"sealed"]]
)
def test_a_binary_answer_is_a_violation_where_it_cannot_pass(answer: list[Any]) -> None:
    world, callee, caller = in_service()
    called(world, callee, caller)
    world.send(callee, answer)
    assert only(callee)[0] == "ABORT"
    assert take(caller) == [LEFT]


@pytest.mark.parametrize("procedure", ["com.app.p", "com.app.nobody"])
def test_a_binary_call_is_a_violation_where_it_cannot_pass(procedure: str) -> None:
    world, callee, caller = in_service()
    world.send(caller, [CALL, 10, PPT, procedure, b"sealed"])
    text = f"CALL: a payload that is no list: {lacking('payload_passthru_mode')}"
    assert take(caller) == [["ABORT", {"message": text}, "wamp.error.protocol_violation"]]
    assert take(callee) == []


def test_a_binary_payload_passes_as_one_argument_where_it_may() -> None:
    world, callee, caller = in_service()
    world.realm.unread = lambda member, message: None
    sealed = {"enc_algo": "x_a"}
    world.send(caller, [CALL, 10, sealed, "com.app.p", b"sealed"])
    world.send(caller, [CALL, 11, sealed, "com.app.p", b"sealed"])
    assert [message[3:] for message in take(callee)] == 2 * [[{}, [b"sealed"]]]
    world.send(callee, [YIELD, 1, sealed, b"answer"])
    world.send(callee, [ERROR, 68, 2, sealed, "com.app.no", b"why"])
    assert take(caller) == [
        ["RESULT", 10, {}, [b"answer"]],
        ["ERROR", 48, 11, {}, "com.app.no", [b"why"]],
    ]


# ---- leaving


@pytest.mark.parametrize("how", ["lost", "goodbye", "violation"])
def test_each_caller_gets_one_answer_when_its_callee_leaves(how: str) -> None:
    world, callee, caller = in_service()
    for request in range(1, 101):
        called(world, callee, caller, request)
    if how == "lost":
        world.lose(callee)
    elif how == "violation":
        world.violate(callee)
    else:
        world.send(callee, [GOODBYE, {}, "wamp.close.close_realm"])
    answers = take(caller)
    assert [answer[2] for answer in answers] == list(range(1, 101))
    assert {answer[4] for answer in answers} == {"wamp.error.canceled"}
    world.lose(caller)
    assert world.is_empty()


def test_a_session_that_leaves_with_a_call_to_itself_is_not_answered() -> None:
    world = World()
    ann = world.join()
    world.register(ann, "com.app.p")
    world.send(ann, [CALL, 10, {}, "com.app.p"], [GOODBYE, {}, "wamp.close.close_realm"])
    assert take(ann) == [
        ["INVOCATION", 1, 1, {}],
        ["GOODBYE", {}, "wamp.close.goodbye_and_out"],
    ]
    assert world.is_empty()


def test_two_sessions_that_call_each_other_leave_nothing_behind() -> None:
    world, ann, bob = in_service()
    world.register(bob, "com.app.q")
    world.send(bob, [CALL, 10, {}, "com.app.p"])
    world.send(ann, [CALL, 11, {}, "com.app.q"])
    take(bob), take(ann)
    world.lose(ann)
    assert take(bob) == [LEFT]
    world.lose(bob)
    assert world.is_empty()


# ---- the moments


def settled_in(world: World) -> list[Any]:
    heard: list[Any] = []
    world.realm.dealer.settled.append(
        lambda caller, pending, answer: heard.append((pending.request, answer and answer[:2]))
    )
    return heard


def test_every_call_is_told_to_be_settled_once() -> None:
    world, callee, caller = in_service()
    heard = settled_in(world)
    for request in (10, 11, 12):
        called(world, callee, caller, request)
    world.send(callee, [YIELD, 1, {}], [YIELD, 1, {}])
    world.send(callee, [ERROR, 68, 2, {}, "com.app.no"])
    world.lose(caller)
    world.send(callee, [YIELD, 3, {}])
    assert heard == [(10, (10, {})), (11, (48, 11)), (12, None)]


def test_a_call_that_was_settled_cannot_be_settled_again() -> None:
    world, callee, caller = in_service()
    called(world, callee, caller)
    (pending,) = caller.member.calls.values()
    dealer = world.realm.dealer
    dealer.fail(pending, "wamp.error.timeout")
    dealer.fail(pending, "wamp.error.timeout")
    assert take(caller) == [["ERROR", 48, 10, {}, "wamp.error.timeout"]]


def test_a_moment_may_end_another_member() -> None:
    world, callee, caller = in_service()
    other = world.join()
    for peer, request in ((caller, 10), (caller, 11), (other, 12)):
        called(world, callee, peer, request)

    def end_the_others(_: Any, pending: Any, answer: Any) -> None:
        for peer in (caller, other):
            world.realm.dismiss(peer.member, "wamp.close.killed")

    world.realm.dealer.settled.append(end_the_others)
    world.lose(callee)
    assert take(caller) == [LEFT, ["GOODBYE", {}, "wamp.close.killed"]]
    assert take(other) == [["GOODBYE", {}, "wamp.close.killed"]]
    assert (caller.ends, other.ends) == (1, 1)
    assert world.is_empty()


def test_registrations_are_told_after_the_answer() -> None:
    world = World()
    ann = world.join()
    seen: list[Any] = []
    dealer = world.realm.dealer
    for name in ("registered", "unregistered"):
        getattr(dealer, name).append(
            lambda member, callee, message, name=name: seen.append(
                (name, callee.registration.uri, bool(message), [each[0] for each in take(ann)])
            )
        )
    world.send(ann, [REGISTER, 1, {}, "com.app.p"], [UNREGISTER, 2, 1])
    world.send(ann, [REGISTER, 3, {}, "com.app.q"])
    world.lose(ann)
    assert seen == [
        ("registered", "com.app.p", True, ["REGISTERED"]),
        ("unregistered", "com.app.p", True, ["UNREGISTERED"]),
        ("registered", "com.app.q", True, ["REGISTERED"]),
        ("unregistered", "com.app.q", False, []),
    ]


# ---- calls that wait for a callee


def busy(**options: Any) -> tuple[World, Peer, Peer, list[Any]]:
    """Return a world whose one callee takes no call now, and a list that keeps what is called."""
    world = World(**options)
    callee, caller = world.joined(2)
    world.register(callee, "com.app.p")
    (record,) = callee.member.registrations.values()
    dealer = world.realm.dealer
    dealer.set_busy(record, True)
    kept: list[Any] = []
    dealer.queue = lambda pending, call: kept.append((pending, record, call))
    return world, callee, caller, kept


def test_a_call_that_a_feature_keeps_is_in_flight_and_may_be_sent_on() -> None:
    world, callee, caller, kept = busy()
    world.send(caller, [CALL, 10, {}, "com.app.p", [5]])
    assert take(callee) == [] and take(caller) == [] and list(caller.member.calls) == [10]
    ((pending, record, call),) = kept
    world.realm.dealer.send_invocation(pending, record, call.args, call.kwargs)
    assert take(callee) == [["INVOCATION", 1, 1, {}, [5]]]
    world.send(callee, [YIELD, 1, {}])
    assert take(caller) == [["RESULT", 10, {}]]


@pytest.mark.parametrize(
    ("bound", "why"),
    [
        ({"max_calls": 2}, "this session has 2 calls in flight, at most 2"),
        ({"max_in_realm": 2}, "the realm has 2 calls in flight, at most 2"),
    ],
)
def test_so_many_calls_wait_and_no_more(bound: dict[str, int], why: str) -> None:
    world, _, caller, kept = busy(**bound)
    world.send(caller, [CALL, 1, {}, "com.app.p"], [CALL, 2, {}, "com.app.p"])
    assert take(caller) == []
    assert crowded(world, caller) == why and len(kept) == 2


def test_a_callee_is_interrupted_once_and_only_while_it_is_asked() -> None:
    world, callee, caller, kept = busy()
    able = world.join(callee={"features": {"call_canceling": True}})
    world.register(able, "com.app.q")
    dealer = world.realm.dealer
    world.send(caller, [CALL, 1, {}, "com.app.p"], [CALL, 2, {}, "com.app.q"])
    waits, asked = caller.member.calls.values()
    assert [dealer.interrupt(waits, "kill"), dealer.interrupt(asked, "kill")] == [False, True]
    assert dealer.interrupt(asked, "killnowait")
    assert take(able)[1:] == [["INTERRUPT", 1, {"mode": "kill"}]] and take(callee) == []


# ---- what a call begins and ends, and what moments tell of its callees


def test_what_a_call_wants_at_its_begin_and_end_is_asked_once_and_of_no_other() -> None:
    world, callee, caller = in_service()
    heard: list[Any] = []

    def option(pending: Any, value: str) -> None:
        pending.begins = [lambda call: heard.append(("begins", call.request))]
        pending.ends = [lambda call, answer: heard.append(("ends", call.request, answer))]

    world.realm.dealer.call_options["watch"] = option
    world.send(caller, [CALL, 1, {"watch": 1}, "com.app.p"], [CALL, 2, {}, "com.app.p"])
    assert heard == [("begins", 1)]
    (pending, _) = caller.member.calls.values()
    world.send(callee, [YIELD, 1, {}], [YIELD, 2, {}])
    assert heard == [("begins", 1), ("ends", 1, (1, {}, None, None))]
    assert pending.begins is None and pending.ends is None


def test_each_callee_that_a_call_goes_to_is_told_of_when_it_is_asked_and_when_it_is_free() -> None:
    world, callee, caller = in_service()
    other = world.join()
    world.register(other, "com.app.q")
    dealer = world.realm.dealer
    heard: list[Any] = []
    for name in ("sent", "freed"):
        getattr(dealer, name).append(
            lambda caller, pending, callee, name=name: heard.append((name, callee.member.session))
        )
    called(world, callee, caller)
    (pending,) = caller.member.calls.values()
    (another,) = other.member.registrations.values()
    dealer.send_invocation(pending, another, None, None)
    assert heard == [("sent", 1), ("freed", 1), ("sent", 3)]
    world.send(other, [YIELD, 1, {}])
    assert heard[3:] == [("freed", 3)]


def test_an_answer_that_is_not_for_the_caller_is_not_told() -> None:
    world, callee, caller = in_service()

    def silent(answer: Any, value: Any) -> None:
        answer.final = answer.told = False

    world.realm.dealer.yield_options["silent"] = silent
    invocation = called(world, callee, caller)
    world.send(callee, [YIELD, invocation, {"silent": True}, [1]])
    assert take(caller) == [] and list(caller.member.calls) == [10]
    world.send(callee, [YIELD, invocation, {}, [2]])
    assert take(caller) == [["RESULT", 10, {}, [2]]]
