"""Each option of each feature, where that is not installed: what asks for it, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, PUBLISH, REGISTER, SUBSCRIBE, YIELD, Peer, World, take
from wamplite.core.feature import Feature, claim
from wamplite.core.grammar import GRAMMAR
from wamplite.core.messages import CODES, Call, Error, Publish, Register, Result, Subscribe, Yield
from wamplite.core.options import OPTIONS, ROLES, UNBUILT, Lack, why_lacking

UNSUPPORTED = "wamp.error.feature_not_supported"
LIST = ["x"]
ASKING: dict[str, Any] = {  # a value that asks for something
    "timeout": 5, "rkey": "a", "nkey": "a", "runmode": "partition", "ppt_scheme": "x_a",
    "match": "prefix", "invoke": "random", "concurrency": 2, "exclude_me": False,
    "exclude": [9], "eligible": [9], "exclude_authid": LIST, "exclude_authrole": LIST,
    "eligible_authid": LIST, "eligible_authrole": LIST,
}  # fmt: skip
EMPTY = {"eligible": [], "eligible_authid": [], "eligible_authrole": []}  # nobody
REQUESTS = (Call, Publish, Register, Subscribe)
SUBJECT = {Call: "com.app.p", Publish: "com.app.t", Register: "com.app.q", Subscribe: "com.app.u"}
CODE = {Call: CALL, Publish: PUBLISH, Register: REGISTER, Subscribe: SUBSCRIBE}
DONE = {Call: "INVOCATION", Publish: "EVENT", Register: "REGISTERED", Subscribe: "SUBSCRIBED"}
EVERY = [(kind, key) for kind in REQUESTS for key in OPTIONS[kind]]


def lack_of(kind: Any, key: str) -> Lack:
    return OPTIONS[kind][key].lack


def of(*lacks: Lack) -> list[Any]:
    return [
        pytest.param(kind, key, id=f"{kind.__name__}-{key}")
        for kind, key in EVERY
        if lack_of(kind, key) in lacks
    ]


def furnished(*features: Any) -> tuple[World, Peer, Peer]:
    """Return a world, a peer that serves and listens, and one that asks."""
    world = World(*features)
    other, asker = world.joined(2)
    world.register(other, "com.app.p")
    world.subscribe(other, "com.app.t")
    return world, other, asker


def ask(world: World, peer: Peer, kind: Any, **options: Any) -> None:
    world.send(peer, [CODE[kind], 7, options, SUBJECT[kind]])


@pytest.mark.parametrize(("kind", "key"), of(Lack.REFUSED, Lack.ADDING, Lack.POLICY))
def test_an_option_of_a_feature_that_is_not_installed_is_refused(kind: Any, key: str) -> None:
    world, other, asker = furnished()
    acknowledged = {"acknowledge": True} if kind is Publish else {}
    ask(world, asker, kind, **{key: ASKING.get(key, True)}, **acknowledged)
    (error,) = take(asker)
    assert error[:5] == ["ERROR", CODE[kind], 7, {}, UNSUPPORTED]
    feature = OPTIONS[kind][key].feature
    unbuilt = f"nobody has built the feature {feature}"
    switch = unbuilt if feature == UNBUILT else f"--feature {feature},"
    assert key in error[5][0] and switch in error[5][0]
    assert take(other) == []


@pytest.mark.parametrize(("kind", "key"), of(Lack.VIOLATION))
def test_what_the_text_calls_a_protocol_error_is_one(kind: Any, key: str) -> None:
    world, other, asker = furnished()
    ask(world, asker, kind, **{key: ASKING.get(key, True)})
    text = why_lacking(key, OPTIONS[kind][key].feature)
    assert take(asker) == [["ABORT", {"message": text}, "wamp.error.protocol_violation"]]
    assert take(other) == []


@pytest.mark.parametrize("key", OPTIONS[Call])
def test_a_procedure_of_the_router_is_no_way_round(key: str) -> None:
    world, _, asker = furnished()
    world.realm.procedures["com.app.own"] = lambda caller, call: Result(call.request, {}, [5])
    option = OPTIONS[Call][key]
    world.send(asker, [CALL, 7, {key: option.anyway}, "com.app.own"])
    assert take(asker) == [["RESULT", 7, {}, [5]]]
    world.send(asker, [CALL, 8, {key: ASKING.get(key, True)}, "com.app.own"])
    text = why_lacking(key, option.feature)
    told: dict[Lack, list[Any]] = {
        Lack.HINT: ["RESULT", 8, {}, [5]],
        Lack.REFUSED: ["ERROR", CALL, 8, {}, UNSUPPORTED, [text]],
        Lack.VIOLATION: ["ABORT", {"message": text}, "wamp.error.protocol_violation"],
    }
    assert take(asker) == [told[option.lack]]


@pytest.mark.parametrize(("kind", "key"), of(Lack.HINT))
def test_a_hint_is_ignored(kind: Any, key: str) -> None:
    world, other, asker = furnished()
    ask(world, asker, kind, **{key: True})
    assert [message[0] for message in take(other)] == [DONE[kind]]


@pytest.mark.parametrize(("kind", "key"), EVERY)
def test_what_asks_for_nothing_is_no_option_to_refuse(kind: Any, key: str) -> None:
    world, other, asker = furnished()
    ask(world, asker, kind, **{key: OPTIONS[kind][key].anyway})
    assert [message[0] for message in take(other) + take(asker)] == [DONE[kind]]


@pytest.mark.parametrize("key", EMPTY)
def test_an_empty_list_of_those_who_may_get_an_event_asks_for_something(key: str) -> None:
    world, other, asker = furnished()
    ask(world, asker, Publish, **{key: []}, acknowledge=True)
    assert take(asker)[0][4] == UNSUPPORTED
    assert take(other) == []


@pytest.mark.parametrize(
    "key", [key for key in OPTIONS[Publish] if lack_of(Publish, key) is Lack.REFUSED]
)
def test_an_event_that_is_not_for_all_reaches_nobody_where_the_option_is_unknown(key: str) -> None:
    world, other, asker = furnished()
    refused: list[Any] = []
    world.realm.refused.append(lambda *moment: refused.append(moment))
    ask(world, asker, Publish, **{key: ASKING.get(key, True)})
    assert take(other) == take(asker) == []
    ((member, refusal, message),) = refused
    assert member is asker.member and message.topic == "com.app.t"
    assert refusal.args == (why_lacking(key, OPTIONS[Publish][key].feature),)


@pytest.mark.parametrize(
    "key", [key for key in OPTIONS[Publish] if lack_of(Publish, key) is Lack.ADDING]
)
def test_an_event_that_wants_no_answer_goes_out_without_what_is_only_added(key: str) -> None:
    world, other, asker = furnished()
    unheeded: list[Any] = []
    world.realm.broker.unheeded.append(lambda *moment: unheeded.append(moment))
    ask(world, asker, Publish, **{key: ASKING.get(key, True)})
    assert [event[0] for event in take(other)] == ["EVENT"]
    assert take(asker) == []
    ((member, lack, publish),) = unheeded
    assert member is asker.member and publish.topic == "com.app.t"
    assert lack.args == (why_lacking(key, OPTIONS[Publish][key].feature),)


def test_a_partial_answer_that_cannot_be_one_ends_the_call() -> None:
    world, callee, caller = furnished()
    ask(world, caller, Call)
    take(callee)
    world.send(callee, [YIELD, 1, {"progress": True}, [1]])
    text = why_lacking("progress", "progressive_call_results")
    assert take(caller) == [["ERROR", CALL, 7, {}, UNSUPPORTED, [text]]]


@pytest.mark.parametrize(
    "answer",
    [[YIELD, 1, {"ppt_scheme": "x_a"}, [b"x"]], [8, 68, 1, {"ppt_scheme": "x_a"}, "a.b", [b"x"]]],
)
def test_a_sealed_answer_is_a_violation_where_the_router_did_not_announce_it(answer: Any) -> None:
    world, callee, caller = furnished()
    ask(world, caller, Call)
    take(callee)
    world.send(callee, answer)
    (abort,) = take(callee)
    assert abort[0] == "ABORT" and "payload_passthru_mode" in abort[1]["message"]
    assert take(caller)[0][4] == "wamp.error.canceled"


def test_a_policy_of_a_sketched_feature_is_refused_by_its_name() -> None:
    world, _, asker = furnished()
    ask(world, asker, Register, invoke="partition")
    (error,) = take(asker)
    assert error[4] == UNSUPPORTED and "sharded_registration" in error[5][0]


class OfOnesOwn(Feature):
    """Handles an option that is known under another feature's name."""

    name = "of_ones_own"

    def install(self, host: Any) -> None:
        claim(host.broker.publish_options, "retain", lambda publication, value: None)


def test_a_feature_of_ones_own_may_have_the_option() -> None:
    world, other, asker = furnished(OfOnesOwn)
    ask(world, asker, Publish, retain=True, acknowledge=True)
    assert [message[0] for message in take(asker)] == ["PUBLISHED"]


def test_a_feature_that_nobody_has_built_is_not_said_to_be_switched_on() -> None:
    assert why_lacking("nkey", "sharded_subscription") == (
        "this router does not take the option nkey: nobody has built the feature"
        " sharded_subscription"
    )


def test_the_value_of_a_policy_says_whose_it_is() -> None:
    match = OPTIONS[Subscribe]["match"]
    assert match.feature_for("prefix") == "pattern_based_subscription"
    assert match.feature_for("exact") is None and match.feature_for("regex") is None


def test_every_option_is_one_of_the_grammar() -> None:
    assert set(OPTIONS) == {*REQUESTS, Yield, Error}
    for kind, options in OPTIONS.items():
        assert set(options) <= set(GRAMMAR[CODES[kind]].keys)


def test_the_role_that_announces_a_feature_is_the_one_that_hears_its_options() -> None:
    realm = World().realm
    hears = {"dealer": set(realm.dealer.handlers()), "broker": set(realm.broker.handlers())}
    assert set(ROLES) == set(OPTIONS)
    assert all(kind in hears[role] for kind, role in ROLES.items())
