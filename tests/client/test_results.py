"""What verbs return and handlers are given."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import wamplite
from tests.client.scripted import PATIENCE
from tests.waiting import until
from wamplite import Result

MANY = 60


def test_a_result_holds_values_names_and_details() -> None:
    result = Result((1, 2), {"unit": "C"}, {"progress": True})
    assert (result.args, result.kwargs, result.details) == (
        [1, 2],
        {"unit": "C"},
        {"progress": True},
    )


def test_a_result_of_nothing_is_empty_and_its_own() -> None:
    one, other = Result(), Result()
    assert (one.args, one.kwargs, one.details) == ([], {}, {})
    one.args.append(1)
    one.kwargs["k"] = one.details["d"] = 1
    assert (other.args, other.kwargs, other.details) == ([], {}, {})


def test_details_that_were_given_are_those_that_are_had() -> None:
    details: dict[str, object] = {}
    assert Result(details=details).details is details


# ---- handles


@pytest.fixture
def session(url: str) -> Iterator[wamplite.Session]:
    with wamplite.connect(url) as session:
        yield session


def test_an_event_bears_the_number_of_its_subscription(session: wamplite.Session) -> None:
    events: list[wamplite.Event] = []

    def on_event(event: wamplite.Event) -> None:
        events.append(event)

    topics = ["com.app.a", "com.app.b", "com.app.c"]
    numbers = [session.subscribe(topic, on_event).id for topic in topics]
    for topic in topics:
        session.publish(topic, options={"exclude_me": False})
    until(lambda: len(events) == 3, "all arrived")
    assert [event.subscription for event in events] == numbers
    assert len(set(numbers)) == 3


def test_an_invocation_bears_the_number_of_its_registration(session: wamplite.Session) -> None:
    def tell(invocation: wamplite.Invocation) -> int:
        return invocation.registration

    procedures = ["com.app.a", "com.app.b"]
    numbers = [session.register(procedure, tell).id for procedure in procedures]
    assert [session.call(procedure) for procedure in procedures] == numbers
    assert len(set(numbers)) == 2


@pytest.mark.usefixtures("hurried")
def test_several_threads_come_and_go_on_one_session(session: wamplite.Session) -> None:
    odd: list[BaseException] = []

    def live(name: str) -> None:
        try:
            for number in range(MANY):
                registration = session.register(f"com.{name}.p", lambda n=number: n)
                subscription = session.subscribe(f"com.{name}.t", print)
                assert session.call(f"com.{name}.p") == number
                subscription.unsubscribe()
                registration.unregister()
        except BaseException as error:
            odd.append(error)

    threads = [threading.Thread(target=live, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE * 2)
    assert odd == [] and session.error is None
