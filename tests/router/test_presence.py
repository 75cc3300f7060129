"""Sums of what sessions did: they never fall, whoever ends meanwhile."""

from __future__ import annotations

import threading
from typing import Any

from wamplite.router.presence import Presence, Presences, Visits


class Traveller:
    """A connection and a mailbox whose counts tests set."""

    def __init__(self) -> None:
        self.received = self.delivered = 0


def presence(traveller: Traveller, realm: str = "realm1") -> Presence:
    member: Any = None
    return Presence(traveller, traveller, member, realm)  # type: ignore[arg-type]


def test_what_came_before_a_session_is_not_its_own() -> None:
    traveller = Traveller()
    traveller.received = 10
    one = presence(traveller)
    assert one.messages == (0, 0)
    traveller.received, traveller.delivered = 14, 5
    assert one.messages == (3, 5)  # Join is no message


def test_sums_are_by_realm_and_keep_what_has_ended() -> None:
    presences = Presences()
    here, gone = Traveller(), Traveller()
    mine, lab, theirs = presence(here), presence(Traveller(), "lab"), presence(gone)
    for one in (mine, lab, theirs):
        presences.begin(one)
    here.received, gone.received, gone.delivered = 4, 7, 2
    assert presences.visits() == {"realm1": Visits(2, 9, 2), "lab": Visits(1)}
    assert presences.of("realm1") == [mine, theirs]
    presences.end(theirs)
    assert presences.visits() == {"realm1": Visits(2, 9, 2), "lab": Visits(1)}
    assert presences.of("realm1") == [mine]
    presences.end(mine)
    presences.end(lab)
    assert presences.visits()["realm1"] == Visits(2, 9, 2) and presences.of("lab") == []


def test_no_sum_falls_while_sessions_come_and_go(hurried: None) -> None:
    presences = Presences()
    over = threading.Event()

    def visit() -> None:
        while not over.is_set():
            traveller = Traveller()
            one = presence(traveller)
            presences.begin(one)
            traveller.received = 4
            presences.end(one)

    threads = [threading.Thread(target=visit) for _ in range(2)]
    for thread in threads:
        thread.start()
    seen = Visits()
    for _ in range(2000):
        now = presences.visits().get("realm1", Visits())
        assert now >= seen and now.messages_in >= seen.messages_in
        seen = now
    over.set()
    for thread in threads:
        thread.join()
