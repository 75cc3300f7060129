"""The verbs of a session, through a router."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, soon
from wamplite import Event, Invocation, Result, Session

ACKNOWLEDGE = wamplite.PublishOptions(acknowledge=True)


class Collector:
    """Events that have come, and a way to wait for so many of them."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._changed = threading.Condition()

    def add(self, /, *args: Any, **kwargs: Any) -> None:
        with self._changed:
            self.events.append((*args, kwargs) if kwargs else args)
            self._changed.notify_all()

    def first(self, count: int) -> list[Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= count, PATIENCE)
            return self.events


@pytest.fixture
def ann(url: str) -> Iterator[Session]:
    with wamplite.connect(url, "realm1", serializer="msgpack") as session:
        yield session


@pytest.fixture
def bob(url: str) -> Iterator[Session]:
    with wamplite.connect(url, "realm1", serializer="json") as session:
        yield session


def echo(*args: Any, **kwargs: Any) -> Result:
    return Result(args, kwargs)


# ---- calls


@pytest.mark.parametrize(
    "value", [None, 5, "", "é", 1.5, True, b"\0\xff", [1, [2]], {"a": {"b": 1}}]
)
def test_one_value_comes_back_as_it_is(ann: Session, bob: Session, value: Any) -> None:
    ann.register("com.app.same", lambda value: value)
    assert bob.call("com.app.same", value) == value


def test_a_result_of_several_values_is_a_result(ann: Session, bob: Session) -> None:
    ann.register("com.app.echo", echo)
    assert bob.call("com.app.echo") is None
    assert bob.call("com.app.echo", 1) == 1
    assert bob.call("com.app.echo", 1, 2) == Result([1, 2])
    assert bob.call("com.app.echo", k=1) == Result([], {"k": 1})
    assert bob.call("com.app.echo", 1, k=2) == Result([1], {"k": 2})


def test_call_result_gives_the_whole_result(ann: Session, bob: Session) -> None:
    ann.register("com.app.echo", echo)
    whole = bob.call_result("com.app.echo", [1], {"options": 2, "self": 3})
    assert (whole.args, whole.kwargs, whole.details) == ([1], {"options": 2, "self": 3}, {})
    assert bob.call_result("com.app.echo") == Result()


def test_keywords_may_have_any_name_but_options(ann: Session, bob: Session) -> None:
    ann.register("com.app.echo", lambda **kwargs: sorted(kwargs))
    names = ["args", "handler", "procedure", "self", "timeout", "topic"]
    assert bob.call("com.app.echo", **dict.fromkeys(names, 1)) == names


def test_an_event_may_have_keywords_of_any_name(ann: Session, bob: Session) -> None:
    came = Collector()
    ann.subscribe("com.app.t", came.add)
    names = ["args", "handler", "kwargs", "options", "self", "timeout", "topic"]
    assert bob.publish_args("com.app.t", [1], dict.fromkeys(names, 2)) is None
    assert bob.publish_args("com.app.t", options=ACKNOWLEDGE)
    assert came.first(2) == [(1, dict.fromkeys(names, 2)), ()]


def test_nobody_serves_an_unknown_procedure(bob: Session) -> None:
    with pytest.raises(wamplite.NoSuchProcedure) as refused:
        bob.call("com.app.nothing")
    assert refused.value.error == "wamp.error.no_such_procedure"
    assert "(CALL of com.app.nothing)" in str(refused.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "finite"),
        ({1: 2}, "key"),
        (object(), "object"),
        ("\ud800", "surrogate"),
        (2**64, "2\\*\\*64-1"),
        (-(2**63) - 1, "-2\\*\\*63"),
        ("\0", "NUL"),
    ],
)
def test_what_cannot_be_sent_names_the_argument(bob: Session, value: Any, text: str) -> None:
    for verb, name in ((bob.call, "CALL"), (bob.publish, "PUBLISH")):
        with pytest.raises(wamplite.UsageError, match=f"{name} of com.app.p: argument 2: .*{text}"):
            verb("com.app.p", 1, value)
        with pytest.raises(wamplite.UsageError, match=f"argument name: .*{text}"):
            verb("com.app.p", 1, name=value)
    assert bob.publish("com.app.p", 1, options=ACKNOWLEDGE)


@pytest.mark.parametrize("uri", ["", "a..b", "a b", "a#", "x" * 256, "a.", "t.\udcff", "\ud800"])
def test_a_uri_that_is_none_is_not_sent(bob: Session, uri: str) -> None:
    for verb in (bob.call, bob.publish):
        with pytest.raises(wamplite.UsageError, match="is not a valid URI"):
            verb(uri)
    for decorator in (bob.subscribe, bob.register):
        with pytest.raises(wamplite.UsageError, match="is not a valid URI"):
            decorator(uri, print)


@pytest.mark.parametrize(
    ("options", "feature"),
    [
        ({"match": "prefix"}, "pattern_based_registration"),
        ({"invoke": "first"}, "shared_registration"),
    ],
)
def test_a_feature_that_the_router_lacks_is_told_with_what_would_do(
    bob: Session, options: dict[str, Any], feature: str
) -> None:
    with pytest.raises(wamplite.ApplicationError, match=f"{feature}: --feature {feature}, in"):
        bob.register("com.app.p", print, options=options)


def test_options_of_the_wrong_type_are_not_sent(bob: Session) -> None:
    with pytest.raises(wamplite.UsageError, match="CALL: option disclose_me must be a bool, not 1"):
        bob.call("com.app.p", options={"disclose_me": 1})
    with pytest.raises(wamplite.UsageError, match="timeout must be seconds"):
        bob.call("com.app.p", options={"timeout": -1})


# ---- what goes wrong in a procedure


def test_an_application_error_goes_out_as_it_is(ann: Session, bob: Session) -> None:
    @ann.register("com.app.p")
    def refuse() -> None:
        raise wamplite.ApplicationError("com.app.error.full", "no room", left=0)

    with pytest.raises(wamplite.ApplicationError) as refused:
        bob.call("com.app.p")
    error = refused.value
    assert (error.error, error.args, error.kwargs) == (
        "com.app.error.full",
        ("no room",),
        {"left": 0},
    )
    assert str(error) == "com.app.error.full (CALL of com.app.p): 'no room', left=0"


def test_arguments_that_a_procedure_does_not_take(ann: Session, bob: Session) -> None:
    ann.register("com.app.add", lambda a, b: a + b)
    for args in ((1,), (1, 2, 3)):
        with pytest.raises(wamplite.InvalidArgument, match="argument"):
            bob.call("com.app.add", *args)
    with pytest.raises(wamplite.InvalidArgument, match="argument"):
        bob.call("com.app.add", 1, c=2)


def test_any_other_exception_is_a_runtime_error_and_logged_once(
    ann: Session, bob: Session, caplog: pytest.LogCaptureFixture
) -> None:
    ann.register("com.app.add", lambda a, b: a + b)
    with pytest.raises(wamplite.ApplicationError) as refused:
        bob.call("com.app.add", 1, "x")
    assert refused.value.error == "wamp.error.runtime_error"
    assert "TypeError: unsupported operand" in str(refused.value.args[0])
    assert "Traceback" not in str(refused.value)
    logged = [record for record in caplog.records if record.name == "wamplite.client"]
    assert [record.getMessage().split(": ")[0] for record in logged] == [
        "INVOCATION of com.app.add"
    ]
    assert logged[0].exc_info


@pytest.mark.parametrize("value", [object(), float("inf"), {1: 2}])
def test_a_result_that_cannot_be_sent_is_an_error(ann: Session, bob: Session, value: Any) -> None:
    ann.register("com.app.p", lambda: value)
    with pytest.raises(wamplite.ApplicationError, match="result: ") as refused:
        bob.call("com.app.p")
    assert refused.value.error == "wamp.error.runtime_error"


def test_a_result_above_the_routers_limit_is_an_error(ann: Session, bob: Session) -> None:
    ann.register("com.app.p", lambda: "x" * (1 << 21))
    with pytest.raises(wamplite.ApplicationError) as refused:
        bob.call("com.app.p")
    assert refused.value.error == "wamp.error.payload_size_exceeded"


def test_an_error_whose_arguments_cannot_be_sent_keeps_its_uri(ann: Session, bob: Session) -> None:
    @ann.register("com.app.p")
    def refuse() -> None:
        raise wamplite.ApplicationError("com.app.error", object())

    with pytest.raises(wamplite.ApplicationError, match="its arguments cannot be sent") as refused:
        bob.call("com.app.p")
    assert refused.value.error == "com.app.error"


def test_a_procedure_that_ends_its_thread_is_answered_too(ann: Session, bob: Session) -> None:
    @ann.register("com.app.p")
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(wamplite.ApplicationError, match="SystemExit: 3"):
        bob.call("com.app.p")


# ---- handlers that use the session


def test_a_procedure_may_call_and_a_hundred_may_at_once(ann: Session, bob: Session) -> None:
    @ann.register("com.app.count")
    def count(left: int) -> int:
        return 1 + ann.call("com.app.count", left - 1) if left else 0

    waiting = [soon(bob.call, "com.app.count", 3) for _ in range(30)]
    waiting += [soon(ann.call, "com.app.count", 3) for _ in range(30)]
    assert [later.result() for later in waiting] == [3] * 60


def test_an_event_handler_may_use_every_verb(ann: Session, bob: Session) -> None:
    done = Collector()
    ann.register("com.app.echo", echo)

    def on_event(value: int) -> None:
        bob.publish("com.app.done", value, options=ACKNOWLEDGE)
        bob.register(f"com.app.p{value}", echo)
        bob.subscribe(f"com.app.t{value}", done.add).unsubscribe()
        done.add(bob.call("com.app.echo", value))

    bob.subscribe("com.app.t", on_event)
    for value in range(5):
        ann.publish("com.app.t", value)
    assert done.first(5) == [(value,) for value in range(5)]


def test_a_handler_may_leave(url: str, ann: Session) -> None:
    with wamplite.connect(url) as leaving:
        leaving.subscribe("com.app.t", leaving.leave)
        ann.publish("com.app.t")
        assert leaving.lost.wait(PATIENCE)
        assert leaving.error is None


def test_a_procedure_may_leave_and_its_caller_hears(url: str, ann: Session) -> None:
    with wamplite.connect(url) as leaving:
        leaving.register("com.app.p", leaving.leave)
        with pytest.raises(wamplite.Canceled):
            ann.call("com.app.p")


# ---- registrations


def test_a_procedure_is_registered_once(ann: Session, bob: Session) -> None:
    ann.register("com.app.p", echo)
    with pytest.raises(wamplite.ApplicationError, match=r"\(REGISTER of com.app.p\)") as refused:
        bob.register("com.app.p", echo)
    assert refused.value.error == "wamp.error.procedure_already_exists"


def test_unregistering_frees_the_procedure(ann: Session, bob: Session) -> None:
    registration = ann.register("com.app.p", echo)
    assert registration.active
    assert "com.app.p" in repr(registration)
    registration.unregister()
    assert not registration.active
    registration.unregister()
    bob.register("com.app.p", lambda: "bob")
    assert ann.call("com.app.p") == "bob"


def test_autobahns_order_and_decorators_work_too(ann: Session, bob: Session) -> None:
    @ann.register("com.app.one")
    def one() -> int:
        return 1

    ann.register(lambda: 2, "com.app.two")
    assert [one(), bob.call("com.app.one"), bob.call("com.app.two")] == [1, 1, 2]
    got = Collector()
    bob.subscribe(got.add, "com.app.t")

    @bob.subscribe("com.app.t")
    def on_event(value: int) -> None:
        got.add("decorated", value)

    ann.publish("com.app.t", 5)
    assert got.first(2) == [(5,), ("decorated", 5)]


def test_two_uris_are_no_handler(ann: Session) -> None:
    with pytest.raises(wamplite.UsageError, match="handler must be callable"):
        ann.register("com.app.p", "com.app.q")  # type: ignore[call-overload]
    with pytest.raises(wamplite.UsageError, match="expected a URI and a handler"):
        ann.subscribe(print, print)  # type: ignore[call-overload]


def test_a_procedure_gets_the_invocation_it_asks_for(ann: Session, bob: Session) -> None:
    @ann.register("com.app.p")
    def whole(invocation: Invocation) -> Any:
        return [invocation.procedure, invocation.args, invocation.kwargs]

    @ann.register("com.app.q")
    def both(value: int, details: Any) -> Any:
        return [value, details.procedure]

    assert bob.call("com.app.p", 1, k=2) == ["com.app.p", [1], {"k": 2}]
    assert bob.call("com.app.q", 1) == [1, "com.app.q"]


def test_when_all_threads_are_busy_a_call_is_refused(url: str, bob: Session) -> None:
    begun, go = threading.Semaphore(0), threading.Event()
    with wamplite.connect(url, max_invocations=2) as callee:
        callee.register("com.app.p", lambda: begun.release() or go.wait(PATIENCE))
        waiting = [soon(bob.call, "com.app.p") for _ in range(2)]
        for _ in waiting:
            assert begun.acquire(timeout=PATIENCE)
        with pytest.raises(wamplite.Unavailable, match="all 2 threads are busy"):
            bob.call("com.app.p")
        go.set()
        assert [later.result() for later in waiting] == [True, True]
        assert bob.call("com.app.p") is True


# ---- events


def test_events_come_in_order_across_topics(ann: Session, bob: Session) -> None:
    got = Collector()
    for topic in ("com.app.a", "com.app.b"):
        bob.subscribe(topic, partial(got.add, topic))
    sent = [(("com.app.a", "com.app.b")[number % 3 == 0], number) for number in range(300)]
    for topic, number in sent:
        ann.publish(topic, number)
    assert got.first(300) == sent


def test_every_handler_of_a_topic_gets_each_event(ann: Session, bob: Session) -> None:
    got = Collector()
    first = bob.subscribe("com.app.t", partial(got.add, "first"))
    second = bob.subscribe("com.app.t", partial(got.add, "second"))
    assert first.id == second.id
    assert "com.app.t" in repr(first)
    ann.publish("com.app.t", 1)
    assert got.first(2) == [("first", 1), ("second", 1)]
    first.unsubscribe()
    first.unsubscribe()
    assert not first.active
    ann.publish("com.app.t", 2)
    assert got.first(3)[2:] == [("second", 2)]
    second.unsubscribe()
    bob.subscribe("com.app.t", partial(got.add, "third"))
    ann.publish("com.app.t", 3)
    assert got.first(4)[3:] == [("third", 3)]


def test_no_handler_is_started_after_unsubscribe(ann: Session, bob: Session) -> None:
    got, go = Collector(), threading.Event()

    def on_event(value: int) -> None:
        got.add(value)
        go.wait(PATIENCE)

    subscription = bob.subscribe("com.app.t", on_event)
    last = Collector()
    bob.subscribe("com.app.last", last.add)
    for value in range(5):
        ann.publish("com.app.t", value)
    ann.publish("com.app.last")
    got.first(1)
    subscription.unsubscribe()
    go.set()
    last.first(1)
    assert got.events == [(0,)]


def test_a_handler_gets_the_event_it_asks_for(ann: Session, bob: Session) -> None:
    got = Collector()

    @bob.subscribe("com.app.t")
    def on_event(event: Event) -> None:
        got.add(event)

    published = ann.publish("com.app.t", 1, k=2, options=ACKNOWLEDGE)
    ((event,),) = got.first(1)
    assert event[:3] == ("com.app.t", [1], {"k": 2})
    assert event.publication == published


def test_a_pattern_tells_the_topic(ann: Session, bob: Session) -> None:
    got = Collector()
    bob.subscribe(
        "com.app.",
        lambda value, details: got.add(details.topic, value),
        options=wamplite.SubscribeOptions(match="prefix"),
    )
    ann.publish("com.app.t", 1)
    assert got.first(1) == [("com.app.t", 1)]


def test_a_publisher_does_not_hear_itself(ann: Session) -> None:
    got = Collector()
    ann.subscribe("com.app.t", got.add)
    ann.publish("com.app.t", 1)
    ann.publish("com.app.t", 2, options={"exclude_me": False})
    assert got.first(1) == [(2,)]


def test_publishing_without_acknowledge_returns_nothing(ann: Session) -> None:
    assert ann.publish("com.app.t") is None
    assert isinstance(ann.publish("com.app.t", options={"acknowledge": True}), int)


def test_a_handler_that_fails_is_logged_and_the_next_event_comes(
    ann: Session, bob: Session, caplog: pytest.LogCaptureFixture
) -> None:
    got = Collector()

    def on_event(value: int) -> None:
        if value == 0:
            raise ValueError("zero")
        got.add(value)

    bob.subscribe("com.app.t", on_event)
    for value in range(2):
        ann.publish("com.app.t", value)
    assert got.first(1) == [(1,)]
    logged = [record for record in caplog.records if record.name == "wamplite.client"]
    assert [record.getMessage() for record in logged] == [
        f"EVENT of com.app.t: {on_event.__qualname__} raised ValueError: zero"
    ]
    assert logged[0].levelno == logging.ERROR


def test_concurrent_handlers_run_at_the_same_time(ann: Session, bob: Session) -> None:
    meet = threading.Barrier(3)
    got = Collector()

    def on_event(value: int) -> None:
        meet.wait(PATIENCE)
        got.add(value)

    bob.subscribe("com.app.t", on_event, options=wamplite.SubscribeOptions(concurrent=True))
    for value in range(3):
        ann.publish("com.app.t", value)
    assert sorted(got.first(3)) == [(0,), (1,), (2,)]


@pytest.mark.parametrize(("bound", "most"), [("MOST_EVENTS", 10), ("MOST_BYTES", 100)])
def test_handlers_that_fall_behind_end_the_session(
    url: str, ann: Session, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(f"wamplite.client.workers.{bound}", most)
    go = threading.Event()
    with wamplite.connect(url) as slow:
        slow.subscribe("com.app.t", lambda: go.wait(PATIENCE))
        calling = soon(slow.call, "com.app.never", options={"timeout": 0})
        with pytest.raises(wamplite.NoSuchProcedure):
            calling.result()
        for _ in range(12):
            ann.publish("com.app.t", options=ACKNOWLEDGE)
        assert slow.lost.wait(PATIENCE)
        assert str(slow.error) == "event handlers fell behind"
        go.set()


# ---- the end


def test_a_session_shows_who_it_is(ann: Session) -> None:
    assert repr(ann) == f"<Session {ann.id} in realm1>"
    assert (ann.realm, ann.authrole, ann.authmethod) == ("realm1", "anonymous", "anonymous")
    assert ann.authid
    assert ann.details["authid"] == ann.authid
    ann.leave()
    assert repr(ann).endswith("realm1, ended>")


def test_leaving_waits_for_handlers_that_run(url: str, ann: Session) -> None:
    running, may_return = threading.Event(), threading.Event()

    def on_event() -> None:
        running.set()
        may_return.wait(PATIENCE)

    session = wamplite.connect(url)
    session.subscribe("com.app.t", on_event)
    ann.publish("com.app.t")
    assert running.wait(PATIENCE)
    leaving = soon(session.leave)
    assert session.lost.wait(PATIENCE)
    leaving.wait(0.05)
    assert leaving.is_waiting
    may_return.set()
    leaving.result()


def test_run_forever_on_another_thread_ends_with_the_session(url: str) -> None:
    session = wamplite.connect(url)
    running = soon(session.run_forever)
    session.leave()
    assert running.result() is None
    assert soon(session.run_forever).result() is None


def test_run_forever_raises_why_the_session_was_lost() -> None:
    with wamplite.Router(realms=["realm1"]) as router:
        session = wamplite.connect(router.listen("rs://127.0.0.1:0"))
        running = soon(session.run_forever)
    with pytest.raises(wamplite.TransportLost, match="system_shutdown"):
        running.result()
    session.leave()


def test_a_session_in_the_same_process_is_like_any_other() -> None:
    with wamplite.Router(realms=["realm1"]) as router:
        got = Collector()
        with router.connect("realm1") as one, router.connect("realm1") as two:
            one.register("com.app.echo", echo)
            one.subscribe("com.app.t", got.add)
            value = [1, {"a": b"\0"}]
            assert two.call("com.app.echo", value) == value
            two.publish("com.app.t", 1)
            assert got.first(1) == [(1,)]
            with pytest.raises(wamplite.NoSuchProcedure):
                one.call("com.app.nothing")


@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_a_result_too_large_for_the_router_costs_its_caller_alone(scheme: str) -> None:
    with wamplite.Router(max_message_size=65_536) as router:
        url = router.listen("tcp://127.0.0.1:0").replace("tcp:", f"{scheme}:")
        url += "/ws" if scheme == "ws" else ""
        with wamplite.connect(url) as callee, wamplite.connect(url) as caller:
            callee.register("com.example.big", lambda size: "x" * size)
            with pytest.raises(wamplite.ApplicationError, match="payload_size_exceeded"):
                caller.call("com.example.big", 100_000)
            with pytest.raises(wamplite.UsageError, match="takes at most 65536"):
                caller.publish("com.example.topic", "x" * 100_000)
            assert caller.call("com.example.big", 3) == "xxx"


def test_an_error_meant_for_the_caller_is_logged_in_a_line(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with wamplite.connect(url) as session, caplog.at_level("INFO", "wamplite.client"):

        @session.register("com.example.no")
        def refuse() -> None:
            raise wamplite.ApplicationError("com.example.error.no", 7)

        with pytest.raises(wamplite.ApplicationError, match=r"com\.example\.error\.no"):
            session.call("com.example.no")
    [record] = [record for record in caplog.records if "com.example.no" in record.getMessage()]
    assert record.levelname == "INFO" and record.exc_info is None
    assert "com.example.error.no: 7" in record.getMessage()
