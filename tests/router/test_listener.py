"""Accepting: at the file limit, without threads, what is not served, the end."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.transports.streams import files_left, make_certificate, receive_all
from wamplite.core.errors import TransportLost, UsageError
from wamplite.router import Router, listen_urls
from wamplite.router.accepting import Accepting
from wamplite.router.limits import Limits
from wamplite.router.listener import Listener, Settings

from .conftest import Admitting, Connect, Start, Wire, connected, connections, eventually


def test_at_the_file_limit_accepting_pauses_and_goes_on(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    router = start()
    bystander = connect(router.url).join()
    address = ("127.0.0.1", int(router.url.rpartition(":")[2]))
    with socket.socket() as waiting, caplog.at_level(logging.WARNING, "wamplite.router"):
        waiting.settimeout(10)
        with files_left(0):
            waiting.connect(address)
            eventually(lambda: router.counters.get("accepts_failed", 0) >= 3)
            assert bystander.ask(64, 1, {}, "com.procedure")[0] == 65
        waiting.sendall(b"\x7f\xf2\0\0")
        assert waiting.recv(4)[:1] == b"\x7f"
    assert caplog.text.count("accept failed") == 1


def test_where_no_thread_can_be_had_the_connection_is_closed_and_counted(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    router = start(stack_size=2**46)  # more than the address space
    for number in (1, 2):
        with pytest.raises(TransportLost):
            Wire(router.url)
        eventually(lambda number=number: counted(router) == number)
    with pytest.raises(TransportLost, match="connections_without_thread"):
        router.connect()
    assert connected(router) == 0 and not connections(router)
    assert re.search(r"(?m)^WARNING .*127\.0\.0\.1\S*: no thread for the connection: ", caplog.text)


def test_other_threads_of_the_process_keep_their_stacks(start: Start, connect: Connect) -> None:
    before = threading.stack_size()
    connect(start(stack_size=256 * 1024).url).join()
    eventually(lambda: threading.stack_size() == before)  # the thread may answer before


def counted(router: Router) -> int:
    return router.counters.get("connections_without_thread", 0)


def test_a_fault_while_a_connection_is_accepted_costs_that_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    accepted: list[str] = []

    def admit(connection: Any) -> None:
        accepted.append(connection.address)
        if len(accepted) == 1:
            raise ZeroDivisionError("a bug")
        connection.stream.close()

    place = listen_urls.parse("tcp://127.0.0.1:0")
    listener = Listener(place, Settings(Limits()), None, Admitting(admit))  # type: ignore[arg-type]
    listener.start()
    port = int(listener.url.rpartition(":")[2])
    with caplog.at_level(logging.ERROR, "wamplite.router"):
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", port), 5) as client:
                assert client.recv(1) == b""
    listener.close()
    listener.close()
    assert accepted == ["127.0.0.1"] * 2 and "a bug" in caplog.text


def test_a_listener_that_was_never_started_can_be_closed(tmp_path: Path) -> None:
    place = listen_urls.parse(f"unix://{tmp_path}/socket")
    listener = Listener(place, Settings(Limits()), None, Admitting(print))  # type: ignore[arg-type]
    assert listener.url == f"unix://{tmp_path}/socket"
    listener.close()
    assert not os.path.exists(place.path)


def test_who_comes_while_it_closes_is_refused_or_closed() -> None:
    for _ in range(5):
        router = Router()
        url = router.listen("rs://127.0.0.1:0")
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        stop = threading.Event()

        def come(address: Any = address, stop: Any = stop) -> None:
            while not stop.is_set():
                try:
                    with socket.create_connection(address, 5) as client:
                        client.sendall(b"\x7f\xf2\0\0")
                        receive_all(client)
                except OSError:
                    continue

        crowd = [threading.Thread(target=come) for _ in range(3)]
        for thread in crowd:
            thread.start()
        eventually(lambda router=router: connected(router))
        router.close()
        stop.set()
        for thread in crowd:
            thread.join(20)
            assert not thread.is_alive()
        assert connected(router) == 0


@pytest.mark.parametrize("scheme", ["tls", "wss", "rss"])
def test_a_scheme_that_promises_tls_needs_a_certificate(scheme: str) -> None:
    with Router() as router, pytest.raises(UsageError, match="promises TLS"):
        router.listen(f"{scheme}://127.0.0.1:0")


def test_a_certificate_that_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    with Router() as router:
        with pytest.raises(UsageError, match="cannot load certificate"):
            router.listen("tls://127.0.0.1:0", cert=str(tmp_path / "none"), key=None)
        with pytest.raises(UsageError, match="needs its certificate"):
            router.listen("tls://127.0.0.1:0", key=str(tmp_path / "none"))


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "127.0.0.1.example.com"])
def test_beyond_loopback_somebody_must_allow_it(host: str) -> None:
    with Router() as router, pytest.raises(UsageError, match="--allow-anonymous-network"):
        router.listen(f"tcp://{host}:0")


def test_beyond_loopback_with_leave(start: Start, connect: Connect) -> None:
    url = start(allow_anonymous_network=True).listen("rs://0.0.0.0:0")
    connect(url.replace("0.0.0.0", "127.0.0.1")).join()


def test_a_listener_that_begins_while_the_router_closes_is_closed() -> None:
    router = Router()
    closing = threading.Thread(target=router.close)

    def close_at_its_start(frame: FrameType, event: str, _: Any) -> None:
        if frame.f_code is Accepting.start.__code__:
            closing.start()
            closing.join(0.05)  # it waits until the listener is known

    def listen() -> None:
        sys.settrace(close_at_its_start)
        urls.append(router.listen("rs://127.0.0.1:0"))

    urls: list[str] = []
    listening = threading.Thread(target=listen)
    listening.start()
    listening.join(20)
    closing.join(20)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(urls[0].rpartition(":")[2])))


def test_a_closed_router_listens_no_more_and_lets_the_port_go() -> None:
    router = Router()
    router.close()
    with pytest.raises(UsageError, match="the router has ended"):
        router.listen("rs://127.0.0.1:0")
    with pytest.raises(TransportLost, match="connections_refused"):
        router.connect()


def test_a_listener_for_the_one_refuses_the_other(start: Start) -> None:
    router = start()
    websocket = router.listen("ws://127.0.0.1:0/wamp")
    for url, said in (
        (router.url, b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n"),
        (websocket, b"\x7f\xf2\0\0"),
    ):
        port = listen_urls.parse(url).port
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            client.settimeout(10)
            client.sendall(said)
            assert receive_all(client) == b""


def test_a_peer_that_says_nothing_at_all_is_nothing_special(start: Start) -> None:
    router = start()
    with socket.create_connection(("127.0.0.1", listen_urls.parse(router.url).port), 5):
        eventually(lambda: connected(router) == 1)
    eventually(lambda: connected(router) == 0)
    assert router.counters == {}


def test_all_schemes_serve(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    import wamplite
    from wamplite.transports.tls import TlsOptions

    trust = TlsOptions(cafile=certificate.cert)
    with Router() as router, ExitStack() as stack:
        for scheme in ("tcp", "tls", "rs", "rss", "ws", "wss"):
            url = router.listen(
                f"{scheme}://127.0.0.1:0", cert=certificate.cert, key=certificate.key
            )
            port = listen_urls.parse(url).port
            secure = scheme in ("tls", "rss", "wss")
            kinds = {"tcp": ("ws", "rs"), "tls": ("wss", "rss")}.get(scheme, (scheme,))
            for kind in kinds:
                path = "/ws" if kind.startswith("ws") else ""
                session = wamplite.connect(
                    f"{kind}://127.0.0.1:{port}{path}", tls=trust if secure else None
                )
                stack.enter_context(session)
        url = router.listen(f"unix://{tmp_path}/socket")
        stack.enter_context(wamplite.connect(url))
        assert router.sessions == 9
