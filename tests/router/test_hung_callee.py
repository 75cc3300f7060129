"""A callee that never answers costs only itself, whatever its callers do."""

from __future__ import annotations

import pytest

import wamplite
from wamplite.core.errors import ApplicationError, CallTimeout

from .conftest import Connect, Start, eventually

CALLS = 64  # in flight, instead of the usual 1024: the shares are the same


def test_a_caller_whose_calls_time_out_still_reaches_others(start: Start, connect: Connect) -> None:
    router = start(max_calls=CALLS, features="basic")
    hung = connect(router.url).join()
    hung.ask(64, 1, {}, "com.hung")
    with (
        wamplite.connect(router.url) as good,
        wamplite.connect(router.url) as monitor,
        wamplite.connect(router.url) as other,
    ):
        good.register("com.good", lambda number: number + 1)
        outcomes = []
        for _ in range(CALLS):
            try:
                monitor.call("com.hung", options={"timeout": 0.001})
            except CallTimeout:
                outcomes.append("timeout")
            except ApplicationError as error:
                outcomes.append(error.error)
                assert "com.hung" in str(error) and "its share of 64" in str(error)
            assert monitor.call("com.good", 1) == 2
        with pytest.raises(CallTimeout):
            other.call("com.hung", options={"timeout": 0.001})
    assert set(outcomes) == {"timeout", "wamp.error.unavailable"}
    assert outcomes.count("timeout") < CALLS / 3
    dealer = router.realms["realm1"].realm.dealer
    eventually(lambda: not dealer.calls)
