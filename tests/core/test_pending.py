from __future__ import annotations

from typing import Any

import pytest

from wamplite.core.errors import ProtocolError, TransportLost, UsageError
from wamplite.core.messages import (
    Call,
    Publish,
    Published,
    Register,
    Result,
    Subscribe,
)
from wamplite.core.parsing import to_array
from wamplite.core.pending import Receivers, Request, Requests


class AskedOnce(Request):
    """A request that remembers how it ended."""

    def __init__(self) -> None:
        super().__init__("com.app.p", "me", "prefix")
        self.answers: list[Any] = []

    def settle(self, answer: Any) -> None:
        self.answers.append(answer)


def sent_by(requests: Requests, kind: Any) -> AskedOnce:
    asked = AskedOnce()
    requests.ask(kind, asked, {}, "com.app.p")
    return asked


def test_a_request_gets_the_next_id_and_knows_it() -> None:
    sent: list[Any] = []
    requests = Requests(sent.append)
    assert AskedOnce().id == 0
    assert [sent_by(requests, kind).id for kind in (Call, Publish)] == [1, 2]
    requests.ask(Publish, None, {}, "com.app.t")
    assert [to_array(message)[:2] for message in sent] == [[48, 1], [16, 2], [16, 3]]
    assert list(requests.waiting) == [1, 2]


def test_what_could_not_be_sent_waits_for_nothing() -> None:
    def send(message: Any) -> None:
        raise UsageError("no")

    requests, asked = Requests(send), AskedOnce()
    with pytest.raises(UsageError):
        requests.ask(Call, asked, {}, "com.app.p")
    assert asked.id == 0 and not requests.waiting
    assert not requests.abandon(asked)


def test_the_id_of_what_could_not_be_sent_is_the_next_ones() -> None:
    sent: list[Any] = []

    def send(message: Any) -> None:
        if message[2] == "com.app.large":
            raise UsageError("no")
        sent.append(message)

    requests = Requests(send)
    with pytest.raises(UsageError):
        requests.ask(Call, AskedOnce(), {}, "com.app.large")
    assert sent_by(requests, Call).id == 1
    with pytest.raises(TypeError):  # too many elements
        requests.ask(Call, AskedOnce(), {}, "com.app.p", [], {}, "more")
    assert sent_by(requests, Call).id == 2


def test_no_other_request_gets_the_id_of_one_that_was_interrupted() -> None:
    sent: list[Any] = []

    def send(message: Any) -> None:
        sent.append(message)
        if len(sent) == 1:
            raise KeyboardInterrupt

    requests, asked = Requests(send), AskedOnce()
    with pytest.raises(KeyboardInterrupt):
        requests.ask(Call, asked, {}, "com.app.p")
    other = sent_by(requests, Call)
    assert requests.find(1, Call, Result(1, {})) is None
    assert requests.find(2, Call, Result(2, {})) is other


def test_an_answer_is_found_once_and_by_its_kind() -> None:
    requests = Requests(lambda message: None)
    asked = sent_by(requests, Publish)
    with pytest.raises(ProtocolError, match="RESULT: there was no CALL 1"):
        requests.find(1, Call, Result(1, {}))
    assert requests.find(1, Publish, Published(1, 5)) is asked
    requests.drop(asked)
    assert requests.find(1, Publish, Published(1, 5)) is None
    requests.drop(asked)


@pytest.mark.parametrize("request_id", [0, 2, -1])
def test_an_answer_that_nobody_asked_for_is_a_violation(request_id: int) -> None:
    requests = Requests(lambda message: None)
    sent_by(requests, Publish)
    with pytest.raises(ProtocolError, match=f"PUBLISHED: there was no PUBLISH {request_id}"):
        requests.find(request_id, Publish, Published(request_id, 5))


@pytest.mark.parametrize(("kind", "stays"), [(Call, []), (Subscribe, [1]), (Register, [1])])
def test_what_opens_something_is_kept_when_it_is_abandoned(kind: Any, stays: list[int]) -> None:
    requests = Requests(lambda message: None)
    asked = sent_by(requests, kind)
    assert requests.abandon(asked)
    assert list(requests.waiting) == stays
    assert asked.abandoned == bool(stays)


def test_another_request_of_the_same_id_is_not_abandoned() -> None:
    requests, asked = Requests(lambda message: None), AskedOnce()
    mine = sent_by(requests, Call)
    asked.id = mine.id
    assert not requests.abandon(asked)
    assert list(requests.waiting) == [1]


def test_the_end_settles_each_once() -> None:
    requests = Requests(lambda message: None)
    asked = [sent_by(requests, Call) for _ in range(3)]
    error = TransportLost("gone")
    requests.fail(error)
    requests.fail(error)
    assert [one.answers for one in asked] == [[error]] * 3
    assert not requests.waiting


def test_a_plain_request_takes_no_notice_of_its_answers() -> None:
    request = Request("com.app.p")
    request.progress(Result(1, {"progress": True}))
    request.settle(Result(1, {}))
    assert (request.subject, request.receiver, request.match) == ("com.app.p", None, "exact")


def test_receivers_begin_with_nobody() -> None:
    subscription = Receivers(70, "com.app.t", "prefix")
    assert (subscription.id, subscription.topic, subscription.match) == (70, "com.app.t", "prefix")
    assert subscription.receivers == []
