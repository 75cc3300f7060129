"""`wamplite router`: what it prints, how it ends, what it refuses."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.sessions import open_session
from tests.processes import ROOT, RouterProcess, running, running_router, wamplite

Start = Callable[..., RouterProcess]


def refused(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        wamplite("router", *options), cwd=ROOT, capture_output=True, text=True, timeout=20
    )


def test_each_listener_is_told_with_its_real_port_and_then_ready(
    start_router: Start, tmp_path: Path
) -> None:
    path = tmp_path / "router.sock"
    router = start_router(listen=["tcp://127.0.0.1:0", "rs://127.0.0.1:0", f"unix://{path}"])
    first, second, third = router.urls
    assert first.startswith("tcp://127.0.0.1:") and not first.endswith(":0")
    assert second.startswith("rs://127.0.0.1:") and second != first
    assert third == f"unix://{path}"
    for family, address in (
        (socket.AF_INET, ("127.0.0.1", router.port)),
        (socket.AF_UNIX, str(path)),
    ):
        with socket.socket(family) as client:
            client.connect(address)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_goodbye_and_exit_code_0(number: int) -> None:
    with running_router() as router, joined(router) as client:
        router.interrupt(number)
        started = time.monotonic()
        assert b"GOODBYE" in names(rest_of(client))
        assert router.wait(5) == 0
        assert time.monotonic() - started < 5
        assert router.line() == "", "something else on stdout"


def test_a_second_signal_ends_it_at_once() -> None:
    with running(*wamplite("router", "--listen", "tcp://127.0.0.1:0")) as router:
        port = int(router.line().rpartition(":")[2])
        assert router.line() == "ready"
        # A peer that neither reads nor closes holds the end up for as long as it may.
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(HELLO)
            await_bytes(client, 5)
            router.interrupt(signal.SIGTERM)
            await_refusal(port)
            router.interrupt(signal.SIGTERM)
            assert router.wait(2) in (0, -signal.SIGTERM)


def test_without_options_it_serves_realm1_on_port_8080() -> None:
    with running(*wamplite("router")) as router:
        said = router.line()
        if not said:
            assert "8080" in router.stderr()  # somebody else has the port
        else:
            assert said == "listening tcp://127.0.0.1:8080"
            assert router.line() == "ready"


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--listen", "tcp://0.0.0.0:0"], "allow_anonymous_network=True"),
        (["--listen", "tcp://0.0.0.0:0"], "--allow-anonymous-network"),
        (["--listen", "8080"], "like tcp://127.0.0.1:8080"),
        (["--port", "8080"], "say --listen tcp://127.0.0.1:PORT"),
        (["--listen", "udp://127.0.0.1:0"], "scheme"),
        (["--listen", "tls://127.0.0.1:0"], "certificate"),
        (["--realm", "not a realm"], "realm"),
        (["--listen", "tcp://127.0.0.1:0", "--feature", "no_such"], "no_such"),
        (["--max-connections", "0"], "above 0"),
        (["--max-connections", "many"], "many"),
        (["surplus"], "surplus"),
        (["--log-level", "loud"], "loud"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_2(options: list[str], words: str) -> None:
    done = refused(*options)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_port_that_is_taken_is_named(start_router: Start) -> None:
    port = start_router().port
    done = refused("--listen", f"tcp://127.0.0.1:{port}")
    assert done.returncode == 2
    assert done.stderr == (
        f"wamplite: cannot listen on 127.0.0.1 port {port}: Address already in use:"
        " is another router running?\n"
    )


def test_the_help_names_every_feature() -> None:
    from wamplite.features import names

    shown = subprocess.run(
        wamplite("router", "--help"), cwd=ROOT, capture_output=True, text=True, timeout=20
    ).stdout
    assert all(name in shown for name in names())


def test_the_network_is_served_where_it_is_allowed(start_router: Start) -> None:
    router = start_router("--allow-anonymous-network", listen=["tcp://0.0.0.0:0"])
    assert router.urls == [f"tcp://0.0.0.0:{router.port}"]
    joined(router).close()


def test_connections_are_bounded_by_address(start_router: Start) -> None:
    router = start_router("--max-connections-per-address", "2")
    with joined(router), joined(router), pytest.raises((AssertionError, OSError)):
        joined(router).close()


def test_the_log_goes_to_stderr_and_stdout_stays_clean(start_router: Start) -> None:
    router = start_router("--log-level", "debug")
    with joined(router):
        pass
    router.interrupt(signal.SIGTERM)
    assert router.wait(5) == 0
    assert "listening on" in router.stderr()
    assert router.line() == ""


def test_a_stderr_that_is_closed_does_not_matter() -> None:
    reader, writer = os.pipe()
    command = wamplite("router", "--listen", "tcp://127.0.0.1:0", "--log-level", "debug")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=writer) as process:
        os.close(writer)
        os.close(reader)
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(b":")[2])
            for _ in range(3):
                open_and_join(port).close()
        finally:
            process.terminate()
        assert process.wait(5) == 0


HELLO_JSON = b'[1,"realm1",{"roles":{"caller":{}}}]'
HELLO = b"\x7f\xf1\0\0" + len(HELLO_JSON).to_bytes(4, "big") + HELLO_JSON


def joined(router: RouterProcess) -> socket.socket:
    """Return a socket that speaks RawSocket and JSON and has got its WELCOME."""
    return open_and_join(router.port)


def open_and_join(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    try:
        client.sendall(HELLO)
        head = await_bytes(client, 8)
        assert head[0] == 0x7F and head[1] & 0x0F == 1 and head[4] == 0
        assert await_bytes(client, int.from_bytes(head[5:8], "big")).startswith(b"[2,")
    except BaseException:
        client.close()
        raise
    return client


def await_bytes(client: socket.socket, number: int) -> bytes:
    data = b""
    while len(data) < number:
        more = client.recv(number - len(data))
        assert more, f"closed after {data!r}"
        data += more
    return data


def rest_of(client: socket.socket) -> bytes:
    data = b""
    while more := client.recv(65536):
        data += more
    return data


def names(data: bytes) -> bytes:
    """Return what a frame says, GOODBYE spelled out."""
    return data.replace(b"[6,", b"GOODBYE ")


def await_refusal(port: int) -> None:
    """Wait until nobody listens on the port any more."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
    raise TimeoutError(f"port {port} is still listening")


@pytest.mark.parametrize(("soft", "hard"), [(100, 4096), (100, 120)])
def test_descriptors_are_enough_for_all_connections_or_it_says_so(soft: int, hard: int) -> None:
    limited = f'ulimit -Sn {soft}; ulimit -Hn {hard}; exec "$@"'
    words = wamplite("router", "--listen", "tcp://127.0.0.1:0", "--max-connections", "1000")
    with running("bash", "-c", limited, "bash", *words) as router:
        assert router.lines(2)[1] == "ready"
        limits = Path(f"/proc/{router.pid}/limits").read_text().split("Max open files")[1].split()
        assert int(limits[0]) == min(1064, hard)
        router.interrupt()
        router.wait()  # what it logs is written by a thread of its own
        told = "max_connections is 1000, but `ulimit -Hn` allows 120 descriptors"
        assert (told in router.stderr()) == (hard == 120)


WATCHED = """
import atexit, gc, runpy

full = []


def note(phase, about):
    if phase == "stop" and about["generation"] == 2 and gc.get_freeze_count():
        full.append(about)


gc.callbacks.append(note)
atexit.register(lambda: print(len(full), gc.get_freeze_count()))
runpy.run_module("wamplite", run_name="__main__", alter_sys=True)
"""


def test_large_messages_have_not_all_objects_looked_at_for_garbage() -> None:
    """Nothing else runs while they are: 5 ms, and 30 with 1,000 sessions."""
    rows = [{"id": [number]} for number in range(15_000)]
    words = ["router", "--listen", "tcp://127.0.0.1:0"]
    with running(sys.executable, "-c", WATCHED, *words) as router:
        port = int(router.line().rpartition(":")[2])
        assert router.line() == "ready"
        one, other = (open_session(port, "rs-msgpack") for _ in range(2))
        with closing(one), closing(other):
            other.subscribe("com.topic")
            for number in range(8):  # of which two made for such a search
                one.say(16, number + 1, {}, "com.topic", [rows])
                assert other.hear()[4:] == [[rows]]
        router.interrupt(signal.SIGTERM)
        searched, spared = map(int, router.line().split())
        assert router.wait() == 0
    assert searched == 0 and spared > 10_000
