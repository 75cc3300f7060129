"""Who may reach a router: TLS files, origins and hosts, as the command line sets them."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import ROOT, RouterProcess, wamplite
from tests.transports.streams import make_certificate

Start = Callable[..., RouterProcess]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        wamplite(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=30
    )


@pytest.mark.parametrize("scheme", ["rss", "wss"])
def test_tls_serves_those_who_trust_its_certificate(
    start_router: Start, tmp_path: Path, scheme: str
) -> None:
    made = make_certificate(tmp_path)
    files = ["--cert", made.cert, "--key", made.key]
    router = start_router(*files, listen=["tls://127.0.0.1:0"])
    url = f"{scheme}://localhost:{router.port}" + ("/ws" if scheme == "wss" else "")
    words = ["pub", "com.example.t", "--url", url, "--timeout", "10"]
    assert run(*words, "--ca", made.cert).returncode == 0
    stranger = run(*words)
    assert stranger.returncode == 3
    assert "certificate" in stranger.stderr.lower() and "Traceback" not in stranger.stderr


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.pem")
    done = run("router", "--listen", "tls://127.0.0.1:0", "--cert", missing, "--key", missing)
    assert done.returncode == 2
    assert missing in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "host", "origin", "status"),
    [
        ([], "127.0.0.1", None, "101"),
        ([], "127.0.0.1", "http://evil.example", "403"),
        (["--allow-origin", "http://evil.example"], "127.0.0.1", "http://evil.example", "101"),
        (["--allow-origin", "*"], "127.0.0.1", "http://evil.example", "101"),
        ([], "pi.example", "http://pi.example", "403"),
        (["--allow-host", "pi.example"], "pi.example", "http://pi.example", "101"),
    ],
)
def test_origins_and_hosts_are_those_that_are_allowed(
    start_router: Start, options: list[str], host: str, origin: str | None, status: str
) -> None:
    router = start_router(*options)
    key = base64.b64encode(os.urandom(16)).decode()
    request = f"GET /ws HTTP/1.1\r\nHost: {host}:{router.port}\r\nUpgrade: websocket\r\n"
    request += f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
    request += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: wamp.2.json\r\n"
    request += f"Origin: {origin}:{router.port}\r\n" if host in (origin or "") else ""
    request += f"Origin: {origin}\r\n" if origin and host not in origin else ""
    with socket.create_connection(("127.0.0.1", router.port), timeout=10) as client:
        client.sendall(f"{request}\r\n".encode())
        answer = b""
        while b"\r\n" not in answer:
            more = client.recv(4096)
            assert more, answer
            answer += more
    assert answer.split()[1].decode() == status


def test_an_origin_that_no_page_can_have_is_a_usage_error() -> None:
    done = run("router", "--listen", "tcp://127.0.0.1:0", "--allow-origin", "example.com")
    assert done.returncode == 2
    assert "an origin is scheme://host" in done.stderr and "Traceback" not in done.stderr
