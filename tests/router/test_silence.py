"""Who is pinged when silent, who is not, and how either is found when it has gone."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.processes import ROOT, wamplite
from tests.transports.streams import receive_all, receive_exactly
from wamplite.router import listen_urls
from wamplite.router.limits import Limits
from wamplite.router.silence import Silence, Verdict
from wamplite.transports.rawsocket_frames import PING, PONG, frame

from .conftest import MS, Connect, Start, connections, eventually, socket_of

HELLO = b'[1,"realm1",{"roles":{"caller":{}}}]'
INTERVAL = 100 * MS
SILENCE = 5 * INTERVAL


def enter(url: str) -> socket.socket:
    """Join over RawSocket as a peer that knows no PING, and read WELCOME."""
    if url.startswith("unix"):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(url.removeprefix("unix://"))
    else:
        sock = socket.create_connection(("127.0.0.1", listen_urls.parse(url).port), 5)
    sock.settimeout(10)
    sock.sendall(b"\x7f\xf1\0\0" + frame(HELLO))
    assert receive_exactly(sock, 4)[0] == 0x7F
    size = int.from_bytes(receive_exactly(sock, 4), "big")
    assert receive_exactly(sock, size).startswith(b"[2,")
    return sock


def arrived(sock: socket.socket) -> bytes:
    """Return what has come and was not read."""
    sock.setblocking(False)
    try:
        return sock.recv(4096)
    except BlockingIOError:
        return b"nothing"
    finally:
        sock.settimeout(10)


@pytest.mark.parametrize("scheme", ["rs", "unix"])
def test_a_rawsocket_peer_that_may_know_no_ping_lives_in_silence(
    start: Start, tmp_path: Path, scheme: str
) -> None:
    router = start(ping_interval=INTERVAL)
    url = router.url if scheme == "rs" else router.listen(f"unix://{tmp_path}/router")
    with enter(url) as silent:
        time.sleep(SILENCE)
        assert arrived(silent) == b"nothing"
        silent.sendall(frame(b'[48,1,{},"com.nobody"]'))
        size = int.from_bytes(receive_exactly(silent, 4), "big")
        assert b"no_such_procedure" in receive_exactly(silent, size)
    assert "pings_unanswered" not in router.counters


@pytest.mark.parametrize("kind", [PING, PONG])
def test_who_has_once_sent_a_ping_or_pong_is_pinged_and_lost(start: Start, kind: int) -> None:
    router = start(ping_interval=INTERVAL)
    with enter(router.url) as peer:
        begun = time.monotonic()
        peer.sendall(frame(b"x", kind))
        answer = frame(b"x", PONG) if kind == PING else b""
        assert receive_all(peer) == answer + frame(b"", PING)
        assert time.monotonic() - begun >= 2 * INTERVAL - 20 * MS
    assert router.counters["pings_unanswered"] == 1


def test_over_websocket_everybody_is_pinged(start: Start, connect: Connect) -> None:
    router = start(ping_interval=INTERVAL)
    wire = connect(router.listen("ws://127.0.0.1:0")).join()
    assert wire.stream.lost is None
    eventually(lambda: router.counters.get("pings_unanswered") == 1)


@pytest.mark.parametrize("interval", [7.0, 0])
def test_the_kernel_watches_over_who_is_not_pinged(start: Start, interval: float) -> None:
    router = start(ping_interval=interval)
    with enter(router.url):
        [connection] = connections(router)
        names = (socket.TCP_KEEPIDLE, socket.TCP_USER_TIMEOUT)
        with socket_of(connection.stream) as sock:
            values = [sock.getsockopt(socket.IPPROTO_TCP, name) for name in names]
    assert values == ([7, 12_250] if interval else [30, 30_000])


def test_the_usual_interval_is_one_that_the_kernel_can_keep() -> None:
    assert 1 <= Limits().ping_interval <= 32767


@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_a_client_of_ours_that_is_stopped_is_gone(start: Start, scheme: str) -> None:
    router = start(ping_interval=10 * INTERVAL)
    url = router.url if scheme == "rs" else router.listen("ws://127.0.0.1:0/ws")
    words = wamplite("sub", "com.topic", "--url", url)
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL) as client:
        try:
            eventually(lambda: router.sessions == 1, 20)
            client.send_signal(signal.SIGSTOP)
            eventually(lambda: router.sessions == 0, 10)
        finally:
            client.kill()
    assert router.counters["pings_unanswered"] == 1


def test_who_answers_no_ping_is_gone_after_twice_the_interval() -> None:
    silence = Silence()
    assert silence.judge(109.0, 100.0, 10.0) == (Verdict.FINE, 110.0)
    assert silence.judge(110.0, 100.0, 10.0) == (Verdict.PING, 120.0)
    assert silence.judge(115.0, 100.0, 10.0) == (Verdict.FINE, 120.0)
    assert silence.judge(120.1, 100.0, 10.0) == (Verdict.GONE, 120.0)


def test_a_process_that_stood_still_asks_before_it_gives_anybody_up() -> None:
    silence = Silence()
    assert silence.judge(500.0, 100.0, 10.0) == (Verdict.PING, 510.0)
    assert silence.judge(900.0, 100.0, 10.0) == (Verdict.FINE, 910.0)  # late: maybe it did answer
    assert silence.judge(910.0, 905.0, 10.0) == (Verdict.FINE, 915.0)  # so it had
    assert silence.judge(915.0, 905.0, 10.0) == (Verdict.PING, 925.0)
    assert silence.judge(925.0, 905.0, 10.0) == (Verdict.GONE, 925.0)
