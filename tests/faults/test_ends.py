"""The process ends, and comes again: items 80 and 81 of the catalogue."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.faults.scale import scaled
from tests.faults.sessions import Session, Stopwatch, open_session
from tests.faults.wire import Closed
from tests.processes import RouterProcess
from tests.waiting import until

SHUTDOWN = "wamp.close.system_shutdown"
BACK = 10.0  # seconds


@pytest.fixture(autouse=True)
def bystander() -> None:
    """Nobody stands by where the router ends."""


class Publisher:
    """Publishes to a topic of its own until the router says GOODBYE, one at a time."""

    def __init__(self, port: int, number: int) -> None:
        self.topic = f"faults.stored.n{number}"
        self.session = open_session(port, "ws-json" if number % 2 else "rs-msgpack")
        self.acknowledged: list[int] = []
        self.goodbye: list[Any] = []
        self.thread = threading.Thread(target=self._run, name=self.topic)
        self.thread.start()

    def _run(self) -> None:
        number = 0
        while not self.goodbye:
            number += 1
            self.session.say(16, number, {"acknowledge": True}, self.topic, [number])
            try:
                self._take(number)
            except Closed:
                return

    def _take(self, number: int) -> None:
        while True:
            answer = self.session.hear()
            if answer[:2] == [17, number]:
                self.acknowledged.append(number)
                return
            if answer[0] == 6:
                self.goodbye = answer
                self.session.say(6, {}, "wamp.close.goodbye_and_out")


def stored(port: int, topic: str) -> list[int]:
    with wamplite.connect(f"rs://127.0.0.1:{port}") as session:
        return [event["args"][0] for event in session.meta.history(topic, limit=10**6)]


def test_80_a_signal_under_traffic_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    options = ("--history", "prefix:faults.stored", "--keep", str(tmp_path))
    listen = ("tcp://127.0.0.1:0",)
    router = RouterProcess(*options, listen=listen, realms=["realm1"])
    try:
        router.await_ready()
        publishers = [Publisher(router.port, number) for number in range(10)]
        idle = [open_session(router.port, "ws-msgpack") for _ in range(10)]
        until(lambda: all(len(each.acknowledged) > 20 for each in publishers))
        watch = Stopwatch()
        router.interrupt(signal.SIGTERM)
        for session in idle:
            assert session.hear()[::2] == [6, SHUTDOWN]
            session.say(6, {}, "wamp.close.goodbye_and_out")
            session.close()
        for publisher in publishers:
            publisher.thread.join(10)
            assert publisher.goodbye[::2] == [6, SHUTDOWN]
            publisher.session.close()
        assert router.wait() == 0
        assert watch.seconds < 5
        assert "Traceback" not in router.stderr()
    finally:
        router.stop()
    again = RouterProcess(*options, listen=listen, realms=["realm1"])
    try:
        again.await_ready()
        for publisher in publishers:
            kept = stored(again.port, publisher.topic)
            wanted = publisher.acknowledged[-100:]  # of one topic so many are kept
            assert (
                kept[-len(wanted) - 1 :][: len(wanted)] == wanted or kept[-len(wanted) :] == wanted
            )
    finally:
        again.stop()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[list[wamplite.Component]]:
    """Give components that are to be started, with a procedure each."""
    found: list[wamplite.Component] = []
    with ExitStack() as stack:
        stack.callback(lambda: [service.stop() for service in found])
        yield found


def test_81_after_kill_9_all_come_back_and_serve(
    services: list[wamplite.Component], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    listen = [f"tcp://127.0.0.1:{port}", f"unix://{tmp_path}/socket"]
    router = RouterProcess(listen=listen, realms=["realm1"])
    try:
        router.await_ready()
        urls = [router.rs, router.ws, f"unix://{tmp_path}/socket"]
        for number in range(12):
            service = wamplite.Component(urls[number % 3], initial_retry_delay=0.2)
            service.register(f"faults.service.n{number}", lambda number=number: number)
            service.start()
            services.append(service)
        for _ in range(scaled(2, 20)):
            until(lambda: all(service.session for service in services))
            router.process.kill()
            router.stop()
            until(lambda: not any(service.session for service in services))
            router = RouterProcess(listen=listen, realms=["realm1"])
            router.await_ready()  # the port and the stale socket are no obstacle
            watch = Stopwatch()
            with wamplite.connect(router.rs) as caller:
                for number in range(12):
                    until(lambda number=number: is_answered(caller, number))
            assert watch.seconds < BACK
    finally:
        router.stop()


def is_answered(caller: wamplite.Session, number: int) -> bool:
    try:
        return bool(caller.call(f"faults.service.n{number}") == number)
    except wamplite.ApplicationError as error:
        assert error.error == "wamp.error.no_such_procedure"
        return False


def test_81_a_socket_that_is_in_use_is_not_replaced(tmp_path: Path) -> None:
    listen = [f"unix://{tmp_path}/socket"]
    router = RouterProcess(listen=listen, realms=["realm1"])
    second = RouterProcess(listen=listen, realms=["realm1"])
    try:
        codes = {process.line().partition(" ")[0] or process.wait() for process in (router, second)}
        assert codes == {"listening", 2}
        session: Session = open_session(str(tmp_path / "socket"), "rs-json")
        assert session.is_served()
        session.close()
    finally:
        router.stop()
        second.stop()
