"""/metrics over real connections: what it says to Prometheus, and to whom it says nothing."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import wamplite
from tests.processes import running_router
from tests.transports.streams import Certificate
from wamplite.router.connections import is_near
from wamplite.router.exposition import COUNTER, INCIDENTS, LISTENER, REALM, ROUTER, render

from .conftest import Connect, Start, Wire, eventually, figures

TOKEN = "correct-horse-battery"


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


def listening(router: Any, metrics: bool | str = True, url: str = "tcp://127.0.0.1:0") -> str:
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
    assert ask(listening(start(), TOKEN), method="HEAD").body == b""


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
def test_what_came_through_a_proxy_needs_a_token(start: Start, header: str) -> None:
    assert ask(listening(start()), "Host: localhost", header).status == 403
    headers = ("Host: localhost", header, f"Authorization: bearer {TOKEN}")
    assert ask(listening(start(), TOKEN), *headers).status == 200


@pytest.mark.parametrize(
    ("address", "near"),
    [("", True), (None, True), ("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True)]
    + [("10.0.0.9", False), ("fe80::1%eth0", False), ("::ffff:10.0.0.9", False)],
)
def test_this_machine_is_known_by_its_address(address: str | None, near: bool) -> None:
    assert is_near(address) is near


@pytest.mark.parametrize(
    "told", [None, "Basic am9lOnNlY3JldA==", "Bearer", "Bearer wrong-horse-battery", TOKEN]
)
def test_with_a_token_only_who_has_it_reads(
    start: Start, told: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    url = listening(start(), TOKEN)
    headers = ["Host: 127.0.0.1", *([f"Authorization: {told}"] if told else [])]
    answer = ask(url, *headers)
    assert answer.status == 401 and "wamplite_" not in answer.text
    assert answer.headers["www-authenticate"] == 'Bearer realm="wamplite"'
    assert ask(url, "Host: evil.example", f"Authorization: Bearer {TOKEN}").status == 200
    assert TOKEN not in caplog.text


def test_within_tls_a_token_may_come_from_the_network(
    start: Start, certificate: Certificate
) -> None:
    files = {"cert": str(certificate.cert), "key": str(certificate.key)}
    router = start(allow_anonymous_network=True)
    url = router.listen("tls://0.0.0.0:0", metrics=TOKEN, **files)
    request = f"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    context = ssl.create_default_context(cafile=files["cert"])
    answer = send(url.replace("0.0.0.0", "127.0.0.1"), request.encode(), tls=context)
    assert answer.status == 200 and "wamplite_sessions" in answer.text


@pytest.mark.parametrize(
    ("url", "metrics", "words"),
    [
        ("tcp://0.0.0.0:0", True, "needs a token"),
        ("ws://0.0.0.0:0", TOKEN, "without TLS"),
        ("rs://127.0.0.1:0", True, "serves no HTTP"),
        ("serial:///dev/ttyS0", True, "serves no HTTP"),
        ("tcp://127.0.0.1:0", "short", "16 or more"),
        ("tcp://127.0.0.1:0", "with spaces and quotes", "16 or more"),
        ("tcp://127.0.0.1:0", 5, "16 or more"),
    ],
)
def test_what_would_not_be_safe_is_refused(
    start: Start, url: str, metrics: Any, words: str
) -> None:
    router = start(allow_anonymous_network=True)
    with pytest.raises(wamplite.UsageError, match=words):
        router.listen(url, metrics=metrics)


def test_the_command_line_takes_a_token_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    urls = ("tcp://127.0.0.1:0", "rs://127.0.0.1:0")
    with running_router("--metrics-token", str(path), listen=urls) as router:
        url = router.urls[0]
        assert ask(url).status == 401
        answer = ask(url, "Host: localhost", f"Authorization: Bearer {TOKEN}")
        assert answer.status == 200
        Wire(router.rs).join().close()
    with running_router("--metrics") as router:
        assert ask(router.urls[0]).status == 200


def test_the_option_holds_for_the_listeners_of_a_file_too(tmp_path: Any) -> None:
    path = tmp_path / "wamplite.toml"
    path.write_text('[[listener]]\nurl = "tcp://127.0.0.1:0"\n')
    with running_router("-c", str(path), "--metrics", listen=(), realms=()) as router:
        assert ask(router.urls[0]).status == 200


def test_a_token_that_all_can_read_is_refused(tmp_path: Any) -> None:
    from tests.cli.asking import run

    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o644)
    done = run("router", "--listen", "tcp://127.0.0.1:0", "--metrics-token", str(path))
    assert done.returncode == 2 and "chmod 600" in done.stderr
