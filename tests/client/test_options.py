from __future__ import annotations

from typing import Any

import pytest

import wamplite
from tests.client.scripted import Peer, soon
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
from wamplite.core.messages import Call, Publish, Register, Subscribe

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


# ---- options without an effect


def texts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if (record.name, record.levelname) == ("wamplite.client", "WARNING")
    ]


def publish(session: wamplite.Session, **options: Any) -> None:
    session.publish("com.app.t", options=options)


def test_an_option_without_effect_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    with wamplite.Router(features="basic") as router, router.connect() as session:
        for _ in range(3):
            publish(session, exclude_me=False)
        publish(session, disclose_me=True)
        session.publish_all([("com.app.t", [], {}, {"retain": True, "exclude_me": False})])
        with pytest.raises(wamplite.NoSuchProcedure):
            session.call("com.app.p", options={"receive_progress": True, "timeout": 5})
    end = "has no effect, or is refused"
    assert texts(caplog) == [
        f"PUBLISH: the router does not announce publisher_exclusion: the option exclude_me {end}",
        "PUBLISH: the router does not announce publisher_identification: the option disclose_me"
        f" {end}",
        f"PUBLISH: the router does not announce event_retention: the option retain {end}",
        "CALL: the router does not announce progressive_call_results: the option receive_progress"
        f" {end}",
    ]


@pytest.mark.parametrize(
    ("ask", "feature"),
    [
        (lambda session: publish(session, retain=True, acknowledge=True), "event_retention"),
        (
            lambda session: session.subscribe("com.app.t", print, options={"get_retained": True}),
            "event_retention",
        ),
        (
            lambda session: session.register("com.app.q", print, options={"concurrency": 1}),
            "concurrency",
        ),
        (
            lambda session: session.call("com.app.p", options={"disclose_me": True}),
            "caller_identification",
        ),
    ],
)
def test_what_our_router_refuses_names_the_feature(
    ask: Any, feature: str, caplog: pytest.LogCaptureFixture
) -> None:
    with wamplite.Router(features="basic") as router, router.connect() as session:
        session.register("com.app.p", print)
        with pytest.raises(wamplite.ApplicationError, match=f"--feature {feature}") as refused:
            ask(session)
    assert refused.value.error == UNSUPPORTED
    (text,) = texts(caplog)
    assert f"does not announce {feature}" in text


LISTS = ["exclude", "eligible", "exclude_authid", "exclude_authrole"]
LISTS += ["eligible_authid", "eligible_authrole"]


@pytest.mark.parametrize("key", LISTS)
def test_an_event_that_is_not_for_all_is_not_sent_to_a_router_that_would_send_it_to_all(
    key: str,
) -> None:
    names = [7] if key in ("exclude", "eligible") else ["ann"]
    with wamplite.Router(features="basic") as router, router.connect() as session:
        text = f"PUBLISH: the router does not announce .*: the option {key} is not sent"
        with pytest.raises(wamplite.ApplicationError, match=text) as refused:
            publish(session, **{key: names})
        assert refused.value.error == UNSUPPORTED
        (outcome,) = session.publish_all([("com.app.t", [], {}, {key: names})])
        assert not outcome.sent and str(outcome.error) == str(refused.value)
        assert router.counters == {}


def test_a_call_in_parts_is_not_sent_to_a_router_that_would_end_the_session() -> None:
    with wamplite.Router() as router, router.connect(features="all") as session:
        with pytest.raises(wamplite.ApplicationError, match="progress is not sent") as refused:
            session.call_parts("com.app.p", [1, 2])
        assert refused.value.error == UNSUPPORTED
        assert session.call_parts("wamp.session.count", [[]]) == 0


def test_a_call_in_parts_needs_that_we_have_announced_it() -> None:
    wanted = r'needs the feature progressive_call_invocations: connect\(features=\["standard", '
    with wamplite.Router(features="all") as router, router.connect() as session:
        with pytest.raises(UsageError, match=wanted):
            session.call_parts("com.app.p", [1, 2])
        assert not session.lost.is_set()


def test_each_session_is_told_anew(caplog: pytest.LogCaptureFixture) -> None:
    with wamplite.Router(features="basic") as router:
        for _ in range(2):
            with router.connect() as session:
                publish(session, exclude_me=False)
    assert len(texts(caplog)) == 2


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


def test_a_foreign_routers_announcement_counts(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    session = peer.join(features={"broker": {"features": {"event_retention": True}}})
    publish(session, retain=True, exclude_me=False)
    assert peer.receive()[2] == {"retain": True, "exclude_me": False}
    leaving = soon(session.leave)
    peer.goodbye()
    leaving.result()
    assert [text.split()[-7] for text in texts(caplog)] == ["exclude_me"]
