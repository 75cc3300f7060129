"""The history of a subscription in several answers, as routers give them."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

import wamplite
from tests.client.scripted import Later, Peer, leave, soon
from wamplite.advanced import event_history

GET = "wamp.subscription.get_events"


def event(number: int) -> dict[str, Any]:
    return {"publication": number, "timestamp": f"2026-06-01T12:00:{number:02}Z", "args": [number]}


class Answering:
    """A router that is asked for the history of subscription 7, answer by answer."""

    def __init__(self, peer: Peer, **filters: Any) -> None:
        self.peer, self.filters = peer, filters
        self.session = peer.join()
        self.asking: Later = soon(self.session.meta.events, 7, **filters)

    def answer(self, *numbers: int, more: bool = False, **behind: Any) -> None:
        """Expect the filters and those by which the client goes on, and tell these events."""
        code, request, _, procedure, *payload = self.peer.receive()
        asked = {**self.filters, **behind}
        assert (code, procedure, payload) == (48, GET, [[7], asked] if asked else [[7]])
        told = {"is_limit_reached": True} if more else {}
        self.peer.send([50, request, {}, [event(number) for number in numbers], told])

    def found(self) -> list[int]:
        events = self.asking.result()
        leave(self.peer, self.session)
        return [each["publication"] for each in events]


def test_one_answer_may_be_all(peer: Peer) -> None:
    router = Answering(peer)
    router.answer(1, 2)
    assert router.found() == [1, 2]


def test_nothing_is_kept(peer: Peer) -> None:
    router = Answering(peer, reverse=True)
    router.answer()
    assert router.found() == []


def test_the_next_answer_is_behind_the_last_event(peer: Peer) -> None:
    router = Answering(peer, topic="com.app.t")
    router.answer(1, 2, more=True)
    router.answer(3, 4, more=True, after_publication=2)
    router.answer(5, after_publication=4)
    assert router.found() == [1, 2, 3, 4, 5]


def test_the_newest_first_goes_backwards(peer: Peer) -> None:
    router = Answering(peer, reverse=True, before_publication=9)
    router.answer(5, 4, more=True)
    router.answer(3, before_publication=4)
    assert router.found() == [5, 4, 3]


@pytest.mark.parametrize("numbers", [(3,), (3, 4)])
def test_it_ends_where_there_are_as_many_as_are_wanted(peer: Peer, numbers: tuple[int]) -> None:
    router = Answering(peer, limit=3)
    router.answer(1, 2, more=True)
    router.answer(*numbers, more=True, after_publication=2)
    assert router.found() == [1, 2, 3]


def test_an_event_forgotten_meanwhile_begins_anew_and_is_told_once(peer: Peer) -> None:
    router = Answering(peer)
    router.answer(1, 2, more=True)
    router.answer(1, 3, more=True, after_publication=2)
    router.answer(1, 3, more=True, after_publication=3)  # nothing new: time goes on
    router.answer(3, 4, from_time="2026-06-01T12:00:03Z")
    assert router.found() == [1, 2, 3, 4]


def test_what_is_before_an_event_that_is_forgotten_is_asked_for_by_time(peer: Peer) -> None:
    router = Answering(peer, reverse=True)
    router.answer(5, 4, more=True)
    router.answer(before_publication=4)
    router.answer(3, 2, more=True, until_time="2026-06-01T12:00:04Z")
    router.answer(1, before_publication=2)
    assert router.found() == [5, 4, 3, 2, 1]


def test_a_router_that_always_tells_the_same_is_left_alone(peer: Peer) -> None:
    router = Answering(peer)
    router.answer(1, 2, more=True)
    router.answer(1, 2, more=True, after_publication=2)
    router.answer(1, 2, more=True, from_time="2026-06-01T12:00:02Z")
    assert router.found() == [1, 2]


def test_crossbars_list_of_the_newest_comes_in_order_and_whole(peer: Peer) -> None:
    session = peer.join()
    asking = soon(session.meta.events, 7)
    _, request, _, _, *payload = peer.receive()
    assert payload == [[7]]
    peer.send([50, request, {}, [[event(number) for number in range(12, 2, -1)]]])
    _, request, _, _, *payload = peer.receive()
    assert payload[0] == [7] and payload[1]["limit"] > 10**9
    peer.send([50, request, {}, [[event(number) for number in range(12, 0, -1)]]])
    assert [each["publication"] for each in asking.result()] == list(range(1, 13))
    asking = soon(session.meta.events, 7, limit=2)
    _, request, _, _, *payload = peer.receive()
    assert payload == [[7], {"limit": 2}]
    peer.send([50, request, {}, [[event(12), event(11)]]])
    assert [each["publication"] for each in asking.result()] == [11, 12]
    leave(peer, session)


def test_the_words_of_nexus_are_those_of_the_section(peer: Peer) -> None:
    session = peer.join()
    asking = soon(session.meta.events, 7)
    _, request, *_ = peer.receive()
    told = {"Subscription": 7, "Publication": 5, "Details": {}, "Arguments": [1]}
    peer.send([50, request, {}, [told], {"is_limit_reached": False}])
    assert asking.result() == [{"subscription": 7, "publication": 5, "details": {}, "args": [1]}]
    leave(peer, session)


def test_events_of_two_busy_topics_are_all_told() -> None:
    history = partial(event_history.ForRouter, ["prefix:com.log"], most=2000)
    with wamplite.Router(features=["standard", history]) as router, router.connect() as session:
        events: list[Any] = [
            (f"com.log.{number % 2}", [number], {}, {"acknowledge": True}) for number in range(2500)
        ]
        assert all(outcome.sent for outcome in session.publish_all(events))
        read = partial(session.meta.history, "com.log", match="prefix")
        assert [each["args"][0] for each in read()] == [*range(2500)]
        assert [each["args"][0] for each in read(reverse=True)] == [*range(2499, -1, -1)]
        assert len(read(limit=1700)) == 1700


def test_a_history_that_is_larger_than_a_message_is_told() -> None:
    history = partial(event_history.ForRouter, ["com.log"])
    with wamplite.Router(features=["standard", history]) as router:
        url = router.listen("rs://127.0.0.1:0")
        with wamplite.connect(url, max_message_size=2**21) as session:
            for number in range(12):
                text = "\u00fc" * 100_000
                session.publish("com.log", number, text, options={"acknowledge": True})
            events = session.meta.history("com.log")
    assert [each["args"][0] for each in events] == [*range(12)]
