"""Sessions over HTTP requests: what a client with nothing but POST can do, and what it cannot."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest

import wamplite
from tests.transports.streams import make_certificate
from wamplite import Router, serializers
from wamplite.router import longpoll
from wamplite.transports import batches

from .conftest import ROLES, connected, eventually, figures

PATIENCE = 20.0
HELLO = [1, "realm1", {"roles": ROLES}]


class Http:
    """An HTTP connection to a router, and perhaps a session of its own."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        if context is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        else:
            self.connection = http.client.HTTPSConnection(
                "127.0.0.1", port, timeout=PATIENCE, context=context
            )
        self.path = ""
        self.headers: dict[str, str] = {}

    def post(self, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        self.connection.request("POST", path, body, headers)
        answer = self.connection.getresponse()
        self.headers = dict(answer.getheaders())
        return answer.status, answer.read()

    def open(self, *protocols: str) -> dict[str, str]:
        status, body = self.post("/lp/open", json.dumps({"protocols": protocols}).encode())
        assert status == 200, body
        opened: dict[str, str] = json.loads(body)
        self.path = f"/lp/{opened['transport']}"
        return opened

    def send(self, *message: Any) -> None:
        assert self.post(f"{self.path}/send", json.dumps(message).encode()) == (202, b"")

    def receive(self) -> Any:
        status, body = self.post(f"{self.path}/receive")
        assert status == 200, (status, body)
        return json.loads(body)

    def join(self, **details: Any) -> Http:
        self.open("wamp.2.json")
        self.send(1, "realm1", {"roles": ROLES, **details})
        assert self.receive()[0] == 2
        return self


Make = Callable[..., Http]


@pytest.fixture
def router() -> Iterator[Router]:
    with Router(longpoll=True, linger=0.1) as router:
        yield router


@pytest.fixture
def client(router: Router) -> Iterator[Make]:
    """Return what makes HTTP connections to a router, to `router` where none is named."""
    with ExitStack() as stack:
        ports: dict[int, int] = {}

        def make(to: Router = router) -> Http:
            if id(to) not in ports:
                ports[id(to)] = int(to.listen("tcp://127.0.0.1:0").rpartition(":")[2])
            http = Http(ports[id(to)])
            stack.callback(http.connection.close)
            return http

        yield make


# A session


def test_a_session_subscribes_calls_and_serves(router: Router, client: Make) -> None:
    http = client().join()
    http.send(32, 1, {}, "com.app.topic")
    assert http.receive()[:2] == [33, 1]
    http.send(64, 2, {}, "com.app.twice")
    assert http.receive()[:2] == [65, 2]
    with router.connect() as session:
        session.publish("com.app.topic", "a", b=1)
        assert http.receive()[4:] == [["a"], {"b": 1}]
        answers: list[Any] = []
        session.spawn(lambda: answers.append(session.call("com.app.twice", 4)))
        _, invocation, _, _, args = http.receive()
        http.send(70, invocation, {}, [2 * args[0]])
        eventually(lambda: answers == [8])
        http.send(16, 3, {"acknowledge": True, "exclude_me": False}, "com.app.topic", [3])
        assert {http.receive()[0], http.receive()[0]} == {17, 36}
    http.send(6, {}, "wamp.close.close_realm")
    assert http.receive() == [6, {}, "wamp.close.goodbye_and_out"]


def test_a_query_that_keeps_caches_away_is_ignored(client: Make) -> None:
    http = client()
    protocols = json.dumps({"protocols": ["wamp.2.json"]}).encode()
    status, body = http.post("/lp/open?x=382913", protocols, **{"Content-Type": "application/json"})
    assert status == 200
    http.path = f"/lp/{json.loads(body)['transport']}"
    assert http.post(f"{http.path}/send?x=1", json.dumps(HELLO).encode()) == (202, b"")
    status, body = http.post(f"{http.path}/receive?x=2")
    assert status == 200 and json.loads(body)[0] == 2
    assert http.post(f"{http.path}/close?x=3")[0] == 202


def test_messages_wait_in_order_and_are_handed_over_one_by_one(
    router: Router, client: Make
) -> None:
    http = client().join()
    http.send(32, 1, {}, "com.app.topic")
    assert http.receive()[0] == 33
    with router.connect() as session:
        for number in range(300):
            session.publish("com.app.topic", number, "x" * 3000)
        assert [http.receive()[4][0] for _ in range(300)] == list(range(300))


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
@pytest.mark.parametrize("is_batched", [False, True])
def test_each_protocol_of_the_text_is_spoken(
    serializer: str, is_batched: bool, router: Router, client: Make
) -> None:
    http, codec = client(), serializers.get(serializer)
    name = f"wamp.2.{serializer}{'.batched' if is_batched else ''}"
    assert http.open("wamp.2.ubjson", name, "wamp.2.json")["protocol"] == name
    is_text = serializer == "json"

    def body(*messages: list[Any]) -> bytes:
        payloads = [codec.dumps(message) for message in messages]
        if not is_batched:
            return payloads[0]
        return b"".join(batches.pack(is_text, payload) for payload in payloads)

    def receive() -> list[Any]:
        status, came = http.post(f"{http.path}/receive")
        assert status == 200 and http.headers["Content-Type"].startswith("application/")
        return list(map(codec.loads, batches.unpack(is_text, came) if is_batched else [came]))

    assert http.post(f"{http.path}/send", body(HELLO))[0] == 202
    [welcome] = receive()
    assert welcome[0] == 2
    assert http.post(f"{http.path}/send", body([32, 1, {}, "com.app.topic"]))[0] == 202
    assert receive()[0][0] == 33
    with router.connect() as session:
        for number in range(3):
            session.publish("com.app.topic", number)
    came: list[Any] = []
    while len(came) < 3:
        came += receive()
    assert [event[4] for event in came] == [[0], [1], [2]]
    if is_batched:
        more = [[32, 2, {}, "com.app.two"], [32, 3, {}, "com.app.three"]]
        assert http.post(f"{http.path}/send", body(*more))[0] == 202
        while len(came) < 5:
            came += receive()
        assert [message[1] for message in came[3:]] == [2, 3]


def test_a_request_waits_for_a_message(router: Router, client: Make) -> None:
    http = client().join()
    http.send(32, 1, {}, "com.app.topic")
    assert http.receive()[0] == 33
    with router.connect() as session:
        threading.Timer(0.3, session.publish, ["com.app.topic", "late"]).start()
        began = time.monotonic()
        assert http.receive()[4] == ["late"]
        assert time.monotonic() - began > 0.2


def test_a_request_is_answered_in_the_end_without_a_message(
    client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = client().join()
    monkeypatch.setattr(longpoll, "HOLD", 0.1)
    assert http.post(f"{http.path}/receive") == (204, b"")
    assert http.post(f"{http.path}/receive?x=382913") == (204, b"")


def test_a_session_says_what_carries_it(
    router: Router, client: Make, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "wamplite.router"):
        client().join()
    assert "longpoll, json" in caplog.text
    with router.connect(features="all") as session:
        [told] = [
            one["transport"] for one in session.meta.sessions() if one["session"] != session.id
        ]
    assert told["type"] == "longpoll" and told["peer"].startswith("127.0.0.1:")


# Its end


def test_close_ends_the_session(router: Router, client: Make) -> None:
    http = client().join()
    http.send(64, 1, {}, "com.app.proc")
    assert http.receive()[0] == 65
    assert http.post(f"{http.path}/close?x=1") == (202, b"")
    eventually(lambda: not router.sessions)
    for verb in ("send", "receive", "close"):
        status, said = http.post(f"{http.path}/{verb}", b"[1]")
        assert (status, said) == (404, f"{longpoll.OVER}\n".encode())


def test_what_the_router_said_last_is_handed_over_before_the_end(client: Make) -> None:
    http = client()
    http.open("wamp.2.json")
    http.send(1, "no.such.realm", {"roles": ROLES})
    assert http.receive()[::2] == [3, "wamp.error.no_such_realm"]
    assert http.post(f"{http.path}/receive")[0] == 404
    http.join()
    http.send("nonsense")
    assert http.receive()[::2] == [3, "wamp.error.protocol_violation"]
    assert http.post(f"{http.path}/receive")[0] == 404


def test_a_session_for_whose_messages_nobody_asks_ends(client: Make) -> None:
    with Router(longpoll=True, linger=0.1, ping_interval=0.2) as router:
        http = client(router).join()
        began = time.monotonic()
        for number in count(1):  # who asks stays
            http.send(48, number, {}, "com.app.none")
            assert http.receive()[:3] == [8, 48, number]
            if time.monotonic() - began > 1:
                break
        assert router.sessions == 1
        eventually(lambda: not router.sessions)
        assert http.post(f"{http.path}/receive")[0] == 404
        assert router.counters["sessions_not_polled"] == 1


def test_a_client_that_goes_away_while_it_waits_loses_no_message(
    router: Router, client: Make
) -> None:
    http, other = client().join(), client()
    other.path = http.path
    http.send(32, 1, {}, "com.app.topic")
    assert http.receive()[0] == 33
    http.connection.request("POST", f"{http.path}/receive")
    http.connection.close()
    with router.connect() as session:
        session.publish("com.app.topic", "kept")
    assert other.receive()[4] == ["kept"]


def test_who_asks_later_takes_over(router: Router, client: Make) -> None:
    http, other = client().join(), client()
    other.path = http.path
    http.send(32, 1, {}, "com.app.topic")
    assert http.receive()[0] == 33
    eventually(lambda: figures(router)["joining"] == 1)  # it waits for a request
    http.connection.request("POST", f"{http.path}/receive")
    eventually(lambda: figures(router)["joining"] == 0)
    thread = threading.Thread(target=lambda: came.append(other.receive()))
    came: list[Any] = []
    thread.start()
    with pytest.raises(ConnectionError):
        http.connection.getresponse()
    with router.connect() as session:
        session.publish("com.app.topic", "for the other")
    thread.join(PATIENCE)
    assert came[0][4] == ["for the other"]


def test_the_router_says_goodbye_to_who_waits(client: Make) -> None:
    with Router(longpoll=True, linger=0.1) as router:
        http = client(router).join()
        eventually(lambda: figures(router)["joining"] == 1)  # it waits for a request
        http.connection.request("POST", f"{http.path}/receive")
        eventually(lambda: figures(router)["joining"] == 0)
    answer = http.connection.getresponse()
    assert json.loads(answer.read())[::2] == [6, "wamp.close.system_shutdown"]


def test_a_router_ends_at_once_where_http_connections_only_wait(client: Make) -> None:
    with Router(longpoll=True, linger=0.1) as router:
        http = client(router).join()
        assert http.post(f"{http.path}/close")[0] == 202
        began = time.monotonic()
    assert time.monotonic() - began < 1


# What is refused


def test_without_the_option_nothing_is_served(client: Make) -> None:
    with Router() as router:
        status, said = client(router).post("/lp/open", b'{"protocols": ["wamp.2.json"]}')
        assert status == 405 and b"WebSocket at /ws" in said
        assert b"need --longpoll, in Python longpoll=True" in said


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"protocols": "wamp.2.json"}', b'{"protocols": [7, "wamp.2.xml"]}',
     b'{"protocols": ["json"]}', b" " * 5000 + b'{"protocols": ["wamp.2.json"]}'],
)  # fmt: skip
def test_open_says_what_it_expects(body: bytes, client: Make) -> None:
    http = client()
    status, said = http.post("/lp/open", body)
    assert status == 400 and b"one of wamp.2.json, wamp.2.msgpack" in said
    assert http.open("wamp.2.json")  # the connection goes on


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/lp/open", 405),
        ("POST", "/", 404),
        ("POST", "/lp", 404),
        ("POST", "/lp/", 404),
        ("POST", "/lp/open/receive/x", 404),
        ("POST", "/x/lp/open", 404),
        ("POST", "/lp/0123/receive", 404),
        ("POST", "/lp/0123/steal", 404),
        ("OPTIONS", "/lp/open", 405),
    ],
)
def test_other_requests_are_told_what_there_is(
    method: str, path: str, status: int, client: Make
) -> None:
    http = client()
    assert http.post("/lp/open", b"{}")[0] == 400
    http.connection.request(method, path)
    answer = http.connection.getresponse()
    said = answer.read()
    assert answer.status == status, said
    assert b"wamplite, a WAMP router" in said or b"no such session" in said


def test_a_body_that_is_no_message_fails_alone(client: Make) -> None:
    http = client()
    http.open("wamp.2.json.batched")
    for body in (b"", b"[1]", b"[1]\x1e[2]"):
        assert http.post(f"{http.path}/send", body)[0] == 400
    hello = json.dumps(HELLO).encode() + b"\x1e"
    assert http.post(f"{http.path}/send", hello)[0] == 202
    assert http.post(f"{http.path}/receive")[1].startswith(b"[2,")


def test_a_body_is_bounded(client: Make) -> None:
    with Router(longpoll=True, linger=0.1, max_message_size=1000) as router:
        http = client(router)
        http.open("wamp.2.json")
        status, said = http.post(f"{http.path}/send", b" " * 1001)
        assert status == 413 and b"at most 1000" in said
        assert http.headers["Connection"] == "close"


def test_places_are_for_all_that_connect(client: Make) -> None:
    with Router(longpoll=True, linger=0.1, max_connections_per_address=2) as router:
        http = client(router)
        http.open("wamp.2.json")
        status, said = http.post("/lp/open", b'{"protocols": ["wamp.2.json"]}')
        assert status == 503 and b"max_connections_per_address" in said
        assert http.headers["Retry-After"] == "5"
        assert http.post(f"{http.path}/close")[0] == 202
        eventually(lambda: connected(router) == 1)
        assert http.join()


def test_half_a_request_is_given_up_in_time(client: Make) -> None:
    with Router(longpoll=True, linger=0.1, handshake_timeout=0.3) as router:
        port = client(router).connection.port
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
            sock.sendall(b"POST /lp/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
            assert sock.recv(4096).startswith(b"HTTP/1.1 408 ")
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
            sock.sendall(b"POST")
            assert sock.recv(4096) == b""
        assert client(router).join()


def test_half_sent_bodies_count_to_what_all_hold(client: Make) -> None:
    with Router(longpoll=True, linger=0.1, max_buffered=300_000) as router, ExitStack() as stack:
        port = client(router).connection.port
        for _ in range(8):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
            head = b"POST /lp/x/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n"
            sock.sendall(head + bytes(100_000))
        eventually(lambda: router.counters.get("largest_holders", 0) >= 4)
        assert client(router).join()


# Bytes


def test_requests_may_be_sent_ahead_and_in_pieces(client: Make) -> None:
    http = client().join()
    one = f"POST {http.path}/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
    messages = [json.dumps([32, n, {}, f"com.app.t{n}"]) for n in (1, 2)]
    data = "".join(one % (len(text), text) for text in messages).encode()
    with socket.create_connection(("127.0.0.1", http.connection.port), PATIENCE) as sock:
        for position in range(0, len(data), 7):
            sock.sendall(data[position : position + 7])
        came = b""
        while came.count(b"HTTP/1.1 202 Accepted") < 2:
            came += sock.recv(4096)
    assert [http.receive()[1], http.receive()[1]] == [1, 2]


def test_chunks_and_expectations_are_understood(client: Make) -> None:
    http = client()
    with socket.create_connection(("127.0.0.1", http.connection.port), PATIENCE) as sock:
        sock.sendall(
            b"POST /lp/open HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert sock.recv(4096).startswith(b"HTTP/1.1 100 ")
        body = b'{"protocols": ["wamp.2.json"]}'
        sock.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_client_of_http_1_0_is_served_and_hung_up_on(client: Make) -> None:
    port = client().connection.port
    body = b'{"protocols": ["wamp.2.json"]}'
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.sendall(b"POST /lp/open HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        came = b""
        while data := sock.recv(4096):
            came += data
    assert came.startswith(b"HTTP/1.1 200 ") and b'"transport"' in came


def test_head_gets_headers_alone_and_the_connection_goes_on(client: Make) -> None:
    http = client()
    http.open("wamp.2.json")
    http.connection.request("HEAD", "/lp/open")
    answer = http.connection.getresponse()
    assert answer.status == 405 and int(answer.headers["Content-Length"]) > 0
    assert answer.read() == b""
    http.open("wamp.2.json")


def test_what_is_not_http_is_refused(client: Make) -> None:
    port = client().connection.port
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.sendall(b"POST /lp/open HTTP/1.1\r\nHost: a\r\nHost: b\r\n: nonsense\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 400 ")
        assert sock.recv(4096) == b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.sendall(b"POST /lp/open HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 65 + b"\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 431 ")


# Web pages


def test_a_page_of_the_router_is_served_and_answered_as_browsers_libraries_expect(
    client: Make,
) -> None:
    http = client()
    origin = f"http://127.0.0.1:{http.connection.port}"
    status, body = http.post("/lp/open", b'{"protocols": ["wamp.2.json"]}', Origin=origin)
    assert status == 200 and http.headers["Access-Control-Allow-Origin"] == origin
    path = f"/lp/{json.loads(body)['transport']}"
    assert http.post(f"{path}/send", json.dumps(HELLO).encode(), Origin=origin) == (204, b"")
    assert http.post(f"{path}/close", Origin=origin) == (204, b"")


def test_a_page_of_a_foreign_site_is_kept_out_unless_it_is_allowed(client: Make) -> None:
    page = {"Origin": "http://app.example"}
    status, said = client().post("/lp/open", b'{"protocols": ["wamp.2.json"]}', **page)
    assert status == 403 and b"--allow-origin" in said
    with Router(longpoll=True, allowed_origins=["http://app.example"]) as router:
        http = client(router)
        http.connection.request("OPTIONS", "/lp/open", headers=page)
        answer = http.connection.getresponse()
        answer.read()
        assert answer.status == 204 and answer.getheader("Access-Control-Allow-Methods") == "POST"
        assert answer.getheader("Access-Control-Allow-Headers") == "Content-Type"
        assert http.post("/lp/open", b'{"protocols": ["wamp.2.json"]}', **page)[0] == 200
        assert http.post("/lp/none/send", b"", **page)[0] == 404
        assert http.headers["Access-Control-Allow-Origin"] == "http://app.example"
        assert http.headers["Vary"] == "Origin"


# Other listeners


def test_it_is_served_within_tls(tmp_path: Any) -> None:
    cert, key = make_certificate(tmp_path)
    with Router(longpoll=True, linger=0.1) as router:
        url = router.listen("tls://127.0.0.1:0", cert=str(cert), key=str(key))
        context = ssl.create_default_context(cafile=str(cert))
        context.check_hostname = False
        http = Http(int(url.rpartition(":")[2]), context)
        try:
            http.join()
            with router.connect() as session:
                [told] = [one for one in session.meta.sessions() if one["session"] != session.id]
                assert told["transport"]["tls"] is True
        finally:
            http.connection.close()


def test_websocket_and_rawsocket_are_served_beside_it(router: Router, client: Make) -> None:
    port = client().connection.port
    for url in (f"ws://127.0.0.1:{port}/ws", f"rs://127.0.0.1:{port}"):
        with wamplite.connect(url) as session:
            assert session.realm == "realm1"


def test_a_listener_for_rawsocket_alone_serves_no_http(router: Router) -> None:
    http = Http(int(router.listen("rs://127.0.0.1:0").rpartition(":")[2]))
    with pytest.raises(ConnectionError):
        http.open("wamp.2.json")
    http.connection.close()
