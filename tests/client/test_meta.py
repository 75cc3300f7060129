"""`session.meta`, testaments: what a session can do beyond its verbs, through a real router."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

import wamplite
from tests.client.scripted import soon
from tests.waiting import until
from wamplite.advanced import event_history
from wamplite.client.extensions import METHODS, PROPERTIES
from wamplite.core.feature import Feature, Host, Refused
from wamplite.core.meta import result

KEEPS_ME = wamplite.PublishOptions(exclude_me=False)


@pytest.fixture
def router() -> Iterator[wamplite.Router]:
    history = partial(event_history.ForRouter, ["prefix:com.log"])
    with wamplite.Router(features=["standard", history]) as router:
        yield router


def test_sessions_are_told_of(router: wamplite.Router) -> None:
    url = router.listen("rs://127.0.0.1:0")
    with router.connect() as ours, wamplite.connect(url, serializer="msgpack") as theirs:
        meta = ours.meta
        assert meta.count_sessions() == 2
        assert meta.count_sessions(["trusted"]) == meta.count_sessions(["anonymous"]) == 1
        assert {told["session"] for told in meta.sessions()} == {ours.id, theirs.id}
        assert [told["session"] for told in meta.sessions(["trusted"])] == [ours.id]
        told = meta.session(theirs.id)
        assert (told["authid"], told["authrole"]) == (theirs.authid, "anonymous")
        transport = told["transport"]
        assert (transport["type"], transport["serializer"]) == ("rawsocket", "msgpack")
        assert (transport["listener"], transport["tls"]) == (url, False)
        with pytest.raises(wamplite.ApplicationError, match="no_such_session"):
            meta.session(1)


def test_sessions_are_killed(router: wamplite.Router) -> None:
    url = router.listen("rs://127.0.0.1:0")
    with router.connect() as ours:
        for kill in (
            lambda victim: ours.meta.kill(victim.id, "com.app.out", "go away"),
            lambda victim: ours.meta.kill_by_authid(victim.authid) == [victim.id],
            lambda victim: ours.meta.kill_by_authrole("anonymous") == 1,
            lambda victim: ours.meta.kill_all() == 1,
        ):
            with wamplite.connect(url) as victim:
                assert kill(victim) in (None, True)
                assert victim.lost.wait(10)
                assert isinstance(victim.error, wamplite.TransportLost)


def test_registrations_and_subscriptions_are_told_of(router: wamplite.Router) -> None:
    with router.connect() as session:
        registration = session.register("com.app.p", print)
        pattern = session.subscribe("com", print, options={"match": "prefix"})
        topic = session.subscribe("com.app.t", print)
        (told,) = session.meta.registrations()
        assert (told["id"], told["uri"], told["callees"]) == (
            registration.id,
            "com.app.p",
            [session.id],
        )
        told_of = {told["id"]: told for told in session.meta.subscriptions()}
        assert set(told_of) == {pattern.id, topic.id}
        assert told_of[pattern.id]["match"] == "prefix"
        assert told_of[topic.id]["subscribers"] == [session.id]
        assert session.meta.registration_of("com.app.p") == registration.id
        assert session.meta.registration_of("com.app.q") is None
        assert sorted(session.meta.subscriptions_of("com.app.t")) == sorted([pattern.id, topic.id])
        assert session.meta.subscriptions_of("org") == []


def test_the_history_of_a_subscription_is_read(router: wamplite.Router) -> None:
    with router.connect() as session, router.connect() as other:
        for number in (1, 2, 3):
            other.publish("com.log.kept", number, options={"acknowledge": True})
        subscription = session.subscribe("com.log.kept", print)
        events = session.meta.events(subscription.id, limit=2)
        assert [event["args"] for event in events] == [[1], [2]]
        assert subscription.active


def test_the_history_of_a_topic_is_read(router: wamplite.Router) -> None:
    with router.connect() as session:
        for number in range(3):
            session.publish("com.log.a", number, options={"acknowledge": True})
        events = session.meta.history("com.log.a", reverse=True, limit=2)
        assert [event["args"] for event in events] == [[2], [1]]
        assert len(session.meta.history("com.log", match="prefix")) == 3
        assert session.meta.history("com.other") == []
        assert session.meta.subscriptions() == []


def test_a_router_without_it_says_so() -> None:
    with wamplite.Router(features="basic") as router, router.connect() as session:
        with pytest.raises(wamplite.NoSuchProcedure, match=r"wamp\.session\.count"):
            session.meta.count_sessions()
        with pytest.raises(wamplite.NoSuchProcedure):
            session.testament("com.will")


def test_a_testament_is_published_when_its_session_ends(router: wamplite.Router) -> None:
    with router.connect() as heir:
        heard: list[object] = []
        heir.subscribe("com.will", lambda *args, **kwargs: heard.append((args, kwargs)))
        with router.connect() as session:
            session.testament("com.will", "last", by="joe")
            session.testament("com.will", "first", scope="detached", options={"retain": True})
        until(lambda: len(heard) == 2, what="both are published")
        assert heard == [(("first",), {}), (("last",), {"by": "joe"})]
        late: list[object] = []
        heir.subscribe("com.wil", late.append, options={"match": "prefix", "get_retained": True})
        until(lambda: late == ["first"], what="it was retained")


def test_testaments_are_forgotten(router: wamplite.Router) -> None:
    with router.connect() as heir:
        heard: list[object] = []
        heir.subscribe("com.will", heard.append)
        with router.connect() as session:
            session.testament("com.will", 1)
            session.testament("com.will", 2, scope="detached")
            session.flush_testaments()
        until(lambda: heard == [2], what="the other scope is there")


def test_a_component_leaves_a_testament_in_each_session(
    router: wamplite.Router, caplog: pytest.LogCaptureFixture
) -> None:
    url = router.listen("rs://127.0.0.1:0")
    with router.connect() as heir:
        heard: list[object] = []
        heir.subscribe("com.will", heard.append)
        app = wamplite.Component(url, initial_retry_delay=0.05)
        app.testament("com.will", "gone")
        left: list[wamplite.Session] = []
        app.on_join(left.append)  # called once the testament is there
        with app:
            for number in (1, 2):
                session = app.wait_joined(10)
                until(lambda: heir.meta.count_sessions() == 2, what="it has joined")
                until(lambda session=session: session in left, what="it has left its testament")  # type: ignore[misc]
                heir.meta.kill(session.id)
                until(lambda number=number: len(heard) == number, what="it is published")  # type: ignore[misc]
                until(lambda session=session: app.session is not session, what="it comes back")  # type: ignore[misc]
    assert "no testament" not in caplog.text


def test_a_component_whose_router_has_no_testaments_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with wamplite.Router(features="basic") as router:
        app = wamplite.Component(router.listen("rs://127.0.0.1:0"))
        app.testament("com.will", "gone")
        with app:
            app.wait_joined(10)
            until(lambda: "no testament for com.will" in caplog.text, what="it is told")


def lose(heir: wamplite.Session, app: wamplite.Component) -> None:
    """End the current session of a component, and wait until it has the next one."""
    session = app.wait_joined(10)
    heir.meta.kill(session.id)
    until(lambda: app.session not in (None, session), what="it comes back")
    app.wait_joined(10)


def test_a_testament_is_left_in_the_current_session_too(router: wamplite.Router) -> None:
    url = router.listen("rs://127.0.0.1:0")
    with router.connect() as heir:
        heard: list[object] = []
        heir.subscribe("com.will", heard.append)
        with wamplite.Component(url, initial_retry_delay=0.05) as app:
            app.wait_joined(10)
            app.testament("com.will", "gone")
            left: list[int] = []  # the sessions that have it: it comes first
            app.on_join(lambda session: left.append(session.id))
            for number in (1, 2):
                lose(heir, app)
                until(lambda number=number: len(heard) == number, what="it is published")  # type: ignore[misc]
                until(lambda number=number: len(left) == number, what="the next has it")  # type: ignore[misc]
        until(lambda: len(heard) == 3, what="that of the last one")


def test_a_testament_that_comes_while_a_session_is_joined_is_left_once(
    router: wamplite.Router,
) -> None:
    app = wamplite.Component(router.listen("rs://127.0.0.1:0"))
    with router.connect() as heir:
        heard: list[object] = []
        heir.subscribe("com.will", heard.append)

        left = threading.Event()

        @app.on_join
        def on_join(session: wamplite.Session) -> None:
            soon(app.testament, "com.will", "gone").result()
            left.set()

        with app:
            app.wait_joined(10)
            assert left.wait(10)
            app.on_leave(lambda session: heir.publish("com.will", "end", options=KEEPS_ME))
        until(lambda: "end" in heard, what="the session has ended")
        assert heard == ["gone", "end"]


def test_a_testament_of_on_join_is_of_that_session_alone(router: wamplite.Router) -> None:
    url = router.listen("rs://127.0.0.1:0")
    with router.connect() as heir:
        heard: list[object] = []
        heir.subscribe("com.will", heard.append)
        app = wamplite.Component(url, initial_retry_delay=0.05)
        left: list[int] = []

        @app.on_join
        def on_join(session: wamplite.Session) -> None:
            app.testament("com.will", session.id)
            left.append(session.id)

        ids: list[int] = []
        with app:
            for _ in range(3):
                ids.append(app.wait_joined(10).id)
                until(lambda: left == ids, what="it has left its testament")
                lose(heir, app)
        until(lambda: len(heard) == 4, what="one of each session")
    assert heard[:3] == ids


@pytest.mark.parametrize(
    ("topic", "options", "text"),
    [
        ("com..will", None, "PUBLISH: 'com..will' is not a valid URI"),
        ("com.will", {"retian": True}, "PUBLISH has no option 'retian', perhaps retain"),
    ],
)
def test_a_testament_that_cannot_be_is_refused_before_there_is_a_session(
    topic: str, options: Any, text: str
) -> None:
    app = wamplite.Component("rs://127.0.0.1:1")
    with pytest.raises(wamplite.UsageError, match=text):
        app.testament(topic, options=options)


def test_a_testament_is_refused_where_its_options_would_not_be_heeded() -> None:
    with (
        wamplite.Router(features=["testament_meta_api"]) as router,
        router.connect() as session,
        pytest.raises(wamplite.ApplicationError, match="lacks the feature event_retention"),
    ):
        session.testament("com.will", options={"retain": True})


def test_a_component_that_comes_back_gets_what_is_retained_again(router: wamplite.Router) -> None:
    url = router.listen("rs://127.0.0.1:0")
    app = wamplite.Component(url, initial_retry_delay=0.05)
    seen: list[tuple[object, bool]] = []
    day = (["day"], True)

    @app.subscribe("com.mode", options={"get_retained": True})
    def on_mode(event: wamplite.Event) -> None:
        seen.append((event.args, event.details.get("retained", False)))

    retained = wamplite.PublishOptions(retain=True, acknowledge=True)
    with router.connect() as heir:
        heir.publish("com.mode", "day", options=retained)
        with app:
            until(lambda: seen == [day], what="the first session has it")
            lose(heir, app)
            until(lambda: len(seen) == 2, what="the second has it again")
            heir.publish("com.mode", "night", options=retained)
            until(lambda: len(seen) == 3, what="it is published")
            lose(heir, app)
            until(lambda: len(seen) == 4, what="the third has the new one")
            heir.publish("com.mode", options=retained)  # nothing is retained any more
            lose(heir, app)
            heir.publish("com.mode", "end", options={"acknowledge": True})
            until(lambda: seen[-1] == (["end"], False), what="the fourth listens")
    assert seen == [day, day, (["night"], False), (["night"], True), ([], False), (["end"], False)]


def test_what_is_loaded_late_is_there_for_completion(router: wamplite.Router) -> None:
    with router.connect() as session:
        assert {*METHODS, *PROPERTIES, "call", "id"} <= set(dir(session))
        with pytest.raises(AttributeError, match="'Session' object has no attribute 'metta'"):
            session.metta  # noqa: B018


class Leaving(Feature):
    """Sessions 1 to 3, of which the second is gone when it is asked for."""

    name = "leaving"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        self.error = "wamp.error.no_such_session"
        host.procedures["wamp.session.list"] = lambda caller, call: result(call, [1, 2, 3])
        host.procedures["wamp.session.get"] = self.get

    def get(self, caller: Any, call: Any) -> Any:
        if call.args == [2]:
            raise Refused(self.error)
        return result(call, {"session": call.args[0]})


def test_who_has_gone_meanwhile_is_left_out_and_other_errors_are_told() -> None:
    with wamplite.Router(features=[Leaving]) as router, router.connect() as session:
        assert session.meta.sessions() == [{"session": 1}, {"session": 3}]
        (feature,) = router.realms["realm1"].realm.features
        feature.error = "com.app.no"  # type: ignore[attr-defined]
        with pytest.raises(wamplite.ApplicationError, match="com.app.no"):
            session.meta.sessions()
