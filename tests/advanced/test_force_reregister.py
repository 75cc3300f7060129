from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, REGISTER, World, only, take
from wamplite.advanced import registration_revocation
from wamplite.advanced.force_reregister import ForRouter

FORCE = {"force_reregister": True}


def test_the_new_callee_takes_the_procedure_over() -> None:
    world = World(ForRouter, registration_revocation.ForRouter)
    old = world.join(callee={"features": {"registration_revocation": True}})
    new, caller = world.joined(2)
    world.register(old, "com.app.p")
    assert world.register(new, "com.app.p", **FORCE) == 2
    (told,) = take(old)
    assert told == ["UNREGISTERED", 0, {"registration": 1, "reason": "wamplite.close.reregistered"}]
    world.send(caller, [CALL, 10, {}, "com.app.p"])
    assert only(new)[0] == "INVOCATION" and take(old) == []


def test_where_nobody_holds_it_it_is_a_registration_like_any_other() -> None:
    world = World(ForRouter)
    assert world.register(world.join(), "com.app.p", **FORCE) == 1


@pytest.mark.parametrize("options", [{}, {"force_reregister": False}])
def test_without_force_the_procedure_is_taken(options: dict[str, Any]) -> None:
    world = World(ForRouter)
    old, new = world.joined(2)
    world.register(old, "com.app.p")
    world.send(new, [REGISTER, 7, options, "com.app.p"])
    assert only(new)[4] == "wamp.error.procedure_already_exists"


def test_nobody_loses_anything_where_it_is_refused_for_another_reason() -> None:
    world = World(ForRouter, max_registrations=1)
    old, new = world.joined(2)
    world.register(old, "com.app.p")
    world.send(new, [REGISTER, 7, {**FORCE, "invoke": "nobody"}, "com.app.p"])
    world.send(new, [REGISTER, 8, FORCE, "no good"])
    assert [answer[4] for answer in take(new)] == [
        "wamp.error.invalid_argument",
        "wamp.error.invalid_uri",
    ]
    assert old.member.registrations


def test_the_routers_own_procedures_are_not_taken_over() -> None:
    world = World(ForRouter)
    world.realm.procedures["app.mine"] = lambda caller, call: None
    ann = world.join()
    world.send(ann, [REGISTER, 7, FORCE, "app.mine"])
    assert only(ann)[4] == "wamp.error.procedure_already_exists"
