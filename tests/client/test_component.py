"""A service that comes back, and one that does not because it was refused for good."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, Peer, cut, soon
from tests.waiting import until
from wamplite import Component
from wamplite.client.retries import Retries

FAST = {"initial_retry_delay": 0.01, "retry_delay_growth": 1.0, "retry_delay_jitter": 0.0}
REFUSED = [8, 64, 1, {}, "wamp.error.procedure_already_exists"]


@pytest.fixture
def app(peer: Peer) -> Iterator[Component]:
    app = Component(peer.url, "realm1", **FAST)
    yield app
    peer.hang_up()
    app.stop()


def expect(peer: Peer, *codes: int) -> list[Any]:
    """Answer REGISTER and SUBSCRIBE as they come, and return what came."""
    came = []
    for code in codes:
        message = peer.receive()
        assert message[0] == code
        peer.send([code + 1, message[1], 100 + message[1]])
        came.append(message[2:])
    return came


# ---- how long it waits


def test_the_delays_grow_to_half_a_minute() -> None:
    retries = Retries(retry_delay_jitter=0.0)
    delays = [retries.next_delay() for _ in range(20)]
    assert delays[:4] == [1.5, 2.25, 3.375, 5.0625]
    assert delays[-1] == 30.0
    retries.reset()
    assert retries.next_delay() == 1.5


def test_a_short_delay_is_as_short_as_it_was_asked_for() -> None:
    retries = Retries(initial_retry_delay=0.25, retry_delay_jitter=0.0)
    assert [retries.next_delay() for _ in range(2)] == [0.25, 0.375]


def test_no_two_clients_wait_equally_long() -> None:
    delays = [Retries().next_delay() or 0.0 for _ in range(200)]
    assert len(set(delays)) > 100
    assert 1.4 < sum(delays) / len(delays) < 1.6
    assert all(delay >= 0 for delay in delays)


def test_the_number_of_retries_is_bounded_where_asked() -> None:
    retries = Retries(max_retries=2)
    assert [retries.next_delay() is None for _ in range(3)] == [False, False, True]
    retries.reset()
    assert retries.next_delay() is not None
    assert Retries(max_retries=0).next_delay() is None


# ---- coming back


def test_everything_is_restored_with_its_options(peer: Peer, app: Component) -> None:
    joined: list[int] = []

    @app.register("com.app.p", options=wamplite.RegisterOptions(invoke="roundrobin"))
    def procedure() -> int:
        return 5

    app.subscribe(print, "com.app.t", options={"match": "prefix"})

    @app.on_join
    def on_join(session: wamplite.Session) -> None:
        joined.append(session.id)
        session.subscribe("com.app.own", print)
        app.register("com.app.late", print)

    assert procedure() == 5
    app.start()
    for times in (1, 2, 3):
        peer.welcome(
            broker={"features": {"pattern_based_subscription": True}},
            dealer={"features": {"shared_registration": True}},
        )
        assert expect(peer, 64, 32, 32, 64) == [
            [{"invoke": "roundrobin"}, "com.app.p"],
            [{"match": "prefix"}, "com.app.t"],
            [{}, "com.app.own"],
            [{}, "com.app.late"],
        ]
        peer.send([68, 1, 101, {}])
        assert peer.receive() == [70, 1, {}, [5]]
        assert joined == [4711] * times
        peer.hang_up()


def test_what_is_added_later_is_restored_too(peer: Peer, app: Component) -> None:
    app.start()
    peer.welcome()
    while app.session is None:
        pass
    adding = soon(app.register, "com.app.p", print)
    assert expect(peer, 64) == [[{}, "com.app.p"]]
    assert adding.result().active
    peer.hang_up()
    peer.welcome()
    assert expect(peer, 64) == [[{}, "com.app.p"]]


@contextmanager
def serving(peer: Peer, app: Component, event: bool = False, **options: Any) -> Iterator[None]:
    """Start it, and have a handler of a call or of an event run for as long as this is entered."""
    begun, held = threading.Event(), threading.Event()

    def hold(*_: Any) -> None:
        begun.set()
        held.wait(PATIENCE)

    if event:
        app.subscribe("com.example.hold", hold)
    else:
        app.register("com.example.hold", hold, **options)
    app.start()
    peer.welcome()
    expect(peer, 32 if event else 64)
    peer.send([36, 101, 1, {}] if event else [68, 1, 101, {}])
    try:
        assert begun.wait(PATIENCE)
        yield
    finally:
        held.set()


@pytest.mark.parametrize("is_lost_politely", [False, True])
def test_a_call_that_is_served_still_does_not_delay_the_next_session(
    peer: Peer, app: Component, is_lost_politely: bool
) -> None:
    with serving(peer, app):
        if is_lost_politely:
            peer.send([6, {}, "wamp.close.system_shutdown"])
        peer.hang_up()
        peer.welcome()
        expect(peer, 64)


@pytest.mark.parametrize("how", [{"event": True}, {"options": {"concurrent": False}}])
def test_what_is_handled_one_after_the_other_is_waited_for_and_that_is_told(
    peer: Peer, app: Component, how: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with serving(peer, app, **how):
        peer.hang_up()
        text = "joining again when its handlers have returned, within 10 s"
        until(lambda: text in caplog.text, "it tells")
        assert app.session is None
    peer.welcome()


def test_handlers_that_do_not_return_are_waited_for_a_while(
    peer: Peer, app: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wamplite.client.component.HANDLERS", 0.2)
    with serving(peer, app, event=True):
        peer.hang_up()
        peer.welcome()


def test_each_end_is_told_with_its_reason(peer: Peer, app: Component) -> None:
    left: list[str] = []
    told = threading.Event()

    @app.on_leave
    def on_leave(session: wamplite.Session) -> None:
        assert app.session is None
        left.append(str(session.error))
        told.set()

    app.start()
    peer.welcome()
    peer.send([6, {}, "wamp.close.system_shutdown"])
    assert told.wait(PATIENCE)
    assert left == ["the router said GOODBYE: wamp.close.system_shutdown"]


@pytest.mark.parametrize(
    "error", ["wamp.error.procedure_already_exists", "wamp.error.feature_not_supported"]
)
def test_what_is_taken_or_lacks_a_feature_for_now_costs_only_itself(
    peer: Peer, app: Component, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    refused = [*REFUSED[:4], error]
    caplog.set_level("INFO", "wamplite.client")
    app.register("com.app.taken", print)
    app.register("com.app.p", lambda: 5)
    app.start()
    peer.welcome()
    assert peer.receive()[3] == "com.app.taken"
    peer.send(refused)
    assert expect(peer, 64) == [[{}, "com.app.p"]]
    for request in (3, 4):  # alone, in the same session
        assert peer.receive()[3] == "com.app.taken"
        peer.send([*refused[:2], request, *refused[3:]])
    assert peer.receive()[3] == "com.app.taken"
    peer.send([65, 5, 105])
    peer.send([68, 1, 102, {}])
    assert peer.receive() == [70, 1, {}, [5]]
    until(lambda: "done at last" in caplog.text)
    assert f"register com.app.taken: {error}" in caplog.text
    assert "register com.app.taken: done at last" in caplog.text
    assert app.session is not None and app.error is None


def test_a_router_that_is_away_is_waited_for(peer: Peer, app: Component) -> None:
    app.start()
    for _ in range(3):
        peer.accept()
        peer.hang_up()
    peer.welcome()
    while app.session is None:
        pass
    assert app.error is None


def test_after_too_many_failures_it_gives_up(peer: Peer) -> None:
    app = Component(peer.url, max_retries=1, **FAST)
    running = soon(app.run)
    for _ in range(2):
        peer.accept()
        peer.hang_up()
    with pytest.raises(wamplite.TransportLost):
        running.result()


# ---- refused for good


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("wamp.error.no_such_realm", wamplite.JoinRefused),
        ("wamp.error.authentication_denied", wamplite.AuthenticationFailed),
        ("wamp.error.not_authorized", wamplite.AuthenticationFailed),
    ],
)
def test_what_was_refused_for_good_is_not_tried_again(
    peer: Peer, app: Component, reason: str, kind: type[Exception]
) -> None:
    running = soon(app.run)
    peer.accept()
    peer.receive()
    peer.send([3, {}, reason])
    with pytest.raises(kind, match=reason) as refused:
        running.result()
    assert refused.traceback[-1].name == "run", "where it passed within tells nobody anything"


def test_a_refusal_that_may_pass_is_tried_again(peer: Peer, app: Component) -> None:
    app.start()
    peer.accept()
    peer.receive()
    peer.send([3, {}, "wamp.close.system_shutdown"])
    peer.welcome()


@pytest.mark.parametrize("error", ["wamp.error.not_authorized", "wamp.error.invalid_uri"])
def test_a_registration_nobody_may_have_ends_it(peer: Peer, app: Component, error: str) -> None:
    app.register("com.app.p", print)
    running = soon(app.run)
    peer.welcome()
    peer.receive()
    peer.send([8, 64, 1, {}, error])
    peer.goodbye()
    with pytest.raises(wamplite.ApplicationError, match=error):
        running.result()


@pytest.mark.parametrize(
    ("connecting", "kind", "text"),
    [
        ({"url": "carrier-pigeon://pi"}, wamplite.UsageError, "carrier-pigeon"),
        ({"url": "x"}, wamplite.UsageError, "x"),
        ({"max_retires": 3}, TypeError, "unexpected keyword argument 'max_retires', .*max_retries"),
        ({"serialiser": "json"}, TypeError, "'serialiser', perhaps serializer"),
        ({"serializer": "xml"}, wamplite.UsageError, "'xml'"),
        ({"realm": "no realm"}, wamplite.UsageError, "'no realm' is not a valid realm"),
        ({"concurrent": 0}, wamplite.UsageError, "concurrent must be a bool, not 0"),
        ({"max_retries": "3"}, wamplite.UsageError, "max_retries must be .*, not '3'"),
        ({"max_retry_delay": -1}, wamplite.UsageError, "max_retry_delay must be .*, not -1"),
    ],
)
def test_a_mistake_of_ours_is_told_at_once(
    connecting: dict[str, Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        Component(**connecting)


@pytest.mark.parametrize(
    ("verb", "uri", "handler", "options"),
    [
        ("register", "no uri", print, None),
        ("register", "com.app.p", 5, None),
        ("register", "com.app.p", print, {"mach": "prefix"}),
        ("subscribe", "com.app.t", print, {"match": 5}),
        ("subscribe", "", print, None),
    ],
)
def test_what_cannot_be_served_is_told_at_once(
    verb: str, uri: str, handler: Any, options: Any
) -> None:
    app = Component("rs://127.0.0.1:1")
    with pytest.raises(wamplite.UsageError):
        getattr(app, verb)(uri, handler, options=options)


# ---- whatever its author did


def bug(*_: Any) -> None:
    raise KeyError("bug")


def leave_the_program(*_: Any) -> None:
    raise SystemExit(1)


def publish_bye(session: wamplite.Session) -> None:
    session.publish("com.app.bye")


@pytest.mark.parametrize(
    "fault", [bug, leave_the_program, publish_bye, lambda session: session.call("com.app.p")]
)
def test_what_on_leave_raises_is_logged_and_it_comes_back(
    peer: Peer, app: Component, caplog: pytest.LogCaptureFixture, fault: Any
) -> None:
    left: list[wamplite.Session] = []
    app.on_leave(fault)
    app.on_leave(left.append)
    app.start()
    for times in (1, 2):
        peer.welcome()
        peer.send([6, {}, "wamp.close.system_shutdown"])
        until(lambda times=times: len(left) == times)  # type: ignore[misc]
    peer.welcome()
    assert app.error is None
    told = [record for record in caplog.records if "on_leave raised" in record.getMessage()]
    assert [(record.levelname, record.exc_info is not None) for record in told] == [
        ("ERROR", True)
    ] * 2


@pytest.mark.parametrize("fault", [bug, leave_the_program])
def test_what_on_join_raises_is_logged_and_it_joins_anew(
    peer: Peer, app: Component, caplog: pytest.LogCaptureFixture, fault: Any
) -> None:
    told: list[str] = []
    app.on_join(lambda session: told.append("joined"))
    app.on_join(lambda session: fault() if len(told) < 4 else None)
    app.on_leave(lambda session: told.append("left"))
    app.start()
    for _ in range(2):
        peer.welcome()
        peer.goodbye()
    peer.welcome()
    until(lambda: len(told) == 5)
    assert told == ["joined", "left", "joined", "left", "joined"]
    name = "KeyError: 'bug'" if fault is bug else "SystemExit: 1"
    assert f"on_join raised {name}; joining anew" in caplog.text
    assert app.error is None


def test_an_endless_fault_of_on_join_counts_as_a_failure(peer: Peer) -> None:
    app = Component(peer.url, max_retries=1, **FAST)
    app.on_join(bug)
    running = soon(app.run)
    for _ in range(2):
        peer.welcome()
        peer.goodbye()
    with pytest.raises(KeyError, match="bug"):
        running.result()


def test_on_leave_is_told_of_the_sessions_that_on_join_was_told_of(
    peer: Peer, app: Component
) -> None:
    told: list[str] = []
    app.register("com.app.p", print)
    app.on_join(lambda session: told.append("joined"))
    app.on_leave(lambda session: told.append("left"))
    app.start()
    peer.welcome()
    peer.receive()
    peer.hang_up()  # before it was restored
    peer.welcome()
    expect(peer, 64)
    until(lambda: told == ["joined"])
    peer.hang_up()
    peer.accept()
    assert told == ["joined", "left"]


def test_its_end_for_good_stands_in_the_log(
    peer: Peer, app: Component, caplog: pytest.LogCaptureFixture
) -> None:
    app.start()
    peer.accept()
    peer.receive()
    peer.send([3, {}, "wamp.error.no_such_realm"])
    until(lambda: app.error is not None)
    until(lambda: "the component has ended" in caplog.text)
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert f"the component has ended: {peer.url}: wamp.error.no_such_realm" in record.getMessage()


def test_a_url_stands_once_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app = Component("rs://127.0.0.1:1", max_retries=1, **FAST)
    with pytest.raises(wamplite.TransportLost):
        app.run()
    lines = [record.getMessage() for record in caplog.records]
    assert [line.count("rs://127.0.0.1:1") for line in lines] == [1, 1]


# ---- what is served, and given up


def test_what_the_session_refuses_is_raised_and_forgotten(peer: Peer, app: Component) -> None:
    app.start()
    peer.welcome()
    app.wait_joined(PATIENCE)
    adding = soon(app.register, "com.app.taken", print)
    peer.receive()
    peer.send(REFUSED)
    with pytest.raises(wamplite.ApplicationError, match="already_exists"):
        adding.result()
    adding = soon(app.subscribe, "com.app.t", print)
    peer.send([33, peer.receive()[1], 102])
    adding.result()
    peer.hang_up()
    peer.welcome()
    assert expect(peer, 32) == [[{}, "com.app.t"]]


def test_a_session_that_is_waited_for_has_all_it_serves(peer: Peer, app: Component) -> None:
    app.register("com.app.p", print)
    app.start()
    waiting = soon(app.wait_joined, PATIENCE)
    peer.welcome()
    request = peer.receive()
    assert waiting.is_waiting
    peer.send([65, request[1], 101])
    assert waiting.result() is app.session


def test_an_on_join_that_does_not_return_keeps_no_name_waiting(peer: Peer, app: Component) -> None:
    held = threading.Event()
    app.on_join(lambda session: held.wait(PATIENCE))
    app.register("com.app.taken", print)
    app.start()
    peer.welcome()
    peer.receive()
    peer.send(REFUSED)
    assert peer.receive()[3] == "com.app.taken"
    held.set()


def test_an_authmethod_with_a_bug_ends_it_and_the_router_is_told(peer: Peer) -> None:
    def buggy() -> Any:
        yield {}
        bug()

    app = Component(peer.url, authmethods={"ticket": buggy}, max_retries=1, **FAST)
    running = soon(app.run)
    peer.accept()
    peer.receive()
    peer.send([4, "ticket", {}])
    assert peer.receive()[2] == "wamp.error.authentication_failed"
    peer.hang_up()
    with pytest.raises(wamplite.AuthenticationFailed, match=r"'ticket' failed: KeyError") as failed:
        running.result()
    assert isinstance(failed.value.__cause__, KeyError)


def test_a_handle_gives_up_for_later_sessions_too(peer: Peer, app: Component) -> None:
    registration = app.register("com.app.p", print)
    subscription = app.subscribe("com.app.t", print)
    kept = app.subscribe("com.app.kept", print)
    app.start()
    peer.welcome()
    expect(peer, 64, 32, 32)
    until(lambda: app.session is not None and registration.active)
    giving = soon(registration.unregister)
    assert peer.receive()[::2] == [66, 101]
    peer.send([67, 4])
    giving.result()
    giving = soon(subscription.unsubscribe)
    assert peer.receive() == [34, 5, 102]
    peer.send([35, 5])
    giving.result()
    peer.hang_up()
    peer.welcome()
    assert expect(peer, 32) == [[{}, "com.app.kept"]]
    assert [registration.active, subscription.active, kept.active] == [False, False, True]


def test_a_handle_that_was_given_up_before_a_session_asks_for_nothing(
    peer: Peer, app: Component
) -> None:
    app.register("com.app.p", print).unregister()
    app.subscribe("com.app.t", print)
    app.start()
    peer.welcome()
    assert expect(peer, 32) == [[{}, "com.app.t"]]


def test_a_name_that_is_given_up_is_not_asked_for_again(peer: Peer, app: Component) -> None:
    registration = app.register("com.app.taken", print)
    app.start()
    peer.welcome()
    peer.receive()
    registration.unregister()
    peer.send(REFUSED)
    adding = soon(app.subscribe, "com.app.t", print)
    assert peer.receive()[0] == 32
    peer.send([33, 2, 102])
    adding.result()


def test_what_is_given_up_while_it_is_asked_for_is_given_back(peer: Peer, app: Component) -> None:
    registration = app.register("com.app.p", print)
    app.start()
    peer.welcome()
    number = peer.receive()[1]
    registration.unregister()
    peer.send([65, number, 101])
    assert peer.receive()[::2] == [66, 101]
    peer.send([67, 2])


class Full(Exception):
    """What the author of a service names by a URI."""


@pytest.mark.parametrize("late", [False, True])
def test_what_is_defined_stands_for_its_uri_in_every_session(url: str, late: bool) -> None:
    def refuse() -> None:
        raise Full("no room")

    app = Component(url, **FAST)
    if not late:
        app.define(Full, "com.app.full")
    app.register("com.app.p", refuse)
    with app, wamplite.connect(url) as other:
        app.wait_joined(PATIENCE)
        if late:
            app.define(Full, "com.app.full")
        for _ in range(2):
            with pytest.raises(wamplite.ApplicationError, match="com.app.full"):
                other.call("com.app.p")
            with pytest.raises(Full):
                app.call("com.app.p")
            before = app.wait_joined(PATIENCE)
            cut(before)
            until(lambda: app.session not in (None, before))  # noqa: B023
            app.wait_joined(PATIENCE)


# ---- through the current session


def test_it_calls_and_publishes_through_the_session_there_is(url: str) -> None:
    with Component(url, **FAST) as app:
        session = app.wait_joined(PATIENCE)
        assert app.session is session
        app.register("com.app.echo", lambda *args, **kwargs: wamplite.Result(args, kwargs))
        assert app.call("com.app.echo", 5) == 5
        assert app.call_result("com.app.echo", [1, 2], {"options": 3}).kwargs == {"options": 3}
        assert app.publish("com.app.t", 5) is None
        assert app.publish_args("com.app.t", kwargs={"options": 5}) is None
        acknowledged = ("com.app.t", [1], {}, {"acknowledge": True})
        assert len(app.publish_all([acknowledged])) == 1
        assert app.call_all([("com.app.echo", [5], {}, None)])[0].value == 5
    assert session.lost.is_set()


def test_without_a_session_it_says_so() -> None:
    app = Component("rs://127.0.0.1:1", **FAST)
    for verb in ("call", "call_result", "publish", "publish_args"):
        with pytest.raises(wamplite.SessionNotReady, match="no session at the moment"):
            getattr(app, verb)("com.app.p")
    with pytest.raises(wamplite.SessionNotReady):
        app.publish_all([])
    with pytest.raises(wamplite.SessionNotReady):
        app.call_all([])
    with pytest.raises(wamplite.SessionNotReady):
        app.wait_joined()  # nobody has started it
    with app, pytest.raises(wamplite.SessionNotReady):
        app.wait_joined(0.01)


# ---- stop() from wherever it is called


@pytest.mark.parametrize("where", ["procedure", "event", "on_join", "on_leave"])
def test_stop_returns_at_once_in_every_handler(url: str, where: str) -> None:
    app = Component(url, **FAST)
    returned = threading.Event()

    def stop(*_: Any) -> None:
        app.stop()
        returned.set()

    if where == "on_join":
        app.on_join(stop)
    elif where == "on_leave":
        app.on_leave(stop)
    app.register("com.app.quit", stop)
    app.subscribe("com.app.quit", stop)
    restored = threading.Event()
    app.on_join(lambda session: restored.set())
    with wamplite.connect(url) as other:
        running = soon(app.run)
        assert where == "on_join" or restored.wait(PATIENCE)
        if where == "procedure":
            until(lambda: asked(other))
        elif where == "event":
            until(lambda: other.publish("com.app.quit") is None and returned.is_set())
        elif where == "on_leave":
            app.wait_joined(PATIENCE).leave()
        assert returned.wait(2)  # a fifth of what stop() may take
        assert running.result() is None


def asked(session: wamplite.Session) -> bool:
    """Tell whether the procedure was there."""
    try:
        session.call("com.app.quit")
    except wamplite.NoSuchProcedure:
        return False
    except wamplite.Canceled:  # its callee left before it answered
        pass
    return True


# ---- its life


def test_stop_leaves_politely(peer: Peer, app: Component) -> None:
    app.start()
    peer.welcome()
    while app.session is None:
        pass
    with pytest.raises(wamplite.UsageError, match="running already"):
        app.start()
    stopping = soon(app.stop)
    peer.goodbye()
    stopping.result()
    assert app.session is None
    assert app.error is None


def test_it_can_be_started_again(peer: Peer, app: Component) -> None:
    for _ in range(2):
        app.start()
        peer.welcome()
        while app.session is None:
            pass
        stopping = soon(app.stop)
        peer.goodbye()
        stopping.result()


def test_stop_ends_the_wait_for_the_next_attempt(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    app = Component(peer.url, initial_retry_delay=300.0)
    app.start()
    peer.accept()
    peer.hang_up()
    until(lambda: "; again in " in caplog.text, "it waits")
    app.stop()
    assert app.error is None


def test_a_handler_that_leaves_ends_the_component(peer: Peer, app: Component) -> None:
    @app.subscribe("com.app.t")
    def on_event() -> None:
        assert app.session is not None
        app.session.leave()

    running = soon(app.run)
    peer.welcome()
    expect(peer, 32)
    peer.send([36, 101, 1, {}])
    peer.goodbye()
    assert running.result() is None


def test_run_ends_with_a_signal(peer: Peer, app: Component) -> None:
    def play() -> None:
        peer.welcome()
        while app.session is None:
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        peer.goodbye()

    playing = soon(play)
    before = signal.getsignal(signal.SIGTERM)
    app.run()
    playing.result()
    assert signal.getsignal(signal.SIGTERM) is before


def test_run_ends_with_a_signal_before_it_has_joined(peer: Peer) -> None:
    app = Component(peer.url, connect_timeout=0.5)

    def play() -> None:
        peer.accept()
        os.kill(os.getpid(), signal.SIGINT)

    playing = soon(play)
    app.run()
    playing.result()


def test_client_is_another_name_for_it() -> None:
    assert wamplite.Client is Component
