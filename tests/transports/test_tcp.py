"""What TCP connections are set to, and that a peer that vanished is found by it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from wamplite.transports.tcp import keep_alive, tune

NAMES = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
HALF_OPEN = """
import socket, subprocess, sys, time
import wamplite
from wamplite.transports.tcp import keep_alive, tune

def link(state):
    subprocess.run(["ip", "link", "set", "lo", state], check=True)

link("up")
with socket.create_server(("127.0.0.1", 0)) as listener:
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
for sock in (ours, theirs):
    tune(sock)
keep_alive(ours, 1.0)
ours.settimeout(30)
link("down")  # nothing arrives any more, and nobody is told
begun = time.monotonic()
try:
    ours.recv(1)
except ConnectionError as error:
    print("refused", error)
except TimeoutError as error:
    print("gone", error.errno, round(time.monotonic() - begun, 1))
"""


def test_tuning_sets_what_ends_a_vanished_peer() -> None:
    with socket.socket() as sock:
        tune(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        options = ("TCP_NODELAY", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
        values = [sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in options]
        assert values == [1, 30, 10, 3]
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_a_unix_socket_needs_no_tuning(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        tune(sock)  # every option of TCP would be an error


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (20.0, [20, 5, 3, 35_000]),
        (2.5, [2, 1, 3, 4375]),
        (0.1, [1, 1, 3, 1750]),
        (1e9, [32767, 8191, 3, 57_342_250]),
    ],
)
def test_a_peer_that_vanished_is_found_within_two_intervals(
    interval: float, expected: list[int]
) -> None:
    with socket.socket() as sock:
        keep_alive(sock, interval)
        values = [sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in NAMES]
    assert values == expected


def test_what_has_no_peer_in_another_machine_is_left_alone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        keep_alive(sock, 1.0)
    keep_alive(sock, 1.0)
    closed = socket.socket()
    closed.close()
    keep_alive(closed, 1.0)  # its end is told by who reads


@pytest.mark.skipif(
    shutil.which("unshare") is None or shutil.which("ip") is None,
    reason="no unshare and ip: a network of its own cannot be made",
)
def test_a_peer_whose_network_is_cut_is_gone_after_two_intervals() -> None:
    inside = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a network of their own")
    ran = subprocess.run(
        [*inside, sys.executable, "-c", HALF_OPEN], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    what, _, seconds = ran.stdout.split()
    assert what == "gone"
    assert 1.0 <= float(seconds) <= 3.0  # probes come at whole seconds
