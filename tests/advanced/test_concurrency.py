from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, REGISTER, UNREGISTER, YIELD, Peer, World, only, take
from wamplite.advanced import call_canceling, call_timeout, shared_registration
from wamplite.advanced.concurrency import KEPT, WAITING, ForRouter
from wamplite.core.errors import ProtocolError


class Service:
    """Callees that take so many calls at a time, and a caller."""

    def __init__(self, *most: int, invoke: str = "single") -> None:
        others = call_canceling, call_timeout, shared_registration
        self.world = World(ForRouter, *(other.ForRouter for other in others))
        self.caller = self.world.join()
        self.callees: list[Peer] = []
        for number in most:
            callee = self.world.join()
            self.callees.append(callee)
            self.world.register(callee, "com.app.p", concurrency=number, invoke=invoke)

    @property
    def feature(self) -> Any:
        (found,) = [each for each in self.world.realm.features if each.name == "concurrency"]
        return found

    def call(self, *requests: int, **options: Any) -> None:
        for request in requests:
            self.world.send(self.caller, [CALL, request, options, "com.app.p", [request]])

    def asked(self) -> list[list[int]]:
        """Return which calls came to each callee since the last time."""
        return [[message[4][0] for message in take(callee)] for callee in self.callees]

    def answer(self, at: int, invocation: int) -> None:
        self.world.send(self.callees[at], [YIELD, invocation, {}])
        self.world.time.tick()


def test_so_many_calls_run_at_a_time_and_the_others_wait_their_turn() -> None:
    service = Service(2)
    service.call(1, 2, 3, 4)
    assert service.asked() == [[1, 2]]
    service.answer(0, 1)
    assert service.asked() == [[3]]
    service.answer(0, 2)
    service.answer(0, 3)
    assert service.asked() == [[4]]
    service.answer(0, 4)
    assert [answer[1] for answer in take(service.caller)] == [1, 2, 3, 4]
    assert service.feature.kept == 0 and not service.world.time.timers


def test_of_several_callees_each_has_its_own_limit() -> None:
    service = Service(1, 2, invoke="roundrobin")
    service.call(1, 2, 3, 4)
    assert service.asked() == [[1], [2, 3]]
    service.answer(1, 1)
    assert service.asked() == [[], [4]]


def test_a_callee_that_takes_no_call_at_all_is_refused() -> None:
    service = Service()
    ann = service.world.join()
    service.world.send(ann, [REGISTER, 7, {"concurrency": 0}, "com.app.p"])
    assert only(ann)[4] == "wamp.error.invalid_argument"


@pytest.mark.parametrize("most", [-1, "2", 1.5, True])
def test_what_is_no_number_of_calls_is_a_violation(most: Any) -> None:
    service = Service()
    ann = service.world.join()
    with pytest.raises(ProtocolError, match="concurrency must be an integer of at least 0"):
        service.world.send(ann, [REGISTER, 7, {"concurrency": most}, "com.app.p"])


def test_so_many_calls_wait_and_no_more() -> None:
    service = Service(1)
    service.call(*range(1, WAITING + 3))
    error = only(service.caller)
    assert error[2:5] == [WAITING + 2, {}, "wamp.error.unavailable"]
    assert error[5] == [f"all callees of 'com.app.p' are busy, and {WAITING} calls wait"]


def test_so_many_bytes_wait_and_no_more() -> None:
    service = Service(1)
    service.call(1)
    for request in (2, 3):
        service.world.send(
            service.caller, [CALL, request, {}, "com.app.p", ["x" * (KEPT * 2 // 3)]]
        )
    assert only(service.caller)[2:5] == [3, {}, "wamp.error.unavailable"]


@pytest.mark.parametrize("how", ["cancel", "timeout", "leave"])
def test_a_call_that_ends_while_it_waits_is_never_sent(how: str) -> None:
    service = Service(1)
    service.call(1)
    other = service.world.join()
    service.world.send(other, [CALL, 7, {"timeout": 50}, "com.app.p"])
    if how == "cancel":
        service.world.send(other, [49, 7, {}])
        assert only(other)[4] == "wamp.error.canceled"
    elif how == "timeout":
        service.world.time.tick(0.05)
        assert only(other)[4] == "wamp.error.timeout"
    else:
        service.world.lose(other)
    service.asked()
    service.answer(0, 1)
    assert service.asked() == [[]] and service.feature.kept == 0
    assert not service.world.time.timers


def test_calls_that_wait_end_with_the_registration() -> None:
    service = Service(1)
    service.call(1, 2)
    service.world.send(service.callees[0], [UNREGISTER, 9, 1])
    assert only(service.caller)[2:5] == [2, {}, "wamp.error.no_such_procedure"]
    service.answer(0, 1)  # it was asked before
    assert only(service.caller)[:2] == ["RESULT", 1]


def test_when_one_of_several_leaves_the_others_serve_what_waits() -> None:
    service = Service(1, 1, invoke="first")
    service.call(1, 2, 3)
    service.world.lose(service.callees[0])
    assert only(service.caller)[2:5] == [1, {}, "wamp.error.canceled"]
    service.answer(1, 1)
    assert service.asked()[1] == [2, 3]


def test_a_call_that_cannot_be_sent_then_is_answered_why() -> None:
    service = Service()
    small = service.world.join(limit=500)
    service.callees.append(small)
    service.world.register(small, "com.app.p", concurrency=1)
    service.call(1)
    service.world.send(service.caller, [CALL, 2, {}, "com.app.p", ["x" * 1000]])
    service.call(3)
    take(small)
    service.answer(0, 1)
    assert only(small)[4] == [3]
    errors = [answer for answer in take(service.caller) if answer[0] == "ERROR"]
    assert [error[2:5] for error in errors] == [[2, {}, "wamp.error.payload_size_exceeded"]]


def test_nobody_pays_for_it_until_somebody_asks() -> None:
    service = Service()
    dealer = service.world.realm.dealer
    assert not (dealer.sent or dealer.freed or dealer.queue)


def test_a_callee_that_names_no_number_takes_all_calls() -> None:
    service = Service(1)
    other = service.world.join()
    service.world.register(other, "com.app.q")
    for request in (1, 2, 3):
        service.world.send(service.caller, [CALL, request, {}, "com.app.q"])
    assert [message[1] for message in take(other)] == [1, 2, 3]
    service.world.send(other, [YIELD, 2, {}])
    assert only(service.caller)[:2] == ["RESULT", 2]
