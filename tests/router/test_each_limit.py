"""Each limit by its name: what happens where it is reached, and the counter that tells."""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from wamplite.core.errors import TransportLost, UsageError
from wamplite.router import Router
from wamplite.router.limits import Limits

from .conftest import (
    Connect,
    Start,
    Wire,
    connected,
    connections,
    eventually,
    held_by,
    parts,
    socket_of,
)

TESTS = Path(__file__).parents[1]
TOPIC = "com.topic"
FLOOD = b"x" * 100_000


def test_there_is_a_test_for_each_limit() -> None:
    written = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    names = set(re.findall(r"(?m)^def test_(\w+)", written))
    missing = [limit for limit in Limits._fields if not any(_is_of(limit, it) for it in names)]
    assert not missing, "tests whose names begin with the limit's"


def _is_of(limit: str, name: str) -> bool:
    return name == limit or name.startswith(f"{limit}_")


def counted(router: Router, name: str, number: int = 1) -> None:
    eventually(lambda: router.counters.get(name) == number, lambda: str(router.counters))


def come(stack: ExitStack, url: str, source: str = "127.0.0.1") -> socket.socket:
    """Connect, and say nothing."""
    place = ("127.0.0.1", int(url.rpartition(":")[2]))
    return stack.enter_context(socket.create_connection(place, 20, (source, 0)))


def is_refused(sock: socket.socket) -> bool:
    """Tell whether RawSocket is answered by "too many connections", or the end."""
    sock.sendall(b"\x7f\xf1\0\0")
    return sock.recv(4) in (b"\x7f\x40\0\0", b"")


def test_max_connections(start: Start, connect: Connect) -> None:
    router = start(max_connections=2)
    for _ in range(2):
        connect(router.url).join()
    with pytest.raises(TransportLost):
        connect(router.url)
    counted(router, "connections_refused")


def test_max_connections_per_address_is_each_addresses_own(start: Start) -> None:
    router = start(max_connections_per_address=2)
    with ExitStack() as stack:
        for _ in range(2):
            assert not is_refused(come(stack, router.url))
        assert is_refused(come(stack, router.url))
        assert not is_refused(come(stack, router.url, "127.0.0.2"))
        counted(router, "connections_refused_by_address")


def test_max_handshaking_counts_who_has_not_joined(start: Start, connect: Connect) -> None:
    router = start(max_handshaking=2)
    connect(router.url).join()
    with ExitStack() as stack:
        for source in ("127.0.0.2", "127.0.0.3"):
            assert not is_refused(come(stack, router.url, source))
        assert is_refused(come(stack, router.url, "127.0.0.3"))
        counted(router, "connections_refused_handshaking")


def test_max_handshaking_per_address_leaves_places_to_others(start: Start) -> None:
    router = start(max_handshaking=8, max_handshaking_per_address=2)
    with ExitStack() as stack:
        for _ in range(4):  # twice its share while half of all are free
            assert not is_refused(come(stack, router.url))
        assert is_refused(come(stack, router.url))
        assert not is_refused(come(stack, router.url, "127.0.0.2"))
        counted(router, "connections_refused_handshaking_by_address")


@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_max_message_size(scheme: str, connect: Connect) -> None:
    with Router(max_message_size=4096) as router:
        wire = connect(router.listen(f"{scheme}://127.0.0.1:0")).join()
        assert wire.ask(16, 1, {"acknowledge": True}, TOPIC, ["x" * 3000])[0] == 17
        wire.send_at_once([16, 2, {"acknowledge": True}, TOPIC, ["x" * 5000]])
        assert [array[0] for array in wire.rest()] in ([3], [])
        counted(router, "messages_too_large")


def test_max_first_message_size_is_for_hello(start: Start, connect: Connect) -> None:
    router = start(max_first_message_size=1024)
    wire = connect(router.url)
    wire.send(1, "realm1", {"roles": {"caller": {}}, "x_padding": "x" * 2000})
    assert [array[0] for array in wire.rest()] in ([3], [])
    counted(router, "messages_too_large")
    connect(router.url).join().send(16, 1, {}, TOPIC, ["x" * 2000])
    assert connect(router.url).join()


@pytest.mark.parametrize(
    ("limit", "most", "good", "bad", "why"),
    [
        ("max_depth", 2, [[1]], [[[1]]], "nest at most 2 containers"),
        ("max_elements", 3, [1, 2, 3], [1, 2, 3, 4], "at most 3 elements here"),
        ("max_elements_in_all", 5, [[1], [2]], [[1], [2, 3]], "at most 5 elements in all"),
    ],
)
def test_max_depth_and_the_other_bounds_of_structure(
    limit: str, most: int, good: Any, bad: Any, why: str, start: Start, connect: Connect
) -> None:
    router = start(**{limit: most})
    wire = connect(router.url).join()
    options = {"acknowledge": True, "x_a": 1, "x_b": 1, "x_c": 1}
    assert wire.ask(16, 1, options, TOPIC, [good])[0] == 17
    answer = wire.ask(16, 2, options, TOPIC, [bad])
    assert answer[4] == "wamp.error.invalid_argument" and why in str(answer)
    counted(router, "unfit_messages")
    assert wire.ask(16, 3, options, TOPIC, [], {"key": good})[0] == 17
    with pytest.raises(UsageError, match=f"{limit} must be at most"):
        Router(**{limit: 10**6})


def test_max_elements_is_of_dicts_too(start: Start, connect: Connect) -> None:
    wire = connect(start(max_elements=2).url).join()
    assert wire.ask(48, 1, {}, TOPIC, [], {"a": 1, "b": 2, "c": 3})[0] == 8


def test_max_elements_in_all_is_of_one_message(start: Start, connect: Connect) -> None:
    wire = connect(start(max_elements_in_all=4).url).join()
    for number in range(1, 4):
        assert wire.ask(16, number, {"acknowledge": True}, TOPIC, [[1], 2])[0] == 17
    assert wire.ask(16, 4, {"acknowledge": True}, TOPIC, [[1], 2, [3]])[0] == 8


def asked(url: str, *headers: str) -> int:
    """Return the status of the answer to a WebSocket's request with some more headers."""
    ours = ["Host: localhost", "Upgrade: websocket", "Connection: Upgrade"]
    ours += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    ours += ["Sec-WebSocket-Protocol: wamp.2.json"]
    with ExitStack() as stack:
        sock = come(stack, url.removesuffix("/ws"))
        sock.sendall("\r\n".join(["GET /ws HTTP/1.1", *ours, *headers, "", ""]).encode())
        return int(sock.recv(12).split(b" ")[1])


def test_max_http_request_is_of_its_head() -> None:
    with Router(max_http_request=1024) as router:
        url = router.listen("ws://127.0.0.1:0")
        assert asked(url, f"X-More: {'x' * 500}") == 101
        assert asked(url, f"X-More: {'x' * 1000}") == 431
        counted(router, "http_requests_too_large")


def test_max_http_headers_are_so_many() -> None:
    with Router(max_http_headers=10) as router:
        url = router.listen("ws://127.0.0.1:0")
        assert asked(url, *(f"X-More-{at}: x" for at in range(4))) == 101
        assert asked(url, *(f"X-More-{at}: x" for at in range(5))) == 431
        counted(router, "http_requests_too_large")


def flood(router: Router, connect: Connect, number: int, payload: Any = FLOOD) -> Wire:
    """Publish to a subscriber that does not read; return it."""
    slow, publisher = connect(router.url).join(), connect(router.url).join()
    slow.ask(32, 1, {}, TOPIC)
    for request in range(1, number + 1):
        publisher.send(16, request, {}, TOPIC, [payload])
        publisher.channel.flush(10)
    assert publisher.ask(16, number + 1, {"acknowledge": True}, "com.other")[0] == 17
    return slow


def test_max_outbox_size_ends_a_slow_consumer(start: Start, connect: Connect) -> None:
    router = start(max_outbox_size=500_000, socket_buffer=4096)
    flood(router, connect, 60)
    counted(router, "slow_consumers")
    eventually(lambda: router.sessions == 1)


def test_max_outbox_messages_ends_a_slow_consumer(start: Start, connect: Connect) -> None:
    router = start(max_outbox_messages=20, max_outbox_size=2**26, socket_buffer=4096)
    flood(router, connect, 100)
    counted(router, "slow_consumers")


def test_max_buffered_is_of_all_connections(start: Start, connect: Connect) -> None:
    router = start(max_buffered=1_000_000, max_outbox_size=2**26, socket_buffer=4096)
    flood(router, connect, 60)
    counted(router, "largest_holders")
    assert held_by(router) <= 1_000_000


def test_max_decoding_lets_few_decode_what_is_large(start: Start, connect: Connect) -> None:
    router = start(max_decoding=1)
    places = parts(router).decoding
    places.acquire()  # somebody decodes
    wire = connect(router.url).join()
    wire.send(16, 1, {"acknowledge": True}, TOPIC, ["x" * 30_000])
    eventually(lambda: held_by(router) > 30_000)
    assert connect(router.url).join().ask(64, 1, {}, "com.small")[0] == 65
    places.release()
    assert wire.receive()[0] == 17


def test_socket_buffer_bounds_what_the_kernel_keeps(start: Start, connect: Connect) -> None:
    router = start(socket_buffer=8192)
    connect(router.url).join()
    [connection] = connections(router)
    with socket_of(connection.stream) as sock:
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            assert sock.getsockopt(socket.SOL_SOCKET, option) <= 2 * 8192  # the kernel doubles it


def test_max_subscriptions(start: Start, connect: Connect) -> None:
    router = start(max_subscriptions=2)
    wire = connect(router.url).join()
    assert [wire.ask(32, n, {}, f"com.t{n}")[0] for n in (1, 2)] == [33, 33]
    assert wire.ask(32, 3, {}, "com.t3")[4] == "wamplite.error.limit_reached"
    assert connect(router.url).join().ask(32, 1, {}, "com.t3")[0] == 33
    counted(router, "subscriptions_refused")


def test_max_registrations(start: Start, connect: Connect) -> None:
    router = start(max_registrations=2)
    wire = connect(router.url).join()
    assert [wire.ask(64, n, {}, f"com.p{n}")[0] for n in (1, 2)] == [65, 65]
    assert wire.ask(64, 3, {}, "com.p3")[4] == "wamplite.error.limit_reached"
    counted(router, "registrations_refused")


def test_max_calls_are_those_in_flight(start: Start, connect: Connect) -> None:
    router = start(max_calls=1)
    caller, callee = connect(router.url).join(), connect(router.url).join()
    callee.ask(64, 1, {}, "com.p")
    caller.send(48, 1, {}, "com.p")
    invocation = callee.receive()
    assert caller.ask(48, 2, {}, "com.p")[4] == "wamp.error.unavailable"
    counted(router, "calls_refused")
    callee.send(70, invocation[1], {}, [7])
    assert caller.receive()[:2] == [50, 1]
    caller.send(48, 3, {}, "com.p")
    assert callee.receive()[0] == 68


def test_max_in_realm_is_of_all_sessions(start: Start, connect: Connect) -> None:
    router = start(max_in_realm=2)
    for number in (1, 2):
        assert connect(router.url).join().ask(32, 1, {}, f"com.t{number}")[0] == 33
    third = connect(router.url).join()
    assert third.ask(32, 1, {}, "com.t3")[4] == "wamplite.error.limit_reached"
    counted(router, "subscriptions_refused")


def test_handshake_timeout_is_one_for_all_that_drips(start: Start) -> None:
    router = start(handshake_timeout=0.3)
    with ExitStack() as stack:
        sock = come(stack, router.url)
        sock.sendall(b"\x7f\xf1\0\0\0\0\x20\0")  # a HELLO of 8 KiB is to follow
        assert sock.recv(4)[:1] == b"\x7f"
        sock.settimeout(0.02)
        for _ in range(500):
            try:
                sock.sendall(b"x")
                assert sock.recv(1) == b""
                break
            except TimeoutError:
                continue
            except OSError:
                break
    counted(router, "deadlines_missed")


def test_ping_interval_ends_who_answers_no_ping(start: Start, connect: Connect) -> None:
    with Router(ping_interval=0.1) as router:
        connect(router.listen("ws://127.0.0.1:0")).join()
        counted(router, "pings_unanswered")
        eventually(lambda: router.sessions == 0)


def test_write_timeout_ends_who_takes_nothing(start: Start, connect: Connect) -> None:
    router = start(write_timeout=0.2, max_outbox_size=2**26, max_buffered=2**26, socket_buffer=4096)
    flood(router, connect, 20)
    counted(router, "slow_consumers")
    eventually(lambda: router.sessions == 1)


def test_linger_is_for_the_peer_to_close(start: Start, connect: Connect) -> None:
    router = start(linger=0.2)
    wire = connect(router.url).join()
    assert wire.ask(6, {}, "wamp.close.close_realm")[0] == 6
    assert wire.rest() == []  # the router has closed
    eventually(lambda: connected(router) == 0)


def test_shutdown_timeout_bounds_the_end(connect: Connect) -> None:
    router = Router(shutdown_timeout=0.2, linger=20, max_outbox_size=2**26, socket_buffer=4096)
    router.url = router.listen("rs://127.0.0.1:0")  # type: ignore[attr-defined]
    flood(router, connect, 20)
    begun = time.monotonic()
    router.close()
    assert time.monotonic() - begun < 10


def test_stack_size_is_of_connections_threads(start: Start, connect: Connect) -> None:
    before = threading.stack_size()
    connect(start(stack_size=256 * 1024).url).join()
    eventually(lambda: threading.stack_size() == before)
    router = start(stack_size=2**46)  # more than the address space
    with pytest.raises(TransportLost):
        connect(router.url)
    counted(router, "connections_without_thread")
    with pytest.raises(UsageError, match="stack_size"):
        Router(stack_size=1)


def test_max_login_delay_is_at_most_the_patience_of_a_handshake() -> None:
    limits = Limits()
    assert limits.login_delay <= limits.max_login_delay < limits.handshake_timeout


@pytest.mark.parametrize(("kind", "name"), [("threads", "conn-"), ("shared", "reader")])
def test_readers_are_threads_of_their_own_or_one_for_all(
    start: Start, connect: Connect, kind: str, name: str
) -> None:
    connect(start(readers=kind).url).join()
    names = [thread.name for thread in threading.enumerate()]
    found = [one for one in names if one.startswith(("wamplite-conn", "wamplite-reader"))]
    assert len(found) == 1 and found[0].startswith(f"wamplite-{name}")
    with pytest.raises(UsageError, match="readers must be one of auto, threads, shared, not 'x'"):
        Router(readers="x")  # type: ignore[arg-type]
