"""Canceling, timeouts and shared registrations leave nothing behind, whatever is refused."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from tests.core.world import CALL, ERROR, REGISTER, UNREGISTER, YIELD, Peer, World, take
from wamplite.advanced import call_canceling, call_timeout, shared_registration
from wamplite.core import uris
from wamplite.core.feature import Feature, Refused

CANCEL = 49
REQUESTS = 10_000
ROLES = {"callee": {"features": {"call_canceling": True, "call_timeout": True}}, "caller": {}}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"timeout": 50},
    {"timeout": 5000},
    {"timeout": 0},
    {"timeout": 50, "refused": True},  # the last option of several refuses
    {"refused": True, "timeout": 50},
]


class RefusingTenth(Feature):
    """Refuses a CALL or REGISTER with the option `refused`."""

    name = "refusing"

    def install(self, host: Any) -> None:
        host.dealer.call_options["refused"] = self.refuse
        host.dealer.register_options["refused"] = self.refuse

    def refuse(self, record: Any, value: Any) -> None:
        raise Refused(uris.INVALID_ARGUMENT, "as it asked")


class Chaos:
    """Six sessions that call each other at random; whoever leaves is followed by another."""

    def __init__(self, seed: int) -> None:
        features = (call_timeout, call_canceling, shared_registration)
        self.random = random.Random(seed)
        self.world = World(
            RefusingTenth, *(feature.ForRouter for feature in features), max_calls=64
        )
        self.seats = [self.world.join(**ROLES) for _ in range(6)]
        self.request = 0
        self.answers: Counter[tuple[int, int]] = (
            Counter()
        )  # (session, request of a CALL) -> answers
        self.refused = 0
        self.asked: dict[Peer, set[int]] = {peer: set() for peer in self.seats}

    def step(self) -> None:
        self.request += 1
        seat = self.random.choice(self.seats)
        choice = self.random.random()
        if choice < 0.55:
            self.call(seat)
        elif choice < 0.75:
            self.answer(seat)
        elif choice < 0.85:
            mode = self.random.choice([{}, {"mode": "skip"}, {"mode": "kill"}])
            recent = self.random.randint(max(1, self.request - 40), self.request)
            self.world.send(seat, [CANCEL, recent, mode])
        elif choice < 0.93:
            self.register(seat)
        elif choice < 0.99:
            self.world.time.tick(self.random.random() / 10)
        else:
            self.leave(seat)
        self.read()

    def call(self, seat: Peer) -> None:
        options = self.random.choice(OPTIONS)
        procedure = self.random.choice(["com.app.a", "com.app.b", "com.app.nobody"])
        self.answers[seat.member.session, self.request] = 0
        self.world.send(seat, [CALL, self.request, options, procedure])

    def answer(self, seat: Peer) -> None:
        if self.asked[seat]:
            invocation = self.asked[seat].pop()
            failing: list[Any] = [ERROR, 68, invocation, {}, "com.app.no"]
            answer = [YIELD, invocation, {}] if self.random.random() < 0.8 else failing
            self.world.send(seat, answer)

    def register(self, seat: Peer) -> None:
        if seat.member.registrations and self.random.random() < 0.5:
            number = next(iter(seat.member.registrations))
            self.world.send(seat, [UNREGISTER, self.request, number])
        else:
            policy = self.random.choice(["single", "roundrobin", "random", "first", "last"])
            options = {"invoke": policy, "forward_timeout": self.random.random() < 0.3}
            if self.random.random() < 0.1:
                options["refused"] = True
            procedure = self.random.choice(["com.app.a", "com.app.b"])
            self.world.send(seat, [REGISTER, self.request, options, procedure])

    def leave(self, seat: Peer) -> None:
        self.world.lose(seat)
        for key in [key for key in self.answers if key[0] == seat.member.session]:
            del self.answers[key]
        joined = self.world.join(**ROLES)
        self.seats[self.seats.index(seat)] = joined
        self.asked[joined] = set()

    def read(self) -> None:
        for peer in self.seats:
            for message in take(peer):
                if message[0] == "INVOCATION":
                    self.asked[peer].add(message[1])
                elif message[0] == "RESULT":
                    self.answers[peer.member.session, message[1]] += 1
                elif message[0] == "ERROR" and message[1] == CALL:
                    self.answers[peer.member.session, message[2]] += 1
                    self.refused += message[5:] == [["as it asked"]]

    def end(self) -> None:
        """Let all that is still in flight be answered, and everybody leave."""
        for peer in self.seats:
            while self.asked[peer]:
                self.answer(peer)
        self.world.time.tick(10)
        self.read()


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_left_of_many_calls_of_which_some_are_refused(seed: int) -> None:
    chaos = Chaos(seed)
    for _ in range(REQUESTS):
        chaos.step()
    chaos.end()
    assert set(chaos.answers.values()) == {1}  # each CALL got one answer
    assert chaos.refused > REQUESTS / 20
    assert not chaos.world.time.timers
    for peer in chaos.seats:
        assert not (peer.member.calls or peer.member.invocations or peer.member.asked)
        chaos.world.lose(peer)
    assert chaos.world.is_empty()
