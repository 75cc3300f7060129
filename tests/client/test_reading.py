"""Who reads: the reading thread, or the caller that waits for an answer anyway."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, Later, Peer, inside, leave, reader_of, soon, taken
from tests.waiting import thread_named, until
from wamplite.client import reading
from wamplite.client.reading import Reader
from wamplite.transports.socket_stream import SocketStream


def test_calls_in_a_row_are_read_by_their_caller(peer: Peer) -> None:
    session = peer.join()

    def serve() -> None:
        for request in range(1, 201):
            assert peer.receive()[1] == request
            peer.send([50, request, {}, [request]])

    serving = soon(serve)
    assert [session.call("com.app.p") for _ in range(200)] == list(range(1, 201))
    serving.result()
    assert taken(session) > 100
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
    before = taken(session)
    for _ in range(49):
        session.call("com.app.p")
    serving.result()
    assert taken(session) == before
    leave(peer, session)


def test_a_channel_that_cannot_be_waited_for_is_the_reading_threads(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SocketStream, "is_plain", False)  # as over TLS: a record may come in pieces
    session = peer.join()

    def serve() -> None:
        for request in range(1, 51):
            assert peer.receive()[1] == request
            peer.send([50, request, {}])

    serving = soon(serve)
    for _ in range(50):
        session.call("com.app.p")
    serving.result()
    assert taken(session) == 0
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
        return taken(session) > 1  # the second of them found it resting

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


def test_a_session_ends_where_a_caller_has_read_that_it_does(
    peer: Peer, resting: wamplite.Session
) -> None:
    calling = soon(resting.call, "com.app.p")
    request = peer.receive()[1]
    peer.send([50, request, {}, ["last"]], [6, {}, "wamp.close.system_shutdown"])
    assert calling.result() == "last"
    assert resting.lost.wait(PATIENCE / 2)
    assert peer.receive()[0] == 6


def test_a_call_with_progress_has_the_reading_thread_read(
    peer: Peer, resting: wamplite.Session
) -> None:
    seen: list[int] = []
    calling = soon(resting.call, "com.app.p", on_progress=seen.append)
    request = peer.receive()[1]
    peer.send([50, request, {"progress": True}, [1]], [50, request, {}, [2]])
    assert calling.result() == 2 and seen == [1]
    leave(peer, resting)


def test_the_time_of_reading_is_part_of_a_callers_timeout(
    peer: Peer, resting: wamplite.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wamplite.client.reading.PATIENCE", 0.8)
    began = time.monotonic()
    with pytest.raises(wamplite.CallTimeout):
        resting.call("com.app.p", options={"timeout": 1.0})
    assert 1.0 <= time.monotonic() - began < 2.4
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
    turn = reader_of(session).turn
    try_read = turn.try_read

    def late() -> Any:
        """Ask for the turn once the reading thread has read the answer and given the turn back."""
        turn._came = True
        until(lambda: not inside(session).conversation.pending)
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


def test_the_channel_is_closed_once_nobody_reads_it_any_more(peer: Peer) -> None:
    session = peer.join()
    reader, thread = reader_of(session), thread_named(f"wamplite-read-{session.id}")
    held, go = threading.Event(), threading.Event()

    def read() -> None:
        turn = reader.turn.try_read()
        assert turn is not None
        with turn:
            held.set()
            go.wait(PATIENCE)

    def on_end() -> None:
        """Let a caller have the turn, as the reading thread has just given it back."""
        callers.append(soon(read))
        held.wait(PATIENCE)

    callers: list[Later] = []
    inside(session).on_end.append(on_end)
    peer.hang_up()
    assert held.wait(PATIENCE) and thread is not None
    thread.join(0.05)
    assert thread.is_alive()
    go.set()
    callers[0].result()
    thread.join(PATIENCE)
    assert not thread.is_alive()


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
        main = threading.main_thread().ident
        # while it sends, the session would be closed
        until(lambda: sys._current_frames()[main].f_code.co_name == "wait")
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


def take_the_turn(peer: Peer, session: wamplite.Session, requests: Iterator[int]) -> None:
    """Call until the reading thread rests after it, and take its turn while nobody reads."""

    def call_and_try() -> Any:
        calling = soon(session.call, "com.app.p")
        peer.receive()
        peer.send([50, next(requests), {}])
        calling.result()
        return reader_of(session).turn.try_read()

    until(call_and_try)


def test_ctrl_c_while_a_caller_waits_in_its_own_receive_loses_nothing(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PATIENCE", PATIENCE)
    session = peer.join()
    requests = itertools.count(1)

    def interrupt() -> None:
        peer.receive()
        main = threading.main_thread().ident
        until(lambda: sys._current_frames()[main].f_code.co_name == "_receive")
        os.kill(os.getpid(), signal.SIGINT)

    for _ in range(3):
        take_the_turn(peer, session, requests)
        interrupting = soon(interrupt)
        with pytest.raises(KeyboardInterrupt):
            session.call("com.app.p")
        interrupting.result()
        late, number = next(requests), next(requests)
        calling = soon(session.call, "com.app.q")
        assert peer.receive()[1] == number
        peer.send([50, late, {}, ["late"]], [50, number, {}, ["right"]])
        assert calling.result() == "right"
    leave(peer, session)


def test_ctrl_c_in_the_middle_of_a_message_closes_the_session(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = peer.join()
    reader = reader_of(session)
    requests = itertools.count(1)

    def interrupted(messages: Any) -> None:
        raise KeyboardInterrupt

    take_the_turn(peer, session, requests)
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
        patch.setattr(inside(session).conversation, "request", interrupted)
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

    monkeypatch.setattr(inside(session).conversation, "receive", broken)
    peer.send([50, 1, {}])
    name = type(fault).__name__
    with pytest.raises(wamplite.TransportLost, match=f"the reading thread failed: {name}"):
        calling.result()
    assert session.lost.wait(PATIENCE)
    assert caplog.messages == ["the reading thread failed"]


def test_a_thread_that_was_never_started_is_not_waited_for() -> None:
    channel: Any = None
    Reader(channel, bool, bool, print, print).join(PATIENCE)


def test_threads_are_named(peer: Peer) -> None:
    session = peer.join()
    assert "wamplite-read-4711" in {thread.name for thread in threading.enumerate()}
    leave(peer, session)
