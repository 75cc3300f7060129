"""/metrics over real connections: what it says to Prometheus, and to whom it says nothing."""

from __future__ import annotations

import socket
import ssl
import time
from base64 import b64encode
from functools import partial
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import wamplite
from tests.processes import running_router
from tests.transports.streams import Certificate
from wamplite.auth import Authorization, Permission, Role, User, Users, methods
from wamplite.router.connections import is_near
from wamplite.router.exposition import COUNTER, INCIDENTS, LISTENER, REALM, ROUTER, render

from .conftest import Connect, Start, Wire, eventually, figures

PASSWORD = "correct horse: battery"
STATS = Permission("wamplite.router.stats", allow=["call"])


class Answer:
    """What came back for a request, until the end of the connection."""

    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        line, *headers = head.decode().split("\r\n")
        self.status = int(line.split(" ")[1])
        self.headers = {key.lower(): said for key, said in (h.split(": ", 1) for h in headers)}
        self.text = self.body.decode()


def ask(url: str, *headers: str, method: str = "GET", path: str = "/metrics") -> Answer:
    request = [f"{method} {path} HTTP/1.1", *(headers or ["Host: 127.0.0.1"]), "", ""]
    return send(url, "\r\n".join(request).encode())


def send(url: str, *parts: bytes, tls: ssl.SSLContext | None = None) -> Answer:
    host, _, port = url.split("/")[2].rpartition(":")
    with socket.create_connection((host, int(port)), 10) as plain:
        sock = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        with sock:
            for part in parts:
                sock.sendall(part)
            data = b""
            while more := sock.recv(65536):
                data += more
    return Answer(data)


def told(user: str, password: str) -> str:
    """Return the header of a user."""
    return f"Authorization: basic {b64encode(f'{user}:{password}'.encode()).decode()}"


JOE, LIZ = told("joe", PASSWORD), told("liz", PASSWORD)


def guarded(start: Start, *anonymous: Permission, **settings: Any) -> Any:
    """Return a router where joe may call the procedure, and liz may not."""
    roles = [Role("scraper", (STATS,)), Role("other"), Role("guest", anonymous)]
    names = {"joe": "scraper", "liz": "other"}
    users = Users([User.of_password(name, role, PASSWORD) for name, role in names.items()])
    return start(
        features=["standard", partial(Authorization, roles)],
        authmethods=methods(users, ["ticket"], anonymous="guest"),
        **settings,
    )


def listening(router: Any, metrics: str = "realm1", url: str = "tcp://127.0.0.1:0") -> str:
    return str(router.listen(url, metrics=metrics))


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return what Prometheus's own parser reads, by name and labels."""
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_it_is_off_unless_the_listener_was_told(start: Start) -> None:
    router = start()
    answer = ask(router.listen("tcp://127.0.0.1:0"))
    assert answer.status == 404 and answer.text.startswith("This is wamplite")


def test_what_it_tells_is_read_by_the_parser_of_prometheus(start: Start, connect: Connect) -> None:
    router = start(realms=["realm1", "lab"])
    url = listening(router)
    wire = connect(url.replace("tcp", "rs")).join()
    wire.ask(32, 1, {}, "com.topic")
    answer = ask(url)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.headers["connection"] == "close"
    found = samples(answer.text)
    assert found["wamplite_info", (("version", wamplite.__version__),)] == 1
    assert found["wamplite_sessions", (("realm", "realm1"),)] == 1
    assert found["wamplite_sessions", (("realm", "lab"),)] == 0
    assert found["wamplite_messages_received_total", (("realm", "realm1"),)] == 1
    assert found["wamplite_connections", (("listener", url),)] == 2
    assert found["process_resident_memory_bytes", ()] > 10**6
    assert found["process_start_time_seconds", ()] == pytest.approx(time.time(), abs=30)
    assert found["wamplite_incidents_total", (("kind", "slow_consumers"),)] == 0


def test_every_figure_has_a_type_and_a_help_and_counters_end_in_total(start: Start) -> None:
    told = render(figures(start()))
    families = {one.name: one for one in text_string_to_metric_families(told)}
    for family in (*ROUTER, *REALM, *LISTENER):
        if family.kind == COUNTER:
            assert family.name.endswith("_total")
        told = families[family.name.removesuffix("_total")]
        assert told.type == family.kind and told.documentation == family.help and told.samples
    assert {s.labels["kind"] for s in families["wamplite_incidents"].samples} == set(INCIDENTS)


def test_names_are_escaped() -> None:
    figures = {"version": "1", "started": "2026-01-01T00:00:00.000Z", "joining": 0, "listeners": {}}
    figures |= {"queues": {}, "process": {}, "counters": {"odd": 3}}
    realm = 'com.\\"\n{}'
    text = render({**figures, "realms": {realm: {"sessions": 2}}})
    assert samples(text)["wamplite_sessions", (("realm", realm),)] == 2
    assert samples(text)["wamplite_incidents_total", (("kind", "odd"),)] == 3
    assert "wamplite_queued_bytes" not in text, "what is not known is not told"


def test_head_gets_the_headers_alone(start: Start) -> None:
    answer = ask(listening(start()), method="HEAD")
    assert answer.status == 200 and answer.body == b""
    assert int(answer.headers["content-length"]) > 1000
    assert ask(listening(guarded(start)), method="HEAD").body == b""


def test_a_request_may_come_in_pieces_or_in_absolute_form(start: Start) -> None:
    router = start()
    url = listening(router)
    host, _, port = url.removeprefix("tcp://").rpartition(":")
    with socket.create_connection((host, int(port)), 10) as sock:
        sent = 0
        for piece in (b"G", b"ET /met", b"rics?x=1 HTTP/1.1\r\nHost: loc"):
            sock.sendall(piece)
            sent += len(piece)
            eventually(lambda sent=sent: figures(router)["listeners"][url]["bytes_in"] == sent)
        sock.sendall(b"alhost\r\n\r\n")
        assert sock.recv(12) == b"HTTP/1.1 200"
    with socket.create_connection((host, int(port)), 10) as sock:
        sock.sendall(b"GET /met")
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(12) == b""
    assert send(url, b"GET http://localhost/metrics HTTP/1.0\r\n\r\n").status == 200


def test_beside_it_all_else_is_served_as_before(start: Start, connect: Connect) -> None:
    router = start(longpoll=True)
    url = listening(router)
    for place in (url.replace("tcp", "rs"), url.replace("tcp", "ws") + "/ws?/metrics"):
        connect(place).join()
    assert ask(url, path="/").status == 200
    assert ask(url, path="/metrics/more").status == 404
    close = ("Host: localhost", "Connection: close")
    assert ask(url, *close, method="POST").status == 404, "long-poll's own answer"
    eventually(lambda: router.sessions == 2)


def test_web_pages_and_names_that_are_not_ours_are_refused(start: Start) -> None:
    url = listening(start())
    page = ["Host: 127.0.0.1", "Origin: http://evil.example"]
    for headers in (page, ["Host: evil.example"], ["Host: a/b"]):
        answer = ask(url, *headers)
        assert answer.status in (400, 403) and "wamplite_" not in answer.text
    named = listening(start(allowed_hosts=["pi.example"]))
    assert ask(named, "Host: pi.example:80").status == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For: 10.0.0.9", "Via: 1.1 proxy", "Forwarded: x"])
def test_who_came_through_a_proxy_is_not_anonymous(start: Start, header: str) -> None:
    url = listening(guarded(start, STATS))
    assert ask(url, "Host: localhost", header).status == 401
    assert ask(url, "Host: localhost", header, JOE).status == 200


@pytest.mark.parametrize(
    ("address", "near"),
    [("", True), (None, True), ("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True)]
    + [("10.0.0.9", False), ("fe80::1%eth0", False), ("::ffff:10.0.0.9", False)],
)
def test_this_machine_is_known_by_its_address(address: str | None, near: bool) -> None:
    assert is_near(address) is near


def test_whose_role_may_call_the_procedure_reads(start: Start) -> None:
    url = listening(guarded(start))
    assert ask(url, "Host: evil.example", JOE).status == 200
    answer = ask(url, "Host: localhost", LIZ)
    assert answer.status == 403 and "role 'other' of realm realm1 may not call" in answer.text
    assert ask(url).status == 403
    assert ask(listening(guarded(start, STATS))).status == 200, "anonymous may be granted it, too"


@pytest.mark.parametrize(
    "header",
    [
        told("joe", "wrong"),
        told("nobody", PASSWORD),
        "Authorization: Basic",
        "Authorization: Basic *",
    ]
    + ["Authorization: Basic am9l", "Authorization: Bearer correct-horse-battery"],
)
def test_who_cannot_prove_who_it_is_reads_nothing(
    start: Start, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    router = guarded(start, STATS)
    answer = ask(listening(router), "Host: localhost", header)
    assert answer.status == 401 and "wamplite_" not in answer.text
    assert answer.headers["www-authenticate"].startswith('Basic realm="wamplite"')
    assert router.counters.get("bad_logins", 0) == (header in HEADERS_OF_USERS)
    assert PASSWORD not in caplog.text and "am9l" not in caplog.text


HEADERS_OF_USERS = told("joe", "wrong"), told("nobody", PASSWORD)


def test_who_guesses_is_slowed(start: Start) -> None:
    router = guarded(start, login_delay=0.05)
    url = listening(router)
    for _ in range(2):
        assert ask(url, "Host: localhost", told("joe", "wrong")).status == 401
    assert router.counters["logins_delayed"] == 1
    assert router.sessions == 0, "nobody has joined for it"


def test_beyond_loopback_a_password_passes_within_tls_alone(
    start: Start, certificate: Certificate
) -> None:
    files = {"cert": str(certificate.cert), "key": str(certificate.key)}
    router = guarded(start, STATS)
    secure = router.listen("tls://0.0.0.0:0", metrics="realm1", **files)
    context = ssl.create_default_context(cafile=files["cert"])
    for header, status in (JOE, 200), ("X-Nothing: x", 401):
        request = f"GET /metrics HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode()
        assert send(secure.replace("0.0.0.0", "127.0.0.1"), request, tls=context).status == status
    plain = router.listen("ws://0.0.0.0:0", metrics="realm1", allow_anonymous_network=True).replace(
        "0.0.0.0", "127.0.0.1"
    )
    assert ask(plain, "Host: localhost", JOE).status == 401
    assert ask(plain).status == 200


@pytest.mark.parametrize(
    ("url", "metrics", "words"),
    [
        ("rs://127.0.0.1:0", "realm1", "serves no HTTP"),
        ("serial:///dev/ttyS0", "realm1", "serves no HTTP"),
        ("tcp://127.0.0.1:0", "other", "there is no realm 'other'"),
    ],
)
def test_what_nobody_could_read_is_refused(
    start: Start, url: str, metrics: Any, words: str
) -> None:
    with pytest.raises(wamplite.UsageError, match=words):
        start().listen(url, metrics=metrics)


def test_a_realm_that_has_gone_lets_nobody_read(start: Start) -> None:
    router = start(realms=["realm1", "lab"])
    url = listening(router, "lab")
    assert ask(url).status == 200
    router.remove_realm("lab")
    assert ask(url).status == 401


def test_the_command_line_names_the_realm() -> None:
    urls = ("tcp://127.0.0.1:0", "rs://127.0.0.1:0")
    with running_router("--metrics", "realm1", listen=urls) as router:
        assert ask(router.urls[0]).status == 200
        Wire(router.rs).join().close()


def test_the_option_holds_for_the_listeners_of_a_file_too(tmp_path: Any) -> None:
    path = tmp_path / "wamplite.toml"
    path.write_text('[[listener]]\nurl = "tcp://127.0.0.1:0"\n')
    words = ("-c", str(path), "--metrics", "realm1")
    with running_router(*words, listen=(), realms=()) as router:
        assert ask(router.urls[0]).status == 200
