"""Results and arguments in parts, and calls that are canceled, through a router in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import wamplite
from tests.waiting import until
from wamplite.client import progress, running

CALLS = "call", "call_progressive"


class Pair:
    """A router with a session that serves and one that calls."""

    def __init__(self, router: wamplite.Router, callee: Any, caller: Any) -> None:
        self.router, self.callee, self.caller = router, callee, caller

    def in_flight(self) -> int:
        return self.router.realms["realm1"].realm.dealer.calls


@pytest.fixture(params=["all"])
def pair(request: Any) -> Iterator[Pair]:
    with wamplite.Router(features="all") as router:
        url = router.listen("rs://127.0.0.1:0")
        with (
            wamplite.connect(url, features=request.param) as callee,
            wamplite.connect(url, features=request.param) as caller,
        ):
            yield Pair(router, callee, caller)


def count(number: int) -> Any:
    yield from range(number)


def count_and_tell(number: int) -> Any:
    yield from range(number)
    return "done"


# ---- results in parts


def test_what_a_generator_yields_are_partial_results(pair: Pair) -> None:
    pair.callee.register("com.count", count_and_tell)
    seen: list[Any] = []
    assert pair.caller.call("com.count", 3, on_progress=seen.append) == "done"
    assert seen == [0, 1, 2]
    assert list(pair.caller.call_progressive("com.count", 3)) == [0, 1, 2, "done"]


def test_a_last_result_without_value_is_not_given(pair: Pair) -> None:
    pair.callee.register("com.count", count)
    assert list(pair.caller.call_progressive("com.count", 3)) == [0, 1, 2]
    assert pair.caller.call("com.count", 3, on_progress=lambda value: None) is None


def test_a_caller_that_wants_no_parts_gets_all_of_them_or_what_is_returned(pair: Pair) -> None:
    pair.callee.register("com.count", count)
    pair.callee.register("com.tell", count_and_tell)
    assert pair.caller.call("com.count", 3) == [0, 1, 2]
    assert pair.caller.call("com.tell", 3) == "done"


@pytest.mark.parametrize("pair", ["basic"], indirect=True)
def test_peers_that_announce_nothing_get_all_at_once(pair: Pair) -> None:
    pair.callee.register("com.count", count)
    assert list(pair.caller.call_progressive("com.count", 3)) == [[0, 1, 2]]


def test_results_of_several_values_come_as_such(pair: Pair) -> None:
    @pair.callee.register("com.pairs")
    def pairs() -> Any:
        yield wamplite.Result([1, 2], {"unit": "C"})
        return wamplite.Result([3], {"unit": "F"})

    first, last = pair.caller.call_progressive("com.pairs")
    assert (first.args, first.kwargs, last.kwargs) == ([1, 2], {"unit": "C"}, {"unit": "F"})


def test_a_plain_procedure_may_tell_of_its_progress(pair: Pair) -> None:
    @pair.callee.register("com.work")
    def work(invocation: wamplite.Invocation) -> int:
        for step in range(3):
            invocation.progress(step, of=3)
        return 7

    *parts, last = pair.caller.call_progressive("com.work")
    assert [(part.args, part.kwargs) for part in parts] == [([n], {"of": 3}) for n in range(3)]
    assert last == 7
    assert pair.caller.call("com.work") == 7


def test_an_error_amid_progress_is_raised_where_it_comes(pair: Pair) -> None:
    @pair.callee.register("com.broken")
    def broken() -> Any:
        yield 1
        raise wamplite.ApplicationError("com.app.no", "because")

    given = pair.caller.call_progressive("com.broken")
    assert next(given) == 1
    with pytest.raises(wamplite.ApplicationError, match=r"com\.app\.no"):
        next(given)


def test_a_defined_exception_is_raised_amid_progress(pair: Pair) -> None:
    class Broken(Exception):
        pass

    pair.callee.define(Broken, "com.app.broken")
    pair.caller.define(Broken, "com.app.broken")

    @pair.callee.register("com.broken")
    def broken() -> Any:
        yield 1
        raise Broken("so")

    with pytest.raises(Broken, match="so"):
        list(pair.caller.call_progressive("com.broken"))


def test_a_value_that_cannot_be_sent_ends_the_call(pair: Pair) -> None:
    @pair.callee.register("com.bad")
    def bad() -> Any:
        yield object()

    with pytest.raises(wamplite.ApplicationError, match="runtime_error"):
        pair.caller.call("com.bad", on_progress=lambda value: None)
    until(lambda: not pair.in_flight(), what="the call has ended")


def test_the_timeout_is_for_each_part(pair: Pair) -> None:
    go = threading.Semaphore(0)

    @pair.callee.register("com.slow")
    def slow() -> Any:
        for number in range(3):
            go.acquire(timeout=10)
            yield number

    given = pair.caller.call_progressive("com.slow", options={"timeout": 0.2})
    for number in range(2):
        go.release()
        assert next(given) == number
    with pytest.raises(wamplite.CallTimeout):
        next(given)
    until(lambda: not pair.in_flight(), what="the router has let the call go")
    go.release()


@pytest.mark.parametrize("how", ["close", "raise"])
def test_whoever_stops_before_the_end_cancels_the_call(pair: Pair, how: str) -> None:
    closed = threading.Event()

    @pair.callee.register("com.endless")
    def endless() -> Any:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    if how == "close":
        given = pair.caller.call_progressive("com.endless")
        assert next(given) == 1
        given.close()
    else:

        def stop(value: Any) -> None:
            raise KeyError(value)

        with pytest.raises(KeyError):
            pair.caller.call("com.endless", on_progress=stop)
    assert closed.wait(10)
    until(lambda: not pair.in_flight(), what="the call has ended")


def test_partial_results_that_nobody_takes_are_bounded(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "MOST", 5)
    ended = threading.Event()

    @pair.callee.register("com.many")
    def many() -> Any:
        yield from range(100)
        ended.set()

    given = pair.caller.call_progressive("com.many")
    assert next(given) == 0
    assert ended.wait(10)
    pair.caller.call("wamp.session.count")  # what comes before it has been read
    taken: list[Any] = []
    with pytest.raises(wamplite.ApplicationError, match="fell_behind"):
        taken.extend(given)
    assert len(taken) <= 5


def test_the_end_of_the_session_ends_the_wait(pair: Pair) -> None:
    go = threading.Event()
    pair.callee.register("com.wait", lambda: go.wait(10))
    given = pair.caller.call_progressive("com.wait", options={"timeout": 0})
    waiting = threading.Timer(0.05, pair.caller.leave)
    waiting.start()
    with pytest.raises(wamplite.TransportLost):
        next(given)
    waiting.join()
    go.set()


# ---- calls that are canceled


def test_a_call_that_times_out_is_canceled_at_the_callee(pair: Pair) -> None:
    stopped = threading.Event()

    @pair.callee.register("com.slow")
    def slow(invocation: wamplite.Invocation) -> None:
        assert not invocation.canceled
        if invocation.wait(10):
            stopped.set()
        invocation.check()

    with pytest.raises(wamplite.CallTimeout):
        pair.caller.call("com.slow", options={"timeout": 0.05})
    assert stopped.wait(10)


def test_a_caller_that_leaves_has_its_calls_interrupted(pair: Pair) -> None:
    begun, stopped = threading.Event(), threading.Event()

    @pair.callee.register("com.slow")
    def slow(invocation: wamplite.Invocation) -> None:
        begun.set()
        if invocation.wait(10):
            stopped.set()

    def ask() -> None:
        with pytest.raises(wamplite.WampliteError):
            pair.caller.call("com.slow")

    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(10)
    pair.caller.leave()
    assert stopped.wait(10)
    asking.join()


def test_a_call_that_waits_for_its_turn_is_not_begun_once_it_was_canceled(pair: Pair) -> None:
    go, served = threading.Event(), []

    def one(number: int) -> None:
        served.append(number)
        go.wait(10)

    pair.callee.register("com.one", one, options={"concurrent": False})
    first = threading.Thread(target=pair.caller.call, args=("com.one", 1))
    first.start()
    until(lambda: served == [1], what="the first is being served")
    with pytest.raises(wamplite.CallTimeout):
        pair.caller.call("com.one", 2, options={"timeout": 0.05})
    until(lambda: pair.in_flight() == 1, what="the second is canceled")
    assert pair.caller.call("wamp.session.count") == 2  # and the callee has read so
    pair.callee.call("wamp.session.count")
    go.set()
    first.join()
    pair.caller.call("com.one", 3)
    assert served == [1, 3]


def test_an_invocation_that_nobody_serves_is_never_canceled() -> None:
    invocation = wamplite.Invocation("com.p", [1], {}, {}, 1, 1)
    assert not invocation.canceled and not invocation.wait(0)
    invocation.check()
    invocation.progress(1)
    assert [part.args for part in invocation.parts()] == [[1]]


# ---- arguments in parts


def total(invocation: wamplite.Invocation) -> int:
    return sum(part.args[0] * part.kwargs.get("times", 1) for part in invocation.parts())


def test_arguments_may_come_in_parts(pair: Pair) -> None:
    pair.callee.register("com.total", total)
    assert pair.caller.call_parts("com.total", range(100)) == 4950
    assert pair.caller.call_parts("com.total", [1]) == 1
    parts = (wamplite.Result([n], {"times": 2}) for n in range(3))
    assert pair.caller.call_parts("com.total", parts) == 6
    assert pair.caller.call("com.total", 5) == 5


def test_no_parts_are_a_call_without_arguments(pair: Pair) -> None:
    pair.callee.register("com.how_many", lambda *args: len(args))
    assert pair.caller.call_parts("com.how_many", []) == 0


def test_parts_and_results_may_flow_both_ways(pair: Pair) -> None:
    @pair.callee.register("com.double")
    def double(invocation: wamplite.Invocation) -> Any:
        for part in invocation.parts():
            yield 2 * part.args[0]

    seen: list[Any] = []
    assert pair.caller.call_parts("com.double", range(5), on_progress=seen.append) is None
    assert seen == [0, 2, 4, 6, 8]
    assert pair.caller.call_parts("com.double", range(3)) == [0, 2, 4]  # nobody takes parts


def test_a_callee_that_ends_early_is_sent_no_more_parts(pair: Pair) -> None:
    sent: list[int] = []

    def parts() -> Iterator[int]:
        for number in range(100_000):
            sent.append(number)
            yield number
            if number == 3:
                until(lambda: not pair.in_flight(), what="the call has ended")

    pair.callee.register("com.first", lambda invocation: next(invocation.parts()).args[0])

    @pair.callee.register("com.early")
    def early(invocation: wamplite.Invocation) -> Any:
        return next(invocation.parts()).args[0]

    assert pair.caller.call_parts("com.early", parts()) == 0
    assert len(sent) < 50_000


def test_parts_that_are_not_taken_are_bounded(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_PARTS", 5)
    go = threading.Event()

    @pair.callee.register("com.late")
    def late(invocation: wamplite.Invocation) -> None:
        go.wait(10)

    try:
        with pytest.raises(wamplite.ApplicationError, match=r"unavailable|no_available_callee"):
            pair.caller.call_parts("com.late", range(100))
    finally:
        go.set()


@pytest.mark.parametrize("pair", ["standard"], indirect=True)
def test_where_a_peer_cannot_take_parts_it_is_an_error(pair: Pair) -> None:
    pair.callee.register("com.total", total)
    with pytest.raises((wamplite.WampliteError,)):
        pair.caller.call_parts("com.total", range(3))


# ---- what is taken away


def test_what_the_router_revokes_is_told_in_the_log(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    registration = pair.callee.register("com.p", print)
    subscription = pair.callee.subscribe("com.t", print)
    for name, who, number in (
        ("registration", "callee", registration.id),
        ("subscription", "subscriber", subscription.id),
    ):
        pair.caller.call(f"wamp.{name}.remove_{who}", number, pair.callee.id, reason="com.app.why")
    until(lambda: not (registration.active or subscription.active), what="both are given up")
    assert f"the router has revoked registration {registration.id}: com.app.why" in caplog.text
    assert f"the router has revoked subscription {subscription.id}: com.app.why" in caplog.text
    registration.unregister()
    subscription.unsubscribe()
    with pytest.raises(wamplite.NoSuchProcedure):
        pair.caller.call("com.p")
