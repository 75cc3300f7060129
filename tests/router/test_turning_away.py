"""Whom a bound refuses is told so, as its transport tells it, and costs next to nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import wamplite
from tests.transports.streams import receive_all
from tests.waiting import thread_named
from wamplite.core.errors import TransportLost
from wamplite.router import Router
from wamplite.router.turning_away import LONGEST, MOST, answer_to

from .conftest import Connect, Start, eventually

REQUEST = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n"
TEXT = (
    "The connection is refused: so many are connected from its address"
    " (max_connections_per_address)."
)
REFUSED = b"\x7f\x40\0\0"


@pytest.fixture
def router(start: Start, connect: Connect) -> Router:
    """Return a router at `url`, `port` that takes nobody else of this address."""
    made = start(max_connections_per_address=1)
    made.port = int(made.listen("tcp://127.0.0.1:0").rpartition(":")[2])  # type: ignore[attr-defined]
    connect(made.url).join()  # type: ignore[attr-defined]
    return made


@contextmanager
def refused(router: Router) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", router.port), 5) as sock:  # type: ignore[attr-defined]
        yield sock
    eventually(lambda: not thread_named("wamplite-refuse"))


def test_who_speaks_http_gets_503_with_the_reason(router: Router) -> None:
    with refused(router) as sock:
        for part in (REQUEST[:1], REQUEST[1:30], REQUEST[30:]):
            sock.sendall(part)
        head, _, body = receive_all(sock).partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    assert status == "HTTP/1.1 503 Service Unavailable"
    assert {"Retry-After: 5", "Connection: close", f"Content-Length: {len(body)}"} < set(headers)
    assert body.decode() == f"{TEXT}\n"


@pytest.mark.parametrize("parts", [[b"\x7f\xf2\0\0"], [b"\x7f", b"\xf2\0", b"\0"]])
def test_who_speaks_rawsocket_gets_its_error(router: Router, parts: list[bytes]) -> None:
    with refused(router) as sock:
        for part in parts:
            sock.sendall(part)
        assert receive_all(sock) == REFUSED


def test_a_client_of_ours_is_told(router: Router) -> None:
    for scheme, said in (("rs", "maximum connection count reached"), ("ws", f"got 503: .*{TEXT}")):
        path = "/ws" if scheme == "ws" else ""
        pattern = said.replace("(", r"\(").replace(")", r"\)")
        with pytest.raises(TransportLost, match=pattern):
            wamplite.connect(f"{scheme}://127.0.0.1:{router.port}{path}")  # type: ignore[attr-defined]


def test_who_says_nothing_or_half_is_closed_soon(router: Router) -> None:
    for said in (b"", b"\x7f", REQUEST[:20]):
        with refused(router) as sock:
            sock.sendall(said)
            assert receive_all(sock) == b""
    eventually(lambda: not thread_named("wamplite-refuse"))


def test_beyond_so_many_at_a_time_they_are_closed_at_once(router: Router) -> None:
    with ExitStack() as stack:
        address = ("127.0.0.1", router.port)  # type: ignore[attr-defined]
        for _ in range(MOST):
            stack.enter_context(socket.create_connection(address, 5))
        with socket.create_connection(address, 5) as one_more:
            one_more.settimeout(0.5)
            assert one_more.recv(1) == b""
    eventually(lambda: not thread_named("wamplite-refuse"))


def test_a_router_that_ends_waits_for_none_of_them(router: Router) -> None:
    with socket.create_connection(("127.0.0.1", router.port), 5) as sock:  # type: ignore[attr-defined]
        eventually(lambda: thread_named("wamplite-refuse"))
        router.close()
        assert not thread_named("wamplite-refuse")
        assert receive_all(sock) == b""


def test_a_unix_socket_is_told_as_well(start: Start, connect: Connect, tmp_path: Path) -> None:
    router = start(max_connections=1)
    router.listen(f"unix://{tmp_path}/socket")
    connect(router.url).join()  # type: ignore[attr-defined]
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(f"{tmp_path}/socket")
        sock.sendall(b"\x7f\xf2\0\0")
        assert receive_all(sock) == REFUSED


def test_a_request_without_an_end_is_answered_where_it_is_too_long() -> None:
    assert answer_to(REQUEST[:-1], "why") is None
    assert answer_to(b"x" * (LONGEST - 1), "why") is None
    assert b"503" in (answer_to(b"x" * LONGEST, "why") or b"")
    assert answer_to(b"\x7fab", "why") is None
