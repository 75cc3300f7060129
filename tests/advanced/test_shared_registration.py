from __future__ import annotations

from collections import Counter

import pytest

from tests.core.world import CALL, REGISTER, UNREGISTER, Peer, World, only, take
from wamplite.advanced.shared_registration import ForRouter
from wamplite.core.feature import announced


class Service:
    """Some callees of one procedure, and who of them is asked."""

    def __init__(self, policy: str, number: int = 3) -> None:
        self.world = World(ForRouter)
        self.caller = self.world.join()
        self.callees: list[Peer] = []
        self.policy = policy
        self.request = 0
        for _ in range(number):
            self.add()

    def add(self) -> None:
        self.callees.append(self.world.join())
        assert self.world.register(self.callees[-1], "com.app.p", invoke=self.policy) == 1

    def leave(self, number: int) -> None:
        self.world.lose(self.callees[number])

    def busy(self, number: int, busy: bool = True) -> None:
        (record,) = self.callees[number].member.registrations.values()
        self.world.realm.dealer.set_busy(record, busy)

    def asked(self, calls: int) -> list[int]:
        """Call so many times; return which callees were asked, in order."""
        found = []
        for _ in range(calls):
            self.request += 1
            self.world.send(self.caller, [CALL, self.request, {}, "com.app.p"])
            found += [at for at, callee in enumerate(self.callees) if take(callee)]
        return found


def test_it_is_announced_by_the_dealer() -> None:
    expected = {"features": {"shared_registration": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": {}, "dealer": expected}


def test_roundrobin_asks_them_in_turn() -> None:
    assert Service("roundrobin").asked(7) == [0, 1, 2, 0, 1, 2, 0]


def test_roundrobin_goes_on_where_it_was_when_one_leaves_and_another_comes() -> None:
    service = Service("roundrobin")
    assert service.asked(2) == [0, 1]
    service.leave(1)
    assert service.asked(3) == [2, 0, 2]
    service.add()
    assert sorted(service.asked(3)) == [0, 2, 3]


def test_random_asks_each_of_them_and_in_no_round() -> None:
    asked = Service("random").asked(300)
    assert min(Counter(asked)[at] for at in range(3)) > 50
    assert asked != [at % 3 for at in range(300)]


def test_first_asks_who_registered_first_of_those_that_are_there() -> None:
    service = Service("first")
    assert service.asked(2) == [0, 0]
    service.leave(0)
    assert service.asked(2) == [1, 1]
    service.add()
    assert service.asked(1) == [1]


def test_last_asks_who_registered_last_of_those_that_are_there() -> None:
    service = Service("last")
    assert service.asked(2) == [2, 2]
    service.add()
    assert service.asked(1) == [3]
    service.leave(3)
    assert service.asked(1) == [2]


@pytest.mark.parametrize("policy", ["roundrobin", "random", "first", "last"])
def test_who_is_busy_is_passed_over(policy: str) -> None:
    service = Service(policy, 2)
    service.busy(0)
    assert service.asked(3) == [1, 1, 1]
    service.busy(1)
    assert service.asked(1) == []
    assert take(service.caller)[-1][4] == "wamp.error.no_available_callee"
    service.busy(0, False)
    assert service.asked(1) == [0]


def test_the_registration_ends_with_its_last_callee() -> None:
    service = Service("first", 2)
    service.world.send(service.callees[0], [UNREGISTER, 2, 1])
    assert service.world.realm.dealer.registrations
    service.leave(1)
    assert not service.world.realm.dealer.registrations
    take(service.callees[0])
    service.world.send(service.callees[0], [REGISTER, 3, {"invoke": "last"}, "com.app.p"])
    assert only(service.callees[0]) == ["REGISTERED", 3, 2]


@pytest.mark.parametrize("policy", ["single", "last"])
def test_another_policy_than_the_first_is_refused(policy: str) -> None:
    service = Service("first", 1)
    service.world.send(service.caller, [REGISTER, 7, {"invoke": policy}, "com.app.p"])
    assert only(service.caller)[4] == "wamp.error.procedure_already_exists"
