"""`wamplite bridge`: many ports, one session, whatever becomes of either."""

from __future__ import annotations

import random
import re
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.bridge.pseudo import PseudoDevice, feed
from tests.processes import Program, RouterProcess, running_router
from tests.processes import wamplite as command
from tests.waiting import PATIENCE, until
from wamplite.bridge.decoding.decoder import DECODERS

KILLS = 20
NMEA = DECODERS["nmea"].made()

PORT = """
[[port]]
name = "{name}"
device = "{device}"
decode = {{kind = "nmea"}}
  [[port.publish]]
  topic = "test.{name}"
"""


class Site:
    """A folder with devices and a configuration, and the programs that run there."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.stack = stack
        self.devices: list[PseudoDevice] = []

    def plug(self, number: int) -> list[PseudoDevice]:
        self.devices = [
            self.stack.enter_context(PseudoDevice(self.folder, f"tty{n}")).plug()
            for n in range(number)
        ]
        return self.devices

    def run(self, url: str, buffer: str = "", await_open: bool = True) -> Program:
        text = f'[session]\nurl = "{url}"\nserializer = "msgpack"\n[buffer]\n{buffer}\n'
        for n, device in enumerate(self.devices):
            text += PORT.format(name=f"p{n}", device=device.path)
        file = self.folder / "bridge.toml"
        file.write_text(text)
        program = Program(sys.executable, "-X", "dev", *command("bridge", str(file))[1:])
        self.stack.callback(program.stop)
        if await_open:
            number = len(self.devices)
            program.await_stderr(": open at", number)
        return program


class Arrivals:
    """A subscriber: numbers of the sentences, by port, in the order they came."""

    def __init__(self, url: str, ports: int) -> None:
        self.events: list[list[wamplite.Event]] = [[] for _ in range(ports)]
        self.session = wamplite.connect(url)
        for n in range(ports):
            self._subscribe(n)

    def _subscribe(self, n: int) -> None:
        def on_event(event: wamplite.Event) -> None:
            self.events[n].append(event)

        self.session.subscribe(f"test.p{n}", on_event)

    def numbers(self, port: int, resent: bool = True) -> list[int]:
        return [
            int(event.kwargs["fields"][3])
            for event in self.events[port]
            if resent or "_resent" not in event.kwargs
        ]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path, stack)


def end(program: Program) -> dict[str, dict[str, int]]:
    """End a bridge with SIGTERM, in time and without a trace; return the counts by device."""
    began = time.monotonic()
    program.interrupt(signal.SIGTERM)
    assert program.wait() == 0, program.stderr()
    assert time.monotonic() - began < 2.0
    told = program.stderr()
    assert "Traceback" not in told and "Warning" not in told, told
    counts = {}
    for line in told.splitlines():
        if found := re.search(r"(tty\d+): (frames=.*)$", line):
            counts[found[1]] = {key: int(n) for key, n in re.findall(r"(\w+)=(\d+)", found[2])}
    for of in counts.values():
        assert of["read"] == of["published"] + of["dropped"] + of["waiting"], counts
    return counts


def test_several_ports_arrive_each_in_order_and_one_bad_port_stops_none(
    site: Site, router_process: RouterProcess, stack: ExitStack
) -> None:
    devices = site.plug(3)
    devices[1].pull()
    arrivals = Arrivals(router_process.rs, 3)
    stack.callback(arrivals.session.leave)
    bridge = site.run(router_process.rs, await_open=False)
    bridge.await_stderr(": open at", 2)
    for start in range(0, 400, 100):
        feed(devices[0], range(start, start + 100))
        feed(devices[2], range(start, start + 100))
    until(lambda: [len(events) for events in arrivals.events] == [400, 0, 400], "all arrived")
    devices[1].plug()
    bridge.await_stderr(": open at", 3)
    feed(devices[1], range(5))
    until(lambda: arrivals.numbers(1) == list(range(5)), "arrived")
    assert arrivals.numbers(0) == arrivals.numbers(2) == list(range(400))
    counts = end(bridge)
    assert [counts[f"tty{n}"]["published"] for n in range(3)] == [400, 5, 400]


def test_a_router_that_comes_back_is_joined_within_3_seconds(site: Site) -> None:
    (device,) = site.plug(1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        bridge = site.run(f"rs://127.0.0.1:{port}")
        feed(device, range(10))
        server.settimeout(PATIENCE)
        server.accept()[0].close()
        pause, began = 0.0, time.monotonic()
        while pause < 1.4:  # seconds; the longest one is 2, give or take what is drawn at random
            server.accept()[0].close()
            pause, began = time.monotonic() - began, time.monotonic()
    listen = [f"tcp://127.0.0.1:{port}"]
    with running_router(listen=listen) as router:
        began = time.monotonic()
        bridge.await_stderr("joined realm1")
        assert time.monotonic() - began < 3.0
        arrivals = Arrivals(router.rs, 1)
        feed(device, range(10, 20))
        until(lambda: arrivals.numbers(0)[-1:] == [19], "arrived")
        assert end(bridge)["tty0"]["published"] == 20
        arrivals.session.leave()


def test_sigterm_with_a_router_that_is_away_leaves_all_in_the_file(
    site: Site, stack: ExitStack
) -> None:
    (device,) = site.plug(1)
    path = site.folder / "outbox"
    bridge = site.run(f"unix://{site.folder}/absent", f'path = "{path}"')
    feed(device, range(150))
    until(lambda: not device.unread(), "read")
    assert end(bridge)["tty0"]["waiting"] == 150
    router = stack.enter_context(running_router())
    arrivals = Arrivals(router.rs, 1)
    stack.callback(arrivals.session.leave)
    bridge = site.run(router.rs, f'path = "{path}"')
    until(lambda: arrivals.numbers(0) == list(range(150)), "arrived, in order")
    assert arrivals.numbers(0, resent=False) == list(range(150)), "nothing was sent before"
    counts = end(bridge)["tty0"]
    assert (counts["read"], counts["published"], counts["frames"]) == (150, 150, 0)


def test_sigterm_with_a_router_that_stalls_ends_in_time_and_marks_what_was_sent(
    site: Site, start_router: Callable[..., RouterProcess], stack: ExitStack
) -> None:
    (device,) = site.plug(1)
    path = site.folder / "outbox"
    stalled, other = start_router(), start_router()
    bridge = site.run(stalled.rs, f'path = "{path}"')
    bridge.await_stderr("joined realm1")
    feed(device, range(10))
    until(lambda: call_stats(stalled.rs).get("published") == 10, "published")
    stalled.interrupt(signal.SIGSTOP)
    feed(device, range(10, 20))
    until(lambda: not device.unread(), "read")
    time.sleep(0.1)  # and sent
    assert end(bridge)["tty0"]["waiting"] == 10
    stalled.interrupt(signal.SIGCONT)
    arrivals = Arrivals(other.rs, 1)
    stack.callback(arrivals.session.leave)
    bridge = site.run(other.rs, f'path = "{path}"')
    until(lambda: arrivals.numbers(0) == list(range(10, 20)), "arrived, in order")
    assert not arrivals.numbers(0, resent=False), "sent before, and marked"
    end(bridge)


def call_stats(url: str) -> dict[str, Any]:
    """Return a port's figures; none while the bridge has joined and not registered yet."""
    stats: dict[str, Any] = {}
    with wamplite.connect(url) as session, suppress(wamplite.NoSuchProcedure):
        stats = session.call("wamplite.bridge.p0.stats")
    return stats


@pytest.mark.long
def test_kill_9_at_random_moments_loses_nothing_that_was_stored_and_keeps_the_order(
    site: Site, stack: ExitStack
) -> None:
    """The router is there in every other round; what the file held at each kill must arrive."""
    chance = random.Random(9)
    (device,) = site.plug(1)
    path, link = site.folder / "outbox", site.folder / "link"
    router = stack.enter_context(running_router(listen=[f"unix://{site.folder}/router"]))
    arrivals = Arrivals(router.urls[0], 1)
    stack.callback(arrivals.session.leave)
    feeder = Feeder(device)
    stack.callback(feeder.stop)
    stored: set[int] = set()
    buffer = f'path = "{path}"\nmax_messages = 100000\nmax_bytes = 100000000'
    for turn in range(KILLS):
        if turn % 2:
            link.symlink_to(site.folder / "router")
        bridge = site.run(f"unix://{link}", buffer)
        time.sleep(chance.uniform(0.0, 1.2))
        bridge.process.send_signal(signal.SIGKILL)
        bridge.wait()
        link.unlink(missing_ok=True)
        if not path.exists():
            continue
        with closing(sqlite3.connect(path)) as database:
            rows = [bytes(data) for (data,) in database.execute("SELECT data FROM event")]
        stored |= {int(found[1]) for row in rows if (found := re.search(rb",02,(\d+)", row))}
    feeder.stop()
    link.symlink_to(site.folder / "router")
    bridge = site.run(f"unix://{link}", buffer)
    last = max(stored)
    until(lambda: last in arrivals.numbers(0) and not device.unread(), "all that was stored")
    assert end(bridge)["tty0"]["waiting"] == 0
    assert len(stored) > 100
    assert stored <= set(arrivals.numbers(0))
    once = arrivals.numbers(0, resent=False)
    assert once == sorted(set(once)), "out of order, or twice without a mark"
    marks = [event.kwargs["seq"] for event in arrivals.events[0] if "_resent" not in event.kwargs]
    assert marks == sorted(set(marks))


class Feeder:
    """Writes numbered sentences to a device, 200 a second, as long as somebody reads them."""

    def __init__(self, device: PseudoDevice) -> None:
        self._device = device
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="test-feeder")
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._ending.wait(0.02):
            if self._device.unread() < 1000:
                feed(self._device, range(number, number + 4))
                number += 4

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()


def test_it_is_small_with_three_ports(site: Site, router_process: RouterProcess) -> None:
    site.plug(3)
    bridge = site.run(router_process.rs)
    bridge.await_stderr("joined realm1")
    status = Path(f"/proc/{bridge.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found and int(found[1]) < 36 * 1024, "30 MB, and what -X dev costs"
    end(bridge)


def test_what_the_router_refuses_for_good_ends_it(
    site: Site, router_process: RouterProcess
) -> None:
    (device,) = site.plug(1)
    file = site.folder / "bridge.toml"
    file.write_text(
        f'[session]\nurl = "{router_process.rs}"\nrealm = "nowhere"\n'
        + PORT.format(name="p0", device=device.path)
    )
    program = Program(*command("bridge", str(file)))
    site.stack.callback(program.stop)
    assert program.wait() == 1
    assert "wamp.error.no_such_realm" in program.stderr()
