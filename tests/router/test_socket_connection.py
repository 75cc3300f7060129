"""Accepted connections: deadlines, last words, and ends that come from two sides at once."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.transports.streams import make_certificate, receive_all, receive_exactly
from wamplite.router import Router, listen_urls
from wamplite.transports.rawsocket_frames import PING, PONG, frame

from .conftest import (
    MS,
    Connect,
    Start,
    Wire,
    connected,
    connections,
    eventually,
    figures,
    held_by,
    reset,
)

pytestmark = pytest.mark.usefixtures("either_reader")

HANDSHAKE = b"\x7f\xf2\0\0"  # MsgPack, up to 16 MiB


def open_socket(url: str) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", listen_urls.parse(url).port), 5)
    sock.settimeout(20)
    return sock


@pytest.fixture
def within_tls(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    """Give a router whose second listener is within TLS: `router.tls`."""
    certificate = make_certificate(tmp_path_factory.mktemp("tls"))
    router = start(handshake_timeout=200 * MS)
    router.tls = router.listen("tls://127.0.0.1:0", cert=certificate.cert, key=certificate.key)
    yield router


def test_the_handshake_has_one_deadline_within_tls_and_http_too(within_tls: Router) -> None:
    router = within_tls
    web = router.listen("ws://127.0.0.1:0")
    begun = time.monotonic()
    with open_socket(router.tls) as silent, open_socket(web) as dripping:
        dripping.sendall(b"GET /ws HTTP/1.1\r\n")
        while time.monotonic() - begun < 5:
            try:
                dripping.sendall(b"X-Drip: 1\r\n")
            except OSError:
                break
            time.sleep(20 * MS)
        assert receive_all(silent) == b""
        assert 200 * MS <= time.monotonic() - begun < 5
    eventually(lambda: router.counters.get("deadlines_missed") == 2)
    eventually(lambda: connected(router) == 0)


def test_a_router_ends_at_once_though_somebody_is_in_the_middle_of_tls(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    certificate = make_certificate(tmp_path_factory.mktemp("tls"))
    router = Router()
    url = router.listen("tls://127.0.0.1:0", cert=certificate.cert, key=certificate.key)
    with open_socket(url) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
        eventually(lambda: connected(router) == 1)
        begun = time.monotonic()
        router.close()
        assert time.monotonic() - begun < 2
        assert receive_all(client) == b""


def test_half_closed_it_still_gets_what_was_answered_before(start: Start, connect: Connect) -> None:
    router = start()
    callee, caller = connect(router.url).join(), connect(router.url).join()
    callee.ask(64, 1, {}, "com.slow")
    caller.send(48, 1, {}, "com.slow")
    for number in range(2, 50):
        caller.send(32, number, {}, f"com.topic{number}")
    caller.stream.finish()  # FIN, and still reading
    assert [array[:2] for array in caller.rest()] == [[33, number] for number in range(2, 50)]
    assert callee.receive()[0] == 68
    eventually(lambda: router.sessions == 1)


def test_no_goodbye_is_lost_to_what_the_peer_still_sends(start: Start, connect: Connect) -> None:
    router = start()
    wire = connect(router.url).join()
    wire.send(6, {}, "wamp.close.close_realm")
    for number in range(200):
        wire.stream.write([frame(b"\x93" + b"x" * 1000)])
        assert number < 1 or wire.stream.lost is None
    assert wire.receive() == [6, {}, "wamp.close.goodbye_and_out"]


def test_who_does_not_close_after_goodbye_is_closed(start: Start, connect: Connect) -> None:
    router = start(linger=100 * MS)
    wire = connect(router.url).join()
    wire.send(6, {}, "wamp.close.close_realm")
    eventually(lambda: connected(router) == 0)
    assert not connections(router)


def test_a_session_that_is_dismissed_as_it_vanishes_is_forgotten(start: Start) -> None:
    router = start(linger=50 * MS)
    routing = router.realms["realm1"]
    for _ in range(30):
        wires = [Wire(router.url).join() for _ in range(3)]

        def dismiss() -> None:
            for member in list(routing.realm.members.values()):
                routing.realm.dismiss(member, "wamp.close.normal")

        routing.run(dismiss)
        for wire in wires:
            reset(wire.stream)
            wire.close()
    eventually(lambda: connected(router) == 0 and router.sessions == 0)
    eventually(lambda: not connections(router))
    assert figures(router)["joining"] == 0 and held_by(router) == 0


def test_a_flood_of_pings_without_reading_is_bounded(start: Start, connect: Connect) -> None:
    router = start(max_outbox_size=300_000)
    bystander = connect(router.url).join()
    with open_socket(router.url) as flooding:
        flooding.sendall(HANDSHAKE)
        assert receive_exactly(flooding, 4)
        flooding.settimeout(10)
        ping = frame(b"p" * 10_000, PING)
        try:
            for _ in range(20_000):
                flooding.sendall(ping)
        except OSError:
            pass
        else:
            pytest.fail("200 MB of PONGs were kept for who does not read")
    eventually(lambda: router.counters.get("slow_consumers") == 1)
    assert bystander.ask(64, 1, {}, "com.procedure")[0] == 65


def test_pings_are_answered_and_pongs_without_a_ping_are_ignored(start: Start) -> None:
    with open_socket(start().url) as sock:
        sock.sendall(HANDSHAKE + frame(b"pong", PONG) + frame(b"ping", PING))
        assert receive_exactly(sock, 4 + 8)[4:] == frame(b"ping", PONG)


def test_fifteen_of_thirty_subscribers_are_reset_and_the_others_miss_nothing(
    start: Start, connect: Connect
) -> None:
    router = start()
    crowd = [connect(router.url).join() for _ in range(30)]
    for wire in crowd:
        wire.ask(32, 1, {}, "com.topic")
    publisher = connect(router.url).join()
    half = threading.Event()

    def publish() -> None:
        for number in range(1, 401):
            publisher.send(16, number, {}, "com.topic", [number])
            if number == 100:
                half.set()
            if number % 20 == 0:
                time.sleep(1 * MS)

    thread = threading.Thread(target=publish)
    thread.start()
    assert half.wait(20)
    for wire in crowd[:15]:
        reset(wire.stream)
    for wire in crowd[15:]:
        assert [wire.receive()[4][0] for _ in range(400)] == list(range(1, 401))
    thread.join(20)
    eventually(lambda: router.sessions == 16)
    assert router.counters.get("slow_consumers") is None


def test_messages_half_received_count_for_the_bound_on_all(start: Start, connect: Connect) -> None:
    router = start(max_buffered=2_000_000, max_message_size=2**20)
    bystander = connect(router.url).join()
    bystander.ask(32, 1, {}, "com.topic")
    wires = [connect(router.url).join() for _ in range(4)]
    sizes, arrived = (500_000, 900_000, 400_000, 600_000), 0
    for wire, size in zip(wires, sizes, strict=True):
        eventually(lambda arrived=arrived: held_by(router) > arrived - 100)
        arrived += size
        wire.stream.write([frame(b"x" * 1_000_000)[:size]])
        wire.channel.flush(10)
    eventually(lambda: router.counters.get("largest_holders") == 1)
    eventually(lambda: router.sessions == 4)
    assert wires[1].rest() == []  # the largest
    assert router.counters.get("slow_consumers") is None
    big = connect(router.url).join()
    big.send(16, 1, {"acknowledge": True}, "com.topic", ["x" * 400_000])
    assert big.receive()[0] == 17 and len(bystander.receive()[4][0]) == 400_000


def test_whole_messages_do_not_count_however_large_they_were(
    start: Start, connect: Connect
) -> None:
    router = start(max_buffered=2_000_000)
    for _ in range(6):
        wire = connect(router.url).join()
        for number in range(1, 4):
            large = ["x" * 900_000]
            assert wire.ask(16, number, {"acknowledge": True}, "com.topic", large)[0] == 17
    assert router.counters == {} and router.sessions == 6


def test_what_ends_a_connection_is_told_at_debug(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    router = start(ping_interval=30 * MS)
    with caplog.at_level(logging.DEBUG, "wamplite.router"):
        wire = connect(router.url).join(_answers_ping=True)
        eventually(lambda: connected(router) == 0)
        assert wire.stream.lost is None
    assert "silent for 0.06 s" in caplog.text
    assert all(record.levelno <= logging.INFO for record in caplog.records)


def test_who_has_joined_is_pinged_in_time_however_long_a_handshake_may_take(
    start: Start, connect: Connect
) -> None:
    router = start(ping_interval=30 * MS, handshake_timeout=300.0)
    connect(router.url).join(_answers_ping=True)
    eventually(lambda: router.counters.get("pings_unanswered") == 1)


def test_a_router_that_never_pings_keeps_silent_sessions(start: Start, connect: Connect) -> None:
    router = start(ping_interval=0)
    wire = connect(router.url).join()
    [connection] = connections(router)
    assert connection.tick(time.monotonic() + 1_000_000) == float("inf")
    assert wire.ask(64, 1, {}, "com.add")[0] == 65


def test_a_deadline_that_has_not_come_is_asked_for_again(start: Start) -> None:
    router = start(handshake_timeout=10)
    with open_socket(router.url):
        eventually(lambda: connections(router))
        [connection] = connections(router)
        now = time.monotonic()
        assert connection.tick(now) == connection.deadline > now + 5


def test_a_fault_while_a_connection_is_opened_closes_it_and_is_logged(
    start: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wamplite.serializers.available", lambda: None)
    router = start()
    with (
        caplog.at_level(logging.ERROR, "wamplite.router"),
        open_socket(router.url) as sock,
    ):
        sock.sendall(HANDSHAKE)
        assert receive_all(sock) == b""
    assert "the connection is closed" in caplog.text and "TypeError" in caplog.text
    eventually(lambda: connected(router) == 0)


def churn(url: str, number: int, odd: list[str]) -> None:
    """Come, speak and go, in one way after the other."""
    for round_ in range(12):
        wire = Wire(url)
        try:
            if round_ % 6 == 5:
                continue  # without a word
            wire.join()
            wire.send(32, 1, {}, "com.topic")
            wire.send(16, 2, {"acknowledge": True}, "com.other", [number, round_])
            if round_ % 6 == 0:
                reset(wire.stream)
                continue
            codes = set()
            while 17 not in codes:
                codes.add(wire.receive()[0])
            if round_ % 6 == 1:
                wire.send(6, {}, "wamp.close.close_realm")
                wire.rest()
            elif round_ % 6 == 2:
                wire.stream.write([frame(b"nonsense")])
                if wire.rest()[-1][0] != 3:
                    odd.append("no ABORT")
            elif round_ % 6 == 3:
                wire.stream.finish()
                wire.rest()
        finally:
            wire.close()


def test_whoever_comes_and_goes_nobody_else_notices_and_nothing_stays(
    start: Start, connect: Connect, hurried: None
) -> None:
    router = start(linger=500 * MS)
    bystander, publisher = connect(router.url).join(), connect(router.url).join()
    bystander.ask(32, 1, {}, "com.topic")
    odd: list[str] = []
    crowd = [threading.Thread(target=churn, args=(router.url, n, odd)) for n in range(6)]
    for thread in crowd:
        thread.start()
    sent = 0
    while any(thread.is_alive() for thread in crowd) or sent < 100:
        sent += 1
        publisher.send(16, sent, {}, "com.topic", [sent])
        assert bystander.receive()[4] == [sent]
    assert odd == []
    eventually(lambda: router.sessions == 2 and connected(router) == 2)
    realm = router.realms["realm1"].realm
    assert len(realm.broker.subscriptions) == 1
    assert len(connections(router)) == 2 and held_by(router) == 0
    assert figures(router)["joining"] == 0
