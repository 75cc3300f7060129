"""Messages between two ends in one process: in order, checked, and nothing mutable shared."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.client.scripted import PATIENCE, soon
from wamplite import in_process_channel as module
from wamplite.core.errors import TransportLost, UsageError
from wamplite.core.messages import Call, Event, Goodbye, Welcome
from wamplite.in_process_channel import LocalChannel, pair

Ends = tuple[LocalChannel, LocalChannel]
CALL = Call(1, {}, "com.app.p", [1])


@pytest.fixture
def ends() -> Ends:
    return pair()


def nothing_came(end: LocalChannel) -> bool:
    end.set_receive_timeout(0.001)
    try:
        return bool(pytest.raises(TimeoutError, end.receive))
    finally:
        end.set_receive_timeout(None)


def test_messages_arrive_in_order(ends: Ends) -> None:
    ours, theirs = ends
    messages = [CALL, Goodbye({}, "wamp.close.close_realm"), Welcome(1, {"roles": {"dealer": {}}})]
    assert all(ours.send(message) for message in messages)
    assert theirs.receive() == [(message, 0) for message in messages]
    assert nothing_came(theirs)
    theirs.send(CALL)
    assert ours.take() == [CALL]


def test_nothing_mutable_is_shared(ends: Ends) -> None:
    ours, theirs = ends
    args, kwargs, details = [[1]], {"k": {"a": 1}}, {"x": [1]}
    ours.send(Event(1, 2, details, args, kwargs))
    (event,) = theirs.take()
    assert event == Event(1, 2, details, args, kwargs)
    args[0].append(2)
    kwargs["k"]["a"] = 2
    details["x"].append(2)
    assert event == Event(1, 2, {"x": [1]}, [[1]], {"k": {"a": 1}})


@pytest.mark.parametrize("value", [object(), float("nan"), {1: 2}, "\0"])
def test_payloads_pass_the_same_gate(ends: Ends, value: Any) -> None:
    with pytest.raises(UsageError, match="CALL cannot be sent"):
        ends[0].send(Call(1, {}, "com.app.p", [value]))
    assert nothing_came(ends[1])


def test_a_payload_that_passes_through_unread_is_taken(
    ends: Ends,
) -> None:
    ends[0].send(Call(1, {"ppt_scheme": "mqtt"}, "com.app.p", b"\0"))
    assert ends[1].take()[0].args == b"\0"  # type: ignore[union-attr]


def test_the_inbox_has_a_bound(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    ours, theirs = ends
    assert [ours.send(CALL) for _ in range(4)] == [True, True, True, False]
    with pytest.raises(TimeoutError, match="3 messages not taken"):
        ours.flush(0.01)
    flushing = soon(ours.flush, PATIENCE)
    assert len(theirs.receive()) == 4
    flushing.result()
    assert ours.send(CALL)


def test_silence_is_a_timeout_and_a_ping_finds_life(
    ends: Ends,
) -> None:
    ours, _ = ends
    ours.set_receive_timeout(0.01)
    with pytest.raises(TimeoutError):
        ours.receive()
    ours.ping()
    assert ours.receive() == []
    with pytest.raises(TimeoutError):
        ours.receive()


def test_what_was_sent_before_the_end_arrives(ends: Ends) -> None:
    ours, theirs = ends
    ours.send(CALL)
    ours.finish()
    assert theirs.take() == [CALL]
    with pytest.raises(TransportLost, match="the other end closed"):
        theirs.receive()
    with pytest.raises(TransportLost, match="closed"):
        ours.receive()
    theirs.send(CALL)
    with pytest.raises(TransportLost):
        ours.receive()


@pytest.mark.parametrize("end", [0, 1])
def test_shutdown_wakes_both_readers(ends: Ends, end: int) -> None:
    waiting = [soon(one.receive) for one in ends]
    ends[end].shutdown("enough")
    for later in waiting:
        with pytest.raises(TransportLost, match="in process: enough"):
            later.result()
    with pytest.raises(TransportLost):
        ends[0].flush(0)
    ends[0].close()


def test_many_senders_lose_nothing(ends: Ends) -> None:
    ours, theirs = ends
    count, senders = 500, 4

    def send(sender: int) -> None:
        for number in range(count):
            if not ours.send(Call(1, {}, "com.app.p", [sender, number])):
                ours.flush(PATIENCE)

    sending = [soon(send, sender) for sender in range(senders)]
    received: list[Any] = []
    deadline = time.monotonic() + PATIENCE
    while len(received) < count * senders:
        assert time.monotonic() < deadline
        received += [call.args for call in theirs.take()]  # type: ignore[union-attr]
    for later in sending:
        later.result()
    for sender in range(senders):
        assert [n for s, n in received if s == sender] == list(range(count))
