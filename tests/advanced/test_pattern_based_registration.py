from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, REGISTER, World, only, take
from wamplite.advanced.pattern_based_registration import ForRouter
from wamplite.core.feature import announced

REGISTERED = [
    ("exact", "a1.b2.c3.d4.e55"),
    ("prefix", "a1.b2.c3"),
    ("prefix", "a1.b2.c3.d4"),
    ("wildcard", "a1.b2..d4.e5"),
    ("wildcard", "a1.b2.c33..e5"),
    ("wildcard", "a1.b2..d4.e5..g7"),
    ("wildcard", "a1.b2..d4..f6.g7"),
]


def test_it_is_announced_by_the_dealer() -> None:
    expected = {"features": {"pattern_based_registration": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": {}, "dealer": expected}


@pytest.mark.parametrize(
    ("procedure", "expected"),
    [
        ("a1.b2.c3.d4.e55", 1),
        ("a1.b2.c3.d98.e74", 2),
        ("a1.b2.c3.d4.e325", 3),
        ("a1.b2.c55.d4.e5", 4),
        ("a1.b2.c33.d4.e5", 2),  # a prefix is one of the string, and goes before wildcards
        ("a1.b2.c88.d4.e5.f6.g7", 6),
        ("a2.b2.c2.d2.e2", None),
    ],
)
def test_one_registration_gets_the_call_the_best_first(
    procedure: str, expected: int | None
) -> None:
    world = World(ForRouter)
    callee, caller = world.joined(2)
    for match, uri in REGISTERED:
        world.register(callee, uri, match=match)
    world.send(caller, [CALL, 10, {}, procedure])
    if expected is None:
        assert only(caller)[4] == "wamp.error.no_such_procedure"
    else:
        details: dict[str, Any] = {} if expected == 1 else {"procedure": procedure}
        assert take(callee) == [["INVOCATION", 1, expected, details]]


def test_one_uri_by_several_policies_is_several_registrations() -> None:
    world = World(ForRouter)
    callee = world.join()
    ids = [world.register(callee, "com.app", match=m) for m in ("exact", "prefix", "wildcard")]
    assert ids == [1, 2, 3]
    world.send(callee, [REGISTER, 9, {"match": "prefix"}, "com.app"])
    assert only(callee)[4] == "wamp.error.procedure_already_exists"


@pytest.mark.parametrize("match", ["prefix", "wildcard"])
@pytest.mark.parametrize("uri", ["wamp.", "wamp", "a b", "a.#"])
def test_a_pattern_that_cannot_be_had_is_refused(match: str, uri: str) -> None:
    world = World(ForRouter)
    callee = world.join()
    world.send(callee, [REGISTER, 9, {"match": match}, uri])
    assert only(callee)[4] == "wamp.error.invalid_uri"


def test_no_pattern_serves_what_is_the_routers() -> None:
    world = World(ForRouter)
    callee, caller = world.joined(2)
    world.register(callee, "", match="prefix")
    world.register(callee, "..", match="wildcard")
    world.send(caller, [CALL, 1, {}, "wamp.session.count"], [CALL, 2, {}, "a b"])
    errors = [answer[4] for answer in take(caller)]
    assert errors == ["wamp.error.no_such_procedure", "wamp.error.invalid_uri"]
    assert take(callee) == []
