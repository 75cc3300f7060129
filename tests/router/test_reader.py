"""One thread that reads for many: who gets a thread, what is handed over, who waits for whom."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest

from tests.waiting import thread_named
from wamplite import serializers
from wamplite.core.errors import TransportLost
from wamplite.core.handshake import anonymous
from wamplite.router import Router, buffered, receiving
from wamplite.router.accepting import Accepting
from wamplite.router.reader import TOGETHER, Task
from wamplite.router.readers import FEW, MANY, QUIET
from wamplite.router.socket_connection import SocketConnection
from wamplite.router.waits import RECEIVE
from wamplite.router.waking_selector import WakingSelector
from wamplite.transports.rawsocket_frames import frame

from .conftest import (
    ROLES,
    Connect,
    Start,
    Wire,
    allow_no_thread,
    connected,
    connections,
    eventually,
    parts,
    reset,
)
from .test_faults_of_routing import Faulty

TOPIC = "com.topic"
HANDSHAKE = b"\x7f\xf2\0\0"


def own_threads() -> int:
    """Return how many connections have a thread of their own, or had one just now."""
    return sum(one.name.startswith("wamplite-conn-") for one in threading.enumerate())


def subscribe(wire: Wire, times: int = 1) -> None:
    for number in range(1, times + 1):
        assert wire.ask(32, number, {}, TOPIC)[:2] == [33, number]


def packed(*arrays: list[Any]) -> bytes:
    dumps = serializers.get("msgpack").dumps
    return b"".join(frame(dumps(array)) for array in arrays)


def hold(router: Router, begun: threading.Event, held: threading.Event) -> None:
    """Keep whoever routes realm1 busy until `held` is set."""

    def wait() -> None:
        begun.set()
        held.wait(20)

    router.realms["realm1"].run(wait)


def raw(router: Router) -> socket.socket:
    """Connect, and say what begins a session in one segment with a request."""
    sock = socket.create_connection(("127.0.0.1", int(router.url.rpartition(":")[2])), 20)  # type: ignore[attr-defined]
    hello, subscribe = [1, "realm1", {"roles": ROLES}], [32, 1, {}, TOPIC]
    sock.sendall(HANDSHAKE + packed(hello, subscribe))
    return sock


def ended(sock: socket.socket) -> bool:
    """Wait for the end of a connection, whose last words were not read perhaps."""
    try:
        return sock.recv(100) == b""
    except ConnectionResetError:
        return True


def test_where_each_has_its_thread_nobody_reads_for_many(start: Start, connect: Connect) -> None:
    router = start(readers="threads")
    wires = [connect(router.url).join() for _ in range(MANY + 2)]
    assert own_threads() == len(wires) and thread_named("wamplite-reader") is None


def test_where_one_reads_for_all_nobody_has_a_thread(start: Start, connect: Connect) -> None:
    router = start(readers="shared")
    for wire in [connect(router.url).join() for _ in range(3)]:
        subscribe(wire, 2 * QUIET)
    assert not own_threads() and thread_named("wamplite-reader")


def test_few_get_threads_once_they_are_busy_and_many_give_them_back(
    start: Start, connect: Connect
) -> None:
    router = start(readers="auto")
    busy, quiet = connect(router.url).join(), connect(router.url).join()
    subscribe(busy, QUIET + 2)
    subscribe(quiet)
    assert own_threads() == 1
    others = [connect(router.url).join() for _ in range(MANY)]
    subscribe(busy, QUIET + 2)
    eventually(lambda: not own_threads())
    for wire in others[FEW - 1 :]:
        wire.close()
    eventually(lambda: connected(router) == FEW + 1)
    subscribe(busy)
    assert not own_threads()  # not for one more or less
    others[0].close()
    eventually(lambda: connected(router) == FEW)
    subscribe(busy, 2)
    assert own_threads() == 1


def asked(numbers: Iterable[int], text: str) -> list[list[Any]]:
    """Return publications that ask for an answer."""
    return [[16, number, {"acknowledge": True}, TOPIC, [text]] for number in numbers]


def test_who_brings_a_few_dozen_messages_at_once_needs_no_thread(
    start: Start, connect: Connect
) -> None:
    router = start(readers="shared")
    wire = connect(router.url).join()
    for first in (1, 201):  # the first receives are small, those that follow bring 64 KB
        wire.send_at_once(*asked(range(first, first + 200), "x" * 1024))
        assert [wire.receive()[1] for _ in range(200)] == list(range(first, first + 200))
    assert not own_threads()


def test_others_are_served_between_what_one_brings_at_once(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "SLICE", 0.0)  # a message of it is a turn
    router = start(readers="shared")
    much, little = connect(router.url).join(), connect(router.url).join()
    large = asked(range(1, 51), "x" * 1024)
    for number in range(3):  # the first receives are small
        request = number * len(large)
        much.send_at_once(*asked(range(request + 1, request + 51), "x" * 1024))
        assert [much.receive()[0] for _ in large] == [17] * len(large)
    begun, held = threading.Event(), threading.Event()
    publishers: list[int] = []

    def published(member: Any, *_: Any) -> None:
        if member is not None:  # None: the router itself
            publishers.append(member.session)
            begun.set()
            held.wait(20)

    router.realms["realm1"].realm.broker.published.append(published)
    try:
        much.send(*asked([151], "")[0])
        assert begun.wait(20)  # who reads waits now: what follows is there before the next turn
        much.send_at_once(*asked(range(152, 202), "x" * 1024))
        little.send(*asked([1], "")[0])
    finally:
        held.set()
    assert [much.receive()[1] for _ in range(51)] == list(range(151, 202))
    assert little.receive()[:2] == [17, 1]
    assert publishers.index(little.welcome[1]) < 10
    assert not own_threads()


def test_new_limits_change_who_reads(start: Start, connect: Connect) -> None:
    router = start(readers="shared")
    wire = connect(router.url).join()
    for kind, number in (("threads", 1), ("shared", 0)):
        router.take_limits(readers=kind)
        subscribe(wire, 2)
        eventually(lambda number=number: own_threads() == number)


@pytest.mark.parametrize("kind", ["shared", "auto"])
def test_what_comes_with_the_handshake_is_read(start: Start, kind: str) -> None:
    with raw(start(readers=kind)) as sock:
        came = b""
        while b"\x21" not in came[4:]:  # SUBSCRIBED is 33
            came += sock.recv(4096)


def test_half_a_message_goes_along_to_another_reader(start: Start, connect: Connect) -> None:
    router = start(readers="shared")
    wire = connect(router.url).join()
    for kind in ("threads", "shared", "threads"):
        whole = packed([32, 1, {}, TOPIC])
        wire.stream.write([whole[:7]])
        router.take_limits(readers=kind)
        time.sleep(0.01)  # it may come in two receives, or in one: either is right
        wire.stream.write([whole[7:]])
        assert wire.receive()[0] == 33
        subscribe(wire, 2)


def test_a_connection_is_waited_for_in_one_place_from_accept_to_close(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited_for: list[Any] = []
    register = WakingSelector.register

    def registered(selector: Any, waiting: Any) -> bool:
        if isinstance(waiting, Task) and isinstance(waiting.connection, SocketConnection):
            assert waiting not in selector
            waited_for.append(waiting)
        return register(selector, waiting)

    router = start(readers="shared")
    monkeypatch.setattr(WakingSelector, "register", registered)
    with raw(router) as sock:
        eventually(lambda: router.sessions == 1)
        sock.sendall(packed([6, {}, "wamp.close.close_realm"]))
    eventually(lambda: not connected(router))
    assert len(waited_for) == 1


def test_two_realms_do_not_wait_for_each_other_and_nobody_is_forgotten(
    start: Start, connect: Connect
) -> None:
    router = start(readers="shared", realms=["realm1", "other"])
    held, begun = threading.Event(), threading.Event()
    waiting, other = connect(router.url).join(), connect(router.url).join("other")
    hold(router, begun, held)
    assert begun.wait(20)
    for number in (1, 2, 3):  # the first is in the inbox, the others stay where they are
        waiting.send(32, number, {}, TOPIC)
        subscribe(other, 3)
    spent = time.process_time()
    time.sleep(0.2)
    assert time.process_time() - spent < 0.15  # it does not ask again and again
    held.set()
    assert [waiting.receive()[1] for _ in range(3)] == [1, 2, 3]


def test_who_is_ended_while_its_realm_is_busy_leaves_it(start: Start, connect: Connect) -> None:
    router = start(readers="shared")
    held, begun = threading.Event(), threading.Event()
    wire = connect(router.url).join()
    hold(router, begun, held)
    assert begun.wait(20)
    wire.send(32, 1, {}, TOPIC)
    wire.send(32, 2, {}, TOPIC)
    connections(router)[0].shutdown("why not")
    assert wire.rest() == []
    held.set()
    eventually(lambda: not router.sessions and not connected(router))


def test_an_authmethod_that_takes_long_holds_up_nobody_else(start: Start, connect: Connect) -> None:
    asked, go = threading.Event(), threading.Event()

    def ask(hello: Any, joining: Any) -> Any:
        asked.set()
        go.wait(20)
        return anonymous(hello, joining)

    router = start(readers="shared", authmethods={"anonymous": anonymous, "slow": ask})
    quick, slow = connect(router.url).join(), connect(router.url)
    slow.send(1, "realm1", {"roles": ROLES, "authmethods": ["slow"]})
    assert asked.wait(20)
    subscribe(quick, 3)
    assert own_threads() == 1
    go.set()
    assert slow.receive()[0] == 2
    subscribe(slow)
    eventually(lambda: not own_threads())


@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_who_is_sent_away_and_stays_holds_up_nobody(
    start: Start, connect: Connect, scheme: str
) -> None:
    router = start(readers="shared", linger=20.0)
    url = router.listen(f"{scheme}://127.0.0.1:0")
    other = connect(url).join()
    for said in (b"\xff" * 20, b"\x82\x80abcd"):  # no frame; a message of nothing
        staying = connect(url).join()
        staying.stream.write([said])
        eventually(lambda: router.sessions == 1)
        subscribe(other, 3)


def test_where_all_hold_too_much_the_reader_ends_them_and_waits_for_none(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffered, "PATIENCE", 60.0)
    router = start(readers="shared", max_buffered=1_000_000)
    other, wires = connect(router.url).join(), [connect(router.url).join() for _ in range(8)]
    half = frame(b"x" * 900_000)[:300_000]
    for wire in wires:
        wire.stream.write([half])
        wire.channel.flush(10)
    eventually(lambda: router.counters.get("largest_holders") == 5)
    eventually(lambda: router.sessions == 4)
    subscribe(other, 3)


def test_who_sends_without_end_does_not_starve_others(start: Start, connect: Connect) -> None:
    router, ended = start(readers="shared"), threading.Event()
    greedy, other = connect(router.url).join(), connect(router.url).join()

    def flood() -> None:
        burst = packed(*([16, number, {}, "com.other"] for number in range(1, 1000)))
        with socket.socket(fileno=socket.dup(greedy.stream.fileno())) as sock:
            while not ended.is_set():
                sock.sendall(burst)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        subscribe(other, 30)
    finally:
        ended.set()
        thread.join(20)


def test_what_the_first_of_many_bring_is_routed_before_the_last_are_read(
    start: Start, connect: Connect
) -> None:
    router = start(readers="shared")
    wires = [connect(router.url).join() for _ in range(2 * TOGETHER)]
    blocking, free = threading.Event(), threading.Event()
    brought: list[int] = []  # messages, as each of them is handled

    def published(*_: Any) -> None:
        brought.append(sum(one.received for one in connections(router)))
        blocking.set()
        free.wait(20)

    router.realms["realm1"].realm.broker.published.append(published)
    wires[0].send(16, 1, {"acknowledge": True}, TOPIC)
    assert blocking.wait(20)
    for wire in wires[1:]:
        wire.send(16, 1, {"acknowledge": True}, TOPIC)
    free.set()
    assert [wire.receive()[0] for wire in wires] == [17] * len(wires)
    before = brought[0]
    assert [number - before for number in brought[1:]] == [TOGETHER] * TOGETHER + [
        2 * TOGETHER - 1
    ] * (TOGETHER - 1)


def test_descriptors_that_are_reused_are_read(start: Start, connect: Connect) -> None:
    router = start(readers="shared", linger=0.1)
    staying = connect(router.url).join()
    for number in range(60):
        with raw(router) as sock:
            assert sock.recv(4) == HANDSHAKE[:1] + b"\xb2\0\0"
            if number % 3 == 0:
                connections(router)[-1].shutdown("the router ends it")
    reset(connect(router.url).join().stream)
    eventually(lambda: connected(router) == 1)
    subscribe(staying, 3)


def test_where_a_thread_is_needed_and_there_is_none_the_connection_ends(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(hello: Any, joining: Any) -> Any:
        return anonymous(hello, joining)

    router = start(readers="auto", authmethods={"anonymous": anonymous, "other": ask})
    staying, needs = connect(router.url).join(), connect(router.url)
    allow_no_thread(monkeypatch)
    needs.send(1, "realm1", {"roles": ROLES, "authmethods": ["other"]})
    with pytest.raises(TransportLost):
        needs.receive()
    eventually(lambda: connected(router) == 1)
    subscribe(staying, 2 * QUIET)  # it would get one
    assert router.sessions == 1


def test_who_comes_where_nobody_can_wait_for_it_is_ended_and_that_is_no_fault(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register = WakingSelector.register

    def registered(selector: Any, waiting: Any) -> bool:
        is_full = isinstance(waiting, Task) and isinstance(waiting.connection, SocketConnection)
        return is_full or register(selector, waiting)

    router = start(readers="shared")
    monkeypatch.setattr(WakingSelector, "register", registered)
    allow_no_thread(monkeypatch)
    with raw(router) as sock:
        assert ended(sock)
    eventually(lambda: not connected(router))
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("fault", [MemoryError(), SystemExit(1), ZeroDivisionError("a bug")])
def test_it_goes_on_after_a_fault_of_its_own(
    start: Start, connect: Connect, fault: BaseException
) -> None:
    router = start(readers="shared")
    wire = connect(router.url).join()
    reader = parts(router).readers.small
    reader._look = Faulty(reader._look, 2)  # type: ignore[method-assign]
    reader._step = Faulty(reader._step, 2)  # type: ignore[method-assign]
    subscribe(wire, 3)
    subscribe(connect(router.url).join(), 3)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_what_it_has_read_is_routed_once_whatever_fails(
    start: Start, connect: Connect, after: bool
) -> None:
    router = start(readers="shared")
    wire, routing = connect(router.url).join(), router.realms["realm1"]
    routing.arrive_all = Faulty(routing.arrive_all, 2, after)  # type: ignore[method-assign]
    subscribe(wire, 3)
    subscribe(connect(router.url).join(), 3)


def test_what_came_goes_before_an_end_for_want_of_a_thread(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    register = WakingSelector.register

    def registered(selector: Any, waiting: Any) -> bool:
        is_full = isinstance(waiting, Task) and waiting.connection is ending
        return is_full or register(selector, waiting)

    router = start(readers="shared", max_message_rate=20, max_message_burst=1)
    hearing, telling = connect(router.url).join(), connect(router.url).join()
    ending = connections(router)[-1]
    subscribe(hearing)
    monkeypatch.setattr(WakingSelector, "register", registered)
    allow_no_thread(monkeypatch)
    # its pace has it wait with the second, unregistered once the third is there
    telling.send_at_once([16, 1, {}, TOPIC, ["a"]], [16, 2, {}, TOPIC, ["b"]])
    assert hearing.receive()[4] == ["a"]
    telling.send(16, 3, {}, TOPIC, ["c"])
    assert hearing.receive()[4] == ["b"]
    with pytest.raises(TransportLost):
        telling.receive()


def test_it_does_not_wait_for_who_came_and_has_gone(start: Start) -> None:
    served: list[socket.socket] = []
    router = start(readers="shared")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = Accepting(
            listening, "tcp://", lambda sock, _: served.append(sock), parts(router), True
        )
        accepting.be_read(None, may_wait=False)
        flow = accepting.flow()
        assert [next(flow) for _ in range(3)] == [RECEIVE] * 3 and not served
        with socket.create_connection(listening.getsockname()):
            assert next(flow) is RECEIVE
            [sock] = served
            with closing(sock):
                assert sock.gettimeout() is None
    assert "accepts_failed" not in router.counters
