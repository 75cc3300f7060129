"""The router as a whole, over real sockets: bounds, deadlines, slow consumers, the end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import wamplite
from wamplite.core.errors import TransportLost, UsageError
from wamplite.router import Router

from .conftest import MS, Connect, Start, Wire, connected, eventually


def test_two_sessions_call_and_publish(start: Start, connect: Connect) -> None:
    router = start()
    one, two = connect(router.url).join(), connect(router.url).join()
    registration = one.ask(64, 1, {}, "com.add")[2]
    two.send(48, 1, {}, "com.add", [1, 2])
    assert one.receive() == [68, 1, registration, {}, [1, 2]]
    one.send(70, 1, {}, [3])
    assert two.receive() == [50, 1, {}, [3]]
    assert router.sessions == 2


def test_realms_are_apart(start: Start, connect: Connect) -> None:
    router = start(realms=["realm1", "realm2"])
    one, two = connect(router.url).join("realm1"), connect(router.url).join("realm2")
    one.ask(64, 1, {}, "com.add")
    assert two.ask(48, 1, {}, "com.add")[4] == "wamp.error.no_such_procedure"


def test_goodbye_is_answered_and_the_connection_ends(start: Start, connect: Connect) -> None:
    router = start()
    one = connect(router.url).join()
    one.ask(64, 1, {}, "com.add")
    one.send(6, {}, "wamp.close.close_realm")
    one.send(48, 2, {}, "com.add")  # ignored after GOODBYE
    assert one.rest() == [[6, {}, "wamp.close.goodbye_and_out"]]
    two = connect(router.url).join()
    assert two.ask(64, 1, {}, "com.add")[0] == 65


def test_a_violation_is_told_before_the_connection_ends(start: Start, connect: Connect) -> None:
    one = connect(start().url).join()
    one.send(1, "realm1", {"roles": {"caller": {}}})
    [abort] = one.rest()
    assert abort[0] == 3 and abort[2] == "wamp.error.protocol_violation"


def test_closing_says_goodbye_to_every_session(connect: Connect) -> None:
    router = Router()
    url = router.listen("rs://127.0.0.1:0")
    sessions = [connect(url).join() for _ in range(5)]
    unjoined = connect(url)
    begun = time.monotonic()
    closing = threading.Thread(target=router.close)
    closing.start()
    for session in sessions:
        assert session.receive() == [6, {}, "wamp.close.system_shutdown"]
        session.send(6, {}, "wamp.close.goodbye_and_out")
        session.close()
    assert unjoined.rest() == []
    closing.join(10)
    assert not closing.is_alive() and time.monotonic() - begun < 5
    router.close()  # again: nothing


def test_a_port_is_free_for_the_next_router_at_once(connect: Connect) -> None:
    with Router(linger=100 * MS) as router:
        url = router.listen("rs://127.0.0.1:0")
        connect(url).join().close()
        kept = connect(url).join()
    with Router() as router:
        assert router.listen(url) == url
        connect(url).join().close()
    kept.close()


def test_who_does_not_join_in_time_is_closed_however_it_drips(start: Start) -> None:
    router = start(handshake_timeout=300 * MS)
    address = ("127.0.0.1", int(router.url.rpartition(":")[2]))
    with socket.create_connection(address) as silent, socket.create_connection(address) as dripping:
        begun = time.monotonic()
        dripping.sendall(b"\x7f")
        closed = False
        while not closed and time.monotonic() - begun < 5:
            time.sleep(20 * MS)
            try:
                dripping.sendall(
                    b"\xf2"[: 1 if time.monotonic() - begun < 100 * MS else 0] or b"\0"
                )
                dripping.settimeout(1 * MS)
                closed = dripping.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
        assert closed and silent.recv(1) == b""
    eventually(lambda: not router.counters.get("deadlines_missed", 0) < 1)


def test_a_silent_peer_is_pinged_and_lost_when_it_does_not_answer(
    start: Start, connect: Connect
) -> None:
    router = start(ping_interval=150 * MS)
    alive = connect(router.url).join(_answers_ping=True)
    dead = connect(router.url).join(_answers_ping=True)
    pings = 0
    begun = time.monotonic()
    stop = threading.Event()

    def live() -> None:
        nonlocal pings
        alive.stream.set_receive_timeout(None)
        while not stop.is_set():
            try:
                alive.channel.receive()  # answers pings
                pings += 1
            except TransportLost:
                return

    reader = threading.Thread(target=live)
    reader.start()
    eventually(lambda: router.sessions == 1)
    assert time.monotonic() - begun >= 250 * MS
    eventually(lambda: pings >= 3)
    assert router.counters["pings_unanswered"] == 1
    stop.set()
    alive.stream.shutdown("done")
    reader.join(5)
    assert dead.stream.lost is None


def test_connections_above_the_bound_are_closed_and_counted(start: Start, connect: Connect) -> None:
    router = start(max_connections=3, max_connections_per_address=10)
    kept = [connect(router.url).join() for _ in range(3)]
    with pytest.raises(TransportLost):
        connect(router.url).join()
    assert router.counters["connections_refused"] == 1
    assert kept[0].ask(64, 1, {}, "com.add")[0] == 65
    kept.pop().stream.shutdown("done")
    eventually(lambda: router.sessions == 2)
    eventually(lambda: connected(router) == 2)
    connect(router.url).join()


def test_connections_of_one_address_are_bounded(start: Start, connect: Connect) -> None:
    router = start(max_connections_per_address=2)
    for _ in range(2):
        connect(router.url).join()
    with pytest.raises(TransportLost):
        connect(router.url).join()
    assert router.counters["connections_refused_by_address"] == 1


def test_connections_that_have_not_joined_are_bounded(start: Start, connect: Connect) -> None:
    router = start(max_handshaking=2)
    waiting = [connect(router.url) for _ in range(2)]
    with pytest.raises(TransportLost):
        connect(router.url).join()
    assert router.counters["connections_refused_handshaking"] == 1
    waiting[0].join()
    eventually(lambda: router.sessions == 1)
    connect(router.url).join()


def flood(
    publisher: Wire,
    topic: str,
    count: int,
    size: int,
    seen: Callable[[], int] | None = None,
) -> None:
    """Publish without waiting for anybody but the router, and who tells how much it has `seen`."""
    for number in range(1, count + 1):
        publisher.send(16, number, {}, topic, [number, b"x" * size])
        publisher.channel.flush(10)
        if seen is not None and number % 10 == 0:
            eventually(lambda number=number: seen() >= number - 10)


def test_a_slow_consumer_is_disconnected_and_nobody_else_notices(
    start: Start, connect: Connect
) -> None:
    router = start(max_outbox_size=200_000)
    slow, healthy, publisher = (connect(router.url).join() for _ in range(3))
    slow.ask(32, 1, {}, "com.topic")
    healthy.ask(32, 1, {}, "com.topic")
    seen: list[int] = []

    def read() -> None:
        while len(seen) < 3000:
            seen.append(healthy.receive()[4][0])

    reader = threading.Thread(target=read)
    reader.start()
    flood(publisher, "com.topic", 3000, 5000, lambda: len(seen))
    reader.join(30)
    assert seen == list(range(1, 3001))
    eventually(lambda: router.counters.get("slow_consumers") == 1)
    eventually(lambda: router.sessions == 2)


def test_drop_oldest_keeps_the_session_and_counts_what_it_lost(
    start: Start, connect: Connect
) -> None:
    router = start(max_outbox_size=200_000)
    slow, publisher = connect(router.url).join(), connect(router.url).join()
    slow.ask(32, 1, {"_overflow": "drop-oldest"}, "com.topic")
    flood(publisher, "com.topic", 3000, 5000)
    assert publisher.ask(16, 3001, {"acknowledge": True}, "com.topic", ["last"])[0] == 17
    seen = []
    while not seen or seen[-1] != "last":
        seen.append(slow.receive()[4][0])
    numbers = seen[:-1]
    assert numbers == sorted(numbers) and len(numbers) < 3000
    assert router.counters["events_dropped"] == 3000 - len(numbers)
    assert slow.ask(64, 2, {}, "com.add")[0] == 65


def test_the_largest_holder_goes_when_all_outboxes_together_hold_too_much(
    start: Start, connect: Connect
) -> None:
    router = start(max_buffered=3_000_000, max_outbox_size=2_900_000, socket_buffer=0)
    more, less, publisher = (connect(router.url).join() for _ in range(3))
    more.ask(32, 1, {}, "com.both")
    more.ask(32, 2, {}, "com.more")
    less.ask(32, 1, {}, "com.both")
    flood(publisher, "com.more", 60, 100_000)
    for number in range(61, 110):
        publisher.send(16, number, {}, "com.both", [b"x" * 100_000])
        publisher.channel.flush(10)
    eventually(lambda: router.counters.get("slow_consumers") == 1)
    eventually(lambda: router.sessions == 2)
    less.send(64, 2, {}, "com.add")
    while (answer := less.receive())[0] == 36:
        continue
    assert answer[0] == 65


def test_an_outbox_that_does_not_shrink_ends_its_connection(start: Start, connect: Connect) -> None:
    router = start(write_timeout=200 * MS, max_outbox_size=100_000_000, max_buffered=100_000_000)
    slow, publisher = connect(router.url).join(), connect(router.url).join()
    slow.ask(32, 1, {}, "com.topic")
    flood(publisher, "com.topic", 200, 100_000)
    eventually(lambda: router.sessions == 1)


def test_an_event_above_what_a_subscriber_takes_is_left_out_for_it_and_counted(
    start: Start, connect: Connect
) -> None:
    router = start()
    small, large = connect(router.url, max_message_size=1024).join(), connect(router.url).join()
    for wire in (small, large):
        wire.ask(32, 1, {}, "com.topic")
    publisher = connect(router.url).join()
    publisher.send(16, 1, {}, "com.topic", ["x" * 2000])
    publisher.send(16, 2, {}, "com.topic", ["small"])
    assert large.receive()[4] == ["x" * 2000]
    assert small.receive()[4] == ["small"]
    assert router.counters["messages_above_the_peers_limit"] == 1


def test_a_result_above_what_the_caller_takes_is_an_error(start: Start, connect: Connect) -> None:
    router = start()
    caller, callee = connect(router.url, max_message_size=1024).join(), connect(router.url).join()
    callee.ask(64, 1, {}, "com.big")
    caller.send(48, 1, {}, "com.big")
    invocation = callee.receive()
    callee.send(70, invocation[1], {}, ["x" * 5000])
    assert caller.receive()[4] == "wamp.error.payload_size_exceeded"


def test_strict_ends_who_breaks_the_sequence_of_requests(start: Start, connect: Connect) -> None:
    one = connect(start(strict=True).url).join()
    assert one.ask(64, 1, {}, "com.a")[0] == 65
    one.send(64, 3, {}, "com.b")
    assert [array[0] for array in one.rest()] == [3]


def test_before_welcome_a_message_may_be_no_larger_than_16_kib(
    start: Start, connect: Connect
) -> None:
    router = start()
    wire = connect(router.url)
    wire.send(1, "realm1", {"roles": {"caller": {}}, "x_padding": "x" * 20_000})
    assert [array[0] for array in wire.rest()] in ([3], [])
    assert connect(router.url).join().ask(16, 1, {"acknowledge": True}, "com.t", ["x" * 20_000])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_connection": 3}, "max_connection"),
        ({"max_connections": "3"}, "max_connections must be a number"),
        ({"realms": ["a..b"]}, "realms must be valid URIs"),
        ({"features": ["no_such_feature"]}, "there is no feature 'no_such_feature'"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Router(**settings)


def test_features_come_by_name(start: Start, connect: Connect) -> None:
    one = connect(start(features=["pattern_based_subscription"]).url).join()
    assert one.welcome[2]["roles"]["broker"]["features"] == {"pattern_based_subscription": True}
    assert one.ask(32, 1, {"match": "prefix"}, "com.")[0] == 33


def test_a_realms_timer_comes_back_through_its_inbox(start: Start) -> None:
    router = start()
    later = router.realms["realm1"].realm.later
    assert later is not None
    rang: list[str] = []
    canceled = later(20 * MS, lambda: rang.append("canceled"))
    later(40 * MS, lambda: rang.append(threading.current_thread().name))
    canceled()
    eventually(lambda: rang)
    assert rang == ["wamplite-route-realm1"]


def test_a_session_in_the_same_process_needs_no_socket(start: Start) -> None:
    router = start()
    with router.connect("realm1") as one, wamplite.connect(router.url, "realm1") as two:
        mine = [1, {"nested": [2]}]
        got: list[Any] = []
        one.subscribe("com.topic", got.append)
        two.register("com.echo", lambda value: value)
        assert one.call("com.echo", mine) == mine
        two.publish("com.topic", mine, options={"acknowledge": True})
        eventually(lambda: got)
        assert got == [mine]
    assert router.sessions == 0


def test_nothing_mutable_is_shared_within_the_process(start: Start) -> None:
    router = start()
    with router.connect() as one, router.connect() as two, router.connect() as three:
        first: list[Any] = []
        second: list[Any] = []
        one.subscribe("com.topic", first.append)
        two.subscribe("com.topic", second.append)
        sent = {"numbers": [1]}
        three.publish("com.topic", sent, options={"acknowledge": True})
        eventually(lambda: first and second)
        first[0]["numbers"].append(2)
        assert second == [{"numbers": [1]}] and sent == {"numbers": [1]}


def test_closing_the_router_ends_sessions_in_the_same_process() -> None:
    router = Router()
    session = router.connect("realm1")
    router.close()
    with pytest.raises(wamplite.WampliteError):
        session.call("com.echo")
    session.leave()
