from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import wamplite
from tests.client.scripted import Peer, leave, soon
from tests.core.test_options import ASKING, EVERY
from wamplite import features
from wamplite.client.options import (
    CallOptions,
    PublishOptions,
    RegisterOptions,
    SubscribeOptions,
    Wishes,
    apart,
    with_timeout,
)
from wamplite.core.errors import UsageError
from wamplite.core.grammar import GRAMMAR
from wamplite.core.messages import CODES, Call, Publish, Register, Subscribe
from wamplite.core.options import INVOKE, MATCH, OPTIONS, UNBUILT

UNSUPPORTED = "wamp.error.feature_not_supported"


@pytest.mark.parametrize(
    ("options", "same"),
    [
        (CallOptions(timeout=5, disclose_me=True), {"timeout": 5, "disclose_me": True}),
        (PublishOptions(acknowledge=True, eligible=[]), {"acknowledge": True, "eligible": []}),
        (PublishOptions(exclude_me=False), {"exclude_me": False}),
        (
            SubscribeOptions(match="prefix", concurrent=True),
            {"match": "prefix", "concurrent": True},
        ),
        (RegisterOptions(invoke="roundrobin"), {"invoke": "roundrobin"}),
        (RegisterOptions(concurrent=False), {"concurrent": False}),
        (CallOptions(), {}),
        (CallOptions(_private=1), {"_private": 1}),  # type: ignore[typeddict-unknown-key]
    ],
)
def test_options_are_dicts_of_what_was_given(options: Any, same: Any) -> None:
    assert options == same


def test_no_options_are_the_defaults() -> None:
    assert apart(Call, None, 30.0) == apart(Call, {}, 30.0) == Wishes({}, 30.0, None)


def test_none_for_an_option_is_its_absence() -> None:
    options = {"match": None, "timeout": None, "_mine": None}
    assert apart(Subscribe, options, 30.0) == Wishes({"_mine": None}, 30.0, None)


def test_what_is_ours_does_not_go_to_the_router() -> None:
    options = SubscribeOptions(match="prefix", concurrent=True, timeout=2)
    assert apart(Subscribe, options, 30.0) == Wishes({"match": "prefix"}, 2, True)
    assert options["timeout"] == 2


@pytest.mark.parametrize(
    ("seconds", "wait"), [(5, 5), (0.5, 0.5), (0, None), (None, 30.0), (float("inf"), None)]
)
def test_a_timeout_is_in_seconds_and_zero_is_none(seconds: Any, wait: Any) -> None:
    assert apart(Call, {"timeout": seconds}, 30.0).timeout == wait


@pytest.mark.parametrize("seconds", [-1, "5", True, float("nan")])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(seconds: Any) -> None:
    with pytest.raises(UsageError, match="timeout must be seconds, 0 or more"):
        apart(Call, {"timeout": seconds}, 30.0)


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        (Call, {"disclose_me": 1}, "CALL: option disclose_me must be a bool, not 1"),
        (Publish, {"eligible": ["x"]}, "PUBLISH: option eligible must be a list of IDs"),
        (Subscribe, {"match": 5}, 'SUBSCRIBE: option match must be "exact", "prefix"'),
        (Subscribe, {"concurrent": 1}, "SUBSCRIBE: option concurrent must be a bool, not 1"),
        (Register, {"concurrent": "no"}, "REGISTER: option concurrent must be a bool, not 'no'"),
        (Call, {"concurrent": False}, "CALL has no option 'concurrent'"),
        (Publish, {"concurrent": False}, "PUBLISH has no option 'concurrent'"),
        (Publish, {"timeout": 5}, "option timeout is for an answer, so it needs acknowledge"),
        (Call, {5: 1}, "CALL: an option's name must be a string, not 5"),
        (Call, [("a", 1)], "options must be a dict, not list"),
    ],
)
def test_what_the_router_would_call_a_violation_is_refused(
    kind: Any, options: Any, text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        apart(kind, options, None)


def test_options_of_ones_own_go_to_the_router() -> None:
    assert apart(Call, {"_mine": [1]}, None).asked == {"_mine": [1]}


def test_a_misspelt_option_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(
        UsageError, match="PUBLISH has no option 'acknowlege', perhaps acknowledge;"
    ):
        apart(Publish, {"acknowlege": True}, None)
    with pytest.raises(UsageError, match="CALL has no option 'zzz'; one of your own begins with"):
        apart(Call, {"zzz": True}, None)


@pytest.mark.parametrize(
    ("options", "wire"),
    [
        ({"timeout": 1.5}, {"timeout": 1500}),
        ({"timeout": 0.0001, "rkey": "a"}, {"timeout": 1, "rkey": "a"}),
        ({"timeout": 0}, {}),
        ({"timeout": float("inf")}, {}),
        ({"rkey": "a"}, {"rkey": "a"}),
    ],
)
def test_the_router_is_told_milliseconds(options: Any, wire: Any) -> None:
    assert with_timeout(apart(Call, options, 30.0), options) == wire


def test_every_option_belongs_to_a_feature_that_there_is_or_cannot_be() -> None:
    named = {option.feature for options in OPTIONS.values() for option in options.values()}
    named |= {name for value in (INVOKE, *MATCH.values()) for name in value.values()}
    assert named <= {*features.names(), UNBUILT}


TYPED = [
    (Call, CallOptions, {"timeout"}),
    (Publish, PublishOptions, {"timeout"}),
    (Subscribe, SubscribeOptions, {"timeout", "concurrent"}),
    (Register, RegisterOptions, {"timeout", "concurrent", "describe"}),
]


@pytest.mark.parametrize(("kind", "typed", "ours"), TYPED)
def test_the_typed_dicts_have_every_option_of_a_feature(kind: Any, typed: Any, ours: Any) -> None:
    known = GRAMMAR[CODES[kind]].keys
    named = set(typed.__annotations__)
    assert named - ours <= set(known)
    assert {*OPTIONS[kind], *(key for key in known if key.startswith("ppt_"))} <= named


# ---- options that the router does not heed


def texts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if (record.name, record.levelname) == ("wamplite.client", "WARNING")
    ]


def publish(session: wamplite.Session, **options: Any) -> None:
    session.publish("com.app.t", options=options)


VERBS: dict[Any, Any] = {
    Call: lambda session, options: session.call("com.app.p", options=options),
    Publish: lambda session, options: session.publish("com.app.t", options=options),
    Register: lambda session, options: session.register("com.app.q", print, options=options),
    Subscribe: lambda session, options: session.subscribe("com.app.u", print, options=options),
}
KEPT_HERE = {(Call, "timeout")}  # the client keeps it whatever the router can
SENT = {(Call, "receive_progress"), (Register, "concurrency"), (Register, "force_reregister")}
REFUSED_HERE = [each for each in EVERY if each not in KEPT_HERE | SENT]
UNBUILT_OPTIONS = [(Publish, "rkey"), (Subscribe, "nkey")]
BESIDE = {"runmode": {"rkey": "a"}, "ppt_scheme": {"ppt_serializer": "json"}}  # what it needs


def named(cases: Any) -> list[Any]:
    return [pytest.param(kind, key, id=f"{kind.__name__}-{key}") for kind, key in cases]


def asking(key: str) -> dict[str, Any]:
    return {key: ASKING.get(key, True), **BESIDE.get(key, {})}


@pytest.fixture
def basic() -> Iterator[wamplite.Session]:
    with wamplite.Router(features="basic") as router:
        url = router.listen("rs://127.0.0.1:0")
        with wamplite.connect(url, features="all") as session:
            session.register("com.app.p", print)
            yield session


@pytest.mark.parametrize(("kind", "key"), named(REFUSED_HERE))
def test_an_option_is_not_sent_to_a_router_that_does_not_announce_its_feature(
    kind: Any, key: str, peer: Peer
) -> None:
    session = peer.join(features={"broker": {}, "dealer": {}})
    with pytest.raises(wamplite.ApplicationError, match=f"the option {key}") as refused:
        VERBS[kind](session, asking(key))
    assert refused.value.error == UNSUPPORTED
    session.publish("com.app.next")
    assert peer.receive() == [16, 1, {}, "com.app.next"]  # the first that is sent
    leave(peer, session)


@pytest.mark.parametrize(
    ("kind", "key"), named(each for each in REFUSED_HERE if each not in UNBUILT_OPTIONS)
)
def test_the_refusal_names_the_feature_and_how_it_is_switched_on(
    kind: Any, key: str, basic: wamplite.Session
) -> None:
    with pytest.raises(wamplite.ApplicationError) as refused:
        VERBS[kind](basic, asking(key))
    feature = OPTIONS[kind][key].feature_for(asking(key)[key])
    name = kind.__name__.upper()
    assert refused.value.args == (
        f"{name} was not sent: this router does not take the option {key}: it lacks the feature"
        f" {feature}: --feature {feature}, in Python features=, switches it on",
    )


@pytest.mark.parametrize(("kind", "key"), named(UNBUILT_OPTIONS))
def test_what_nobody_has_built_is_refused_as_that(kind: Any, key: str) -> None:
    with (
        wamplite.Router(features="all") as router,
        router.connect(features="all") as session,
        pytest.raises(wamplite.ApplicationError, match="nobody has built the feature sharded_sub"),
    ):
        VERBS[kind](session, asking(key))


@pytest.fixture
def rich() -> Iterator[wamplite.Session]:
    with wamplite.Router(features="all") as router:
        url = router.listen("rs://127.0.0.1:0")
        with wamplite.connect(url, features="all") as session:
            session.register("com.app.p", lambda *args: None, options={"invoke": "partition"})
            yield session


@pytest.mark.parametrize(
    ("kind", "key"),
    named(each for each in EVERY if each not in (*UNBUILT_OPTIONS, (Call, "progress"))),
)
def test_a_router_with_all_features_takes_every_option(
    kind: Any, key: str, rich: wamplite.Session, caplog: pytest.LogCaptureFixture
) -> None:
    granted = VERBS[kind](rich, asking(key) | ({"acknowledge": True} if kind is Publish else {}))
    if kind is Register:
        granted.unregister()
    elif kind is Subscribe:
        granted.unsubscribe()
    assert not rich.lost.is_set() and texts(caplog) == []


def test_a_policy_of_ones_own_is_the_routers_to_judge(basic: wamplite.Session) -> None:
    for kind, options in (
        (Subscribe, {"match": "_mine"}),
        (Register, {"match": "_mine"}),
        (Register, {"invoke": "_mine"}),
    ):
        with pytest.raises(wamplite.ApplicationError) as refused:
            VERBS[kind](basic, options)
        assert refused.value.error == "wamp.error.invalid_argument"


def test_a_hint_is_sent_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    with wamplite.Router(features="basic") as router, router.connect() as session:
        session.register("com.app.p", lambda: 5)
        for _ in range(2):
            assert session.call("com.app.p", on_progress=print, options={"timeout": 5}) == 5
    assert texts(caplog) == [
        "CALL: the router does not announce progressive_call_results: the option receive_progress"
        " may have no effect"
    ]


@pytest.mark.parametrize("key", ["concurrency", "force_reregister"])
def test_what_no_router_announces_is_sent_for_the_router_to_refuse(
    key: str, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    session = peer.join()
    registering = soon(session.register, "com.app.q", print, options=asking(key))
    assert peer.receive() == [64, 1, asking(key), "com.app.q"]
    peer.send([65, 1, 7])
    registering.result()
    leave(peer, session)
    assert texts(caplog) == []
    with wamplite.Router(features="basic") as router, router.connect() as other:
        with pytest.raises(wamplite.ApplicationError, match=f"--feature {key}") as refused:
            VERBS[Register](other, asking(key))  # ours refuses it
        assert refused.value.error == UNSUPPORTED


def test_what_the_router_is_known_to_have_is_sent_though_it_does_not_announce_it(
    peer: Peer,
) -> None:
    session = peer.join(assume_features=["event_retention", "call_timeout"])
    publish(session, retain=True)
    assert peer.receive()[2] == {"retain": True}
    with pytest.raises(wamplite.ApplicationError, match="the option exclude_me"):
        publish(session, exclude_me=False)
    calling = soon(session.call, "com.app.p", options={"timeout": 5})
    assert peer.receive()[2] == {"timeout": 5000}
    peer.send([50, 2, {}, [1]])
    assert calling.result() == 1
    leave(peer, session)


@pytest.mark.parametrize("names", ["event_retention", [1], None])
def test_features_to_assume_must_be_a_list_of_names(names: Any) -> None:
    with pytest.raises(UsageError, match="assume_features must be a list of names"):
        wamplite.connect("rs://127.0.0.1:1", assume_features=names)


def test_of_many_events_only_that_one_is_not_sent(basic: wamplite.Session) -> None:
    events: list[Any] = [("com.app.t", [], {}, {"eligible": [7]}), ("com.app.t", [], {}, {})]
    refused, sent = basic.publish_all(events)
    assert not refused.sent and sent.sent
    assert isinstance(refused.error, wamplite.ApplicationError)
    assert refused.error.error == UNSUPPORTED


def test_a_component_asks_again_for_what_the_router_lacks_a_feature_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with wamplite.Router(features="basic") as router:
        component = wamplite.Component(router.listen("rs://127.0.0.1:0"))
        component.subscribe("com.app.", print, options={"match": "prefix"})
        component.register("com.app.p", lambda: 5)
        with component, router.connect() as session:
            component.wait_joined(10)
            assert session.call("com.app.p") == 5
    assert "the feature pattern_based_subscription: --feature" in caplog.text


def test_a_call_in_parts_is_not_sent_to_a_router_that_would_end_the_session() -> None:
    with wamplite.Router() as router, router.connect(features="all") as session:
        with pytest.raises(
            wamplite.ApplicationError, match="does not take the option progress"
        ) as refused:
            session.call_parts("com.app.p", [1, 2])
        assert refused.value.error == UNSUPPORTED
        assert session.call_parts("wamp.session.count", [[]]) == 0


def test_a_call_in_parts_needs_that_we_have_announced_it() -> None:
    wanted = r'needs the feature progressive_call_invocations: connect\(features=\["standard", '
    with wamplite.Router(features="all") as router, router.connect() as session:
        with pytest.raises(UsageError, match=wanted):
            session.call_parts("com.app.p", [1, 2])
        assert not session.lost.is_set()


def test_what_is_announced_or_happens_anyway_is_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with wamplite.Router(features=["publisher_exclusion"]) as router, router.connect() as session:
        publish(session, exclude_me=False)
        publish(session, exclude_me=True, disclose_me=False, retain=False, acknowledge=True)
        publish(session, _mine=1)
    with wamplite.Router(features="basic") as router, router.connect() as session:
        publish(session, exclude_me=True)
        session.register("com.app.p", print, options={"match": "exact", "invoke": "single"})
        session.subscribe("com.app.t", print, options={"match": "exact"})
    assert texts(caplog) == []


def test_a_foreign_routers_announcement_counts(peer: Peer) -> None:
    session = peer.join(features={"broker": {"features": {"event_retention": True}}})
    publish(session, retain=True)
    assert peer.receive()[2] == {"retain": True}
    with pytest.raises(wamplite.ApplicationError, match="the option exclude_me"):
        publish(session, exclude_me=False)
    leave(peer, session)
