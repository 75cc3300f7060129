from __future__ import annotations

from typing import Any

import pytest

from wamplite.core.errors import UsageError
from wamplite.core.feature import (
    Feature,
    Refused,
    announced,
    claim,
    in_order,
    shorten,
    wrap,
)


def feature(name: str, *needs: str, roles: tuple[str, ...] = ()) -> Feature:
    made = Feature()
    made.name, made.needs, made.roles = name, needs, roles
    return made


def test_a_feature_must_say_what_it_installs() -> None:
    with pytest.raises(NotImplementedError):
        Feature().install(object())


def test_a_refusal_carries_the_error_with_args_and_kwargs() -> None:
    refused = Refused("com.app.no", "because", 7, left=3)
    assert (refused.error, refused.args, refused.kwargs) == (
        "com.app.no",
        ("because", 7),
        {"left": 3},
    )


def test_a_refusal_cuts_the_texts_that_quote_a_peer() -> None:
    (text,) = Refused("com.app.no", "x" * 1000).args
    assert text == "x" * 197 + "..."


def test_a_text_that_fits_is_not_cut() -> None:
    assert shorten("x" * 200) == "x" * 200


def test_a_free_key_can_be_claimed() -> None:
    table = {"exact": 1}
    claim(table, "prefix", 2)
    assert table == {"exact": 1, "prefix": 2}


def test_a_key_that_is_taken_cannot_be_claimed() -> None:
    table = {"exact": 1}
    with pytest.raises(UsageError, match="'exact' is taken already"):
        claim(table, "exact", 2)
    assert table == {"exact": 1}


def test_a_wrap_is_put_round_the_handler_that_was_there() -> None:
    heard: list[Any] = []

    def outer(inner: Any, member: Any, message: Any) -> None:
        heard.append("before")
        inner(member, message)
        heard.append("after")

    handlers: dict[type, Any] = {int: lambda member, message: heard.append((member, message))}
    wrap(handlers, int, outer)
    handlers[int]("member", 7)
    assert heard == ["before", ("member", 7), "after"]


def test_wraps_nest_the_last_outermost() -> None:
    heard: list[str] = []

    def layer(name: str) -> Any:
        def outer(inner: Any, member: Any, message: Any) -> None:
            heard.append(name)
            inner(member, message)

        return outer

    handlers: dict[type, Any] = {int: lambda member, message: heard.append("core")}
    wrap(handlers, int, layer("first"))
    wrap(handlers, int, layer("second"))
    handlers[int](None, None)
    assert heard == ["second", "first", "core"]


def test_a_feature_comes_after_those_it_needs() -> None:
    a, b, c = feature("a", "b", "c"), feature("b", "c"), feature("c")
    assert in_order([a, b, c]) == [c, b, a]


def test_a_feature_whose_need_is_missing_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="'b'"):
        in_order([feature("a", "b")])


def test_features_that_need_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="need others"):
        in_order([feature("a", "b"), feature("b", "a")])


def test_roles_without_features_are_announced_empty() -> None:
    assert announced(["broker", "dealer"], []) == {"broker": {}, "dealer": {}}


def test_a_feature_is_announced_in_the_roles_that_are_there() -> None:
    both = feature("call_canceling", roles=("dealer", "caller"))
    assert announced(["broker", "dealer"], [both]) == {
        "broker": {},
        "dealer": {"features": {"call_canceling": True}},
    }
