"""[router]: what is seen of each key once a reload has changed it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.router.conftest import connections, figures, parts, socket_of
from tests.waiting import until
from wamplite.core.errors import TransportLost, WampliteError

from .house import Case, House, times

FLOOD = b"x" * 100_000
USERS = 'users = "users.toml"'


def key(name: str, before: Any, after: Any, more: str = "") -> dict[str, dict[str, str]]:
    """Return a file before and after, in which one key changes."""
    several = {"before": before, "after": after}
    return {when: {"router": f"{name} = {value}\n{more}"} for when, value in several.items()}


def sessions(house: House) -> int:
    return times(lambda _: _joins(house), 4)


def _joins(house: House) -> bool:
    try:
        house.guest()
    except (TransportLost, OSError, AssertionError):
        return False
    return True


def silent(house: House) -> int:
    """Return how many of one address may connect and not join."""
    socks: list[socket.socket] = []

    def comes(_: int) -> bool:
        sock = house.silent()
        socks.append(sock)
        sock.sendall(b"\x7f\xf1\0\0")
        answer = sock.recv(4)
        return bool(answer) and answer[1] & 15 == 1  # the serializer; 0: an error

    number = times(comes)
    for sock in socks:
        sock.close()
    until(lambda: figures(house.router)["joining"] == 0)
    return number


def takes(size: int) -> Callable[[House], bool]:
    """Return what tells whether a new session may send so much."""

    def probe(house: House) -> bool:
        try:
            answer = house.guest().ask(16, 1, {"acknowledge": True}, "a.t", ["x" * size])
        except WampliteError:
            return False
        return bool(answer[0] == 17)

    return probe


def takes_at_first(house: House) -> bool:
    wire = house.wire()
    try:
        return bool(wire.join("home", x_padding="x" * 2000))
    except (AssertionError, TransportLost):
        return False


def slow_ones_end(house: House) -> bool:
    """Tell whether somebody who does not read is ended."""
    slow, publisher = house.guest(), house.guest()
    slow.ask(32, 1, {}, "a.t")
    for request in range(1, 41):
        publisher.send(16, request, {}, "a.t", [FLOOD])
        publisher.channel.flush(10)
    assert publisher.ask(16, 41, {"acknowledge": True}, "a.u")[0] == 17
    deadline = time.monotonic() + 0.6
    while time.monotonic() < deadline and house.router.sessions == 2:
        time.sleep(0.01)
    is_there = house.router.sessions == 2
    for wire in (slow, publisher):
        wire.close()
    until(lambda: house.router.sessions == 0)
    return not is_there


def held(code: int, answer: int) -> Callable[[House], int]:
    """Return what tells how many of something one session may have."""

    def probe(house: House) -> int:
        wire = house.guest()
        number = times(lambda at: wire.ask(code, at + 1, {}, f"a.n{at}")[0] == answer)
        wire.close()
        until(lambda: house.router.sessions == 0)
        return number

    return probe


def calls(house: House) -> int:
    caller, callee = house.guest(), house.guest()
    callee.ask(64, 1, {}, "a.p")
    caller.send_at_once(*([48, at, {}, "a.p"] for at in range(1, 5)))
    caller.send(32, 5, {}, "a.t")
    refused = 0
    while caller.receive()[0] == 8:
        refused += 1
    for wire in (caller, callee):
        wire.close()
    until(lambda: house.router.sessions == 0)
    return 4 - refused


def fits(value: Any) -> Callable[[House], bool]:
    """Return what tells whether an argument may be published."""
    publish = 16, 1, {"acknowledge": True}, "a.t", [value]
    return lambda house: house.guest().ask(*publish)[0] == 17


def upgrades(*values: str) -> Callable[[House], str]:
    """Return what tells how a WebSocket's request with these headers is answered."""
    headers = [f"X-{at}: {value}" for at, value in enumerate(values)]
    return lambda house: house.upgrade(*headers).split()[1]


def slows(house: House) -> bool:
    """Tell whether 30 messages at once are too many."""
    before, wire = house.counted("sessions_slowed"), house.guest()
    wire.send_at_once(*([16, at, {}, "a.t"] for at in range(1, 31)))
    assert wire.ask(32, 31, {}, "a.t")[0] == 33
    return house.counted("sessions_slowed") > before


def deadline(house: House) -> int:
    """Return how many seconds somebody has who has just connected, about."""
    sock = house.silent()
    until(lambda: figures(house.router)["joining"] == 1)
    (connection,) = connections(house.router)
    left = connection.deadline - time.monotonic()
    sock.close()
    until(lambda: not connections(house.router))
    return round(left / 10) * 10


def waits_for_close(house: House) -> int:
    wire = house.guest()
    assert wire.ask(6, {}, "wamp.close.close_realm")[0] == 6
    connection = connections(house.router)[-1]
    until(lambda: connection.deadline < float("inf"))
    return round((connection.deadline - time.monotonic()) / 10) * 10


def pinged(house: House) -> bool:
    """Tell whether somebody who was there before is ended for its silence."""
    if not hasattr(house, "ancient"):
        house.ancient = house.guest()  # type: ignore[attr-defined]
        (connection,) = connections(house.router)
        connection._transport.expect_pongs()  # type: ignore[attr-defined]
        return house.router.sessions == 0
    until(lambda: house.router.sessions == 0, "it was ended")
    return house.counted("pings_unanswered") == 1


def places(house: House) -> int:
    return times(lambda _: parts(house.router).decoding.acquire(blocking=False))


def buffer(house: House) -> list[int]:
    wire = house.guest()
    (connection,) = connections(house.router)
    with socket_of(connection.stream) as sock:
        found = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2
    wire.close()
    until(lambda: house.router.sessions == 0)
    return [found]


def bad_logins(house: House) -> str:
    """Return what becomes of a second bad login: at once, delayed, or refused."""
    before = house.counted("logins_delayed"), house.counted("logins_refused")
    for _ in range(2):
        try:
            house.log_in("joe", "wrong")
        except WampliteError:
            continue
    delayed, refused = house.counted("logins_delayed"), house.counted("logins_refused")
    return "refused" if refused > before[1] else "delayed" if delayed > before[0] else "at once"


def guesses(house: House) -> int:
    """Return how many bad logins one connection may have."""
    wire = house.wire()

    def guess(_: int) -> bool:
        hello = {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": "joe"}
        try:
            wire.send(1, "home", hello)
            assert wire.receive()[0] == 4
            return wire.ask(5, "wrong", {})[0] == 3
        except (TransportLost, OSError):
            return False

    return times(guess)


def has_threads(house: House) -> bool:
    return _joins(house)


def reads_in_a_thread(house: House) -> bool:
    assert _joins(house)
    return any(thread.name.startswith("wamplite-conn") for thread in threading.enumerate())


def ends_within(house: House) -> float:
    return house.router.limits.shutdown_timeout


def cookie(house: House) -> str:
    told = house.upgrade()
    return next((line.split("; ")[2] for line in told.splitlines() if "Set-Cookie" in line), "none")


def kept_cookies(house: House) -> int:
    return house.estate.cookies.most


SLOW = "socket_buffer = 4096\nmax_buffered = 67108864\n"
LOGIN = "max_logins_per_connection = 9\n"
CASES = {
    "max_connections": Case(**key("max_connections", 2, 3), probe=sessions, was=2, becomes=1),
    "max_connections_per_address": Case(
        **key("max_connections_per_address", 2, 3), probe=sessions, was=2, becomes=1
    ),
    "max_handshaking": Case(
        **key("max_handshaking", 2, 3, "max_handshaking_per_address = 9"), probe=silent,
        was=2, becomes=3,
    ),
    "max_handshaking_per_address": Case(
        **key("max_handshaking_per_address", 1, 3, "max_handshaking = 4"),
        probe=silent, was=2, becomes=3,
    ),
    "max_message_size": Case(
        **key("max_message_size", 4096, 8192), probe=takes(5000), was=False, becomes=True
    ),
    "max_first_message_size": Case(
        **key("max_first_message_size", 1024, 4096), probe=takes_at_first, was=False, becomes=True
    ),
    "max_depth": Case(**key("max_depth", 2, 9), probe=fits([[[1]]]), was=False, becomes=True),
    "max_elements": Case(
        **key("max_elements", 2, 9), probe=fits([1, 2, 3]), was=False, becomes=True
    ),
    "max_elements_in_all": Case(
        **key("max_elements_in_all", 3, 9), probe=fits([1, 2, 3]), was=False, becomes=True
    ),
    "max_http_request": Case(
        **key("max_http_request", 1024, "4 KiB".join('""')), probe=upgrades("x" * 1500),
        was="431", becomes="101",
    ),
    "max_http_headers": Case(
        **key("max_http_headers", 10, 99), probe=upgrades(*"x" * 20), was="431", becomes="101"
    ),
    "max_outbox_size": Case(
        **key("max_outbox_size", 60_000_000, 400_000, SLOW), probe=slow_ones_end,
        was=False, becomes=True,
    ),
    "max_outbox_messages": Case(
        **key("max_outbox_messages", 1000, 10, SLOW + "max_outbox_size = 60000000"),
        probe=slow_ones_end, was=False, becomes=True,
    ),
    "max_buffered": Case(
        **key("max_buffered", 60_000_000, 500_000,
              "socket_buffer = 4096\nmax_outbox_size = 60000000"),
        probe=slow_ones_end, was=False, becomes=True,
    ),
    "max_decoding": Case(**key("max_decoding", 1, 3), probe=places, was=1, becomes=3),
    "socket_buffer": Case(
        **key("socket_buffer", 8192, 16384), probe=buffer, was=[8192], becomes=[16384]
    ),
    "max_subscriptions": Case(
        **key("max_subscriptions", 1, 3), probe=held(32, 33), was=1, becomes=3
    ),
    "max_registrations": Case(
        **key("max_registrations", 1, 3), probe=held(64, 65), was=1, becomes=3
    ),
    "max_calls": Case(**key("max_calls", 1, 16), probe=calls, was=1, becomes=4),
    "max_in_realm": Case(**key("max_in_realm", 1, 3), probe=held(32, 33), was=1, becomes=3),
    "max_message_rate": Case(
        **key("max_message_rate", 0, 100, "max_message_burst = 5"), probe=slows,
        was=False, becomes=True,
    ),
    "max_message_burst": Case(
        **key("max_message_burst", 100, 5, "max_message_rate = 100"), probe=slows,
        was=False, becomes=True,
    ),
    "login_delay": Case(
        **key("login_delay", 0, '"50 ms"', LOGIN), probe=bad_logins,
        was="at once", becomes="delayed",
    ),
    "max_login_delay": Case(
        **key("max_login_delay", '"200 ms"', 100, LOGIN + "login_delay = 100"), probe=bad_logins,
        was="delayed", becomes="refused",
    ),
    "max_logins_per_connection": Case(
        **key("max_logins_per_connection", 1, 2, "login_delay = 0"), probe=guesses,
        was=1, becomes=2,
    ),
    "handshake_timeout": Case(
        **key("handshake_timeout", 20, '"1 min"'), probe=deadline, was=20, becomes=60
    ),
    "ping_interval": Case(
        **key("ping_interval", 0, '"50 ms"'), probe=pinged, was=False, becomes=True
    ),
    "write_timeout": Case(
        **key("write_timeout", 60, '"100 ms"', SLOW + "max_outbox_size = 60000000"),
        probe=slow_ones_end, was=False, becomes=True,
    ),
    "linger": Case(
        **key("linger", 20, 40, "handshake_timeout = 100"), probe=waits_for_close,
        was=20, becomes=40,
    ),
    "shutdown_timeout": Case(
        **key("shutdown_timeout", 5, 1), probe=ends_within, was=5.0, becomes=1.0
    ),
    "stack_size": Case(
        **key("stack_size", '"512 KiB"', '"65536 GiB"', 'readers = "threads"'), probe=has_threads,
        was=True, becomes=False,
    ),
    "readers": Case(
        **key("readers", '"shared"', '"threads"'), probe=reads_in_a_thread, was=False, becomes=True
    ),
    "cookie_max_age": Case(
        **key("cookie_max_age", 0, '"1 h"'), probe=cookie, was="none", becomes="Max-Age=3600"
    ),
    "max_cookies": Case(
        **key("max_cookies", 4, 2, "cookie_max_age = 60"), probe=kept_cookies, was=4, becomes=2
    ),
}  # fmt: skip
NEED_USERS = ("login_delay", "max_login_delay", "max_logins_per_connection")
for name in NEED_USERS:
    for each in (CASES[name].before, CASES[name].after):
        each["realm"] = USERS
