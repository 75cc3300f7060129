"""Through an HTTP proxy to a router, and what is said where the proxy does not agree."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, soon
from tests.processes import ROOT
from tests.transports.streams import make_certificate
from wamplite.transports.http_request import basic
from wamplite.transports.proxy import Proxy, parse, tunnel
from wamplite.transports.tls import TlsOptions

GOOD = b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n"


class Tunnels:
    """A proxy on loopback: one connection after the other; `asked` are the heads that came."""

    def __init__(self, answer: bytes = GOOD) -> None:
        self.answer = answer
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Tunnels:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._listener, *self._sockets):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        for sock in (self._listener, *self._sockets):
            sock.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._sockets.append(near)
                self._serve(near)

    def _serve(self, near: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            part = near.recv(4096)
            if not part:
                return
            head += part
        self.asked.append(head)
        near.sendall(self.answer)
        if self.answer != GOOD:
            near.shutdown(socket.SHUT_WR)
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        far = socket.create_connection((host, int(port)), PATIENCE)
        far.settimeout(None)
        self._sockets.append(far)
        for one, other in ((near, far), (far, near)):
            self._threads.append(threading.Thread(target=self._carry, args=(one, other)))
            self._threads[-1].start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


@pytest.fixture
def router() -> Iterator[wamplite.Router]:
    with wamplite.Router() as router:
        yield router


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("user", ["", "ann:secret@"])
def test_a_session_goes_through_a_proxy(
    router: wamplite.Router, tmp_path: Path, scheme: str, user: str
) -> None:
    files: dict[str, Any] = {}
    if scheme == "wss":
        made = make_certificate(tmp_path)
        files = {"cert": made.cert, "key": made.key}
    url = router.listen(f"{scheme}://127.0.0.1:0", **files)
    tls = TlsOptions(cafile=files["cert"]) if files else None
    with Tunnels() as proxy:
        through = proxy.url.replace("//", f"//{user}")
        with wamplite.connect(url, tls=tls, proxy=through) as session:
            session.register("com.app.same", lambda value: value)
            assert session.call("com.app.same", "x" * 100_000) == "x" * 100_000
        [head] = proxy.asked
        where = url.split("/")[2]
        assert head.startswith(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n".encode())
        said = f"Proxy-Authorization: {basic('ann:secret')}\r\n".encode()
        assert (said in head) == bool(user)
        assert (b"Proxy-Authorization" in head) == bool(user)


def test_a_component_goes_through_a_proxy(router: wamplite.Router) -> None:
    joined = threading.Event()
    with Tunnels() as proxy:
        app = wamplite.Component(router.listen("ws://127.0.0.1:0"), proxy=proxy.url)
        app.on_join(lambda session: joined.set())
        app.start()
        assert joined.wait(PATIENCE)
        app.stop()
        assert proxy.asked


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "answered 'HTTP/1.1 407 Proxy"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\nno", "answered 'HTTP/1.1 403 Forbidden'"),
        (b"SSH-2.0-x\r\n\r\n", "answered 'SSH-2.0-x'"),
        (b"HTTP/1.1 200 OK\r\n", "closed the connection"),
        (b"", "closed the connection"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000, "more than 16384 bytes"),
    ],
)
def test_a_proxy_that_does_not_agree_is_a_loss_that_names_it(answer: bytes, text: str) -> None:
    with Tunnels(answer) as proxy:
        with pytest.raises(wamplite.TransportLost) as lost:
            wamplite.connect("ws://pi.example:8080/ws", proxy=proxy.url)
        assert str(lost.value).startswith("ws://pi.example:8080/ws: the proxy 127.0.0.1:")
        assert text in str(lost.value)
        assert proxy.asked[0].startswith(b"CONNECT pi.example:8080 HTTP/1.1\r\n")


def test_a_proxy_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(wamplite.TransportLost, match=f"the proxy 127.0.0.1:{port}: .* refused"):
        wamplite.connect("ws://pi.example/ws", proxy=f"http://127.0.0.1:{port}")


def test_a_silent_proxy_is_waited_for_no_longer_than_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(wamplite.ConnectTimeout, match="ws://pi.example/ws: no connection"):
            wamplite.connect("ws://pi.example/ws", proxy=url, connect_timeout=0.2)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://pi:3128", Proxy("pi", 3128, None)),
        ("HTTP://[::1]:3128/", Proxy("::1", 3128, None)),
        ("http://ann:a%40b@pi:1", Proxy("pi", 1, basic("ann:a%40b"))),
    ],
)
def test_a_proxys_url_is_taken_apart(url: str, proxy: Proxy) -> None:
    assert parse(url) == proxy


@pytest.mark.parametrize(
    "url",
    ["", 5, "pi:3128", "https://pi:3128", "socks5://pi:1", "http://pi", "http://pi:0", "http://:1",
     "http://ann:secret@pi", "http://pi:1/x", "http://pi:1\r\nX: y", "http://a b@pi:1"],
)  # fmt: skip
def test_what_is_no_proxy_is_refused_without_its_password(url: Any) -> None:
    with pytest.raises(wamplite.UsageError, match=r"proxy must be http://host:port") as refused:
        wamplite.connect("ws://pi.example/ws", proxy=url)
    assert "secret" not in str(refused.value)


# ---- headers


def request_of(**options: Any) -> str:
    """Return the request that a client sends to a server that hangs up on it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        url = options.pop("url", "ws://127.0.0.1:{}/ws").format(port)
        connecting = soon(wamplite.connect, url, **options)
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(PATIENCE)
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(4096)
    with pytest.raises(wamplite.TransportLost) as lost:
        connecting.result()
    assert "secret" not in str(lost.value)
    return head.decode()


def test_headers_go_with_the_request() -> None:
    head = request_of(headers={"Cookie": "session=5", "X-Trace": "a: b", "host": "pi.example"})
    for line in ("Cookie: session=5", "X-Trace: a: b", "Host: pi.example", "Upgrade: websocket"):
        assert head.count(f"\r\n{line}\r\n") == 1
    assert head.lower().count("\r\nhost:") == 1


def test_a_user_in_the_url_becomes_a_header_and_is_shown_nowhere() -> None:
    head = request_of(url="ws://ann:secret@127.0.0.1:{}/ws")
    assert f"\r\nAuthorization: {basic('ann:secret')}\r\n" in head
    assert head.startswith("GET /ws HTTP/1.1\r\n")
    app = wamplite.Component("ws://ann:secret@127.0.0.1:1/ws")
    assert app.url == "ws://127.0.0.1:1/ws"


@pytest.mark.parametrize(
    ("url", "options", "text"),
    [
        ("rs://pi:1", {"headers": {}}, "headers= is for ws and wss, not for rs://pi:1"),
        ("unix:///x", {"proxy": "http://pi:1"}, "proxy= is for ws and wss, not for unix:///x"),
        ("ws://pi/ws", {"headers": {"Upgrade": "x"}}, "Upgrade belongs to the WebSocket handshake"),
        (
            "ws://ann:secret@pi/ws",
            {"headers": {"authorization": "x"}},
            "Authorization is given already, by the user of ws://pi/ws",
        ),
    ],
)
def test_what_a_request_cannot_have_is_refused_before_anything_is_dialled(
    url: str, options: Any, text: str
) -> None:
    for make in (wamplite.connect, wamplite.Component):
        with pytest.raises(wamplite.UsageError, match=text):
            make(url, **options)


def test_the_command_line_goes_through_a_proxy_with_headers(router: wamplite.Router) -> None:
    url = router.listen("ws://127.0.0.1:0")
    with Tunnels() as proxy:
        command = [sys.executable, "-m", "wamplite", "pub", "com.app.t", "1", "--url", url]
        command += ["--header", "Cookie: a=b", "--proxy", proxy.url]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
        assert (done.returncode, done.stderr) == (0, "")
        assert proxy.asked
    command[command.index(url)] = "rs://127.0.0.1:9"
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert "is for ws and wss, not for rs://127.0.0.1:9" in done.stderr


def test_a_proxy_is_not_asked_when_the_time_is_over() -> None:
    near, far = socket.socketpair()
    with near, far, pytest.raises(TimeoutError):
        tunnel(near, Proxy("localhost", 3128, None), "example.com", 80, time.monotonic())
