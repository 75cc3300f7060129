from __future__ import annotations

from typing import Any

import pytest

from wamplite.core.errors import UsageError
from wamplite.core.feature import Feature, Floor, Handlers, Refused, announced, claim, furnish, make


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

    handlers = Handlers({int: lambda member, message: heard.append((member, message))})
    handlers.wrap(int, outer)
    handlers[int]("member", 7)
    assert heard == ["before", ("member", 7), "after"]


def test_wraps_stand_on_floors_and_nest_on_one_the_last_outermost() -> None:
    heard: list[str] = []

    def layer(name: str) -> Any:
        def outer(inner: Any, member: Any, message: Any) -> None:
            heard.append(name)
            inner(member, message)

        return outer

    handlers = Handlers({int: lambda member, message: heard.append("core")})
    handlers.wrap(int, layer("authorization"), Floor.AUTHORIZATION)
    handlers.wrap(int, layer("first"))
    handlers.wrap(int, layer("ids"), Floor.IDS)
    handlers.wrap(int, layer("second"))
    handlers[int](None, None)
    assert heard == ["authorization", "ids", "second", "first", "core"]


def test_a_message_that_nobody_handles_can_be_claimed_once_and_wrapped_then() -> None:
    heard: list[str] = []
    handlers = Handlers({})
    with pytest.raises(UsageError, match="nobody handles int"):
        handlers.wrap(int, lambda inner, member, message: inner(member, message))
    handlers.claim(int, lambda member, message: heard.append("handled"))
    handlers.wrap(int, lambda inner, member, message: heard.append("wrapped"))
    handlers[int](None, None)
    assert heard == ["wrapped"]
    with pytest.raises(UsageError, match="taken already"):
        handlers.claim(int, lambda member, message: None)


def test_a_feature_comes_after_those_it_needs() -> None:
    a, b, c = feature("a", "b", "c"), feature("b", "c"), feature("c")
    assert make([lambda: a, lambda: b, lambda: c]) == [c, b, a]


def test_a_feature_whose_need_is_missing_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="'b'"):
        make([lambda: feature("a", "b")])


def test_features_that_need_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="need others"):
        make([lambda: feature("a", "b"), lambda: feature("b", "a")])


def test_two_features_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="two features 'a'"):
        make([lambda: feature("a"), lambda: feature("a")])


class Plain(Feature):
    name = "plain"

    def install(self, host: Any) -> None:
        host.append(self)


def test_each_host_gets_an_object_of_its_own() -> None:
    hosts: list[list[Feature]] = [[], []]
    for host in hosts:
        assert furnish(host, [Plain]) == host
    assert hosts[0][0] is not hosts[1][0]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (Plain(), "'plain' must be given as a class or as a function"),
        (7, "7 is not a feature"),
        (dict, "must make a Feature, not dict"),
    ],
)
def test_what_does_not_make_features_is_refused(wrong: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        make([wrong])


def test_one_object_is_never_installed_twice() -> None:
    plain = Plain()
    furnish([], [lambda: plain])
    with pytest.raises(UsageError, match="must make a new 'plain' each time"):
        furnish([], [lambda: plain])


def test_a_feature_counts_nothing_unless_it_says_so() -> None:
    assert feature("call_canceling").counters() == {}


def test_a_feature_beside_the_others_stands_in_the_role_itself() -> None:
    class Beside(Feature):
        name = "reflection"
        roles = ("dealer",)
        beside_features = True

    both = feature("call_canceling", roles=("dealer",))
    assert announced(["dealer"], [Beside(), both]) == {
        "dealer": {"reflection": True, "features": {"call_canceling": True}}
    }


def test_roles_without_features_are_announced_empty() -> None:
    assert announced(["broker", "dealer"], []) == {"broker": {}, "dealer": {}}


def test_a_feature_is_announced_in_the_roles_that_are_there() -> None:
    both = feature("call_canceling", roles=("dealer", "caller"))
    assert announced(["broker", "dealer"], [both]) == {
        "broker": {},
        "dealer": {"features": {"call_canceling": True}},
    }
