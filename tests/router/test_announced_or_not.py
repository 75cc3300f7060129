"""What a router does for peers that announce a feature, and for those that do not, over sockets.

The rules themselves are tried in tests/advanced; here the same holds from HELLO to the wire, over
both transports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.advanced.test_announcements import NAMES, TEXT
from wamplite.core.errors import TransportLost
from wamplite.router import Router

from .conftest import Connect, Wire

CALL, RESULT, ERROR = 48, 50, 8
REGISTER, REGISTERED, UNREGISTERED = 64, 65, 67
INVOCATION, INTERRUPT, YIELD, CANCEL = 68, 69, 70, 49
SUBSCRIBE, UNSUBSCRIBED, EVENT, PUBLISH, ABORT = 32, 35, 36, 16, 3
CANCELING = {"call_canceling": True}
PROGRESS = {**CANCELING, "progressive_call_results": True}
PARTS = {**PROGRESS, "progressive_call_invocations": True}
PASSED = {"payload_passthru_mode": True}
Join = Callable[..., Wire]
VIOLATION = "wamp.error.protocol_violation"
P, T = "com.app.proc", "com.app.topic"


def with_features(role: str, features: dict[str, bool]) -> dict[str, Any]:
    roles: dict[str, Any] = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}
    roles[role] = {"features": features}
    return roles


@pytest.fixture(params=["rs", "ws"])
def join(request: pytest.FixtureRequest, connect: Connect) -> Iterator[Join]:
    """Return what joins a router with all features, as a role with some of them."""
    with Router(features="all", linger=0.1) as router:
        url = router.listen("tcp://127.0.0.1:0").replace("tcp", request.param)
        url += "/ws" if request.param == "ws" else ""

        def join(role: str = "caller", **features: bool) -> Wire:
            wire = connect(url)
            wire.send(1, "realm1", {"roles": with_features(role, features)})
            wire.welcome = wire.receive()
            assert wire.welcome[0] == 2
            return wire

        yield join


def serve(callee: Wire, **options: Any) -> int:
    answer = callee.ask(REGISTER, 1, options, P)
    assert answer[0] == REGISTERED, answer
    return int(answer[2])


def test_progress_is_asked_only_of_a_callee_that_has_it(join: Join) -> None:
    for features, asked in (
        (PROGRESS, True),
        ({"progressive_call_results": True}, False),
        ({}, False),
    ):
        caller, callee = join("caller", **PROGRESS), join("callee", **features)
        serve(callee)
        caller.send(CALL, 1, {"receive_progress": True}, P)
        invocation = callee.receive()
        assert ("receive_progress" in invocation[3]) is asked
        callee.send(YIELD, invocation[1], {"progress": True}, [1])
        callee.send(YIELD, invocation[1], {}, [2])
        if asked:
            assert caller.receive() == [RESULT, 1, {"progress": True}, [1]]
        assert caller.receive() == [RESULT, 1, {}, [2]]
        caller.close()
        callee.close()
        join().close()


@pytest.mark.parametrize("mode", ["skip", "kill", "killnowait", None])
@pytest.mark.parametrize("announced", [True, False])
def test_only_a_callee_that_has_canceling_is_interrupted(
    announced: bool, mode: str | None, join: Join
) -> None:
    caller, callee = join("caller", **CANCELING), join("callee", **(CANCELING if announced else {}))
    serve(callee)
    caller.send(CALL, 1, {}, P)
    invocation = callee.receive()[1]
    caller.send(CANCEL, 1, {"mode": mode} if mode else {})
    if announced and mode != "skip":
        assert callee.receive()[:2] == [INTERRUPT, invocation]
    if announced and mode == "kill":
        callee.send(YIELD, invocation, {}, ["done"])
        assert caller.receive() == [RESULT, 1, {}, ["done"]]
    else:
        assert caller.receive()[:5] == [ERROR, CALL, 1, {}, "wamp.error.canceled"]
        callee.send(YIELD, invocation, {}, ["late"])
    assert caller.ask(CALL, 2, {}, "com.app.none")[4] == "wamp.error.no_such_procedure"
    assert callee.ask(REGISTER, 2, {}, "com.app.more")[0] == REGISTERED


@pytest.mark.parametrize("announced", [True, False])
def test_a_caller_that_leaves_has_who_can_be_interrupted_interrupted(
    announced: bool, join: Join
) -> None:
    caller, callee = join(), join("callee", **(CANCELING if announced else {}))
    serve(callee)
    caller.send(CALL, 1, {}, P)
    invocation = callee.receive()[1]
    caller.close()
    if announced:
        assert callee.receive()[:2] == [INTERRUPT, invocation]
    join().send(CALL, 1, {}, P)
    assert callee.receive()[0] == INVOCATION


@pytest.mark.parametrize("announced", [True, False])
def test_a_timeout_is_the_routers_unless_the_callee_takes_it(announced: bool, join: Join) -> None:
    features = {**CANCELING, "call_timeout": True} if announced else {}
    caller, callee = join(), join("callee", **features)
    serve(callee, forward_timeout=True)
    caller.send(CALL, 1, {"timeout": 150}, P)
    invocation = callee.receive()
    assert ("timeout" in invocation[3]) is announced
    if announced:
        callee.send(ERROR, INVOCATION, invocation[1], {}, "wamp.error.timeout")
    assert caller.receive()[4] == "wamp.error.timeout"


def test_arguments_in_parts_need_all_three(join: Join) -> None:
    caller, callee = join("caller", **PARTS), join("callee", **PARTS)
    serve(callee)
    caller.send(CALL, 1, {"progress": True}, P, [1])
    first = callee.receive()
    caller.send(CALL, 1, {}, P, [2])
    second = callee.receive()
    assert (first[1], first[3].get("progress")) == (second[1], True)
    assert "progress" not in second[3]
    callee.close()
    poor = join("callee", **PROGRESS)
    while poor.ask(REGISTER, 1, {}, P)[0] != REGISTERED:
        poor = join("callee", **PROGRESS)
    assert caller.receive()[0] == ERROR  # the callee has left
    refused = caller.ask(CALL, 2, {"progress": True}, P, [1])
    assert refused[4] == "wamp.error.feature_not_supported"
    breaks = join("caller", **PROGRESS)
    assert breaks.ask(CALL, 1, {"progress": True}, P, [1])[::2] == [
        ABORT,
        "wamp.error.protocol_violation",
    ]


def test_each_part_tells_who_calls_and_how_it_is_sealed(join: Join) -> None:
    caller, callee = join("caller", **PARTS, **PASSED), join("callee", **PARTS, **PASSED)
    serve(callee)
    caller.send(CALL, 1, {"progress": True, "disclose_me": True, "ppt_scheme": "x_a"}, P, [b"1"])
    caller.send(CALL, 1, {}, P, [b"2"])
    first, last = callee.receive(), callee.receive()
    assert first[3].pop("progress") is True
    assert last[3] == first[3] and last[3]["ppt_scheme"] == "x_a"
    assert last[3]["caller"] == caller.welcome[1]


@pytest.mark.parametrize("announced", [True, False])
def test_who_is_to_be_told_is_told_that_it_was_taken_away(announced: bool, join: Join) -> None:
    callee = join("callee", **({"registration_revocation": True} if announced else {}))
    number, session = serve(callee), callee.welcome[1]
    ruler = join()
    done = ruler.ask(CALL, 1, {}, "wamp.registration.remove_callee", [number, session])
    assert done[0] == RESULT, done
    if announced:
        told = {"registration": number, "reason": "revoked"}
        assert callee.receive()[:3] == [UNREGISTERED, 0, told]
    assert callee.ask(66, 2, number)[4] == "wamp.error.no_such_registration"
    subscriber = join("subscriber", **({"subscription_revocation": True} if announced else {}))
    number, session = subscriber.ask(SUBSCRIBE, 1, {}, T)[2], subscriber.welcome[1]
    done = ruler.ask(CALL, 2, {}, "wamp.subscription.remove_subscriber", [number, session])
    assert done[0] == RESULT, done
    if announced:
        told = {"subscription": number, "reason": "revoked"}
        assert subscriber.receive()[:3] == [UNSUBSCRIBED, 0, told]
    assert subscriber.ask(34, 2, number)[4] == "wamp.error.no_such_subscription"


@pytest.mark.parametrize("announced", [True, False])
def test_a_busy_callee_that_can_be_passed_over_is(announced: bool, join: Join) -> None:
    features = {"call_reroute": True} if announced else {}
    first, second, caller = join("callee", **features), join("callee", **features), join()
    for callee in (first, second):
        serve(callee, invoke="first")
    caller.send(CALL, 1, {}, P, [7])
    first.send(ERROR, INVOCATION, first.receive()[1], {}, "wamp.error.unavailable")
    if announced:
        invocation = second.receive()
        assert invocation[4] == [7]
        second.send(ERROR, INVOCATION, invocation[1], {}, "wamp.error.unavailable")
        assert caller.receive()[4] == "wamp.error.no_available_callee"
    else:
        assert caller.receive()[4] == "wamp.error.unavailable"


def test_a_sealed_payload_is_for_those_who_announced_it(join: Join) -> None:
    sealed = {"ppt_scheme": "x_mine"}
    caller, callee = join("caller", **PASSED), join("callee", **PASSED)
    serve(callee)
    caller.send(CALL, 1, sealed, P, [b"sealed"])
    invocation = callee.receive()
    assert invocation[3]["ppt_scheme"] == "x_mine" and invocation[4] == [b"sealed"]
    callee.send(YIELD, invocation[1], sealed, [b"answer"])
    assert caller.receive() == [RESULT, 1, sealed, [b"answer"]]
    poor = join("callee")
    assert poor.ask(REGISTER, 1, {}, "com.app.poor")[0] == REGISTERED
    refused = caller.ask(CALL, 2, sealed, "com.app.poor", [b"sealed"])
    assert refused[4] == "wamp.error.feature_not_supported"
    assert join().ask(CALL, 1, sealed, P, [b"sealed"])[::2] == [
        ABORT,
        "wamp.error.protocol_violation",
    ]


@pytest.mark.parametrize("kind", ["PUBLISH", "YIELD", "ERROR"])
def test_who_did_not_announce_it_sends_no_sealed_payload(kind: str, join: Join) -> None:
    sealed = {"ppt_scheme": "x_mine"}
    breaks, caller = join(), join("caller", **PASSED)
    serve(breaks)
    caller.send(CALL, 1, {}, P)
    invocation = breaks.receive()[1]
    said: dict[str, list[Any]] = {
        "PUBLISH": [PUBLISH, 2, sealed, T, [b"x"]],
        "YIELD": [YIELD, invocation, sealed, [b"x"]],
        "ERROR": [ERROR, INVOCATION, invocation, sealed, "com.app.no", [b"x"]],
    }
    breaks.send(*said[kind])
    assert breaks.receive()[::2] == [ABORT, VIOLATION]
    assert caller.receive()[4] == "wamp.error.canceled"


@pytest.mark.parametrize("announced", [True, False])
def test_no_publisher_ends_its_subscribers_by_what_they_could_not_read(
    announced: bool, join: Join
) -> None:
    subscriber = join("subscriber", **(PASSED if announced else {}))
    publisher = join("publisher", **PASSED)
    assert subscriber.ask(SUBSCRIBE, 1, {}, T)[0] == 33
    publisher.send(PUBLISH, 1, {"enc_algo": "cryptobox"}, T, b"sealed")
    assert publisher.receive()[::2] == [ABORT, VIOLATION]
    join("publisher", **PASSED).send(PUBLISH, 1, {"ppt_scheme": "x_a"}, T, b"sealed")
    assert subscriber.receive()[3:] == [{"ppt_scheme": "x_a", "trustlevel": 0}, [b"sealed"]]


def test_a_sealed_answer_is_for_a_caller_that_announced_it(join: Join) -> None:
    sealed = {"ppt_scheme": "x_mine"}
    caller, callee = join(), join("callee", **PASSED)
    serve(callee)
    for request, error in ((1, False), (2, True)):
        caller.send(CALL, request, {}, P)
        number = callee.receive()[1]
        failing = [ERROR, INVOCATION, number, sealed, "com.app.no", [b"x"]]
        callee.send(*(failing if error else [YIELD, number, sealed, [b"x"]]))
        assert caller.receive()[4] == "wamp.error.feature_not_supported"


def test_procedures_of_the_router_take_neither_parts_nor_sealed_payloads(join: Join) -> None:
    caller = join("caller", **PARTS, **PASSED)
    for request, option in ((1, {"progress": True}), (2, {"ppt_scheme": "x_mine"})):
        refused = caller.ask(CALL, request, option, "wamp.session.count")
        assert refused[4] == "wamp.error.feature_not_supported"
    caller.send(CALL, 1, {"progress": True}, "wamp.session.count")  # they have crossed
    caller.send(CALL, 1, {}, "wamp.session.count")
    assert caller.ask(CALL, 3, {}, "wamp.session.count")[:2] == [RESULT, 3]
    for option in ({"progress": True}, {"ppt_scheme": "x_mine"}):
        assert join().ask(CALL, 1, option, "wamp.session.count")[::2] == [ABORT, VIOLATION]


def test_what_needs_no_announcement_is_for_all(join: Join) -> None:
    caller, callee, subscriber = join(), join(), join()
    mine = caller.welcome[1]
    assert callee.ask(REGISTER, 1, {"match": "prefix"}, "com.app")[0] == REGISTERED
    caller.send(CALL, 1, {"disclose_me": True}, P)
    details = callee.receive()[3]
    assert details["procedure"] == P and details["caller"] == mine
    assert details["trustlevel"] == 0
    for number, (match, uri) in enumerate((("prefix", "com"), ("wildcard", "com..topic")), 1):
        assert subscriber.ask(SUBSCRIBE, number, {"match": match}, uri)[0] == 33
    options = {"disclose_me": True, "eligible": [subscriber.welcome[1]], "retain": True}
    caller.send(PUBLISH, 2, options, T, [1])
    events = [subscriber.receive() for _ in range(2)]
    assert {event[0] for event in events} == {EVENT} and events[0][2] == events[1][2]
    assert all(event[3]["topic"] == T and event[3]["publisher"] == mine for event in events)
    assert all(event[3]["trustlevel"] == 0 for event in events)
    late = join()
    assert late.ask(SUBSCRIBE, 1, {"get_retained": True}, T)[0] == 33
    assert late.ask(SUBSCRIBE, 2, {}, "com.app.other")[0] == 33  # it was not for all
    caller.send(PUBLISH, 3, {"eligible": []}, T, ["nobody"])
    caller.send(PUBLISH, 4, {}, T, ["all"])
    assert late.receive()[4] == ["all"]


def test_welcome_announces_each_feature_by_its_role(join: Join) -> None:
    roles = join().welcome[2]["roles"]
    assert set(roles) == {"broker", "dealer"}
    for role, told in roles.items():
        expected = {name for name, of in TEXT.items() if role in of and name in NAMES}
        assert told["features"] == dict.fromkeys(expected, True)


def test_callees_share_a_procedure_whether_they_announced_it_or_not(join: Join) -> None:
    callees = [join("callee", shared_registration=True), join("callee"), join("callee")]
    assert len({serve(callee, invoke="roundrobin") for callee in callees}) == 1
    caller = join()
    for request in range(1, 7):
        caller.send(CALL, request, {}, P, [request])
        callee = callees[(request - 1) % 3]
        callee.send(YIELD, callee.receive()[1], {}, ["served"])
        assert caller.receive() == [RESULT, request, {}, ["served"]]
    late = join("callee", shared_registration=True)
    for options in ({}, {"invoke": "single"}, {"invoke": "last"}):
        refused = late.ask(REGISTER, 1, options, P)
        assert refused[4] == "wamp.error.procedure_already_exists"
    assert callees[0].ask(REGISTER, 2, {"invoke": "roundrobin"}, P)[0] == ERROR


def test_calls_of_one_key_go_to_one_callee(join: Join) -> None:
    callees, caller = [join("callee") for _ in range(2)], join()
    for callee in callees:
        serve(callee, invoke="partition")
    for request in (1, 2, 3):
        caller.send(CALL, request, {"runmode": "partition", "rkey": "a"}, P)
    caller.send(CALL, 4, {"runmode": "partition"}, P)
    assert caller.receive()[4] == "wamp.error.invalid_argument"
    asked = [callee.ask(REGISTER, 2, {}, f"com.app.more{at}") for at, callee in enumerate(callees)]
    assert sorted(answer[0] for answer in asked) == [REGISTERED, INVOCATION]


def test_publishers_reach_themselves_and_leave_out_whom_they_name(join: Join) -> None:
    ann, bob = join(), join()
    for wire in (ann, bob):
        assert wire.ask(SUBSCRIBE, 1, {}, T)[0] == 33
    mine, authid = ann.welcome[1], bob.welcome[2]["authid"]
    for request, options in enumerate(
        (
            {"exclude_me": False},
            {"exclude_me": False, "exclude": [mine]},
            {"exclude_me": False, "exclude_authid": [authid]},
            {"exclude_me": False, "eligible_authrole": ["nobody"]},
            {},
        ),
        2,
    ):
        ann.send(PUBLISH, request, options, T, [request])
    assert [ann.receive()[4][0] for _ in range(2)] == [2, 4]
    assert [bob.receive()[4][0] for _ in range(3)] == [2, 3, 6]
    assert ann.ask(SUBSCRIBE, 9, {}, "com.app.more")[0] == 33  # nothing else came


def test_who_asks_for_partial_results_gets_them_announced_or_not(join: Join) -> None:
    caller, callee = join(), join("callee", **PROGRESS)
    serve(callee)
    caller.send(CALL, 1, {"receive_progress": True}, P)
    invocation = callee.receive()
    callee.send(YIELD, invocation[1], {"progress": True}, [1])
    assert caller.receive() == [RESULT, 1, {"progress": True}, [1]]
    callee.send(ERROR, INVOCATION, invocation[1], {}, "com.app.no")
    assert caller.receive()[4] == "com.app.no"


@pytest.mark.parametrize("announced", [True, False])
def test_who_loses_a_procedure_by_force_is_told_if_it_announced_that(
    announced: bool, join: Join
) -> None:
    before = join("callee", **({"registration_revocation": True} if announced else {}))
    number, now = serve(before), join("callee")
    serve(now, force_reregister=True)
    if announced:
        assert before.receive()[:2] == [UNREGISTERED, 0]
    assert before.ask(66, 2, number)[4] == "wamp.error.no_such_registration"
    join().send(CALL, 1, {}, P)
    assert now.receive()[0] == INVOCATION


def test_so_many_calls_at_a_time_and_the_next_once_it_is_free(join: Join) -> None:
    callee, caller = join("callee"), join()
    serve(callee, concurrency=1)
    for request in (1, 2):
        caller.send(CALL, request, {}, P, [request])
    first = callee.receive()
    assert first[4] == [1]
    assert callee.ask(REGISTER, 2, {}, "com.app.more")[0] == REGISTERED
    callee.send(YIELD, first[1], {}, ["one"])
    assert caller.receive() == [RESULT, 1, {}, ["one"]]
    assert callee.receive()[4] == [2]


@pytest.mark.parametrize("how", ["goodbye", "lost", "violation", "killed"])
def test_a_testament_and_the_leaving_are_told_however_a_session_ends(how: str, join: Join) -> None:
    heir, ann = join(), join()
    for request, topic in enumerate(("wamp.session.on_leave", T), 1):
        assert heir.ask(SUBSCRIBE, request, {}, topic)[0] == 33
    for request, scope in ((1, "destroyed"), (2, "detached")):
        args = [CALL, request, {}, "wamp.session.add_testament", [T, [scope], {}], {"scope": scope}]
        assert ann.ask(*args) == [RESULT, request, {}]
    session, authid = ann.welcome[1], ann.welcome[2]["authid"]
    if how == "goodbye":
        assert ann.ask(6, {}, "wamp.close.close_realm")[0] == 6
    elif how == "lost":
        ann.close()
    elif how == "violation":
        assert ann.ask(CANCEL, 1, {"mode": "softly"})[0] == ABORT
    else:
        assert join().ask(CALL, 1, {}, "wamp.session.kill", [session])[0] == RESULT
        assert ann.receive()[::2] == [6, "wamp.close.killed"]
    told = [heir.receive()[4] for _ in range(3)]
    told.remove([session, authid, "anonymous"])
    assert told == [["detached"], ["destroyed"]]


def test_the_meta_procedures_are_for_all(join: Join) -> None:
    ann, bob = join(), join()
    number = serve(bob)
    subscription = bob.ask(SUBSCRIBE, 2, {"match": "prefix"}, "com.app")[2]
    mine, theirs = ann.welcome[1], bob.welcome[1]
    asked: dict[str, tuple[list[Any], Any]] = {
        "session.count": ([], 2),
        "session.list": ([["anonymous"]], [mine, theirs]),
        "registration.list": ([], {"exact": [number], "prefix": [], "wildcard": []}),
        "registration.lookup": ([P], number),
        "registration.match": (["com.app.none"], None),
        "registration.list_callees": ([number], [theirs]),
        "registration.count_callees": ([number], 1),
        "subscription.lookup": (["com.app", {"match": "prefix"}], subscription),
        "subscription.match": ([T], [subscription]),
        "subscription.match.none": (["org.app"], None),
        "subscription.list_subscribers": ([subscription], [theirs]),
        "subscription.count_subscribers": ([subscription], 1),
    }
    for request, (name, (args, expected)) in enumerate(asked.items(), 1):
        procedure = f"wamp.{name.removesuffix('.none')}"
        answer = ann.ask(CALL, request, {}, procedure, args)
        assert answer == [RESULT, request, {}, [expected]], name
    for request, kind in enumerate(("registration", "subscription", "session"), 20):
        refused = ann.ask(CALL, request, {}, f"wamp.{kind}.get", [2**53])
        assert refused[4] == f"wamp.error.no_such_{kind}"
    assert ann.ask(CALL, 30, {}, "wamp.session.kill", [mine])[4] == "wamp.error.no_such_session"


def test_a_violation_ends_who_broke_it_alone(join: Join) -> None:
    caller, callee = join(), join("callee", **CANCELING)
    serve(callee)
    caller.send(CALL, 1, {}, P)
    invocation = callee.receive()[1]
    assert caller.ask(CANCEL, 1, {"mode": "softly"})[0] == ABORT
    with pytest.raises(TransportLost):
        caller.receive()
    assert callee.receive()[:2] == [INTERRUPT, invocation]
