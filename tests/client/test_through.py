"""The verbs of a component reach its current session, each with all that it was given."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE
from wamplite import Component

VERBS = ["call", "call_progressive", "call_parts", "call_result"]
VERBS += ["publish", "publish_args", "publish_all"]


@pytest.fixture
def component() -> Iterator[Component]:
    with wamplite.Router(features="all") as router:
        component = Component(router.listen("rs://127.0.0.1:0"), features="all")

        @component.register("com.app.count")
        def count(invocation: wamplite.Invocation) -> Any:
            for part in invocation.parts():
                yield part.args[0]
            return wamplite.Result(["done"], invocation.kwargs)

        with component:
            component.wait_joined(PATIENCE)
            yield component


@pytest.mark.parametrize("verb", VERBS)
def test_a_component_takes_what_a_session_does(verb: str) -> None:
    ours, theirs = (
        inspect.signature(getattr(kind, verb)) for kind in (Component, wamplite.Session)
    )
    assert ours.parameters == theirs.parameters


@pytest.mark.parametrize("verb", VERBS)
def test_without_a_session_each_says_so(verb: str) -> None:
    given: list[Any] = [[]] if verb == "publish_all" else ["com.app.x"]
    with pytest.raises(wamplite.SessionNotReady, match="no session at the moment"):
        getattr(Component("rs://127.0.0.1:1"), verb)(*given, *([[]] if "parts" in verb else []))


def test_calls_arrive_with_their_arguments_and_their_parts(component: Component) -> None:
    seen: list[Any] = []
    result = component.call("com.app.count", 5, k=1, on_progress=seen.append)
    assert (result.args, result.kwargs, seen) == (["done"], {"k": 1}, [5])
    *parts, last = component.call_progressive("com.app.count", 6, k=2)
    assert (parts, last.kwargs) == ([6], {"k": 2})
    assert component.call_parts("com.app.count", [7, 8], on_progress=seen.append) == "done"
    assert seen == [5, 7, 8]
    assert component.call_result("com.app.count", [9], {"k": 3}).kwargs == {"k": 3}


def test_publications_arrive_with_their_arguments(component: Component) -> None:
    acknowledge = {"acknowledge": True}
    assert component.publish("com.app.t", 1, k=2, options=acknowledge)
    assert component.publish_args("com.app.t", [1], {"k": 2}, options=acknowledge)
    (outcome,) = component.publish_all([("com.app.t", [1], {}, acknowledge)], timeout=PATIENCE)
    assert outcome.publication
