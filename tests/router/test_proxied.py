"""Behind reverse proxies: who is believed, whom the bounds are of, and who only pretends."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import struct
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.transports.streams import make_certificate, receive_all
from wamplite import Router, serializers
from wamplite.auth import User, Users, methods
from wamplite.channel import ByteChannel
from wamplite.core.errors import TransportLost, UsageError
from wamplite.core.feature import Refused
from wamplite.core.handshake import Dialogue, Joining
from wamplite.core.members import Identity
from wamplite.core.messages import Hello
from wamplite.router.connections import origin_of
from wamplite.transports import websocket_client
from wamplite.transports.proxy_header import PROXY, V2
from wamplite.transports.socket_stream import SocketStream
from wamplite.transports.tls import TlsStream, client_context

from .conftest import ROLES, Wire, connected, connections, eventually, open_transport, parts

HERE, STRANGER = "127.0.0.1", "127.0.0.2"  # the proxy, and somebody who is none
FRAME = struct.Struct("!I")


def v1(address: str, port: int = 51234) -> bytes:
    family = "TCP6" if ":" in address else "TCP4"
    there = "2001:db8::1" if ":" in address else "192.0.2.1"
    return f"PROXY {family} {address} {there} {port} 443\r\n".encode()


def v2(address: str, port: int = 51234) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    block = socket.inet_pton(family, address) * 2 + struct.pack("!HH", port, 443) + b"\x04\0\1x"
    return V2 + struct.pack("!BBH", PROXY, 0x21 if ":" in address else 0x11, len(block)) + block


def reached(url: str, source: str = HERE) -> socket.socket:
    """Return a socket that is connected to a listener."""
    if url.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(20)
        sock.connect(url.removeprefix("unix://"))
        return sock
    return socket.create_connection((HERE, port_of(url)), 20, (source, 0))


def port_of(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])


def as_ws(url: str) -> str:
    return url.replace("tcp", "ws") + "/ws"


class ProxyWire(Wire):
    """A wire that begins with a PROXY header, or whose request has the headers of a proxy."""

    def __init__(
        self,
        url: str,
        header: bytes = b"",
        source: str = HERE,
        headers: dict[str, str] | None = None,
        cafile: str | None = None,
    ) -> None:
        sock = reached(url, source)
        sock.sendall(header)
        if cafile:
            self.stream = TlsStream(sock, client_context(cafile), hostname="localhost")
            self.stream.handshake()
        else:
            self.stream = SocketStream(sock)
        self.stream.set_receive_timeout(20)
        try:
            if headers is None:
                transport = open_transport(self.stream, url, 2**24)
            else:
                transport = websocket_client.connect(
                    self.stream, url, ["msgpack"], max_message_size=2**24, headers=headers
                )
        except BaseException:
            self.stream.close()
            raise
        self.channel = ByteChannel(transport, serializers.get("msgpack"))
        self.inbox: list[Any] = []


class Gate:
    """A router whose authmethod remembers the addresses of those who join."""

    def __init__(self, stack: ExitStack, **limits: Any) -> None:
        self.addresses: list[str | None] = []
        self.router = stack.enter_context(Router(authmethods={"ask": self._ask}, **limits))
        self._stack = stack

    def _ask(self, hello: Hello, joining: Joining) -> Dialogue:
        self.addresses.append(joining.address)
        yield from ()
        if hello.details.get("authid") == "bad":
            raise Refused("wamp.error.authentication_denied")
        return Identity("joe", "user", "ask", "static")

    def join(self, url: str, *args: Any, **options: Any) -> ProxyWire:
        wire = ProxyWire(url, *args, **options)
        self._stack.callback(wire.close)
        wire.join(authmethods=["ask"])
        return wire


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as all_of_it:
        yield all_of_it


@pytest.mark.parametrize("scheme", ["rs", "ws", "tcp", "unix"])
@pytest.mark.parametrize("header", [v1, v2])
@pytest.mark.parametrize("client", ["203.0.113.7", "2001:db8::7"])
def test_a_trusted_proxy_tells_who_connects(
    stack: ExitStack, tmp_path: Path, scheme: str, header: Any, client: str
) -> None:
    gate = Gate(stack)
    place = f"unix://{tmp_path}/s" if scheme == "unix" else f"{scheme}://127.0.0.1:0"
    url = gate.router.listen(place, proxy_protocol=True, trusted_proxies=[HERE, "unix"])
    gate.join(url, header(client))
    assert gate.addresses == [client]
    [presence] = parts(gate.router).presences.of("realm1")
    shown = f"[{client}]" if ":" in client else client
    assert presence.carrier.name.startswith(f"{shown}:51234 by ") and not presence.carrier.is_near


def test_the_header_comes_before_tls(stack: ExitStack, tmp_path: Path) -> None:
    gate, files = Gate(stack), make_certificate(tmp_path)
    url = gate.router.listen(
        "rss://localhost:0",
        cert=files.cert,
        key=files.key,
        proxy_protocol=True,
        trusted_proxies=["127.0.0.0/31"],
    )
    gate.join(url, v2("203.0.113.7"), cafile=files.cert)
    assert gate.addresses == ["203.0.113.7"]


def test_who_is_no_proxy_speaks_for_itself(
    stack: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate(stack)
    url = gate.router.listen("tcp://127.0.0.1:0", proxy_protocol=True, trusted_proxies=[HERE])
    gate.join(url.replace("tcp", "rs"), b"", STRANGER)
    assert gate.addresses == [STRANGER]
    for header in (v1, v2):
        with reached(url, STRANGER) as sock, caplog.at_level(logging.WARNING, "wamplite.router"):
            sock.sendall(header("203.0.113.7") + b"\x7f\xf1\0\0")
            assert b"a PROXY header, which is taken of trusted proxies alone" in receive_all(sock)
    headers = {"X-Forwarded-For": "203.0.113.7"}
    gate.join(as_ws(url), b"", STRANGER, headers)
    assert gate.addresses == [STRANGER] * 2
    assert "203.0.113.7" not in caplog.text


@pytest.mark.parametrize("said", [b"\x7f\xf1\0\0", b"GET /ws HTTP/1.1\r\n", b"PROXY TCP4 x\r\n"])
def test_a_proxy_without_a_header_is_not_guessed_about(
    stack: ExitStack, caplog: pytest.LogCaptureFixture, said: bytes
) -> None:
    gate = Gate(stack, linger=0.1)
    url = gate.router.listen("tcp://127.0.0.1:0", proxy_protocol=True, trusted_proxies=[HERE])
    with reached(url) as sock, caplog.at_level(logging.WARNING, "wamplite.router"):
        sock.sendall(said)
        assert receive_all(sock) == b""
    eventually(lambda: "PROXY" in caplog.text)
    eventually(lambda: connected(gate.router) == 0)


def test_a_proxy_that_does_not_finish_its_header_has_the_time_of_a_handshake(
    stack: ExitStack,
) -> None:
    gate = Gate(stack, handshake_timeout=0.2, linger=0.1)
    url = gate.router.listen("tcp://127.0.0.1:0", proxy_protocol=True, trusted_proxies=[HERE])
    begun = time.monotonic()
    for said in (b"", b"PROXY TCP4 203.", v2("203.0.113.7")[:20]):
        with reached(url) as sock:
            sock.sendall(said)
            assert receive_all(sock) == b""
    assert time.monotonic() - begun < 10
    assert gate.router.counters["deadlines_missed"] == 3


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", V2 + b"\x20\0\0\0", V2 + b"\x21\0\0\0"])
def test_where_the_proxy_tells_nobody_the_connection_is_its_own(
    stack: ExitStack, header: bytes
) -> None:
    gate = Gate(stack, max_connections_per_address=1)
    url = gate.router.listen("rs://127.0.0.1:0", proxy_protocol=True, trusted_proxies=[HERE])
    gate.join(url, header)
    assert gate.addresses == [HERE]
    [presence] = parts(gate.router).presences.of("realm1")
    assert not presence.carrier.is_near, "whoever is behind the proxy may be anybody"
    with pytest.raises(TransportLost):
        gate.join(url, header)
    gate.join(url, v1("203.0.113.7"))


def test_bounds_by_address_are_those_of_the_clients(stack: ExitStack) -> None:
    gate = Gate(stack, max_connections_per_address=2, linger=0.1)
    url = gate.router.listen("tcp://127.0.0.1:0", proxy_protocol=True, trusted_proxies=[HERE])
    rs, ws = url.replace("tcp", "rs"), as_ws(url)
    wires = [
        gate.join(rs if number % 2 else ws, v1(f"203.0.113.{number // 2}")) for number in range(6)
    ]
    with reached(url) as sock:
        sock.sendall(v1("203.0.113.1") + b"\x7f\xf1\0\0")
        assert receive_all(sock) == b"\x7f\x40\0\0", "RawSocket: too many connections"
    with reached(url) as sock:
        sock.sendall(v2("203.0.113.1") + b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n")
        assert receive_all(sock).startswith(b"HTTP/1.1 503")
    assert gate.router.counters["connections_refused_by_address"] == 2
    for wire in wires[2:4]:  # of 203.0.113.1
        wire.close()
    eventually(lambda: connected(gate.router) == 4)
    for _ in range(2):
        gate.join(rs, v1("203.0.113.1"))


def test_handshakes_are_shared_out_among_the_clients(stack: ExitStack) -> None:
    gate = Gate(stack, max_handshaking=4, max_handshaking_per_address=1)
    url = gate.router.listen("rs://127.0.0.1:0", proxy_protocol=True, trusted_proxies=[HERE])
    silent = [stack.enter_context(reached(url)) for _ in range(2)]
    for sock in silent:
        sock.sendall(v1("203.0.113.1"))
    eventually(lambda: [one.origin for one in connections(gate.router)].count("203.0.113.1") == 2)
    with reached(url) as sock:
        sock.sendall(v1("203.0.113.1"))
        assert receive_all(sock) == b"", "twice its share, half of all"
    for number in (2, 3, 4):
        gate.join(url, v1(f"203.0.113.{number}"))
    assert gate.router.counters == {"connections_refused_handshaking_by_address": 1}


FORWARDED = [
    ({"X-Forwarded-For": "203.0.113.7"}, "203.0.113.7"),
    ({"X-Forwarded-For": "6.6.6.6, 203.0.113.7"}, "203.0.113.7"),
    ({"X-Forwarded-For": "6.6.6.6, 203.0.113.7, 10.1.2.3, 127.0.0.1"}, "203.0.113.7"),
    ({"X-Forwarded-For": "2001:DB8::7"}, "2001:db8::7"),
    ({"X-Forwarded-For": "10.1.2.3"}, "10.1.2.3"),  # all are proxies: the farthest
    ({"X-Forwarded-For": "6.6.6.6, unknown"}, HERE),
    ({"X-Forwarded-For": "6.6.6.6, unknown, 10.1.2.3"}, "10.1.2.3"),
    ({"Forwarded": 'for=6.6.6.6, for="[2001:db8::7]:80";proto=https'}, "2001:db8::7"),
    ({"Forwarded": "for=a, for=203.0.113.7", "X-Forwarded-For": "203.0.113.7"}, "203.0.113.7"),
    ({"X-Real-IP": "6.6.6.6", "Via": "1.1 x"}, HERE),
    ({}, HERE),
]


@pytest.mark.parametrize(("headers", "address"), FORWARDED)
def test_the_last_that_is_no_proxy_is_the_client(
    stack: ExitStack, headers: dict[str, str], address: str
) -> None:
    gate = Gate(stack)
    url = gate.router.listen("ws://127.0.0.1:0", trusted_proxies=[HERE, "10.0.0.0/8"])
    gate.join(url, headers=headers)
    assert gate.addresses == [address]
    [presence] = parts(gate.router).presences.of("realm1")
    assert not presence.carrier.is_near
    assert presence.carrier.origin == origin_of(address)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=6.6.6.6"},
        {"X-Forwarded-For": "6.6.6.6, 10.1.2.3", "Forwarded": "for=203.0.113.7, for=10.1.2.3"},
        {"X-Forwarded-For": "203.0.113.7", "Forwarded": "proto=https"},
        {"Forwarded": 'for="203.0.113.7'},
    ],
)
def test_who_is_told_of_in_two_ways_is_refused(stack: ExitStack, headers: dict[str, str]) -> None:
    gate = Gate(stack, linger=0.1)
    url = gate.router.listen("ws://127.0.0.1:0", trusted_proxies=["127.0.0.1", "10.0.0.0/8"])
    with pytest.raises(TransportLost, match="400"):
        gate.join(url, headers=headers)
    assert gate.addresses == []


def test_a_client_without_room_hears_so_over_http(stack: ExitStack) -> None:
    gate = Gate(stack, max_connections_per_address=1, linger=0.1)
    url = gate.router.listen("tcp://127.0.0.1:0", trusted_proxies=[HERE])
    for number in range(4):
        gate.join(as_ws(url), headers={"X-Forwarded-For": f"203.0.113.{number}"})
    with pytest.raises(TransportLost, match="503"):
        gate.join(as_ws(url), headers={"X-Forwarded-For": "203.0.113.1"})
    gate.join(url.replace("tcp", "rs"))  # the proxy's own, it seems
    with pytest.raises(TransportLost):
        gate.join(url.replace("tcp", "rs"))


def test_one_connection_of_a_proxy_carries_requests_of_several_clients(stack: ExitStack) -> None:
    gate = Gate(stack)
    url = gate.router.listen("tcp://127.0.0.1:0", longpoll=True, trusted_proxies=[HERE])
    pipe = http.client.HTTPConnection(HERE, port_of(url), timeout=20)
    stack.callback(pipe.close)
    for client in ("203.0.113.1", "203.0.113.2"):
        headers = {"X-Forwarded-For": client}
        asked = json.dumps({"protocols": ["wamp.2.json"]})
        pipe.request("POST", "/lp/open", asked, headers)
        name = json.loads(pipe.getresponse().read())["transport"]
        hello = json.dumps([1, "realm1", {"roles": ROLES, "authmethods": ["ask"]}])
        pipe.request("POST", f"/lp/{name}/send", hello, headers)
        pipe.getresponse().read()
        pipe.request("POST", f"/lp/{name}/receive", "", headers)
        assert json.loads(pipe.getresponse().read())[0] == 2
    assert gate.addresses == ["203.0.113.1", "203.0.113.2"]
    names = [one.carrier.name for one in parts(gate.router).presences.of("realm1")]
    assert [name.split(" by ")[0] for name in names] == gate.addresses
    pipe.request("POST", "/lp/open", asked, {"X-Forwarded-For": "x", "Forwarded": "for=1.2.3.4"})
    assert pipe.getresponse().status == 400


def test_a_client_that_guesses_slows_down_nobody_else_behind_the_proxy(stack: ExitStack) -> None:
    gate = Gate(stack, login_delay=5.0)
    url = gate.router.listen("rs://127.0.0.1:0", proxy_protocol=True, trusted_proxies=[HERE])
    wire = ProxyWire(url, v1("203.0.113.1"))
    stack.callback(wire.close)
    assert wire.ask(1, "realm1", {"roles": ROLES, "authmethods": ["ask"], "authid": "bad"})[0] == 3
    guessed = parts(gate.router).logins.addresses
    assert guessed.get("203.0.113.1") is not None and len(guessed) == 1
    begun = time.monotonic()
    gate.join(url, v1("203.0.113.2"))
    assert time.monotonic() - begun < 4


def test_metrics_are_told_to_no_client_of_a_proxy_that_does_not_say_who_it_is(
    stack: ExitStack,
) -> None:
    users = Users([User.of_password("joe", "user", "s3cret")])
    offered = methods(users, ["ticket"], anonymous="guest")
    router = stack.enter_context(Router(authmethods=offered, linger=0.1))
    headed = router.listen(
        "tcp://127.0.0.1:0", metrics="realm1", proxy_protocol=True, trusted_proxies=[HERE]
    )
    plain = router.listen("tcp://127.0.0.1:0", metrics="realm1", trusted_proxies=[HERE])
    ask = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
    joe = ask + b"Authorization: Basic " + b64encode(b"joe:s3cret") + b"\r\n\r\n"
    ask += b"\r\n"
    for url, said, status in (
        (headed, v1("203.0.113.7") + ask, b"401"),
        (headed, b"PROXY UNKNOWN\r\n" + ask, b"401"),
        (headed, v1("127.0.0.3") + ask, b"401"),
        (headed, v1("203.0.113.7") + joe, b"200"),
        (plain, ask, b"401"),
        (plain, joe, b"200"),
    ):
        with reached(url) as sock:
            sock.sendall(said)
            assert receive_all(sock).split(b" ")[1] == status, said


def test_behind_a_proxy_nobody_is_anonymous_unless_that_is_allowed() -> None:
    with Router() as router:
        with pytest.raises(UsageError, match="can be reached from the network"):
            router.listen("tcp://127.0.0.1:0", trusted_proxies=[HERE])
        router.listen("tcp://127.0.0.1:0", trusted_proxies=[HERE], allow_anonymous_network=True)


@pytest.mark.parametrize(
    ("url", "options", "text"),
    [
        ("tcp://127.0.0.1:0", {"proxy_protocol": True}, "needs trusted_proxies"),
        ("tcp://127.0.0.1:0", {"trusted_proxies": "10.0.0.1"}, "must be a list"),
        ("tcp://127.0.0.1:0", {"trusted_proxies": ["proxy.example"]}, "does not appear to be"),
        ("tcp://127.0.0.1:0", {"trusted_proxies": ["10.0.0.1/8"]}, "has host bits set"),
        ("rs://127.0.0.1:0", {"trusted_proxies": [HERE]}, "serves no HTTP"),
        ("serial:///dev/ttyS0", {"trusted_proxies": [HERE], "proxy_protocol": True}, "no proxies"),
    ],
)
def test_what_cannot_be_meant_is_refused(url: str, options: dict[str, Any], text: str) -> None:
    with Router() as router, pytest.raises(UsageError, match=text):
        router.listen(url, allow_anonymous_network=True, **options)
