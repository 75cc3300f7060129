"""Delays after bad logins: whom they slow down, whom not, and what is remembered."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.router.conftest import ROLES, Start, Wire
from tests.waiting import PATIENCE, until
from wamplite import AuthenticationFailed, JoinRefused, Router, connect
from wamplite.auth import Ticket, User, Users, methods
from wamplite.core import uris
from wamplite.core.handshake import Accepted
from wamplite.core.members import Identity
from wamplite.core.messages import Abort, Hello
from wamplite.router.limits import Limits
from wamplite.router.logins import FORGET, LOOKED_AT, MOST, Logins, name_of

DENIED = Abort({}, uris.AUTHENTICATION_DENIED)
IN = Accepted(1, "realm1", Identity("joe", "user", "ticket", "static"), {})
HERE, THERE, ELSEWHERE = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def hello(authid: str | None = "joe", realm: str = "realm1") -> Hello:
    return Hello(realm, {"authid": authid})


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Judge:
    """Logins with a clock of their own."""

    def __init__(self, **limits: Any) -> None:
        self.clock = Clock()
        self.told: Counter[str] = Counter()
        self.logins = Logins(Limits(**limits), lambda name, who: self._tell(name), self.clock)

    def _tell(self, name: str) -> None:
        self.told[name] += 1

    def wait(self, address: str | None = HERE, authid: str | None = "joe") -> float:
        return round(self.logins.reserve(address, hello(authid), 10.0), 3)

    def bad(self, address: str | None = HERE, authid: str | None = "joe", times: int = 1) -> None:
        for _ in range(times):
            assert self.logins.judged(address, hello(authid), DENIED, "somebody")

    def good(self, address: str | None = HERE, authid: str = "joe") -> None:
        assert not self.logins.judged(address, hello(authid), IN, "somebody")


def test_login_delay_and_max_login_delay_are_the_first_and_the_longest() -> None:
    judge = Judge(login_delay=0.25, max_login_delay=8.0)
    assert judge.wait() == 0
    waits = []
    for _ in range(8):
        judge.bad()
        waits.append(judge.wait())
        judge.clock.now += waits[-1]
    assert waits == [0.25, 0.5, 1, 2, 4, 8, 8, 8]
    assert judge.told == {"bad_logins": 8}


def test_login_delay_0_is_none() -> None:
    judge = Judge(login_delay=0)
    judge.bad(times=20)
    assert judge.wait() == 0


def test_logins_of_an_address_are_judged_one_after_the_other() -> None:
    judge = Judge()
    judge.bad(times=3)  # a second
    assert [judge.wait() for _ in range(4)] == [1, 2, 3, 4]
    judge.clock.now += 100
    assert [judge.wait() for _ in range(2)] == [0, 1]


def test_who_would_wait_for_too_long_takes_no_place_in_the_row() -> None:
    judge = Judge()
    judge.bad(times=6)
    assert [judge.wait() for _ in range(3)] == [8, 16, 16]


def test_bad_logins_slow_down_nobody_of_another_address() -> None:
    judge = Judge()
    judge.bad(times=10)
    assert judge.wait(THERE) == 0 and judge.wait(THERE, "ann") == 0 and judge.wait(HERE, "ann") == 8


def test_a_name_that_is_guessed_at_from_several_addresses_is_slowed_down_everywhere() -> None:
    judge = Judge()
    judge.bad(HERE)
    judge.bad(THERE)
    judge.bad(None, times=8)
    assert [judge.wait(ELSEWHERE) for _ in range(3)] == [8, 8, 8]  # and nobody is kept out for long
    assert judge.wait(ELSEWHERE, "ann") == 0
    assert judge.logins.reserve(ELSEWHERE, hello("joe", "realm2"), 10.0) == 0


def test_a_network_of_ipv6_is_one_address_and_a_unix_socket_none() -> None:
    judge = Judge()
    judge.bad("2001:db8::1")
    assert judge.wait("2001:db8::2", "ann") == 0.25 and judge.wait("2001:db8:0:1::1", "ann") == 0
    judge.bad("", "eve", times=5)
    assert judge.wait("", "eve") == 0 and judge.wait("", "ann") == 0
    judge.bad(HERE, "eve")
    assert judge.wait("", "eve") == 8


def test_a_good_login_forgets_the_bad_ones_for_itself_alone() -> None:
    judge = Judge()
    judge.bad(times=3)
    judge.good()
    assert judge.wait() == 0
    judge.bad(HERE, "joe", times=3)
    judge.good(HERE, "eve")  # an account of one's own
    assert judge.wait() == 1
    judge.bad(HERE, "eve")
    judge.good(HERE, "eve")
    assert judge.wait(HERE, "joe") > 1


def test_what_is_old_is_forgotten() -> None:
    judge = Judge()
    judge.bad(times=6)
    judge.clock.now += FORGET
    judge.bad()
    assert judge.wait() == 8
    judge.clock.now += FORGET + 1
    assert judge.wait() == 0
    judge.bad()
    assert judge.wait() == 0.25


def test_who_names_nobody_is_remembered_by_address() -> None:
    judge = Judge()
    judge.bad(HERE, None, times=2)
    assert judge.wait(HERE, None) == 0.5 and len(judge.logins.names) == 0


def test_a_long_name_takes_no_more_room_than_a_short_one() -> None:
    assert name_of(hello("joe")) == "realm1 joe" and name_of(hello("")) == ""
    one, other = name_of(hello("x" * 10_000)), name_of(hello("x" * 9_999 + "\ud800"))
    assert len(one) == len(other) == 64 and one != other


def test_very_many_bad_logins_are_remembered_in_a_bounded_table() -> None:
    judge = Judge()
    judge.bad("198.51.100.1", "root", times=20)
    for number in range(50_000):
        judge.bad(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"user{number}")
    assert len(judge.logins.addresses) == len(judge.logins.names) == MOST
    assert judge.wait("198.51.100.1", "ann") == 8  # the worst stays, whoever else comes
    assert LOOKED_AT < MOST


# ---- over real connections

JOE = User.of_password("joe", "user", "s3cret", iterations=4096)


@pytest.fixture
def router() -> Iterator[Router]:
    with Router(authmethods=methods(Users([JOE])), login_delay=0.05, max_login_delay=0.4) as made:
        yield made


def log_in(url: str, ticket: str, authid: str = "joe") -> float:
    """Try to log in; return how long it took. Raises what the router answers."""
    before = time.monotonic()
    with connect(url, auth=Ticket(authid, ticket)):
        return time.monotonic() - before


def guess(url: str, times: int, authid: str = "joe") -> None:
    for _ in range(times):
        with pytest.raises(AuthenticationFailed):
            log_in(url, "wrong", authid)


def log_in_from(address: str, url: str, ticket: str) -> float:
    """Log in from another address of this machine; return how long it took."""
    before = time.monotonic()
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), PATIENCE, (address, 0)) as sock:
        sock.sendall(b"\x7f\xf1\0\0")
        details = {"roles": {"caller": {}}, "authid": "joe", "authmethods": ["ticket"]}
        for message in ([1, "realm1", details], [5, ticket, {}]):
            payload = json.dumps(message).encode()
            sock.sendall(len(payload).to_bytes(4, "big") + payload)
        with sock.makefile("rb") as stream:
            assert stream.read(4)[:1] == b"\x7f"
            answers = [json.loads(stream.read(int.from_bytes(stream.read(4), "big"))) for _ in "12"]
    assert [answer[0] for answer in answers] == [4, 2]
    return time.monotonic() - before


def test_10_bad_logins_slow_that_address_down_and_nobody_else(
    router: Router, tmp_path: Path
) -> None:
    url = router.listen("rs://127.0.0.1:0")
    unix = router.listen(f"unix://{tmp_path}/socket")
    guess(url, 10)
    assert router.counters["bad_logins"] == 10
    assert 7 <= router.counters["logins_delayed"] <= 9
    assert log_in_from("127.0.0.9", url, "s3cret") < 0.3
    assert log_in(unix, "s3cret") < 0.3
    assert log_in_from("127.0.0.1", url, "s3cret") > 0.3  # it waits, and gets in
    assert log_in_from("127.0.0.1", url, "s3cret") < 0.3  # and that is forgotten


def test_an_unknown_name_is_slowed_down_as_a_known_one_is(router: Router) -> None:
    url = router.listen("rs://127.0.0.1:0")
    guess(url, 4, "nobody")
    before = time.monotonic()
    guess(url, 1, "nobody")
    assert time.monotonic() - before > 0.3


def test_nobody_waits_for_those_who_wait() -> None:
    with Router(authmethods=methods(Users([JOE])), login_delay=2, max_login_delay=2) as router:
        url = router.listen("rs://127.0.0.1:0")
        guess(url, 1)
        waiting = threading.Thread(target=guess, args=(url, 1))
        waiting.start()
        until(lambda: router.counters.get("logins_delayed"))
        with router.connect() as one, router.connect() as other:
            one.register("com.example.add2", lambda a, b: a + b)
            assert other.call("com.example.add2", 1, 2) == 3
        assert log_in_from("127.0.0.9", url, "s3cret") < 1.5 and waiting.is_alive()
        waiting.join(PATIENCE)
        assert not waiting.is_alive()


def test_max_logins_per_connection_ends_it(start: Start) -> None:
    router = start(authmethods=methods(Users([JOE])), login_delay=0, max_logins_per_connection=2)
    wire = Wire(router.url)
    for _ in range(2):
        wire.send(1, "realm1", {"roles": ROLES, "authid": "joe", "authmethods": ["ticket"]})
        assert wire.receive()[0] == 4
        wire.send(5, "wrong", {})
        assert wire.receive()[2] == uris.AUTHENTICATION_DENIED
    assert wire.rest() == []
    wire.stream.close()
    assert router.counters["bad_logins"] == 2


def test_who_would_wait_for_too_long_is_told_so_and_may_come_back() -> None:
    with Router(
        authmethods=methods(Users([JOE])), login_delay=30, max_login_delay=60, handshake_timeout=5
    ) as router:
        url = router.listen("rs://127.0.0.1:0")
        guess(url, 1)
        with pytest.raises(JoinRefused, match="too many bad logins from your address") as told:
            log_in(url, "s3cret")
        assert told.value.error == uris.UNAVAILABLE and type(told.value) is JoinRefused
        assert router.counters["logins_refused"] == 1


def test_a_router_that_ends_waits_for_nobody() -> None:
    router = Router(authmethods=methods(Users([JOE])), login_delay=5, max_login_delay=5)
    url = router.listen("rs://127.0.0.1:0")
    guess(url, 1)
    failed: list[Exception] = []

    def try_again() -> None:
        try:
            log_in(url, "s3cret")
        except Exception as error:
            failed.append(error)

    waiting = threading.Thread(target=try_again)
    waiting.start()
    until(lambda: router.counters.get("logins_delayed"))
    before = time.monotonic()
    router.close()
    waiting.join(PATIENCE)
    assert time.monotonic() - before < 4 and failed
