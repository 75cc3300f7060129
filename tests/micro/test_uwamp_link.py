"""uwamp_link.py on CPython, with real sockets: when it tries again and gives up, how it ends."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uwamp
import uwamp_link

import wamplite
from tests.waiting import PATIENCE, until

MakeLink = Callable[..., tuple[uwamp_link.Tcp, list[str]]]


class Clock:
    """What a board's counter of milliseconds says."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(uwamp_link, "ticks_ms", found)
    return found


@pytest.fixture
def nobody() -> Iterator[int]:
    """Give a port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def a_link() -> Iterator[MakeLink]:
    """Give `a_link(port)`, which makes a link and the list of what it reports."""
    made: list[uwamp_link.Tcp] = []

    def make(port: int, host: str = "127.0.0.1") -> tuple[uwamp_link.Tcp, list[str]]:
        wamp = uwamp.RawSocket("realm1")
        said: list[str] = []
        wamp.report = lambda *words: said.append(" ".join(map(str, words)))
        made.append(uwamp_link.Tcp(wamp, host, port))
        return made[-1], said

    yield make
    for link in made:
        link.wamp.left = True
        link.wamp.clear("the test is over")
        link.step()  # closes it


def step_until(link: uwamp_link.Link, wanted: Callable[[], object], what: str) -> None:
    def ask() -> object:
        link.poll(1)
        return wanted()

    until(ask, what)


def tries(a_link: MakeLink, clock: Clock, port: int, number: int) -> list[int]:
    """Return when a link has tried for the first so many times, in ms."""
    link, said = a_link(port)
    began, found = clock.now, []
    while len(found) < number:
        link.step()
        if len(said) > len(found):
            found.append(clock.now - began)
        clock.now += 5
    return found


def test_it_tries_again_after_twice_as_long_each_time_up_to_a_bound(
    a_link: MakeLink, clock: Clock, nobody: int
) -> None:
    found = tries(a_link, clock, nobody, 12)
    rests = [after - before for before, after in zip(found, found[1:], strict=False)]
    for number, rest in enumerate(rests):
        full = min(500 << number, 30000)
        assert full / 2 <= rest <= full + 20, rests


def test_not_all_boards_try_at_once(a_link: MakeLink, clock: Clock, nobody: int) -> None:
    assert len({tuple(tries(a_link, clock, nobody, 4)) for _ in range(8)}) > 4


def test_after_a_session_it_tries_soon_again(a_link: MakeLink, clock: Clock) -> None:
    with wamplite.Router() as router:
        port = int(router.listen("tcp://127.0.0.1:0").rpartition(":")[2])
    link, said = a_link(port)
    for number in range(6):
        clock.now += 30000
        step_until(link, lambda number=number: len(said) > number, "a failure")
    with wamplite.Router() as router:
        router.listen(f"tcp://127.0.0.1:{port}")
        clock.now += 30000
        step_until(link, lambda: link.wamp.joined, "a session")
    step_until(link, lambda: link.wamp.lost, "the end of it")
    many = len(said)
    clock.now += 520
    step_until(link, lambda: len(said) > many, "the next try")


def test_a_name_that_nobody_knows_is_a_loss_like_others(a_link: MakeLink) -> None:
    link, said = a_link(8080, "board.invalid")
    assert not link.step()
    assert said[0].startswith("lost: ") and len(said) == 1


def test_a_connection_that_does_not_come_is_given_up(a_link: MakeLink, clock: Clock) -> None:
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for filler in (first, second):  # the kernel answers no more than these
            filler.setblocking(False)
            assert filler.connect_ex(server.getsockname()) == errno.EINPROGRESS
        link, said = a_link(server.getsockname()[1])
        for _ in range(100):
            assert not link.step()
            clock.now += 100
        assert said == []
        clock.now += 100
        assert not link.step()
        assert said == ["lost: no connection"]


def test_the_end_of_a_connection_ends_its_calls_at_once(a_link: MakeLink) -> None:
    done: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        link, said = a_link(server.getsockname()[1])
        with welcomed(link, server):
            assert link.wamp.call("com.example.add", lambda *told: done.append(told))
        step_until(link, lambda: said, "a report")
    why = said[0].partition("lost: ")[2]
    assert why and done == [([why], "wamp.error.canceled")]
    assert not link.wamp.publish("com.example.on")


def welcomed(link: uwamp_link.Tcp, server: socket.socket) -> socket.socket:
    """Let a link join; the other end of its connection."""
    link.poll(1)
    peer, _ = server.accept()
    peer.settimeout(PATIENCE)
    peer.sendall(b"\x7f\xf1\0\0" + frame(b"[2,7,{}]"))
    step_until(link, lambda: link.wamp.joined, "a session")
    return peer


def frame(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text


def test_bytes_that_do_not_go_out_hold_further_ones_up_and_none_is_lost(a_link: MakeLink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link, _ = a_link(server.getsockname()[1])
        with welcomed(link, server) as peer:
            published, is_going = 0, True
            while is_going:
                if link.wamp.publish("com.example.on", published, "x" * 500):
                    published += 1
                else:
                    is_going = link.step()
            assert published > 100
            last = b'"com.example.on",[%d,"x' % (published - 1)
            received = b""
            while last not in received[-2048:]:
                link.step()
                received += peer.recv(65536)
    numbers = [message[1] for message in messages(received[4:]) if message[0] == 16]
    assert numbers == list(range(1, published + 1))


def messages(data: bytes) -> Iterator[list[Any]]:
    """Take apart what a link has sent; a frame may be missing its end."""
    while len(data) > 4 and len(data) >= (end := 4 + int.from_bytes(data[:4], "big")):
        yield json.loads(data[4:end])
        data = data[end:]


def test_one_that_leaves_before_it_has_joined_closes_its_connection(
    a_link: MakeLink, nobody: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link, said = a_link(server.getsockname()[1])
        link.poll(1)
        with server.accept()[0] as peer:
            link.run(link.wamp.leave)
            peer.settimeout(20)
            while peer.recv(100):
                pass
    assert said == []


def test_one_that_has_left_may_be_run_again(a_link: MakeLink) -> None:
    with wamplite.Router() as router:
        link, said = a_link(int(router.listen("tcp://127.0.0.1:0").rpartition(":")[2]))
        for _ in range(2):
            link.run(lambda: link.wamp.joined and link.wamp.leave())
            assert link.wamp.lost == "wamp.close.goodbye_and_out"
            assert not link.step()
    assert said == []
