"""Who takes the steps of a connection, by what it brought last: small, large, or slow to decode."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.waiting import thread_named
from wamplite.core.errors import TransportLost
from wamplite.router import Router, receiving
from wamplite.router.readers import QUIET
from wamplite.router.served import LARGE, SLOW, SMALL
from wamplite.router.socket_connection import SocketConnection
from wamplite.transports.rawsocket_frames import PING, frame

from .conftest import Connect, Start, Wire, allow_no_thread, connections, eventually, parts

TOPIC = "com.topic"
SMALL_READER, LARGE_READER, OWN = "wamplite-reader", "wamplite-reader-large", "wamplite-conn-"
TEXT = "x" * 200_000
ROWS = [{"a": number} for number in range(15_000)]  # takes ten milliseconds and more
CONTAINERS: list[Any] = [{}] * 12_000  # 12 KB, and takes as long

Readers = list[str]


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> Readers:
    """The threads in which messages were received, one after the other."""
    names: Readers = []
    receive = SocketConnection.receive

    def received(self: SocketConnection) -> list[Any]:
        entries = receive(self)
        if entries:
            names.append(threading.current_thread().name)
        return entries

    monkeypatch.setattr(SocketConnection, "receive", received)
    return names


@pytest.fixture
def router(start: Start) -> Router:
    return start(readers="shared")


@pytest.fixture
def wire(router: Router, connect: Connect) -> Wire:
    joined = connect(router.url).join()
    publish(joined, TEXT)  # the first imports something
    publish(joined, "small")
    return joined


def publish(wire: Wire, *args: Any) -> None:
    wire.send(16, 1, {"acknowledge": True}, TOPIC, list(args))
    assert wire.receive()[0] == 17


def test_what_is_large_is_read_by_another_until_less_comes(
    readers: Readers, router: Router, wire: Wire
) -> None:
    for _ in range(2):
        publish(wire, "small")
        publish(wire, "small")
        publish(wire, TEXT)
        publish(wire, TEXT)
        publish(wire, "small")  # received there, too: it was not known to be small
        assert readers[-5:] == [SMALL_READER] * 2 + [LARGE_READER] * 3


def test_what_is_slow_to_decode_has_a_thread_until_it_is_not(
    readers: Readers, router: Router, wire: Wire
) -> None:
    for _ in range(2):
        publish(wire, "small")
        publish(wire, "small")
        publish(wire, ROWS)
        assert readers[-2:] == [SMALL_READER, LARGE_READER]
        publish(wire, ROWS)
        publish(wire, ROWS)
        publish(wire, TEXT)
        assert all(name.startswith(OWN) for name in readers[-3:])
        publish(wire, TEXT)
        assert readers[-1] == LARGE_READER
        publish(wire, "small")


def test_what_is_slow_to_decode_though_small_has_a_thread_until_it_is_not(
    readers: Readers, router: Router, connect: Connect
) -> None:
    wire = connect(router.url).join()
    publish(wire, CONTAINERS)
    assert readers[-1] == LARGE_READER  # nobody knows yet whether it is quick
    for _ in range(2):
        publish(wire, CONTAINERS)
        publish(wire, CONTAINERS)
        publish(wire, "small")
        assert all(name.startswith(OWN) for name in readers[-3:])
        publish(wire, "small")
        assert readers[-1] == SMALL_READER
        publish(wire, CONTAINERS)
        assert readers[-1] == LARGE_READER  # it is known not to be


def test_who_is_known_to_be_quick_is_read_by_the_reader_of_what_is_small(
    readers: Readers, router: Router, connect: Connect
) -> None:
    wire = connect(router.url).join()
    for number in range(4):
        publish(wire, "x" * 2000)
        assert (readers[-1] == SMALL_READER) == (number > 1)  # the second is read there, too
    publish(wire, CONTAINERS)
    assert readers[-1] == SMALL_READER
    for _ in range(3):  # which is found out once
        for one in ("x" * 2000, "small", "small", CONTAINERS):
            publish(wire, one)
        assert readers[-1] != SMALL_READER


@pytest.mark.parametrize("kind", ["threads", "shared"])
def test_what_is_slow_though_small_waits_for_a_place(
    kind: str, start: Start, connect: Connect
) -> None:
    router = start(readers=kind)
    slow, other = connect(router.url).join(), connect(router.url).join()
    publish(slow, CONTAINERS)
    places = parts(router).decoding
    for _ in range(router.limits.max_decoding):
        assert places.acquire(timeout=20)
    slow.send(16, 2, {"acknowledge": True}, TOPIC, [CONTAINERS])
    eventually(lambda: any(one.held >= len(CONTAINERS) for one in connections(router)))
    publish(other, "small")
    publish(other, CONTAINERS)  # it is not known to be slow
    places.release(router.limits.max_decoding)
    assert slow.receive()[0] == 17


def test_what_is_slow_amid_a_few_is_the_last_of_them_before_a_thread_goes_on(
    readers: Readers, router: Router, wire: Wire
) -> None:
    publish(wire, TEXT[: 60 * 1024])  # a receive brings as much from now on
    publish(wire, "small")
    arguments = [["small"], [CONTAINERS], [CONTAINERS], ["small"]]
    wire.send_at_once(
        *(
            [16, number, {"acknowledge": True}, TOPIC, args]
            for number, args in enumerate(arguments, 2)
        )
    )
    assert [wire.receive()[1] for _ in arguments] == [2, 3, 4, 5]
    assert readers[-2] == SMALL_READER and readers[-1].startswith(OWN)


def test_what_is_slow_though_small_is_served_where_there_is_no_thread(
    readers: Readers, router: Router, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_no_thread(monkeypatch)
    for one in (CONTAINERS, CONTAINERS, "small"):
        publish(wire, one)
    assert readers[-3:] == [SMALL_READER, LARGE_READER, LARGE_READER]


def test_what_is_slow_does_not_hold_up_who_brings_what_is_large(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = start(readers="shared", max_decoding=8)
    slow, large = connect(router.url).join(), connect(router.url).join()
    publish(slow, ROWS)
    publish(large, TEXT)
    held, begun = threading.Event(), threading.Event()
    decode = receiving.decode

    def decoded(payloads: list[bytes], *rest: Any) -> list[Any]:
        entries = decode(payloads, *rest)
        if entries[0].args == [ROWS]:
            begun.set()
            held.wait(20)
        return entries

    monkeypatch.setattr(receiving, "decode", decoded)
    slow.send(16, 2, {"acknowledge": True}, TOPIC, [ROWS])
    assert begun.wait(20)
    publish(large, TEXT)
    publish(large, "small")
    held.set()
    assert slow.receive()[0] == 17


def test_where_each_has_its_thread_so_has_what_is_large(
    readers: Readers, start: Start, connect: Connect
) -> None:
    wire = connect(start(readers="threads").url).join()
    for value in ("small", TEXT, TEXT, ROWS, TEXT, "small"):
        publish(wire, value)
    assert all(name.startswith(OWN) for name in readers)
    assert thread_named(LARGE_READER) is None


def test_one_of_few_is_quiet_up_to_a_number_of_messages(
    readers: Readers, start: Start, connect: Connect
) -> None:
    wire = connect(start(readers="auto").url).join()  # that is the first
    for _ in range(QUIET - 1):
        publish(wire, "small")
    publish(wire, "small")
    assert set(readers) == {SMALL_READER}
    publish(wire, "small")
    assert readers[-1].startswith(OWN)


def test_new_limits_call_it_back(readers: Readers, router: Router, wire: Wire) -> None:
    publish(wire, TEXT)
    publish(wire, TEXT)
    assert readers[-1] == LARGE_READER
    router.take_limits(readers="threads")
    publish(wire, TEXT)
    publish(wire, TEXT)
    assert readers[-1].startswith(OWN)
    router.take_limits(readers="shared")
    publish(wire, TEXT)
    publish(wire, TEXT)
    assert readers[-1] == LARGE_READER


@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_many_pings_at_once_are_large(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    router = start(readers="shared")
    wire = connect(router.listen(f"{scheme}://127.0.0.1:0")).join()
    [connection] = connections(router)
    weights = set()
    receive = SocketConnection.receive

    def received(self: SocketConnection) -> list[Any]:
        entries = receive(self)
        weights.add(self.weight)
        return entries

    monkeypatch.setattr(SocketConnection, "receive", received)
    ping = frame(b"x" * 100, PING) if scheme == "rs" else b"\x89\xe4\0\0\0\0" + b"x" * 100
    for _ in range(8):  # the first receives are small
        wire.stream.write([ping * 600])
        wire.channel.flush(10)
    eventually(lambda: weights & {LARGE, SLOW})
    wire.ask(32, 1, {}, TOPIC)
    wire.ask(32, 2, {}, TOPIC)
    assert connection.weight == SMALL


def test_hundreds_of_messages_at_once_are_large(
    readers: Readers, router: Router, wire: Wire
) -> None:
    requests = range(1, 3001)
    wire.send_at_once(*([16, number, {"acknowledge": True}, TOPIC] for number in requests))
    assert [wire.receive()[1] for _ in requests] == [*requests]
    assert set(readers) - {SMALL_READER}
    publish(wire, "small")
    publish(wire, "small")
    assert readers[-1] == SMALL_READER


def test_where_nobody_can_read_what_is_large_the_connection_ends(
    router: Router, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    large, small = connect(router.url).join(), connect(router.url).join()

    def start(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("wamplite.router.stacks.start", start)
    large.send(16, 1, {"acknowledge": True}, TOPIC, [TEXT])
    with pytest.raises(TransportLost):
        large.receive()
    publish(small, "small")


def test_who_waits_for_a_place_holds_up_nobody(
    readers: Readers, router: Router, wire: Wire, connect: Connect
) -> None:
    other = connect(router.url).join()
    for each in (wire, other):
        publish(each, TEXT)
    places = parts(router).decoding
    for _ in range(router.limits.max_decoding):
        assert places.acquire(timeout=20)
    wire.send(16, 2, {"acknowledge": True}, TOPIC, [TEXT])
    eventually(lambda: any(one.held > len(TEXT) for one in connections(router)))
    publish(other, "small")
    assert readers[-1] == LARGE_READER
    places.release(router.limits.max_decoding)
    assert wire.receive()[0] == 17
    assert readers[-1].startswith(OWN)


def test_who_waits_for_a_place_ends_with_the_router(router: Router, wire: Wire) -> None:
    publish(wire, TEXT)
    places = parts(router).decoding
    for _ in range(router.limits.max_decoding):
        assert places.acquire(timeout=20)
    wire.send(16, 2, {"acknowledge": True}, TOPIC, [TEXT])
    [connection] = connections(router)
    eventually(lambda: connection.held > len(TEXT))  # it waits for a place
    ending = threading.Thread(target=router.close)
    ending.start()
    eventually(lambda: connection.has_ended)
    places.release(router.limits.max_decoding)
    ending.join(20)
    assert not ending.is_alive() and thread_named(LARGE_READER) is None
