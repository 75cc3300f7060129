"""An idle session holds nothing of what it has sent last: 150 KB on a wire may be 10 MB here."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.faults.sessions import ROLES, Session, dumps, open_session
from wamplite.router import Router
from wamplite.router.connection import Connection
from wamplite.router.mailbox import FrameMailbox
from wamplite.transports.base import Transport
from wamplite.transports.rawsocket_frames import Framer

from .conftest import Start, eventually

SESSIONS = 3
MANY: list[Any] = [{"": None}] * 6000  # 18 KB; decoded, more than a megabyte
DECODED = 600_000  # bytes that it takes at least
LITTLE = SESSIONS * 60_000  # bytes that all sessions together may keep
KINDS: dict[str, list[Any]] = {
    "PUBLISH": [16, 10, {}, "com.nobody.listens", MANY, {"key": MANY}],
    "PUBLISH that is heard": [16, 10, {"acknowledge": True}, "com.topic", MANY],
    "CALL that is refused": [48, 10, {}, "com.nobody.serves", MANY],
    "CALL that is served": [48, 10, {}, "com.procedure", MANY],
    "SUBSCRIBE": [32, 10, {"x_junk": MANY}, "com.topic"],
    "REGISTER that is refused": [64, 10, {"x_junk": MANY}, "com.procedure"],
    "UNSUBSCRIBE, and more": [34, 10, 999_999, MANY],
    "GOODBYE": [6, {"x_junk": MANY}, "wamp.close.normal"],
    "ABORT": [3, {"x_junk": MANY}, "wamp.close.normal"],
    "a violation": [16, 10, {}, 5, MANY],
    "an ERROR of nothing": [8, 68, 999_999, {}, "com.error", MANY],
}


@pytest.fixture
def traced() -> Iterator[None]:
    """Have Python count its memory."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


class Growth:
    """By how much memory has grown since it was made, and had at most."""

    def __init__(self) -> None:
        tracemalloc.reset_peak()
        self.before = tracemalloc.get_traced_memory()[0]

    @property
    def now(self) -> int:
        return tracemalloc.get_traced_memory()[0] - self.before

    @property
    def peak(self) -> int:
        return tracemalloc.get_traced_memory()[1] - self.before


def is_quiet(router: Router) -> bool:
    routing = router.realms["realm1"]
    return not routing.waiting


@pytest.mark.sampled
@pytest.mark.parametrize("dialect", ["rs-msgpack", "ws-msgpack"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stays_of_a_message_once_it_is_handled(
    start: Start, kind: str, dialect: str, traced: None
) -> None:
    router = start()
    port = int(router.listen("tcp://127.0.0.1:0").rpartition(":")[2])
    payload = dumps("msgpack", KINDS[kind])
    with ExitStack() as stack:
        sessions = []
        for _ in range(SESSIONS + 1):
            sessions.append(open_session(port, dialect))
            stack.callback(sessions[-1].close)
        sessions[0].subscribe("com.topic")
        sessions[0].register("com.procedure")
        growth = Growth()
        for session in sessions[1:]:
            session.put(payload)
        eventually(lambda: growth.peak > DECODED)
        eventually(lambda: is_quiet(router) and growth.now < LITTLE)


@pytest.mark.parametrize("where", ["details", "roles"])
def test_nothing_stays_of_hello(start: Start, where: str, traced: None) -> None:
    router = start()
    port = int(router.listen("tcp://127.0.0.1:0").rpartition(":")[2])
    junk: dict[str, Any] = {"x_junk": [{"": None}] * 4000}
    details = {"roles": ROLES, **junk} if where == "details" else {"roles": {**ROLES, **junk}}
    if where == "roles":
        details = {"roles": {**ROLES, "caller": {"features": {"x_junk": True}, **junk}}}
    payload = dumps("msgpack", [1, "realm1", details])
    with ExitStack() as stack:
        Session(open_session(port, "rs-msgpack", join=False).transport).close()  # warm
        growth = Growth()
        for _ in range(SESSIONS):
            session = open_session(port, "rs-msgpack", join=False)
            stack.callback(session.close)
            session.put(payload)
            assert session.hear()[0] == 2
        assert growth.peak > 200_000
        eventually(lambda: is_quiet(router) and growth.now < LITTLE)


def empty_lists() -> dict[int, list[Any]]:
    """Return the empty lists that sessions hold, by identity."""
    found = {}
    for holder in gc.get_objects():
        if isinstance(holder, Connection | FrameMailbox | Transport | Framer):
            for name in dir(holder):
                value = getattr(holder, name, None)
                if type(value) is list and not value:
                    found[id(value)] = value
    return found


def test_a_rawsocket_session_that_becomes_idle_holds_no_new_empty_lists(start: Start) -> None:
    """They would lie amid a large message of another, and the allocator keep all around them."""
    router = start()
    port = int(router.listen("tcp://127.0.0.1:0").rpartition(":")[2])
    with ExitStack() as stack:
        session = open_session(port, "rs-msgpack")
        stack.callback(session.close)
        assert session.is_served()
        before = empty_lists()
        session.put(dumps("msgpack", [16, 10, {}, "com.nobody.listens", [bytes(300_000)]]))
        assert session.is_served()
        eventually(lambda: is_quiet(router))
        assert empty_lists().keys() <= before.keys()
