"""A peer's life, whatever it is made of: it leaves nothing in its realm."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from wamplite.core.errors import TransportLost
from wamplite.core.feature import Refused
from wamplite.core.handshake import Acceptor
from wamplite.core.members import Lost, Violation
from wamplite.core.messages import Abort, Authenticate, Challenge, Goodbye, Hello
from wamplite.core.parsing import to_array
from wamplite.router import Router
from wamplite.router.connection import Connection
from wamplite.router.crew import serve
from wamplite.router.waits import Flow

from .conftest import Start, parts

ROLES = {"roles": {"caller": {}}}


class Scripted(Connection):
    """A peer whose receives bring what they are told, and then Lost."""

    def __init__(self, router: Router, *script: list[Any] | Callable[[], list[Any]]) -> None:
        super().__init__(parts(router), "scripted", None)
        self.authmethods = router.realms["realm1"].authmethods
        self.script = list(script)
        self.said: list[Any] = []
        self.posted: list[Any] = []
        self.parts = 0
        self.finished = 0
        self.delivered = 0

    def acceptor(self) -> Acceptor:
        return Acceptor(self.shared.realms, self.authmethods)

    def receive(self) -> list[Any]:
        if not self.script:
            return [Lost("the script has ended")]
        entries = self.script.pop(0)
        return entries() if callable(entries) else entries

    def say(self, message: Any) -> None:
        self.said.append(to_array(message))

    def post(self, message: Any) -> bool:
        self.posted.append(to_array(message))
        return True

    post_droppable = post

    def end(self) -> None:
        self.finished += 1

    finish = release = end

    def shutdown(self, why: str) -> None:
        raise AssertionError(why)

    def came_in_part(self) -> None:
        self.parts += 1

    def flow(self) -> Flow:
        return self.converse()

    def conclude(self) -> None:
        """It has no place that could be given back."""

    def run(self) -> None:
        serve(self)

    def box(self, routing: Any) -> Any:
        return self


def codes(arrays: list[Any]) -> list[int]:
    return [array[0] for array in arrays]


def test_a_session_joins_speaks_and_is_lost(start: Start) -> None:
    router = start()
    peer = Scripted(router, [Hello("realm1", ROLES)], [], [], [Goodbye({}, "wamp.close.normal")])
    peer.run()
    assert codes(peer.posted) == [2, 6] and peer.finished == 1 and peer.parts == 2
    assert router.sessions == 0


def test_what_comes_with_hello_is_handled_after_it(start: Start) -> None:
    router = start()
    peer = Scripted(router, [Hello("realm1", ROLES), Lost("gone")])
    peer.run()
    assert codes(peer.posted) == [2] and peer.finished == 1 and router.sessions == 0


def test_a_fault_in_its_thread_does_not_leave_its_session_behind(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    router = start()

    def fail() -> list[Any]:
        assert router.sessions == 1
        raise MemoryError("a bug")

    peer = Scripted(router, [Hello("realm1", ROLES)], fail)
    with caplog.at_level(logging.ERROR, "wamplite.router"):
        peer.run()
    assert router.sessions == 0 and peer.finished == 1
    assert "a bug" in caplog.text and "the session is closed" in caplog.text


def test_to_be_lost_before_hello_is_no_more_than_that(start: Start) -> None:
    with pytest.raises(TransportLost, match="the script has ended"):
        Scripted(start()).run()


def test_what_is_no_hello_is_answered_with_abort(start: Start) -> None:
    for entry in (Violation("nonsense"), Goodbye({}, "wamp.close.normal")):
        peer = Scripted(start(), [entry])
        peer.run()
        assert codes(peer.said) == [3] and peer.finished == 1


def test_who_gives_up_is_not_answered(start: Start) -> None:
    peer = Scripted(start(), [Abort({}, "wamp.close.normal")])
    peer.run()
    assert peer.said == [] and peer.finished == 1


def test_a_challenge_is_asked_and_a_refusal_without_words_is_told(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    def ask(hello: Hello, joining: Any) -> Any:
        answer = yield Challenge("ticket", {})
        assert answer.signature == "wrong"
        raise Refused("wamp.error.authentication_failed")

    router = start(authmethods={"ticket": ask})
    hello = Hello("realm1", {**ROLES, "authmethods": ["ticket"]})
    peer = Scripted(router, [hello], [Authenticate("wrong", {})])
    with caplog.at_level(logging.INFO, "wamplite.router"):
        peer.run()
    assert codes(peer.said) == [4, 3] and peer.finished == 1
    assert "did not join: wamp.error.authentication_failed" in caplog.text


def test_what_a_peer_sent_is_shown_on_one_short_line(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    realm = "com.\x1b[2J\n" + "long" * 5000
    with caplog.at_level(logging.DEBUG, "wamplite.router"):
        Scripted(start(), [Hello(realm, ROLES)]).run()
        Scripted(start(), [Hello("realm1", ROLES)], [Violation("\x1b[2J\nno")]).run()
    told = [record.getMessage() for record in caplog.records]
    assert any("did not join" in line for line in told)
    assert all(line.isprintable() and len(line) < 300 for line in told)


def test_a_reader_whose_turn_has_not_come_is_released_by_the_end(start: Start) -> None:
    router = start()
    routing = router.realms["realm1"]
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        go.wait(20)

    routing.run(hold)
    assert held.wait(20)
    peer = Scripted(router, [Hello("realm1", ROLES)], [Goodbye({}, "wamp.close.normal")])
    thread = threading.Thread(target=peer.run)
    thread.start()
    closing = threading.Thread(target=router.close)
    closing.start()
    go.set()
    closing.join(20)
    thread.join(20)
    assert not thread.is_alive() and not closing.is_alive()
    assert codes(peer.posted) in ([3], [2, 6])  # it came before the end, or after
