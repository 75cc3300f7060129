"""Many calls at once: in order, each with an outcome of its own, and never too many on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import wamplite
from tests.client.scripted import Peer, leave, soon
from tests.processes import RouterProcess
from wamplite.client.calling import WINDOW
from wamplite.core.errors import ApplicationError, CallTimeout, TransportLost, UsageError

ECHO = "com.example.echo"
CANCELING = {"dealer": {"features": {"call_canceling": True}}}


class TooHot(Exception):
    pass


def echo(*args: Any, **kwargs: Any) -> Any:
    if args == ("hot",):
        raise TooHot("of 100", 5)
    return wamplite.Result(args, kwargs) if kwargs else args[0] if args else None


@pytest.fixture
def session(router_process: RouterProcess) -> Iterator[wamplite.Session]:
    with wamplite.connect(router_process.rs) as callee, wamplite.connect(router_process.rs) as one:
        callee.define(TooHot, "com.example.error.too_hot")
        callee.register(ECHO, echo)
        yield one


def test_all_are_answered_in_the_order_of_the_calls(session: wamplite.Session) -> None:
    outcomes = session.call_all((ECHO, [n], {}, None) for n in range(500))
    assert [outcome.value for outcome in outcomes] == list(range(500))
    assert not any(outcome.error for outcome in outcomes)
    assert session.call_all([]) == []


def test_a_value_is_what_call_returns(session: wamplite.Session) -> None:
    none, one, whole = session.call_all(
        [(ECHO, [], {}, None), (ECHO, [[5]], {}, None), (ECHO, [1, 2], {"options": 3}, None)]
    )
    assert (none.value, one.value) == (None, [5])
    assert whole.value == wamplite.Result([1, 2], {"options": 3})


def test_what_fails_fails_alone_and_as_call_would(session: wamplite.Session) -> None:
    session.define(TooHot, "com.example.error.too_hot")
    calls: list[tuple[str, list[Any], dict[str, Any], Any]] = [
        (ECHO, [1], {}, None),
        ("com.example.nobody", [], {}, None),
        ("not a uri", [], {}, None),
        (ECHO, ["hot"], {}, None),
        (ECHO, [float("nan")], {}, None),
        (ECHO, [2], {}, {"timeout": 5}),
    ]
    outcomes = session.call_all(calls)
    assert [outcome.value for outcome in outcomes] == [1, None, None, None, None, 2]
    for call, outcome in zip(calls, outcomes, strict=True):
        if outcome.error is not None:
            procedure, args, kwargs, options = call
            with pytest.raises(type(outcome.error)) as caught:
                session.call(procedure, *args, options=options, **kwargs)
            assert str(caught.value) == str(outcome.error)
    kinds = [type(outcome.error) for outcome in outcomes if outcome.error]
    assert kinds[1:] == [UsageError, TooHot, UsageError]
    assert issubclass(kinds[0], ApplicationError)


def test_no_more_are_on_the_way_than_routers_and_callees_bear(peer: Peer) -> None:
    session = peer.join()
    calling = soon(session.call_all, [(ECHO, [n], {}, None) for n in range(WINDOW + 2)])
    assert [peer.receive()[1] for _ in range(WINDOW)] == list(range(1, WINDOW + 1))
    peer.send([50, 2, {}, ["second"]], [50, 1, {}, ["first"]])
    assert [peer.receive()[1] for _ in range(2)] == [WINDOW + 1, WINDOW + 2]
    peer.send(*([50, request, {}, [request]] for request in range(3, WINDOW + 3)))
    values = [outcome.value for outcome in calling.result()]
    assert values == ["first", "second", *range(3, WINDOW + 3)]
    leave(peer, session)


def test_time_is_for_each_call_or_for_all(peer: Peer) -> None:
    session = peer.join(features=CANCELING)
    short = (ECHO, [], {}, {"timeout": 0.05})
    calling = soon(session.call_all, [short, (ECHO, [], {}, None), short])
    assert [peer.receive()[1] for _ in range(3)] == [1, 2, 3]
    assert peer.receive()[:2] == [49, 1]
    peer.send([50, 2, {}, ["in time"]], [50, 3, {}, ["in time, though taken later"]])
    first, *others = calling.result()
    assert isinstance(first.error, CallTimeout)
    assert f"CALL of {ECHO} within 0.05 s" in str(first.error)
    assert [outcome.error for outcome in others] == [None, None]

    calling = soon(session.call_all, [(ECHO, [], {}, None)] * 2, timeout=0.1)
    assert [peer.receive()[1] for _ in range(4)] == [4, 5, 4, 5]  # two CALLs, two CANCELs
    assert [type(outcome.error) for outcome in calling.result()] == [CallTimeout] * 2
    leave(peer, session)


def test_what_breaks_off_cancels_what_is_on_the_way(peer: Peer) -> None:
    session = peer.join(features=CANCELING)

    def calls() -> Iterator[Any]:
        yield ECHO, [], {}, None
        yield ECHO, [], {}, None
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.call_all(calls())
    assert [peer.receive()[:2] for _ in range(4)] == [[48, 1], [48, 2], [49, 1], [49, 2]]
    leave(peer, session)


def test_a_lost_session_is_the_error_of_all_that_wait(peer: Peer) -> None:
    session = peer.join()
    calling = soon(session.call_all, [(ECHO, [n], {}, None) for n in range(3)])
    assert [peer.receive()[1] for _ in range(3)] == [1, 2, 3]
    peer.hang_up()
    assert all(isinstance(outcome.error, TransportLost) for outcome in calling.result())
    (unsent,) = session.call_all([(ECHO, [], {}, None)])
    assert isinstance(unsent.error, TransportLost)
