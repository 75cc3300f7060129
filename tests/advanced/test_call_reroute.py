from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, ERROR, YIELD, World, only, take
from wamplite.advanced import call_reroute, shared_registration
from wamplite.advanced.call_reroute import ALL_KEPT, KEPT, ForRouter
from wamplite.core.feature import announced

ABLE = {"callee": {"features": {"call_reroute": True}}}


class Service:
    """Some callees of one procedure and a caller."""

    def __init__(self, policy: str = "first", number: int = 3, **roles: Any) -> None:
        self.world = World(shared_registration.ForRouter, ForRouter)
        self.callees = [self.world.join(**(roles or ABLE)) for _ in range(number)]
        self.caller = self.world.join()
        for callee in self.callees:
            self.world.register(callee, "com.app.p", invoke=policy)

    @property
    def feature(self) -> Any:
        return self.world.realm.features[-1]

    def call(self, *payload: Any, request: int = 10) -> None:
        self.world.send(self.caller, [CALL, request, {}, "com.app.p", *payload])

    def asked(self) -> list[tuple[int, list[Any]]]:
        """Return who was sent an INVOCATION since the last time, and its id and payload."""
        return [
            (at, [message[1], *message[4:]])
            for at, callee in enumerate(self.callees)
            for message in take(callee)
        ]

    def refuse(self, at: int, invocation: int, error: str = "wamp.error.unavailable") -> None:
        self.world.send(self.callees[at], [ERROR, 68, invocation, {}, error])


def test_it_is_announced_by_the_dealer() -> None:
    expected = {"features": {"call_reroute": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": {}, "dealer": expected}


@pytest.mark.parametrize(("policy", "order"), [("first", [0, 1, 2]), ("last", [2, 1, 0])])
def test_the_next_by_policy_gets_the_call_whole(policy: str, order: list[int]) -> None:
    service = Service(policy)
    service.call([1], {"k": 2})
    for at in order[:2]:
        assert service.asked() == [(at, [1, [1], {"k": 2}])]
        service.refuse(at, 1)
    assert service.asked() == [(order[2], [1, [1], {"k": 2}])]
    service.world.send(service.callees[order[2]], [YIELD, 1, {}, ["ok"]])
    assert take(service.caller) == [["RESULT", 10, {}, ["ok"]]]
    assert service.feature.kept == 0


def test_roundrobin_goes_on_with_who_is_next_in_the_row() -> None:
    service = Service("roundrobin")
    asked = []
    for request in (1, 2):
        service.call(request=request)
        for _ in range(2):
            ((at, (invocation, *_)),) = service.asked()
            asked.append(at)
            service.refuse(at, invocation)
        ((at, (invocation, *_)),) = service.asked()
        asked.append(at)
        service.world.send(service.callees[at], [YIELD, invocation, {}])
    assert asked == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("policy", ["first", "last", "random", "roundrobin"])
def test_each_is_asked_once_and_then_nobody_is_available(policy: str) -> None:
    service = Service(policy)
    service.call()
    asked = []
    for _ in range(3):
        ((at, (invocation, *_)),) = service.asked()
        asked.append(at)
        service.refuse(at, invocation)
    assert sorted(asked) == [0, 1, 2]
    assert only(service.caller)[4] == "wamp.error.no_available_callee"
    assert service.asked() == []
    service.call(request=11)  # next time all are asked again
    assert len(service.asked()) == 1


def test_a_single_callee_that_is_unavailable_is_nobody() -> None:
    service = Service("single", 1)
    service.call()
    service.refuse(0, 1)
    assert only(service.caller)[4] == "wamp.error.no_available_callee"


@pytest.mark.parametrize("error", ["com.app.no", "wamp.error.canceled"])
def test_other_errors_are_passed_on(error: str) -> None:
    service = Service()
    service.call()
    service.refuse(0, 1, error)
    assert only(service.caller)[4] == error


def test_the_error_of_a_callee_that_did_not_announce_it_is_passed_on() -> None:
    service = Service(callee={})
    service.call()
    service.refuse(0, 1)
    assert only(service.caller)[4] == "wamp.error.unavailable"


def test_an_error_that_comes_late_is_ignored_and_a_misplaced_one_a_violation() -> None:
    service = Service()
    service.call()
    service.refuse(0, 1)
    service.refuse(0, 1)
    assert take(service.caller) == []
    service.world.send(service.callees[0], [ERROR, 48, 1, {}, "wamp.error.unavailable"])
    assert not service.callees[0].member.open


def test_a_large_payload_is_not_kept_and_its_error_passed_on() -> None:
    service = Service()
    service.call(["x" * KEPT])
    assert service.feature.kept == 0
    service.refuse(0, 1)
    assert only(service.caller)[4] == "wamp.error.unavailable"


def test_so_much_is_kept_of_all_calls_and_no_more() -> None:
    service = Service()
    for request in range(1, 100):
        service.call(["x" * (KEPT - 200)], request=request)
    assert ALL_KEPT - KEPT < service.feature.kept <= ALL_KEPT
    service.world.lose(service.caller)
    assert service.feature.kept == 0


def test_a_callee_that_does_not_take_the_message_is_passed_over() -> None:
    service = Service(number=1)
    small = service.world.join(limit=500, **ABLE)
    service.callees += [small, service.world.join(**ABLE)]
    for callee in service.callees[1:]:
        service.world.register(callee, "com.app.p", invoke="first")
    service.call(["x" * 1000])
    service.refuse(0, 1)
    assert [at for at, _ in service.asked()] == [0, 2]


def test_it_may_go_on_where_the_callee_leaves_in_the_meantime() -> None:
    service = Service()
    service.call()
    service.refuse(0, 1)
    service.world.lose(service.callees[1])
    assert only(service.caller)[4] == "wamp.error.canceled"


@pytest.mark.parametrize(("room", "kept"), [(0, 2), (-1, 1)])
def test_calls_are_kept_up_to_the_bound_of_all(
    monkeypatch: pytest.MonkeyPatch, room: int, kept: int
) -> None:
    service = Service()
    service.call(["x" * 100], request=1)
    weight = service.feature.kept
    monkeypatch.setattr(call_reroute, "ALL_KEPT", 2 * weight + room)
    service.call(["x" * 100], request=2)
    assert service.feature.kept == kept * weight
