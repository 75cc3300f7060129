"""Trust levels of calls and of publications, which follow from the authrole."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.core.world import CALL, PUBLISH, REGISTER, SUBSCRIBE, World, only
from wamplite.advanced import call_trustlevels, publication_trustlevels
from wamplite.core.feature import announced


@pytest.mark.parametrize(("levels", "expected"), [(None, 0), ({"anonymous": 7}, 7), ({"x": 7}, 0)])
def test_the_level_of_the_role_is_told(levels: Any, expected: int) -> None:
    features = call_trustlevels.ForRouter, publication_trustlevels.ForRouter
    world = World(*(partial(feature, levels) for feature in features))
    ann, bob = world.joined(2)
    world.register(ann, "com.app.p")
    world.subscribe(ann, "com.app.t")
    world.send(bob, [CALL, 1, {}, "com.app.p"])
    assert only(ann)[3] == {"trustlevel": expected}
    world.send(bob, [PUBLISH, 1, {}, "com.app.t"])
    assert only(ann)[3] == {"trustlevel": expected}
    world.send(bob, [REGISTER, 2, {}, "com.app.q"], [SUBSCRIBE, 3, {}, "com.app.u"])
    assert len(bob.outbox) == 2  # these have no level


def test_they_are_announced_by_dealer_and_broker() -> None:
    call, publication = call_trustlevels.ForRouter(), publication_trustlevels.ForRouter()
    assert announced(["broker", "dealer"], [call, publication]) == {
        "broker": {"features": {"publication_trustlevels": True}},
        "dealer": {"features": {"call_trustlevels": True}},
    }
