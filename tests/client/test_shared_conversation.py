"""A client cannot hang: whatever the router does or does not do, each wait ends, and says why."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, ROLES, Later, Peer, inside, leave, soon
from tests.waiting import until
from wamplite.channel import ByteChannel, Received
from wamplite.client.shared_conversation import SharedConversation
from wamplite.client.waiting import WaitingRequest
from wamplite.core.messages import Call, Message

SOON = 0.2  # seconds that a test lets a timeout run


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


# ---- Ctrl-C


@pytest.fixture
def interrupted_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Ctrl-C come in the very moment when a CALL of com.app.interrupted has been sent."""
    send = ByteChannel.send

    def send_and_interrupt(channel: ByteChannel, message: Message) -> bool:
        gone = send(channel, message)
        if type(message) is Call and message.procedure == "com.app.interrupted":
            raise KeyboardInterrupt
        return gone

    monkeypatch.setattr(ByteChannel, "send", send_and_interrupt)


@pytest.mark.usefixtures("interrupted_call")
def test_a_session_that_was_interrupted_while_it_sent_is_over_at_once(peer: Peer) -> None:
    session = peer.join()
    waiting = soon(session.call, "com.app.p")
    assert peer.receive()[3] == "com.app.p"
    with pytest.raises(KeyboardInterrupt):
        session.call("com.app.interrupted")
    for call in (waiting.result, lambda: session.call("com.app.q")):
        with pytest.raises(wamplite.TransportLost, match="interrupted while sending"):
            call()
    assert peer.receive()[3] == "com.app.interrupted"
    assert peer.at_end()
    peer.hang_up()
    assert session.lost.wait(PATIENCE)


def test_an_answer_that_was_read_when_ctrl_c_came_is_no_other_calls(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = peer.join()
    seen: list[Message] = []
    settle = WaitingRequest.settle

    def interrupt(waiting: WaitingRequest, answer: Any) -> None:
        seen.append(answer)
        if len(seen) == 1:
            raise KeyboardInterrupt
        settle(waiting, answer)

    monkeypatch.setattr(WaitingRequest, "settle", interrupt)
    calling = soon(session.call, "com.app.p")
    peer.send([50, peer.receive()[1], {}, ["lost"]])
    with pytest.raises((wamplite.TransportLost, KeyboardInterrupt)):  # whoever read
        calling.result()
    assert session.lost.wait(PATIENCE)
    assert isinstance(seen[-1], wamplite.TransportLost)
    peer.hang_up()


def test_ctrl_c_while_a_session_is_joined_leaves_no_reading_thread(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = SharedConversation.read

    def read_and_interrupt(shared: SharedConversation, received: list[Received]) -> None:
        read(shared, received)
        raise KeyboardInterrupt

    monkeypatch.setattr(SharedConversation, "read", read_and_interrupt)
    joining = soon(wamplite.connect, peer.url)
    peer.welcome()
    with pytest.raises(KeyboardInterrupt):
        joining.result()
    assert peer.at_end()
    peer.hang_up()
    until(lambda: not any("wamplite-read" in each.name for each in threading.enumerate()))


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


def test_leaving_does_not_wait_for_the_reading_thread_on_that_thread_itself(peer: Peer) -> None:
    session = peer.join()
    left: list[None] = []
    inside(session).on_end.append(lambda: left.append(session.leave()))  # type: ignore[func-returns-value]
    peer.hang_up()
    until(lambda: left, "it has left")


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


def test_one_speaks_at_a_time(peer: Peer) -> None:
    session = peer.join()
    order: list[str] = []

    def first() -> bool:
        other = soon(inside(session).say, second)
        other.wait(0.05)
        order.append("first")
        others.append(other)
        return True

    def second() -> bool:
        order.append("second")
        return True

    others: list[Later] = []
    inside(session).say(first)
    others[0].result()
    assert order == ["first", "second"]
    leave(peer, session)


def test_leaving_waits_a_second_for_a_reading_thread_that_does_not_end(peer: Peer) -> None:
    session, may_end = peer.join(), threading.Event()
    inside(session).on_end.append(lambda: may_end.wait(2 * PATIENCE))
    leaving = soon(session.leave, timeout=SOON)
    peer.goodbye()
    try:
        leaving.result()
    finally:
        may_end.set()


def test_a_message_above_the_routers_limit_is_not_sent(peer: Peer) -> None:
    session = peer.join()
    with pytest.raises(wamplite.UsageError, match="takes at most 16777216"):
        session.call("com.app.p", "x" * (1 << 24))
    calling = soon(session.call, "com.app.q")
    assert peer.receive() == [48, 1, {}, "com.app.q"]
    peer.send([50, 1, {}])
    assert calling.result() is None
    leave(peer, session)
