"""Places: taken in one step, given back once."""

from __future__ import annotations

import threading
from collections import Counter

from wamplite.router.connections import Connections
from wamplite.router.limits import Limits


class Somebody:
    def __init__(self, address: str | None = "10.0.0.1") -> None:
        self.address = address
        self.ended: list[str] = []

    def shutdown(self, why: str) -> None:
        self.ended.append(why)


def enter(connections: Connections, *somebody: Somebody) -> list[str | None]:
    return [connections.enter(one, threading.Thread()) for one in somebody]


def test_each_bound_is_told_by_its_name() -> None:
    connections = Connections(
        Limits(max_connections=4, max_connections_per_address=2, max_handshaking=3)
    )
    one, two = Somebody(), Somebody()
    assert enter(connections, one, two) == [None, None]
    assert enter(connections, Somebody()) == ["connections_refused_by_address"]
    assert enter(connections, Somebody("10.0.0.2")) == [None]
    assert enter(connections, Somebody("10.0.0.3")) == ["connections_refused_handshaking"]
    connections.joined(one)
    assert enter(connections, Somebody("10.0.0.3")) == [None]
    assert enter(connections, Somebody("10.0.0.4")) == ["connections_refused"]
    assert len(connections) == 4


def test_unix_sockets_and_this_process_have_no_address_to_be_bounded() -> None:
    connections = Connections(Limits(max_connections=3, max_connections_per_address=1))
    assert enter(connections, *(Somebody("") for _ in range(4)))[2:] == [
        None,
        "connections_refused",
    ]
    local = [Somebody(None) for _ in range(4)]
    assert enter(connections, *local) == [None] * 4
    assert enter(connections, Somebody("")) == ["connections_refused"]
    for one in local:
        connections.leave(one)
    assert connections._within == 0 and len(connections) == 3


def test_a_place_is_given_back_once() -> None:
    connections = Connections(Limits(max_connections_per_address=2))
    one, two, stranger = Somebody(), Somebody(), Somebody()
    enter(connections, one, two)
    for _ in range(3):
        connections.leave(one)
        connections.leave(stranger)
    assert enter(connections, one) == [None]
    assert enter(connections, Somebody()) == ["connections_refused_by_address"]
    connections.leave(one)
    connections.leave(two)
    assert not connections._addresses and not connections._joining and len(connections) == 0


def test_once_closed_nobody_enters() -> None:
    connections = Connections(Limits())
    connections.close()
    assert enter(connections, Somebody(), Somebody(None)) == ["connections_refused"] * 2


def test_those_who_have_not_joined_can_be_ended_alone() -> None:
    connections = Connections(Limits())
    one, two = Somebody(), Somebody()
    enter(connections, one, two)
    connections.joined(one)
    connections.shutdown_joining("why")
    assert (one.ended, two.ended) == ([], ["why"])
    connections.shutdown_all("end")
    assert (one.ended, two.ended) == (["end"], ["why", "end"])


def test_only_threads_that_run_can_be_waited_for() -> None:
    connections = Connections(Limits())
    go = threading.Event()
    running = threading.Thread(target=go.wait, args=(20,))
    running.start()
    connections.enter(Somebody(), running)
    connections.enter(Somebody(), threading.Thread())  # not started yet
    connections.enter(Somebody(), threading.current_thread())
    assert connections.threads() == [running]
    go.set()
    running.join(20)
    assert connections.threads() == []


def test_no_bound_is_passed_when_many_come_at_once(hurried: None) -> None:
    connections = Connections(Limits(max_connections=20, max_connections_per_address=7))
    outcomes: list[str | None] = []
    most: list[int] = []

    def come_and_go(address: str) -> None:
        for _ in range(200):
            one = Somebody(address)
            outcomes.append(connections.enter(one, threading.Thread()))
            most.append(len(connections))
            connections.joined(one)
            if len(outcomes) % 3:
                connections.leave(one)

    threads = [threading.Thread(target=come_and_go, args=(f"10.0.0.{n % 4}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    seen = Counter(outcomes)
    assert seen[None] and max(most) <= 20
    assert max(connections._addresses.values(), default=0) <= 7
    assert sum(connections._addresses.values()) == len(connections)
