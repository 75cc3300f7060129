"""A client cannot hang: whatever the router does or does not do, each wait ends, and says why."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, ROLES, Later, Peer, soon
from tests.waiting import until

SOON = 0.2  # seconds that a test lets a timeout run
ALL_ROLES: dict[str, Any] = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}


def leave(peer: Peer, session: wamplite.Session) -> None:
    leaving = soon(session.leave)
    peer.goodbye()
    leaving.result()
    assert session.lost.is_set()


# ---- joining


def test_hello_announces_the_four_roles(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1", authid="joe", features="basic")
    hello = peer.welcome()
    assert hello[1] == "realm1"
    assert hello[2]["roles"] == ALL_ROLES
    assert hello[2]["authid"] == "joe"
    assert hello[2]["agent"] == f"wamplite-{wamplite.__version__}"
    session = joining.result()
    assert (session.id, session.realm, session.error) == (4711, "realm1", None)
    leave(peer, session)


NULLS = ("agent", "authextra", "authid", "authmethod", "authprovider", "authrole", "realm")


def test_a_welcome_may_say_null_and_announce_by_anything(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    features = {"call_timeout": 1, "call_canceling": None, "progressive_call_results": "yes"}
    roles = {"dealer": {"features": features}, "broker": None, "caller": {}, "subscriber": 5}
    peer.send([2, 4711, {"roles": roles, **dict.fromkeys(NULLS)}])
    session = joining.result()
    assert (session.id, session.realm) == (4711, "realm1")
    assert session.authid is session.authrole is session.authmethod is None
    assert not any(session._shared.announced("dealer", feature) for feature in features)
    assert not session._shared.announced("broker", "publisher_exclusion")
    with pytest.raises(wamplite.CallTimeout):
        session.call("com.app.p", options={"timeout": 0.01})
    assert peer.receive() == [48, 1, {}, "com.app.p"]
    leave(peer, session)


@pytest.mark.parametrize("number", [0, -1, 2**53 + 1, 2**56, "7", 7.0, None, True])
def test_an_id_that_is_none_is_refused_by_name(peer: Peer, number: Any) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    peer.send([2, number, {"roles": {"broker": {}, "dealer": {}}}])
    assert peer.receive()[2] == "wamp.error.protocol_violation"
    peer.hang_up()
    with pytest.raises(wamplite.ProtocolError, match="WELCOME: Session must be an"):
        joining.result()
    session = peer.join()
    subscribing = soon(session.subscribe, "com.app.t", print)
    peer.send([33, peer.receive()[1], number])
    with pytest.raises(wamplite.ProtocolError, match="SUBSCRIBED: Subscription must be an"):
        subscribing.result()


def test_the_largest_ids_are_taken(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    peer.send([2, 2**53, {"roles": {"broker": {}, "dealer": {}}}])
    session = joining.result()
    assert session.id == 2**53
    subscribing = soon(session.subscribe, "com.app.t", print)
    peer.send([33, peer.receive()[1], 2**53])
    assert subscribing.result().id == 2**53
    leave(peer, session)


def test_a_welcome_that_is_refused_is_answered_with_role_and_feature(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    peer.send([2, 4711, {"roles": {"broker": {"features": [1]}}}])
    assert peer.receive()[2] == "wamp.error.protocol_violation"
    peer.hang_up()
    with pytest.raises(wamplite.ProtocolError, match="not the features of broker as a list"):
        joining.result()


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("wamp.error.no_such_realm", wamplite.JoinRefused),
        ("wamp.error.not_authorized", wamplite.AuthenticationFailed),
    ],
)
def test_abort_refuses_the_session(peer: Peer, reason: str, kind: type[Exception]) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    peer.send([3, {"message": "no"}, reason])
    with pytest.raises(kind, match=f"{reason}: 'no'"):
        joining.result()


def test_a_challenge_nobody_can_answer_is_answered_with_abort(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    peer.send([4, "ticket", {}])
    assert peer.receive()[2] == "wamp.error.authentication_failed"
    peer.hang_up()
    with pytest.raises(wamplite.AuthenticationFailed, match="ticket"):
        joining.result()


def test_a_challenge_is_answered_through_the_doorway(peer: Peer) -> None:
    from wamplite.core.messages import Authenticate

    def ticket() -> Any:
        yield {"authid": "joe"}
        yield Authenticate("s3cret", {})

    methods = {"ticket": ticket}
    joining = soon(wamplite.connect, peer.url, "realm1", authmethods=methods)
    peer.accept()
    assert peer.receive()[2]["authmethods"] == ["ticket"]
    peer.send([4, "ticket", {}])
    assert peer.receive() == [5, "s3cret", {}]
    details = {"roles": {"dealer": {}}, "authid": "joe", "authrole": "sensor"}
    peer.send([2, 1, details | {"authmethod": "ticket"}])
    session = joining.result()
    assert (session.authid, session.authrole, session.authmethod) == ("joe", "sensor", "ticket")
    leave(peer, session)


@pytest.mark.parametrize("data", [b"\0\0\0\x02{]", b"\0\0\0\x09[33,1,70]"[:13], b"\5\0\0\0"])
def test_nonsense_instead_of_welcome_is_a_protocol_error(peer: Peer, data: bytes) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1", connect_timeout=2)
    peer.accept()
    peer.receive()
    peer.send_bytes(data)
    assert peer.receive()[2] == "wamp.error.protocol_violation"
    peer.hang_up()
    with pytest.raises(wamplite.ProtocolError):
        joining.result()


def test_a_router_that_drips_does_not_outlast_the_deadline(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1", connect_timeout=4 * SOON)
    peer.accept()
    began = time.monotonic()
    while joining.is_waiting:
        try:
            peer.send_bytes(b"\1\0\0\0")  # PING after PING
        except OSError:
            break
        time.sleep(0.01)
    with pytest.raises(wamplite.ConnectTimeout):
        joining.result()
    assert time.monotonic() - began < 20 * SOON


def test_a_router_that_hangs_up_instead_of_welcome_is_a_loss(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.hang_up()
    with pytest.raises(wamplite.TransportLost, match="127.0.0.1"):
        joining.result()


# ---- answers that do not come


def asking(session: wamplite.Session) -> dict[str, Later]:
    return {
        "CALL": soon(session.call, "com.app.p"),
        "PUBLISH": soon(session.publish, "com.app.p", options={"acknowledge": True}),
        "SUBSCRIBE": soon(session.subscribe, "com.app.p", print),
        "REGISTER": soon(session.register, "com.app.p", print),
    }


def test_every_request_times_out(peer: Peer) -> None:
    session = peer.join(timeout=SOON)
    for name, waiting in asking(session).items():
        text = f"wamp.error.timeout .*no answer to {name} of com.app.p within 0.2 s"
        with pytest.raises(wamplite.CallTimeout, match=text):
            waiting.result()
    leave(peer, session)


def test_a_call_has_a_timeout_of_its_own(peer: Peer) -> None:
    session = peer.join()
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
        session.call("com.app.p", options=wamplite.CallOptions(timeout=0.05))
    assert time.monotonic() - began < PATIENCE
    assert peer.receive() == [48, 1, {}, "com.app.p"]
    leave(peer, session)


def test_a_timeout_names_what_was_asked_for_whoever_reads(peer: Peer) -> None:
    session = peer.join()
    for _ in range(3):  # calls that are answered leave the reading to whoever asks next
        calling = soon(session.call, "com.app.p")
        peer.send([50, peer.receive()[1], {}])
        calling.result()
    for _ in range(2):
        with pytest.raises(wamplite.CallTimeout, match=r"within 0\.25 s.$"):
            session.call("com.app.p", options={"timeout": 0.25})
        with pytest.raises(wamplite.CallTimeout, match=r"within 0\.25 s.$"):
            session.publish("com.app.t", options={"timeout": 0.25, "acknowledge": True})
    leave(peer, session)


def test_the_router_is_told_of_a_timeout_where_it_announces_that(peer: Peer) -> None:
    features = {"dealer": {"features": {"call_timeout": True, "call_canceling": True}}}
    session = peer.join(features=features)
    with pytest.raises(wamplite.CallTimeout):
        session.call("com.app.p", options={"timeout": 0.05})
    assert peer.receive() == [48, 1, {"timeout": 50}, "com.app.p"]
    assert peer.receive() == [49, 1, {"mode": "killnowait"}]
    leave(peer, session)


def test_an_answer_that_comes_after_the_timeout_harms_nobody(peer: Peer) -> None:
    session = peer.join()
    with pytest.raises(wamplite.CallTimeout):
        session.call("com.app.p", options={"timeout": 0.01})
    calling = soon(session.call, "com.app.q")
    assert [peer.receive()[3], peer.receive()[3]] == ["com.app.p", "com.app.q"]
    peer.send([50, 1, {}, ["late"]], [50, 2, {}, ["right"]])
    assert calling.result() == "right"
    leave(peer, session)


def test_what_a_late_answer_has_opened_is_given_back(peer: Peer) -> None:
    session = peer.join(timeout=SOON)
    for waiting in asking(session).values():
        with pytest.raises(wamplite.CallTimeout):
            waiting.result()
    asked = {message[0]: message[1] for message in (peer.receive() for _ in range(4))}
    peer.send([33, asked[32], 70], [65, asked[64], 90])
    assert sorted(peer.receive()[0::2] for _ in range(2)) == [[34, 70], [66, 90]]
    leave(peer, session)


# ---- a router that is gone


def test_a_loss_fails_everything_that_waits_at_once(peer: Peer) -> None:
    session = peer.join()
    waiting = asking(session)
    for _ in waiting:
        peer.receive()
    peer.hang_up()
    for later in waiting.values():
        with pytest.raises(wamplite.TransportLost, match="127.0.0.1"):
            later.result()
    assert session.lost.wait(PATIENCE)
    assert isinstance(session.error, ConnectionError)


def test_a_lost_session_says_so_to_whoever_asks_next(peer: Peer) -> None:
    session = peer.join()
    peer.hang_up()
    assert session.lost.wait(PATIENCE)
    for verb in (session.call, session.publish):
        with pytest.raises(wamplite.TransportLost, match="closed the connection"):
            verb("com.app.p")
    session.leave()


def test_goodbye_of_the_router_is_answered_and_told(peer: Peer) -> None:
    session = peer.join()
    calling = soon(session.call, "com.app.p")
    peer.receive()
    peer.send([6, {}, "wamp.close.system_shutdown"])
    assert peer.receive() == [6, {}, "wamp.close.goodbye_and_out"]
    assert peer.at_end()
    peer.hang_up()
    with pytest.raises(wamplite.TransportLost, match="system_shutdown"):
        calling.result()
    session.leave()


def test_a_violation_of_the_router_is_answered_with_abort(peer: Peer) -> None:
    session = peer.join()
    calling = soon(session.call, "com.app.p")
    peer.receive()
    peer.send([50, 99, {}])
    abort = peer.receive()
    assert (abort[0], abort[2]) == (3, "wamp.error.protocol_violation")
    assert peer.at_end()
    peer.hang_up()
    with pytest.raises(wamplite.ProtocolError, match="there was no CALL 99"):
        calling.result()
    assert session.lost.wait(PATIENCE)


def test_what_came_before_undecodable_bytes_still_counts(peer: Peer) -> None:
    session = peer.join()
    calling = soon(session.call, "com.app.p")
    peer.receive()
    answer = b'[50,1,{},["right"]]'
    peer.send_bytes(len(answer).to_bytes(4, "big") + answer + b"\0\0\0\x01]")
    assert calling.result() == "right"
    assert peer.receive()[2] == "wamp.error.protocol_violation"
    peer.hang_up()
    assert session.lost.wait(PATIENCE)
    assert isinstance(session.error, wamplite.ProtocolError)


def test_a_silent_router_is_pinged_and_then_given_up(peer: Peer) -> None:
    session = peer.join(ping_interval=SOON)
    peer.answers_pings = False
    calling = soon(session.call, "com.app.p")
    with pytest.raises(ConnectionError):
        while True:
            peer.receive()
    assert peer.pings == 1
    peer.hang_up()
    with pytest.raises(wamplite.TransportLost, match=r"nothing heard for 0\.4 s"):
        calling.result()
    assert session.lost.wait(PATIENCE)


def test_a_router_that_answers_pings_is_alive(peer: Peer) -> None:
    session = peer.join(ping_interval=0.3)  # twice that long may this test's thread be away
    reading = soon(peer.receive)  # answers pings until a message comes
    until(lambda: peer.pings >= 4)
    assert not session.lost.is_set()
    session.publish("com.app.t")
    assert reading.result() == [16, 1, {}, "com.app.t"]
    leave(peer, session)


def test_a_router_that_ignores_pings_is_not_pinged_and_stays(peer: Peer) -> None:
    peer.announces_pings = False
    session = peer.join(ping_interval=SOON)
    reading = soon(peer.receive)
    time.sleep(3 * SOON)  # longer than a router that answers may be silent
    session.publish("com.app.t")
    assert reading.result() == [16, 1, {}, "com.app.t"]
    assert peer.pings == 0
    leave(peer, session)


def test_a_router_that_has_pinged_is_pinged(peer: Peer) -> None:
    peer.announces_pings = False
    session = peer.join(ping_interval=SOON)
    peer.send_bytes(b"\x01\0\0\x01x")
    peer.answers_pings = False
    with pytest.raises(ConnectionError):
        while True:
            peer.receive()
    assert peer.pings == 2  # its PONG, and a PING
    peer.hang_up()
    assert session.lost.wait(PATIENCE)


def test_a_call_that_takes_long_does_not_stop_the_watch(peer: Peer) -> None:
    session = peer.join(ping_interval=SOON)
    calling = soon(session.call, "com.app.p")
    peer.receive()
    peer.send([50, 1, {}])
    calling.result()
    calling = soon(session.call, "com.app.p", options={"timeout": 0})
    peer.receive()
    peer.answers_pings = False
    with pytest.raises(wamplite.TransportLost, match="nothing heard"):
        calling.result()
    peer.hang_up()


def test_a_router_that_takes_nothing_ends_the_session(peer: Peer) -> None:
    session = peer.join(timeout=SOON)
    with pytest.raises(wamplite.TransportLost, match="did not take what was sent in 0.2 s"):
        session.publish("com.app.t", "x" * 15_000_000, options={"acknowledge": True})
    assert session.lost.wait(PATIENCE)
    peer.hang_up()


# ---- leaving


def test_what_comes_in_one_segment_with_welcome_counts(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    peer.send([2, 4711, {"roles": ROLES}], [6, {}, "wamp.close.system_shutdown"])
    session = joining.result()
    assert peer.receive() == [6, {}, "wamp.close.goodbye_and_out"]
    assert session.lost.wait(PATIENCE)
    assert "wamp.close.system_shutdown" in str(session.error)
    peer.hang_up()


@pytest.mark.parametrize("reader", ["none yet", "this one"])
def test_leaving_waits_for_no_reading_thread_that_is_not_there_or_is_its_own(
    peer: Peer, reader: str
) -> None:
    session = peer.join()
    shared = session._shared
    started, shared._reader._thread = shared._reader._thread, None

    def leave_it() -> None:
        if reader == "this one":
            shared._reader._thread = threading.current_thread()
        shared.leave()

    leaving = soon(leave_it)
    peer.goodbye()
    leaving.result()
    assert started is not None
    started.join(PATIENCE)


def test_a_router_that_hangs_up_in_place_of_goodbye_has_not_lost_us(peer: Peer) -> None:
    session = peer.join()
    leaving = soon(session.leave)
    assert peer.receive()[0] == 6
    peer.hang_up()
    leaving.result()
    assert session.lost.is_set() and session.error is None


def test_leaving_twice_and_after_the_end_does_nothing(peer: Peer) -> None:
    session = peer.join()
    leave(peer, session)
    session.leave()
    assert session.error is None
    with pytest.raises(wamplite.SessionNotReady, match="has left"):
        session.call("com.app.p")


def test_leaving_fails_what_waits(peer: Peer) -> None:
    session = peer.join()
    calling = soon(session.call, "com.app.p")
    peer.receive()
    leave(peer, session)
    with pytest.raises(wamplite.TransportLost, match="has left its realm"):
        calling.result()


def test_a_router_that_does_not_say_goodbye_is_not_waited_for(peer: Peer) -> None:
    session = peer.join()
    began = time.monotonic()
    session.leave(timeout=SOON)
    assert time.monotonic() - began < PATIENCE
    assert session.lost.wait(PATIENCE)
    assert peer.receive()[0] == 6


def test_a_message_above_the_routers_limit_is_not_sent(peer: Peer) -> None:
    session = peer.join()
    with pytest.raises(wamplite.UsageError, match="takes at most 16777216"):
        session.call("com.app.p", "x" * (1 << 24))
    calling = soon(session.call, "com.app.q")
    assert peer.receive() == [48, 1, {}, "com.app.q"]
    peer.send([50, 1, {}])
    assert calling.result() is None
    leave(peer, session)


# ---- who reads


def test_calls_in_a_row_are_read_by_their_caller(peer: Peer) -> None:
    session = peer.join()
    turn = session._shared._reader.turn

    def serve() -> None:
        for request in range(1, 201):
            assert peer.receive()[1] == request
            peer.send([50, request, {}, [request]])

    serving = soon(serve)
    assert [session.call("com.app.p") for _ in range(200)] == list(range(1, 201))
    serving.result()
    assert turn._taken > 100
    leave(peer, session)


@pytest.mark.parametrize(("verb", "answer"), [("subscribe", 33), ("register", 65)])
def test_a_session_that_serves_keeps_its_reading_thread(peer: Peer, verb: str, answer: int) -> None:
    session = peer.join()
    asking = soon(getattr(session, verb), "com.app.x", lambda: None)
    peer.receive()
    peer.send([answer, 1, 70])
    asking.result()

    def serve() -> None:
        for request in range(2, 52):
            assert peer.receive()[1] == request
            peer.send([50, request, {}])

    serving = soon(serve)
    session.call("com.app.p")
    turn = session._shared._reader.turn
    taken = turn._taken
    for _ in range(49):
        session.call("com.app.p")
    serving.result()
    assert turn._taken == taken
    leave(peer, session)


def test_a_channel_that_cannot_be_waited_for_is_the_reading_threads(peer: Peer) -> None:
    session = peer.join()
    session._shared._channel.can_wait = False  # as over TLS: a record may come in pieces

    def serve() -> None:
        for request in range(1, 51):
            assert peer.receive()[1] == request
            peer.send([50, request, {}])

    serving = soon(serve)
    for _ in range(50):
        session.call("com.app.p")
    serving.result()
    assert session._shared._reader.turn._taken == 0
    leave(peer, session)


def test_many_callers_at_once_each_get_their_own_answer(peer: Peer) -> None:
    session = peer.join()
    count, callers = 50, 8

    def serve() -> None:
        for _ in range(count * callers):
            call = peer.receive()
            peer.send([50, call[1], {}, call[4]])

    def ask(caller: int) -> list[Any]:
        return [session.call("com.app.p", [caller, number]) for number in range(count)]

    serving = soon(serve)
    asked = [soon(ask, caller) for caller in range(callers)]
    for caller, later in enumerate(asked):
        assert later.result() == [[caller, number] for number in range(count)]
    serving.result()
    leave(peer, session)


@pytest.fixture
def resting(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> wamplite.Session:
    """Return a session whose reading thread rests, until it is wanted."""
    session = peer.join()
    requests = itertools.count(1)

    def call() -> bool:
        calling = soon(session.call, "com.app.p")
        peer.receive()
        peer.send([50, next(requests), {}])
        calling.result()
        return session._shared._reader.turn._taken > 1  # the second of them found it resting

    monkeypatch.setattr("wamplite.client.waiting.REST", 2 * PATIENCE)
    until(call)
    return session


def test_a_caller_that_reads_itself_waits_no_longer_than_its_timeout(
    peer: Peer, resting: wamplite.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wamplite.client.reading.PATIENCE", PATIENCE)
    began = time.monotonic()
    with pytest.raises(wamplite.CallTimeout):
        resting.call("com.app.p", options={"timeout": 0.05})
    assert 0.05 <= time.monotonic() - began < PATIENCE / 2
    assert peer.receive()[0] == 48
    leave(peer, resting)


def test_a_reading_thread_that_rests_hears_the_answer_to_goodbye(
    peer: Peer, resting: wamplite.Session
) -> None:
    session = resting
    began = time.monotonic()
    leaving = soon(session.leave, timeout=PATIENCE)
    peer.goodbye()
    leaving.result()
    assert time.monotonic() - began < PATIENCE / 2 and session.error is None


def test_what_follows_a_call_is_heard_though_nobody_calls(peer: Peer) -> None:
    session = peer.join()
    for request in range(1, 4):
        calling = soon(session.call, "com.app.p")
        peer.receive()
        peer.send([50, request, {}])
        calling.result()
    peer.send([6, {}, "wamp.close.system_shutdown"])
    assert session.lost.wait(PATIENCE)
    assert peer.receive() == [6, {}, "wamp.close.goodbye_and_out"]
    peer.hang_up()


def test_an_answer_that_another_has_read_already_is_not_waited_for(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wamplite.client.reading.PATIENCE", PATIENCE)
    session = peer.join()
    shared = session._shared
    turn = shared._reader.turn
    try_read = turn.try_read

    def late() -> Any:
        """Ask for the turn once the reading thread has read the answer and given the turn back."""
        turn._came = True
        until(lambda: not shared.conversation.pending)
        until(try_read)
        turn._lock.release()
        return try_read()

    monkeypatch.setattr(turn, "try_read", late)
    monkeypatch.setattr("wamplite.client.waiting.REST", PATIENCE)
    calling = soon(session.call, "com.app.p")
    peer.receive()
    began = time.monotonic()
    peer.send([50, 1, {}])
    calling.result()
    assert time.monotonic() - began < PATIENCE / 2
    turn.want_reader()
    leave(peer, session)


def test_an_answer_may_come_in_pieces(peer: Peer) -> None:
    session = peer.join()
    for request in range(1, 21):
        calling = soon(session.call, "com.app.p")
        peer.receive()
        data = f"[50,{request},{{}},[{request}]]".encode()
        for piece in (len(data).to_bytes(4, "big"), data[:5], data[5:]):
            peer.send_bytes(piece)
        assert calling.result() == request
    leave(peer, session)


def test_ctrl_c_ends_a_call_and_the_session_goes_on(peer: Peer) -> None:
    features = {"dealer": {"features": {"call_canceling": True}}}
    session = peer.join(features=features)

    def interrupt() -> None:
        peer.receive()
        time.sleep(0.05)  # it has to be in its wait: while sending, the session would be closed
        os.kill(os.getpid(), signal.SIGINT)

    for request in (1, 3):
        interrupting = soon(interrupt)
        with pytest.raises(KeyboardInterrupt):
            session.call("com.app.p")
        interrupting.result()
        assert peer.receive() == [49, request, {"mode": "killnowait"}]
        calling = soon(session.call, "com.app.q")
        assert peer.receive()[1] == request + 1
        peer.send([8, 48, request, {}, "wamp.error.canceled"], [50, request + 1, {}, ["right"]])
        assert calling.result() == "right"
    leave(peer, session)


def test_ctrl_c_in_the_middle_of_a_message_closes_the_session(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = peer.join()
    reader = session._shared._reader
    requests = itertools.count(1)

    def take_the_turn() -> Any:
        """Call once; while the reading thread rests after it, nobody reads."""
        calling = soon(session.call, "com.app.p")
        peer.receive()
        peer.send([50, next(requests), {}])
        calling.result()
        return reader.turn.try_read()

    def interrupted(messages: Any) -> None:
        raise KeyboardInterrupt

    until(take_the_turn)
    monkeypatch.setattr(reader, "_handle", interrupted)
    answering = soon(lambda: (peer.receive(), peer.send([50, next(requests), {}])))
    with pytest.raises(KeyboardInterrupt):
        session.call("com.app.p")
    answering.result()
    monkeypatch.undo()
    assert session.lost.wait(PATIENCE)
    assert "interrupted while reading" in str(session.error)
    peer.hang_up()


def test_ctrl_c_in_the_middle_of_sending_closes_the_session(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = peer.join()

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(session._shared.conversation, "request", interrupted)
        with pytest.raises(KeyboardInterrupt):
            session.publish("com.app.t")
    assert session.lost.wait(PATIENCE)
    assert "interrupted while sending" in str(session.error)


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), MemoryError(), SystemExit(1)])
def test_a_reading_thread_that_fails_tells_everybody(
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: BaseException,
) -> None:
    session = peer.join()
    calling = soon(session.call, "com.app.p")
    peer.receive()

    def broken(message: Any) -> None:
        raise fault

    monkeypatch.setattr(session._shared.conversation, "receive", broken)
    peer.send([50, 1, {}])
    name = type(fault).__name__
    with pytest.raises(wamplite.TransportLost, match=f"the reading thread failed: {name}"):
        calling.result()
    assert session.lost.wait(PATIENCE)
    assert caplog.messages == ["the reading thread failed"]


def test_threads_are_named(peer: Peer) -> None:
    session = peer.join()
    assert "wamplite-read-4711" in {thread.name for thread in threading.enumerate()}
    leave(peer, session)
