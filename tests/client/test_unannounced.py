"""Options that the router will not heed are told of in the log, once each in a session."""

from __future__ import annotations

from typing import Any

import pytest

import wamplite
from tests.client.scripted import Peer, soon
from wamplite.client.unannounced import NEEDS
from wamplite.core.grammar import GRAMMAR
from wamplite.core.messages import CODES


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
            publish(session, exclude_me=False, acknowledge=True)
        publish(session, disclose_me=True)
        session.publish_all([("com.app.t", [], {}, {"retain": True, "exclude_me": False})])
        with pytest.raises(wamplite.NoSuchProcedure):
            session.call("com.app.p", options={"receive_progress": True, "timeout": 5})
        session.subscribe("com.app.t", print, options={"get_retained": True})
        session.register("com.app.q", print, options={"disclose_caller": True})
    end = "has no effect"
    assert texts(caplog) == [
        f"PUBLISH: the router does not announce publisher_exclusion: the option exclude_me {end}",
        "PUBLISH: the router does not announce publisher_identification: the option disclose_me"
        f" {end}",
        f"PUBLISH: the router does not announce event_retention: the option retain {end}",
        "CALL: the router does not announce progressive_call_results: the option receive_progress"
        f" {end}",
        f"SUBSCRIBE: the router does not announce event_retention: the option get_retained {end}",
        "REGISTER: the router does not announce caller_identification: the option disclose_caller"
        f" {end}",
    ]


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
    assert [text.split()[-4] for text in texts(caplog)] == ["exclude_me"]


def test_every_option_that_is_named_is_one() -> None:
    for kind, (_, needs) in NEEDS.items():
        assert set(needs) <= set(GRAMMAR[CODES[kind]].keys)
