"""Calls in the router's own name by a thread that waits for the answer."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from wamplite import ApplicationError, Router
from wamplite.core.messages import Error, Result
from wamplite.router import questions
from wamplite.router.questions import Questions

from .conftest import parts

pytestmark = pytest.mark.usefixtures("either_reader")

SECONDS = 5.0


def fails(number: int) -> None:
    raise ApplicationError("com.example.odd", number)


def test_an_answer_comes_or_an_error() -> None:
    with Router() as router, router.connect("realm1", concurrent=False) as session:
        ask = parts(router).questions.ask
        session.register("com.example.double", lambda number: 2 * number)
        session.register("com.example.fails", fails)
        answer = ask("realm1", "com.example.double", [21], SECONDS)
        assert isinstance(answer, Result) and answer.args == [42]
        for procedure, error in (
            ("com.example.fails", "com.example.odd"),
            ("com.example.nothing", "wamp.error.no_such_procedure"),
        ):
            answer = ask("realm1", procedure, [1], SECONDS)
            assert isinstance(answer, Error) and answer.error == error
        answer = ask("another", "com.example.double", [1], SECONDS)
        assert isinstance(answer, Error) and answer.error == "wamp.error.no_such_realm"


def test_no_answer_in_time_is_an_error_and_a_later_one_is_nobodys() -> None:
    go_on = threading.Event()
    with Router() as router, router.connect("realm1", concurrent=False) as session:
        session.register("com.example.slow", lambda: go_on.wait(20))
        ask = parts(router).questions.ask
        answer = ask("realm1", "com.example.slow", [], 0.05)
        assert isinstance(answer, Error) and answer.error == "wamp.error.timeout"
        go_on.set()
        assert session.call("wamp.session.count") == 1


def test_a_realm_that_does_not_route_any_more_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "GRACE", 0.01)
    realm: Any = SimpleNamespace(run=lambda errand: None, realm=SimpleNamespace(call=None))
    answer = Questions({"realm1": realm}).ask("realm1", "com.example.x", [], 0.01)
    assert isinstance(answer, Error) and answer.error == "wamp.error.timeout"
