"""Dialling: what a URL means, and errors that name it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic as now

import pytest

from tests.transports.streams import PATIENCE, make_certificate
from wamplite.core.errors import ConnectTimeout, TransportLost, UsageError
from wamplite.transports import tls
from wamplite.transports.dial import Endpoint, dial, parse, reach, within


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("ws://pi:8080/ws", Endpoint("ws", "pi", 8080, "/ws", False, "websocket")),
        ("ws://pi", Endpoint("ws", "pi", 80, "/", False, "websocket")),
        ("wss://pi/a/b?c=d:e", Endpoint("wss", "pi", 443, "/a/b?c=d:e", True, "websocket")),
        ("WSS://pi?x=1", Endpoint("wss", "pi", 443, "/?x=1", True, "websocket")),
        ("ws://[::1]:8080/ws", Endpoint("ws", "::1", 8080, "/ws", False, "websocket")),
        ("rs://127.0.0.1:8080", Endpoint("rs", "127.0.0.1", 8080, "/", False, "rawsocket")),
        ("rs://[fe80::1%eth0]:1/", Endpoint("rs", "fe80::1%eth0", 1, "/", False, "rawsocket")),
        ("rss://[::1]:65535", Endpoint("rss", "::1", 65535, "/", True, "rawsocket")),
        ("tcp://0.0.0.0:8080", Endpoint("tcp", "0.0.0.0", 8080, "/", False, "rawsocket")),
        ("tls://[::1]:8443", Endpoint("tls", "::1", 8443, "/", True, "rawsocket")),
        ("unix:///\udcff", Endpoint("unix", "", 0, "/\udcff", False, "rawsocket")),
        ("unix:///my wamp.sock", Endpoint("unix", "", 0, "/my wamp.sock", False, "rawsocket")),
    ],
)
def test_a_url_is_taken_apart(url: str, endpoint: Endpoint) -> None:
    assert parse(url) == endpoint


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("", "expected a URL of ws, wss, rs, rss, unix"),
        ("pi:8080", "expected a URL of"),
        ("http://pi/ws", "expected a URL of"),
        ("tcp://pi", "tcp has no default port"),
        ("tls://pi:8080/ws", "RawSocket has no path"),
        ("ws:/pi", "expected a URL of"),
        ("ws://", "expected ws://host:port"),
        ("ws:///ws", "expected ws://host:port"),
        ("ws://::1:8080", "an IPv6 address in brackets"),
        ("ws://[::1", "an IPv6 address in brackets"),
        ("ws://[pi]:8080", "an IPv6 address in brackets"),
        ("ws://user:secret@pi/ws", "expected ws://host:port"),
        ("ws://.pi/ws", "expected ws://host:port"),
        ("ws://pi:eighty/", "expected ws://host:port"),
        ("ws://pi:٣/", "expected ws://host:port"),
        ("ws://pi /ws", "expected ws://host:port"),
        ("ws://pi/ws\r\nX: y", "expected ws://host:port"),
        ("ws://pi/ws#part", "expected ws://host:port"),
        ("ws://pi:0/", "a port is 1 to 65535, not 0"),
        ("rs://pi:65536", "a port is 1 to 65535, not 65536"),
        ("rs://pi", "rs has no default port"),
        ("rss://pi/", "rss has no default port"),
        ("rs://pi:8080/ws", "RawSocket has no path"),
        ("unix://run/x", "expected unix:///path"),
        ("unix:///" + "x" * 107, "at most 107 bytes"),
        ("unix:///a\0b", "expected unix:///path"),
        ("unix:///\ud800", "expected unix:///path"),
    ],
)
def test_what_cannot_be_dialled_is_our_callers_fault(url: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(url)
    assert str(caught.value).startswith(f"{url}: ")
    assert text in str(caught.value)


@contextmanager
def greeting(listener: socket.socket, greeting: bytes = b"hello") -> Iterator[None]:
    """Accept one connection, greet, and hang up."""

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            sock.sendall(greeting)

    thread = threading.Thread(target=serve)
    with listener:
        listener.settimeout(PATIENCE)
        thread.start()
        yield
        thread.join(PATIENCE)


def test_tcp_is_dialled_and_tuned() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with greeting(listener):
        stream = dial(f"rs://127.0.0.1:{listener.getsockname()[1]}", timeout=PATIENCE)
        with socket.socket(fileno=socket.dup(stream.fileno())) as sock:
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
            assert sock.gettimeout() is None
        assert stream.recv() == b"hello"
        stream.close()


def test_ipv6_is_dialled() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with greeting(listener):
        stream = dial(f"ws://[::1]:{listener.getsockname()[1]}/ws", timeout=PATIENCE)
        assert stream.recv() == b"hello"
        stream.close()


def test_a_name_is_resolved() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with greeting(listener):
        stream = dial(f"rs://localhost:{listener.getsockname()[1]}", timeout=PATIENCE)
        assert stream.recv() == b"hello"
        stream.close()


def test_idna_is_loaded_for_a_name_that_needs_it_alone() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    program = "import sys; from wamplite.transports.dial import dial\n"
    program += f"for host in '127.0.0.1', 'localhost': dial(f'rs://{{host}}:{port}', timeout=30)\n"
    program += "assert 'encodings.idna' not in sys.modules"
    with listener:
        subprocess.run([sys.executable, "-c", program], check=True)


@contextmanager
def unanswering() -> Iterator[tuple[str, int]]:
    """Yield an address that neither accepts nor refuses."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # more than its queue holds
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        yield full.getsockname()


def test_addresses_are_tried_in_turn_within_one_deadline() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket() as unheard,
        unanswering() as silent,
    ):
        unheard.bind(("127.0.0.1", 0))
        good = listener.getsockname()
        addresses = [unheard.getsockname(), silent, good]
        with reach([(socket.AF_INET, address) for address in addresses], now() + 1) as sock:
            assert sock.getpeername() == good
        with pytest.raises(ConnectionRefusedError):
            reach([(socket.AF_INET, unheard.getsockname())] * 2, now() + PATIENCE)
        with pytest.raises(TimeoutError):
            reach([(socket.AF_INET, good)], now() - 1)
        with pytest.raises(TransportLost, match="no address"):
            reach([], now() + 1)


def test_a_unix_socket_is_dialled(tmp_path: Path) -> None:
    path = str(tmp_path / "router.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    with greeting(listener):
        stream = dial(f"unix://{path}", timeout=PATIENCE)
        assert stream.peer == "unix"
        assert stream.recv() == b"hello"
        stream.close()


ASKED = r": is a router running there\?"


def test_nobody_listening_is_a_loss_that_names_the_url(tmp_path: Path) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"rs://127.0.0.1:{unheard.getsockname()[1]}"
        with pytest.raises(TransportLost, match=f"^{url}: Connection refused{ASKED}$"):
            dial(url, timeout=PATIENCE)
    url = f"unix://{tmp_path}/absent.sock"
    with pytest.raises(TransportLost, match=f"^{url}: No such file or directory{ASKED}$"):
        dial(url, timeout=PATIENCE)


@pytest.mark.parametrize(
    "name",
    [
        "x" * 64 + ".example",  # longer than a label may be: the resolver need not ask anybody
        ".".join(["x" * 60] * 5),  # longer than a name may be
        "\u00fc" * 64 + ".example",  # longer than a label may be: the resolver is not asked
    ],
    ids=["label", "name", "IDNA"],
)
def test_a_name_that_means_nothing_is_a_loss(name: str) -> None:
    with pytest.raises(TransportLost, match=f"^ws://{name}/: cannot resolve {name}: "):
        dial(f"ws://{name}/", timeout=PATIENCE)


def test_a_resolver_that_does_not_answer_runs_into_the_deadline() -> None:
    answer = threading.Event()
    with pytest.raises(TimeoutError):
        within(now() + 0.05, lambda: answer.wait(PATIENCE))
    answer.set()


def test_a_router_that_does_not_accept_runs_into_the_deadline() -> None:
    with unanswering() as (host, port):
        url, began = f"rs://{host}:{port}", now()
        with pytest.raises(ConnectTimeout, match=f"^{url}: no connection within 0.1 s$"):
            dial(url, timeout=0.1)
        assert 0.1 <= now() - began < 5


@contextmanager
def tls_router(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Serve one TLS connection; yield its URL and the certificate."""
    certificate = make_certificate(tmp_path)
    context = tls.server_context(*certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        sock, _ = listener.accept()
        stream = tls.TlsStream(sock, context, server_side=True)
        try:
            stream.handshake(now() + PATIENCE)
            stream.write([b"hello"])
            stream.recv()
        except TransportLost:
            pass  # the client does not trust us
        finally:
            stream.close()

    thread = threading.Thread(target=serve)
    with listener:
        thread.start()
        yield f"rss://localhost:{listener.getsockname()[1]}", certificate.cert
        thread.join(PATIENCE)


@pytest.mark.parametrize("ready_made", [False, True])
def test_tls_is_dialled(tmp_path: Path, ready_made: bool) -> None:
    with tls_router(tmp_path) as (url, cert):
        options = tls.client_context(cert) if ready_made else tls.TlsOptions(cert)
        stream = dial(url, timeout=PATIENCE, tls=options)
        assert isinstance(stream, tls.TlsStream)
        assert stream.recv() == b"hello"
        stream.close()


def test_tls_is_verified_unless_told_otherwise(tmp_path: Path) -> None:
    with (
        tls_router(tmp_path) as (url, _),
        pytest.raises(TransportLost, match=f"^{url}: .*: TLS handshake: self-signed certificate"),
    ):
        dial(url, timeout=PATIENCE)
    with tls_router(tmp_path) as (url, _):
        stream = dial(url, timeout=PATIENCE, tls=tls.TlsOptions(verify=False))
        assert stream.recv() == b"hello"
        stream.close()


def test_a_promise_of_tls_is_never_kept_in_plain_text() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"rss://127.0.0.1:{listener.getsockname()[1]}"
    with greeting(listener), pytest.raises(TransportLost, match=f"^{url}: "):
        dial(url, timeout=PATIENCE)


def test_files_of_tls_are_looked_at_before_anything_is_dialled() -> None:
    with pytest.raises(UsageError, match="missing.pem"):
        dial("wss://localhost:1/", timeout=PATIENCE, tls=tls.TlsOptions("missing.pem"))


def test_a_tls_handshake_that_is_not_answered_runs_into_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"wss://127.0.0.1:{listener.getsockname()[1]}/ws"
        with pytest.raises(ConnectTimeout, match="no connection within 0.1 s"):
            dial(url, timeout=0.1)
