from __future__ import annotations

from typing import Any

import pytest

from wamplite.client.checks import FEW, check_request, check_uri, in_order
from wamplite.core.errors import UsageError


@pytest.mark.parametrize(
    "args",
    [
        [],
        [None, True, 1, "text", "é", b"\0", 1.5, [], {}],
        [2**64 - 1, -(2**63)],
        ["x"] * (FEW + 1),
        [(1, 2)],
    ],
)
def test_what_every_router_takes_passes(args: Any) -> None:
    check_request("CALL", "com.app.p", args, {})
    check_request("CALL", "com.app.p", [], {"key": args})


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ([1, 2**64], {}, "argument 2"),
        (["\0"], {}, "argument 1"),
        (["\ud800"], {}, "argument 1"),
        ([1], {"b": {1}}, "argument b"),
        ([1], {"\ud800": 1}, "arguments"),
        (["x"] * 70_000, {}, "arguments"),
    ],
)
def test_what_none_takes_is_named(args: Any, kwargs: Any, text: str) -> None:
    with pytest.raises(UsageError, match=f"CALL of com.app.p: {text}: "):
        check_request("CALL", "com.app.p", args, kwargs)


@pytest.mark.parametrize("uri", ["", "a..b", 5, None, "a."])
def test_a_uri_is_checked(uri: Any) -> None:
    with pytest.raises(UsageError, match="CALL: .* is not a valid URI"):
        check_request("CALL", uri, [], {})


def test_a_pattern_may_have_empty_components() -> None:
    check_uri("SUBSCRIBE", "com..t", "wildcard")
    check_uri("SUBSCRIBE", "com.", "prefix")
    with pytest.raises(UsageError):
        check_uri("SUBSCRIBE", "com..t", "exact")
    with pytest.raises(UsageError):
        check_uri("SUBSCRIBE", "com. t", "prefix")


def test_uri_and_handler_come_in_any_order() -> None:
    assert in_order("com.app.p", print) == in_order(print, "com.app.p") == ("com.app.p", print)
    assert in_order("com.app.p", None) == ("com.app.p", None)
    for wrong in ((print, print), (print, None), (5, "com.app.p")):
        with pytest.raises(UsageError, match="expected a URI and a handler"):
            in_order(*wrong)
