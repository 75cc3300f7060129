"""Who reads too slowly, over every transport: ended or shortened, and nobody else notices."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.transports.streams import Certificate
from wamplite.router import Router, listen_urls
from wamplite.transports.tls import TlsOptions

from .conftest import Connect, Start, Wire, eventually, held_by, socket_of

SCHEMES = ("rs", "rss", "ws", "wss")


class Net:
    """A router with a listener for a scheme, and who connects to it."""

    def __init__(self, router: Router, scheme: str, connect: Connect, files: Certificate) -> None:
        self.router = router
        url = router.listen(f"{scheme}://127.0.0.1:0", cert=files.cert, key=files.key)
        path = "/ws" if scheme.startswith("ws") else ""
        self.url = f"{scheme}://127.0.0.1:{listen_urls.parse(url).port}{path}"
        self.connect = connect
        self.trust = TlsOptions(cafile=files.cert) if scheme in ("rss", "wss") else None

    def join(self) -> Wire:
        return self.connect(self.url, tls=self.trust).join()


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def publish(publisher: Wire, count: int, *args: Any, seen: list[Any] | None = None) -> None:
    """Publish, no further ahead of who is to see it than a few events."""
    for number in range(1, count + 1):
        publisher.send(16, number, {}, "com.topic", [number, *args])
        publisher.channel.flush(10)
        if seen is not None and number % 50 == 0:
            eventually(lambda number=number: len(seen) >= number - 50, 20)


def test_a_slow_consumer_is_ended_and_the_healthy_one_gets_all(
    start: Start, connect: Connect, certificate: Certificate, scheme: str
) -> None:
    net = Net(start(max_outbox_size=300_000), scheme, connect, certificate)
    slow, healthy, publisher = net.join(), net.join(), net.join()
    for wire in (slow, healthy):
        wire.ask(32, 1, {}, "com.topic")
    seen: list[int] = []

    def read() -> None:
        while len(seen) < 2000:
            seen.append(healthy.receive()[4][0])

    reader = threading.Thread(target=read)
    reader.start()
    publish(publisher, 2000, b"x" * 5000, seen=seen)
    reader.join(20)
    assert seen == list(range(1, 2001))
    eventually(lambda: net.router.counters.get("slow_consumers") == 1)
    eventually(lambda: net.router.sessions == 2)
    assert publisher.ask(64, 2001, {}, "com.procedure")[0] == 65


def test_small_events_are_bounded_by_their_number(
    start: Start, connect: Connect, certificate: Certificate, scheme: str
) -> None:
    net = Net(start(max_outbox_messages=500), scheme, connect, certificate)
    slow, shortened, publisher = net.join(), net.join(), net.join()
    slow.ask(32, 1, {}, "com.topic")
    shortened.ask(32, 1, {"_overflow": "drop-oldest"}, "com.topic")
    padding = b"x" * 2000  # else the kernel takes them by the hundred thousand
    ended = threading.Event()

    def flood() -> None:
        number = 0
        while net.router.counters.get("slow_consumers", 0) == 0 or (
            net.router.counters.get("events_dropped", 0) == 0
        ):
            number += 1
            publisher.send(16, number, {}, "com.topic", [number, padding])
            publisher.channel.flush(10)
        publisher.send(16, number + 1, {}, "com.topic", ["last"])
        publisher.channel.flush(10)
        ended.set()

    flooding = threading.Thread(target=flood)
    flooding.start()
    flooding.join(30)
    assert ended.is_set()
    numbers: list[Any] = []
    while not numbers or numbers[-1] != "last":
        numbers.append(shortened.receive()[4][0])
    assert numbers[:-1] == sorted(numbers[:-1])
    assert net.router.counters["slow_consumers"] == 1
    assert shortened.ask(64, 2, {}, "com.procedure")[0] == 65


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_half_a_message_counts_over_websocket_too(
    start: Start, connect: Connect, certificate: Certificate, scheme: str
) -> None:
    net = Net(start(max_buffered=1_000_000), scheme, connect, certificate)
    wires, arrived = [net.join() for _ in range(3)], 0
    for wire, size in zip(wires, (300_000, 500_000, 400_000), strict=True):
        eventually(lambda arrived=arrived: held_by(net.router) > arrived - 100)
        wire.stream.write([wire.channel.transport.frame(b"x" * 900_000)[:size]])
        wire.channel.flush(10)
        arrived += size
    eventually(lambda: net.router.counters.get("largest_holders") == 1)
    eventually(lambda: net.router.sessions == 2)
    assert wires[1].rest() == []


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_flood_of_pings_over_websocket_is_bounded(
    start: Start, connect: Connect, certificate: Certificate, scheme: str
) -> None:
    net = Net(start(), scheme, connect, certificate)
    flooding, bystander = net.join(), net.join()
    ping = flooding.channel.transport.frame_of(0x89, b"p" * 125)  # type: ignore[attr-defined]
    for _ in range(120):
        flooding.stream.write([ping * 500])
        flooding.channel.flush(10)
    assert held_by(net.router) < 200_000
    assert bystander.ask(64, 1, {}, "com.procedure")[0] == 65
    assert net.router.counters == {}


def test_an_abrupt_end_within_tls_is_no_more_than_that(
    start: Start, connect: Connect, certificate: Certificate
) -> None:
    net = Net(start(), "rss", connect, certificate)
    wires = [net.join() for _ in range(3)]
    with socket_of(wires[0].stream) as sock:
        sock.shutdown(socket.SHUT_RDWR)
    eventually(lambda: net.router.sessions == 2)
    assert wires[1].ask(64, 1, {}, "com.procedure")[0] == 65


def test_a_unix_socket_is_bounded_alike(start: Start, connect: Connect, tmp_path: Path) -> None:
    router = start(max_outbox_size=300_000)
    url = router.listen(f"unix://{tmp_path}/socket")
    slow, publisher = connect(url).join(), connect(url).join()
    slow.ask(32, 1, {}, "com.topic")
    publish(publisher, 200, b"x" * 10_000)
    eventually(lambda: router.counters.get("slow_consumers") == 1)
    eventually(lambda: router.sessions == 1)
