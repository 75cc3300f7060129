"""Whatever has ended is freed at once, by reference counting: the collector may not come for long.

A connection that stayed would hold its outbox, and what was half received, long after the bound on
these had it ended.
"""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.serial_cable import Cable
from wamplite.core.members import Member
from wamplite.router import Router
from wamplite.router.connection import Connection
from wamplite.router.mailbox import FrameMailbox
from wamplite.transports.base import Transport
from wamplite.transports.serial_session import HostLine
from wamplite.transports.stream import Stream
from wamplite.transports.tls import TlsOptions

from .conftest import Start, Wire, connected, eventually, parts

KINDS = (Connection, Stream, Transport, FrameMailbox, Member)
LEFT_BEFORE: list[Any] = []
NUMBERS = count()
SCHEMES = ["rs", "ws", "rss", "wss", "unix"]


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Let nothing be freed but by reference counting; what other tests left does not count."""
    gc.collect()
    LEFT_BEFORE[:] = all_there_is()
    gc.disable()
    yield
    gc.enable()
    LEFT_BEFORE.clear()


@pytest.fixture
def router(start: Start, tmp_path: Path, certificate: tuple[str, str]) -> Router:
    """Return a router with a listener for each scheme: `urls`."""
    made = start(max_buffered=600_000, handshake_timeout=5.0)
    cert, key = certificate
    urls = {}
    for scheme in SCHEMES:
        url = f"unix://{tmp_path}/socket" if scheme == "unix" else f"{scheme}://127.0.0.1:0"
        secure = {"cert": cert, "key": key} if scheme.endswith("ss") else {}
        urls[scheme] = made.listen(url, **secure)
    made.urls = urls  # type: ignore[attr-defined]
    return made


def all_there_is() -> list[Any]:
    return [one for one in gc.get_objects() if isinstance(one, KINDS)]


def ours(router: Router) -> list[Any]:
    """Return what there is of connections to the router; the clients' ends are gone already."""
    before = set(map(id, LEFT_BEFORE))
    mine = [one for one in all_there_is() if id(one) not in before]
    return [one for one in mine if not isinstance(one, Connection) or one.shared is parts(router)]


def join(wire: Wire) -> None:
    wire.join()
    assert wire.ask(32, 1, {}, "com.topic")[0] == 33
    assert wire.ask(64, 1, {}, f"com.procedure{next(NUMBERS)}")[0] == 65


def half(wire: Wire) -> None:
    join(wire)
    frame = wire.channel.transport.frame(b"\xa7" * 500_000)
    wire.stream.write([frame[:300_000]])
    wire.stream.flush(5)


def violate(wire: Wire) -> None:
    join(wire)
    wire.stream.write([b"\xff" * 20])
    wire.rest()


def unread(wire: Wire) -> None:
    join(wire)
    for number in range(40):
        wire.send(48, 2 + number, {}, "com.nobody.serves" + "x" * 100)


def leave(wire: Wire) -> None:
    join(wire)
    wire.send(6, {}, "wamp.close.normal")
    wire.rest()


LIVES = [lambda wire: None, join, half, violate, unread, leave]
NAMES = ["handshake alone", "joined", "half a message", "violation", "unread answers", "left"]


@pytest.mark.sampled
@pytest.mark.parametrize("live", LIVES, ids=NAMES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_connection_is_freed_once_it_has_ended(
    router: Router, scheme: str, live: Callable[[Wire], None], no_collector: None
) -> None:
    tls = TlsOptions(verify=False) if scheme.endswith("ss") else None
    for _ in range(3):
        wire = Wire(router.urls[scheme], tls=tls)  # type: ignore[attr-defined]
        live(wire)
        wire.close()
        del wire
    eventually(lambda: not connected(router))
    eventually(lambda: not ours(router))


def test_who_never_says_a_word_is_freed(router: Router, no_collector: None) -> None:
    for scheme in ("rs", "ws", "rss"):
        port = int(router.urls[scheme].split(":")[2].partition("/")[0])  # type: ignore[attr-defined]
        with socket.create_connection(("127.0.0.1", port), 5):
            eventually(lambda: connected(router))
        eventually(lambda: not connected(router))
    eventually(lambda: not ours(router))


def test_who_is_evicted_is_freed(router: Router, no_collector: None) -> None:
    wires = [Wire(router.urls["rs"]) for _ in range(3)]  # type: ignore[attr-defined]
    for wire in wires:
        half(wire)
    eventually(lambda: router.counters.get("largest_holders"))
    eventually(lambda: connected(router) < 3)
    eventually(lambda: sum(isinstance(one, Connection) for one in ours(router)) < 3)
    for wire in wires:
        wire.close()


def test_a_session_of_the_same_process_is_freed(router: Router, no_collector: None) -> None:
    for _ in range(3):
        with router.connect("realm1") as session:
            session.subscribe("com.topic", print)
        del session
    eventually(lambda: not ours(router))


def test_a_device_that_has_gone_is_freed(start: Start, tmp_path: Path, no_collector: None) -> None:
    router = start()
    with Cable(tmp_path) as cable:
        router.listen(cable.host_url)
        for _ in range(3):
            with wamplite.connect(cable.device_url, timeout=10) as session:
                session.publish("com.topic", 1, options={"acknowledge": True})
        del session
        eventually(lambda: not any(isinstance(one, (Connection, HostLine)) for one in ours(router)))
