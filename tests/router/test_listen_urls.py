"""Listeners' URLs, and what is bound there."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from wamplite.core.errors import UsageError
from wamplite.router import listen_urls
from wamplite.router.listen_urls import ListenUrl

KIB = 1024


def kept(sock: socket.socket) -> list[int]:
    options = (socket.SO_SNDBUF, socket.SO_RCVBUF)
    return [sock.getsockopt(socket.SOL_SOCKET, option) for option in options]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("tcp://127.0.0.1:8080", ListenUrl("tcp", "127.0.0.1", 8080, "/ws")),
        ("tcp://127.0.0.1:0/", ListenUrl("tcp", "127.0.0.1", 0, "/ws")),
        ("tls://[::1]:443", ListenUrl("tls", "::1", 443, "/ws")),
        ("rs://LocalHost:1", ListenUrl("rs", "localhost", 1, "/ws")),
        ("ws://127.0.0.1:8080", ListenUrl("ws", "127.0.0.1", 8080, "/ws")),
        ("ws://127.0.0.1:8080/", ListenUrl("ws", "127.0.0.1", 8080, "/")),
        ("wss://127.0.0.1:8080/wamp", ListenUrl("wss", "127.0.0.1", 8080, "/wamp")),
        ("unix:///run/wamplite.sock", ListenUrl("unix", "", 0, "/run/wamplite.sock")),
    ],
)
def test_a_url_says_where(url: str, place: ListenUrl) -> None:
    assert listen_urls.parse(url) == place


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "the scheme must be one of tcp, tls, rs"),
        ("127.0.0.1:8080", "the scheme must be one of"),
        ("http://127.0.0.1:8080", "the scheme must be one of"),
        ("tcp://127.0.0.1", "expected tcp://HOST:PORT"),
        ("tcp://:8080", "expected tcp://HOST:PORT"),
        ("tcp://127.0.0.1:65536", "65536': PORT must be from 0 to 65535"),
        ("tcp://127.0.0.1:eight", "eight': PORT must be from 0 to 65535"),
        ("tcp://[::1:8080", "Invalid IPv6"),
        ("tcp://127.0.0.1:8080/ws", "tcp:// has no path"),
        ("rs://127.0.0.1:8080/ws", "rs:// has no path"),
        ("tcp://user@127.0.0.1:8080", "no user, query or fragment"),
        ("ws://127.0.0.1:8080/ws?a=b", "no user, query or fragment"),
        ("unix://relative/path", "expected unix:///PATH"),
        ("unix:relative", "expected unix:///PATH"),
        ("unix:///", "cannot listen on unix:///"),
    ],
)
def test_a_url_that_says_nothing_is_refused_by_its_name(url: str, said: str) -> None:
    with pytest.raises(UsageError, match="cannot listen on") as refused:
        listen_urls.bind(listen_urls.parse(url)).close()
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("tcp://127.0.0.1:1", True),
        ("tcp://127.9.9.9:1", True),
        ("tcp://localhost:1", True),
        ("tcp://[::1]:1", True),
        ("unix:///a", True),
        ("tcp://0.0.0.0:1", False),
        ("tcp://192.168.1.1:1", False),
        ("tcp://[::]:1", False),
        ("tcp://127.0.0.1.example.com:1", False),
        ("tcp://128.0.0.1:1", False),
    ],
)
def test_only_loopback_and_unix_sockets_are_local(url: str, local: bool) -> None:
    assert listen_urls.parse(url).is_local is local


def test_the_real_url_has_the_real_port() -> None:
    assert listen_urls.parse("tcp://[::1]:0").url(7) == "tcp://[::1]:7"
    assert listen_urls.parse("ws://127.0.0.1:0").url(7) == "ws://127.0.0.1:7/ws"
    assert listen_urls.parse("unix:///a").url(0) == "unix:///a"


def test_ipv6_and_ipv4_are_bound() -> None:
    for url in ("tcp://[::1]:0", "tcp://127.0.0.1:0"):
        with listen_urls.bind(listen_urls.parse(url)) as listening:
            address = listening.getsockname()[:2]
            with socket.create_connection(address, 5):
                pass


def test_what_the_kernel_keeps_of_a_connection_is_bounded() -> None:
    with (
        listen_urls.bind(listen_urls.parse("tcp://127.0.0.1:0"), buffer=32 * KIB) as listening,
        socket.create_connection(listening.getsockname(), 5),
        listening.accept()[0] as sock,
    ):
        assert kept(sock) == [64 * KIB, 64 * KIB]  # the kernel doubles it


def test_what_the_kernel_keeps_may_change_for_whoever_comes_later() -> None:
    with listen_urls.bind(listen_urls.parse("tcp://127.0.0.1:0"), buffer=16 * KIB) as listening:

        def accepted() -> list[int]:
            with (
                socket.create_connection(listening.getsockname(), 5),
                listening.accept()[0] as sock,
            ):
                return kept(sock)

        assert accepted() == [32 * KIB, 32 * KIB]
        listen_urls.limit_tcp(listening, 64 * KIB)
        assert accepted() == [128 * KIB, 128 * KIB]
        listen_urls.limit_tcp(listening, 0)
        with listen_urls.bind(listen_urls.parse("tcp://127.0.0.1:0")) as other:
            usual = kept(other)
        assert kept(listening) == usual


def test_a_unix_socket_is_bounded_but_never_above_its_usual_size() -> None:
    one, two = socket.socketpair()
    with one, two:
        usual = kept(one)
        for buffer in (0, 256 * KIB):
            listen_urls.limit_unix(one, buffer)
            assert kept(one) == usual
        listen_urls.limit_unix(one, 16 * KIB)
        assert kept(one)[0] == 32 * KIB


def test_a_port_that_is_taken_or_a_host_that_is_nowhere_is_refused() -> None:
    with listen_urls.bind(listen_urls.parse("tcp://127.0.0.1:0")) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1 port {port}: .*in use"):
            listen_urls.bind(listen_urls.parse(f"tcp://127.0.0.1:{port}"))
    with pytest.raises(UsageError, match="192.0.2.1 port 0"):
        listen_urls.bind(listen_urls.parse("tcp://192.0.2.1:0"))
    with pytest.raises(UsageError, match="cannot listen on a"):
        listen_urls.bind(listen_urls.parse(f"tcp://{'a' * 70}:0"))


def test_a_stale_unix_socket_is_replaced_and_one_in_use_is_not(tmp_path: Path) -> None:
    place = listen_urls.parse(f"unix://{tmp_path}/socket")
    with listen_urls.bind(place), pytest.raises(UsageError, match="in use"):
        listen_urls.bind(place)
    with listen_urls.bind(place), socket.socket(socket.AF_UNIX) as client:
        client.connect(place.path)


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(UsageError, match="no socket"):
        listen_urls.bind(listen_urls.parse(f"unix://{path}"))
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(UsageError, match="no socket"):
        listen_urls.bind(listen_urls.parse(f"unix://{link}"))
    assert path.read_text() == "data"


def test_a_path_that_cannot_be_bound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        listen_urls.bind(listen_urls.parse(f"unix://{tmp_path}/nowhere/socket"))
    with pytest.raises(UsageError, match="too long"):
        listen_urls.bind(listen_urls.parse(f"unix://{tmp_path}/{'a' * 120}"))


def test_a_full_backlog_is_not_taken_for_nobody(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    waiting = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(0)
        for _ in range(3):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            client.connect_ex(path)
            waiting.append(client)
        with pytest.raises(UsageError, match="in use"):
            listen_urls.bind(listen_urls.parse(f"unix://{path}"))
        for client in waiting:
            client.close()


def test_only_our_own_socket_is_removed(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with listen_urls.bind(listen_urls.parse(f"unix://{path}")):
        mine = listen_urls.identity(path)
        os.rename(path, f"{path}.moved")
        with listen_urls.bind(listen_urls.parse(f"unix://{path}")):
            listen_urls.remove(path, mine)
            assert os.path.exists(path)
            listen_urls.remove(path, listen_urls.identity(path))
            assert not os.path.exists(path)
            listen_urls.remove(path, mine)
            listen_urls.remove(path, None)
