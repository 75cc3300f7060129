"""A service that comes back, and one that does not because it was refused for good."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, Peer, soon
from wamplite import Component
from wamplite.client.component import Retries

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


def test_the_delays_are_autobahns() -> None:
    retries = Retries(retry_delay_jitter=0.0)
    delays = [retries.next_delay() for _ in range(20)]
    assert delays[:4] == [1.5, 2.25, 3.375, 5.0625]
    assert delays[-1] == 300.0
    retries.reset()
    assert retries.next_delay() == 1.5


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
        peer.welcome()
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
    assert adding.result() is print
    peer.hang_up()
    peer.welcome()
    assert expect(peer, 64) == [[{}, "com.app.p"]]


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


def test_a_procedure_that_is_still_taken_is_asked_for_again(peer: Peer, app: Component) -> None:
    app.register("com.app.p", print)
    app.start()
    for _ in range(2):
        peer.welcome()
        assert peer.receive()[0] == 64
        peer.send(REFUSED)
        peer.goodbye()
    peer.welcome()
    expect(peer, 64)
    assert app.error is None


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
    with pytest.raises(kind, match=reason):
        running.result()


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


def test_a_mistake_of_ours_ends_it() -> None:
    with pytest.raises(wamplite.UsageError):
        Component("carrier-pigeon://pi").run()


def test_a_bug_in_on_join_ends_it(peer: Peer, app: Component) -> None:
    @app.on_join
    def on_join(session: wamplite.Session) -> None:
        raise KeyError("bug")

    running = soon(app.run)
    peer.welcome()
    peer.goodbye()
    with pytest.raises(KeyError, match="bug"):
        running.result()


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


def test_stop_ends_the_wait_for_the_next_attempt(peer: Peer) -> None:
    app = Component(peer.url, initial_retry_delay=300.0)
    app.start()
    peer.accept()
    peer.hang_up()
    while app._retries._failed == 0:
        pass
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
