"""Places: taken in one step, given back once."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from wamplite.router.connections import EVICTED, Connections, Traffic, origin_of
from wamplite.router.limits import Limits


class SomeConnection:
    def __init__(self, address: str | None = "10.0.0.1") -> None:
        self.origin = origin_of(address)
        self.name = f"somebody from {address}"
        self.ended: list[str] = []
        self.listener_url = "tcp://10.0.0.2:8080"
        self.bytes = self.queued = (100, 7)

    def shutdown(self, why: str) -> None:
        self.ended.append(why)


def bounded(**limits: int) -> Connections:
    return Connections(Limits(**limits), lambda name, who: None)  # type: ignore[arg-type]


def enter(connections: Connections, *somebody: SomeConnection) -> list[str | None]:
    return [connections.enter(one) for one in somebody]


def test_each_bound_is_told_by_its_name() -> None:
    connections = bounded(max_connections=4, max_connections_per_address=3, max_handshaking=2)
    one, two, three = SomeConnection(), SomeConnection(), SomeConnection()
    assert enter(connections, one, two) == [None, None]
    assert enter(connections, three) == ["connections_refused_handshaking"]
    connections.joined(one)
    assert enter(connections, three) == [None]
    assert enter(connections, SomeConnection()) == ["connections_refused_by_address"]
    connections.joined(two)
    connections.joined(three)
    assert enter(connections, SomeConnection("10.0.0.2")) == [None]
    assert enter(connections, SomeConnection("10.0.0.3")) == ["connections_refused"]
    assert len(connections) == 4


def test_unix_sockets_and_this_process_have_no_address_to_be_bounded() -> None:
    connections = bounded(max_connections=3, max_connections_per_address=1)
    assert enter(connections, *(SomeConnection("") for _ in range(4)))[2:] == [
        None,
        "connections_refused",
    ]
    local = [SomeConnection(None) for _ in range(4)]
    assert enter(connections, *local) == [None] * 4
    assert enter(connections, SomeConnection("")) == ["connections_refused"]
    for one in local:
        connections.leave(one)
    assert enter(connections, SomeConnection("")) == ["connections_refused"]
    assert len(connections) == 3


def test_a_place_is_given_back_once() -> None:
    connections = bounded(max_connections_per_address=2)
    one, two, stranger = SomeConnection(), SomeConnection(), SomeConnection()
    enter(connections, one, two)
    for _ in range(3):
        connections.leave(one)
        connections.leave(stranger)
    assert enter(connections, one) == [None]
    assert enter(connections, SomeConnection()) == ["connections_refused_by_address"]
    connections.leave(one)
    connections.leave(two)
    assert connections.joining == len(connections) == 0
    refused = "connections_refused_by_address"
    assert enter(connections, one, two, SomeConnection()) == [None, None, refused]


def crowd(connections: Connections, number: int, address: str) -> list[SomeConnection]:
    """Let so many of an address come who never join; return those that were let in."""
    people = [SomeConnection(address) for _ in range(number)]
    return [one for one in people if enter(connections, one) == [None]]


def test_an_address_has_its_share_of_the_handshakes() -> None:
    connections = bounded(max_handshaking=64, max_handshaking_per_address=16)
    assert len(crowd(connections, 70, "10.0.0.1")) == 32  # half of them while nobody else comes
    assert len(crowd(connections, 70, "10.0.0.2")) == 16
    assert enter(connections, SomeConnection("10.0.0.2")) == [
        "connections_refused_handshaking_by_address"
    ]
    assert enter(connections, SomeConnection("10.0.0.3")) == [None]


def test_where_all_places_are_taken_who_holds_most_makes_room() -> None:
    told: list[tuple[str, str]] = []
    limits = Limits(max_handshaking=64, max_handshaking_per_address=16)
    connections = Connections(limits, lambda name, who: told.append((name, who)))
    greedy = crowd(connections, 32, "10.0.0.1")
    others = crowd(connections, 16, "10.0.0.2") + crowd(connections, 16, "10.0.0.3")
    newcomers = [SomeConnection(f"10.0.1.{number}") for number in range(8)]
    assert enter(connections, *newcomers) == [None] * 8
    assert [one.ended for one in greedy[:9]] == [[EVICTED]] * 8 + [[]]  # the oldest first
    assert not any(one.ended for one in [*others, *newcomers])
    assert told == [("handshakes_evicted", greedy[0].name)] * 8
    for one in greedy:  # the threads of those that made room end later
        connections.leave(one)
    assert connections.joining == 40


def test_nobody_makes_room_for_one_of_an_address_that_holds_as_much() -> None:
    connections = bounded(max_handshaking=4, max_handshaking_per_address=2)
    here = crowd(connections, 2, "10.0.0.1") + crowd(connections, 2, "10.0.0.2")
    assert enter(connections, SomeConnection("10.0.0.1")) == [
        "connections_refused_handshaking_by_address"
    ]
    connections = bounded(max_handshaking=4, max_handshaking_per_address=4)
    here += crowd(connections, 2, "10.0.0.1") + crowd(connections, 2, "10.0.0.2")
    assert enter(connections, SomeConnection("10.0.0.1")) == ["connections_refused_handshaking"]
    assert not any(one.ended for one in here)


def test_unix_sockets_have_places_for_handshakes_of_their_own() -> None:
    connections = bounded(max_handshaking=4, max_handshaking_per_address=4)
    assert len(crowd(connections, 9, "")) == 4 and len(crowd(connections, 9, "10.0.0.1")) == 4
    assert enter(connections, SomeConnection("")) == ["connections_refused_handshaking"]
    assert enter(connections, SomeConnection("10.0.0.2"), SomeConnection(None)) == [None, None]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8:0:1::5", "2001:db8:0:1:ffff::6", True),
        ("2001:db8:0:1::5", "2001:db8:0:2::5", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", False),  # all neighbours have this network
        ("fe80::1%eth0", "fe80::1%eth0", True),
    ],
)
def test_an_ipv6_address_counts_for_its_network(one: str, other: str, same: bool) -> None:
    assert (origin_of(one) == origin_of(other)) is same
    connections = bounded(max_connections_per_address=1)
    enter(connections, SomeConnection(one))
    refused = "connections_refused_by_address" if same else None
    assert enter(connections, SomeConnection(other)) == [refused]


def test_once_closed_nobody_enters() -> None:
    connections = bounded()
    connections.close()
    assert (
        enter(connections, SomeConnection(), SomeConnection(None))
        == ["connections_refused_at_the_end"] * 2
    )


def test_those_who_have_not_joined_can_be_ended_alone() -> None:
    connections = bounded()
    one, two = SomeConnection(), SomeConnection()
    enter(connections, one, two)
    connections.joined(one)
    connections.shutdown_joining("why")
    assert (one.ended, two.ended) == ([], ["why"])
    connections.shutdown_all("end")
    assert (one.ended, two.ended) == (["end"], ["why", "end"])


def test_the_end_waits_until_all_have_left_but_one_who_asks_for_it() -> None:
    connections = bounded()
    one, two = SomeConnection(), SomeConnection()
    enter(connections, one, two)
    connections.close()
    begun = time.monotonic()
    connections.wait(begun + 0.05)
    assert time.monotonic() >= begun + 0.05 and len(connections) == 2
    timer = threading.Timer(0.05, connections.leave, [one])
    timer.start()
    connections.wait(begun + 20, are_left=1)
    assert len(connections) == 1 and time.monotonic() < begun + 20
    timer.join(20)


def test_no_bound_is_passed_when_many_come_at_once(hurried: None) -> None:
    connections = bounded(max_connections=20, max_connections_per_address=7)
    outcomes: list[str | None] = []
    most: list[int] = []
    stay: list[SomeConnection] = []

    def come_and_go(address: str) -> None:
        for _ in range(200):
            one = SomeConnection(address)
            outcome = connections.enter(one)
            outcomes.append(outcome)
            most.append(len(connections))
            connections.joined(one)
            if len(outcomes) % 3:
                connections.leave(one)
            elif outcome is None:
                stay.append(one)

    threads = [threading.Thread(target=come_and_go, args=(f"10.0.0.{n % 4}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    seen = Counter(outcomes)
    assert seen[None] and max(most) <= 20
    assert max(Counter(one.origin for one in stay).values(), default=0) <= 7
    assert len(stay) == len(connections)
    for one in stay:
        connections.leave(one)
    outcomes = [connections.enter(SomeConnection("10.0.0.0")) for _ in range(8)]
    assert [outcome is None for outcome in outcomes] == [True] * 7 + [False]


def test_what_has_ended_is_added_up_by_listener() -> None:
    connections = bounded()
    assert connections.traffic() == {} and connections.queues() == []
    connections.listening("tcp://10.0.0.3:8080")
    one, two = SomeConnection(), SomeConnection()
    enter(connections, one, two)
    assert connections.joining == 2 and connections.queues() == [(100, 7)] * 2
    assert connections.traffic() == {
        "tcp://10.0.0.3:8080": Traffic(),
        one.listener_url: Traffic(open=2, accepted=2, bytes_in=200, bytes_out=14),
    }
    connections.leave(one)
    two.bytes = (150, 8)
    found = connections.traffic()[one.listener_url]
    assert found == Traffic(open=1, accepted=2, bytes_in=250, bytes_out=15)
