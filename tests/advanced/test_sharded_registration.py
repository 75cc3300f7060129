from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, World, only, take
from wamplite.advanced.sharded_registration import ForRouter


def shards(number: int) -> tuple[World, Any, list[Any]]:
    world = World(ForRouter)
    caller = world.join()
    callees = world.joined(number)
    for callee in callees:
        world.register(callee, "com.app.p", invoke="partition")
    return world, caller, callees


def asked(world: World, caller: Any, callees: list[Any], key: str) -> int:
    options = {"runmode": "partition", "rkey": key}
    request = max(caller.member.calls, default=0) + 1
    world.send(caller, [CALL, request, options, "com.app.p"])
    (at,) = [at for at, callee in enumerate(callees) if take(callee)]
    return at


def test_calls_of_one_key_go_to_one_callee_and_keys_are_spread() -> None:
    world, caller, callees = shards(4)
    first = {f"key{n}": asked(world, caller, callees, f"key{n}") for n in range(40)}
    assert set(first.values()) == {0, 1, 2, 3}
    assert all(asked(world, caller, callees, key) == at for key, at in first.items())


def test_only_the_keys_of_a_callee_that_leaves_move() -> None:
    world, caller, callees = shards(3)
    keys = [f"key{n}" for n in range(30)]
    first = {key: asked(world, caller, callees, key) for key in keys}
    world.lose(callees[1])
    for key in keys:
        at = asked(world, caller, callees, key)
        assert at == first[key] or first[key] == 1


@pytest.mark.parametrize(
    "options", [{"runmode": "partition"}, {"runmode": "all"}, {"runmode": "x", "rkey": "a"}]
)
def test_a_mode_that_cannot_be_had_is_refused(options: dict[str, Any]) -> None:
    world, caller, _ = shards(1)
    world.send(caller, [CALL, 1, options, "com.app.p"])
    assert only(caller)[4] == "wamp.error.invalid_argument"


@pytest.mark.parametrize("options", [{"runmode": "partition", "rkey": "a"}, {"rkey": "a"}])
def test_what_the_callees_did_not_ask_for_is_refused(options: dict[str, Any]) -> None:
    world, caller, _ = shards(1)
    (callee,) = world.joined(1)
    world.register(callee, "com.app.plain")
    world.send(caller, [CALL, 1, options, "com.app.plain"])
    error, (text,) = only(caller)[4:]
    assert error == "wamp.error.invalid_argument"
    assert text.startswith("'com.app.plain' is registered with invoke 'single'")
    assert take(callee) == []
    world.realm.procedures["com.app.own"] = lambda caller, call: pytest.fail("it was called")
    world.send(caller, [CALL, 2, options, "com.app.own"])
    assert only(caller)[4] == "wamp.error.invalid_argument"


def test_a_call_without_a_key_goes_to_one_of_them() -> None:
    world, caller, callees = shards(2)
    world.send(caller, [CALL, 1, {}, "com.app.p"])
    assert sum(len(take(callee)) for callee in callees) == 1
