"""What systemd is told, received on a real datagram socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT, running, wamplite
from wamplite import notify

PATIENCE = 20.0


class Listener:
    """systemd's end of $NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.name = address.replace("\0", "@")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(PATIENCE)

    def next(self) -> str:
        return self._socket.recv(4096).decode()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["a path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    abstract = f"\0wamplite-test-{os.getpid()}"
    listener = Listener(abstract if request.param == "abstract" else str(tmp_path / "notify"))
    yield listener
    listener.close()


@pytest.fixture
def environment(systemd: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.name)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "400000")


@pytest.mark.usefixtures("environment")
def test_a_router_tells_that_it_is_ready_alive_and_stopping(systemd: Listener) -> None:
    with running(*wamplite("router", "--listen", "tcp://127.0.0.1:0")) as router:
        assert systemd.next() == "READY=1"
        began = time.monotonic()
        assert [systemd.next() for _ in range(3)] == ["WATCHDOG=1"] * 3
        assert time.monotonic() - began > 0.5
        router.interrupt(signal.SIGTERM)
        while (told := systemd.next()) == "WATCHDOG=1":
            continue
        assert told == "STOPPING=1"
        assert router.wait() == 0


@pytest.mark.usefixtures("environment")
def test_a_router_with_a_realm_that_does_not_route_gives_no_sign_of_life() -> None:
    from wamplite.cli.router import is_alive
    from wamplite.router import Router

    with Router(["realm1", "realm2"]) as router:
        assert is_alive(router, PATIENCE)
        routing = router.realms["realm2"]
        held, go_on = threading.Event(), threading.Event()
        routing.run(lambda: held.set() or go_on.wait(PATIENCE) and None)
        assert held.wait(PATIENCE) and not is_alive(router, 0.2)
        go_on.set()
        assert is_alive(router, PATIENCE)


@pytest.mark.usefixtures("environment")
def test_a_pulse_beats_twice_within_the_watchdogs_time(
    systemd: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse = notify.Pulse()
    assert notify.interval() == 0.2 and not pulse.is_due
    deadline = time.monotonic() + PATIENCE
    while not pulse.is_due:
        assert time.monotonic() < deadline
    pulse.beat()
    assert not pulse.is_due and systemd.next() == "WATCHDOG=1"
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    assert notify.interval() == 0.0


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/at/all", "@nobody-listens-here"])
def test_nobody_who_listens_is_no_trouble(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    assert notify.tell("READY=1") is False


def test_without_a_socket_no_sign_of_life_is_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    assert notify.interval() == 0.0 and not notify.Pulse().is_due


def test_nothing_is_imported_for_it() -> None:
    program = "import sys, wamplite.notify as n; n.tell('READY=1'); print('socket' in sys.modules)"
    environment = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.usefixtures("environment")
def test_a_bridge_tells_that_it_is_ready_alive_and_stopping(
    systemd: Listener, tmp_path: Path
) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text('[[port]]\nname = "gone"\ndevice = "/dev/ttyNOTHERE"\n')
    with running(*wamplite("bridge", str(file), "--stdout", "json")) as bridge:
        assert systemd.next() == "READY=1"
        assert [systemd.next() for _ in range(2)] == ["WATCHDOG=1"] * 2
        bridge.interrupt(signal.SIGTERM)
        while (told := systemd.next()) == "WATCHDOG=1":
            continue
        assert told == "STOPPING=1"
        assert bridge.wait() == 0


def test_a_bridge_whose_port_has_no_thread_is_not_alive(tmp_path: Path) -> None:
    from wamplite.bridge.bridge import Bridge
    from wamplite.bridge.settings import BridgeSettings, PortSettings
    from wamplite.cli.bridge import is_alive

    port = PortSettings(name="gone", device=str(tmp_path / "none"))
    with Bridge(BridgeSettings(ports=(port,)), sink=lambda events: None) as bridge:
        assert is_alive(bridge)
        assert bridge.ports["gone"].device.stop(PATIENCE)
        assert not is_alive(bridge)
