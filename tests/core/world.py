"""A realm and the peers that speak to it, in one thread; what they are sent is read as wire arrays.

`world.join()` makes a peer that has joined, `world.send(peer, array)` lets a message arrive from
it, `take(peer)` returns what was posted to it since, with each message's name for its code.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

from wamplite.core.feature import Factory
from wamplite.core.members import Identity, Join, Lost, Member, Violation
from wamplite.core.messages import Message, name_of
from wamplite.core.parsing import parse, to_array
from wamplite.core.realm import Realm

CALL, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, REGISTER, UNREGISTER = 48, 16, 32, 34, 64, 66
GOODBYE, ABORT, ERROR, YIELD, INVOCATION = 6, 3, 8, 70, 68
ROLES: dict[str, Any] = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}


class Peer:
    """One member with an outbox that is a list; `limit` is the largest message that it takes."""

    def __init__(self, session: int, limit: int | None = None, **roles: Any) -> None:
        self.identity = Identity(f"peer{session}", "anonymous", "anonymous", "static")
        self.member = Member(
            session, self.identity, roles or ROLES, self.post, self.post_droppable, self.end
        )
        self.limit = limit
        self.outbox: list[Any] = []
        self.droppable: list[Any] = []  # those of the outbox that may be dropped
        self.ends = 0

    def post(self, message: Message) -> bool:
        array = to_array(message)
        if self.limit and len(json.dumps(array, default=bytes.hex)) > self.limit:
            return False
        if not self.ends:
            self.outbox.append([name_of(message), *array[1:]])
        return True

    def post_droppable(self, message: Message) -> bool:
        posted = self.post(message)
        self.droppable.append(self.outbox[-1])
        return posted

    def end(self) -> None:
        self.ends += 1


class Time:
    """The clock of a realm: it stands still until `tick`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def now(self) -> float:
        return self.seconds

    def later(self, seconds: float, run: Callable[[], None]) -> Callable[[], None]:
        timer = (self.seconds + seconds, next(self._numbers), run)
        self.timers.append(timer)
        return lambda: self.timers.remove(timer) if timer in self.timers else None

    def tick(self, seconds: float = 0.0) -> None:
        """Let so many seconds pass, and run what is due."""
        self.seconds += seconds
        while self.timers and min(self.timers)[0] <= self.seconds:
            timer = min(self.timers)
            self.timers.remove(timer)
            timer[2]()


class World:
    """One realm; every keyword is an option of Realm."""

    def __init__(self, *features: Factory, **options: Any) -> None:
        self.time = Time()
        self.realm = Realm("realm1", clock=self.time, features=features, **options)
        self.peers: list[Peer] = []

    def arrive(self, limit: int | None = None, **roles: Any) -> Peer:
        """Make a peer that has not joined yet."""
        self.peers.append(Peer(len(self.peers) + 1, limit, **roles))
        return self.peers[-1]

    def join(self, limit: int | None = None, **roles: Any) -> Peer:
        """Make a peer that has joined and has read its WELCOME."""
        peer = self.arrive(limit, **roles)
        self.realm.handle(peer.member, Join())
        take(peer)
        return peer

    def joined(self, number: int) -> list[Peer]:
        """Make several peers that have joined."""
        return [self.join() for _ in range(number)]

    def send(self, peer: Peer, *arrays: Any) -> None:
        """Let messages arrive from a peer, each as the array on the wire, while it is open."""
        for array in arrays:
            if peer.member.open:
                self.realm.handle(peer.member, parse(array))

    def lose(self, peer: Peer) -> None:
        """Let a peer's connection break."""
        self.realm.handle(peer.member, Lost("the connection was reset"))

    def violate(self, peer: Peer, text: str = "not JSON") -> None:
        """Let something arrive from a peer that is no message."""
        self.realm.handle(peer.member, Violation(text))

    def register(self, callee: Peer, procedure: str, **options: Any) -> int:
        """Register a procedure and return the registration's id."""
        self.send(callee, [REGISTER, 1, options, procedure])
        (answer,) = take(callee)
        assert answer[:2] == ["REGISTERED", 1]
        return int(answer[2])

    def subscribe(self, subscriber: Peer, topic: str, **options: Any) -> int:
        """Subscribe to a topic and return the subscription's id."""
        self.send(subscriber, [SUBSCRIBE, 1, options, topic])
        (answer,) = take(subscriber)
        assert answer[:2] == ["SUBSCRIBED", 1]
        return int(answer[2])

    def is_empty(self) -> bool:
        """Tell whether nothing is left of anybody: no member, record, pending call or timer."""
        realm = self.realm
        matches = [*realm.broker.matches.values(), *realm.dealer.matches.values()]
        held: list[Any] = [realm.members, realm.broker.subscriptions, realm.dealer.registrations]
        held += [realm.broker.held, realm.dealer.calls, self.time.timers]
        held += [match.records for match in matches]
        for peer in self.peers:
            member = peer.member
            held += [member.subscriptions, member.registrations, member.invocations]
            held += [member.calls, member.asked]
        return not any(held)


def take(peer: Peer) -> list[Any]:
    """Return what was posted to a peer since the last time, as it would stand on the wire."""
    taken, peer.outbox = peer.outbox, []
    return taken


def only(peer: Peer) -> list[Any]:
    """Return the one message that was posted to a peer."""
    (message,) = take(peer)
    assert isinstance(message, list)
    return message
