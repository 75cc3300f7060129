from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import PUBLISH, World, only, take
from wamplite.advanced.publisher_exclusion import ForClient, ForRouter
from wamplite.core.feature import announced


def world_with_ann() -> tuple[World, Any]:
    world = World(ForRouter)
    ann = world.join()
    world.subscribe(ann, "com.app.t")
    return world, ann


def test_it_is_announced_by_broker_and_publisher() -> None:
    expected = {"features": {"publisher_exclusion": True}}
    assert announced(["broker", "dealer"], [ForRouter()])["broker"] == expected
    assert announced(["publisher"], [ForClient()]) == {"publisher": expected}


def test_the_client_needs_nothing_installed() -> None:
    ForClient().install(object())


def test_a_publisher_may_get_its_own_event() -> None:
    world, ann = world_with_ann()
    world.send(ann, [PUBLISH, 2, {"exclude_me": False}, "com.app.t", [5]])
    assert only(ann)[::4] == ["EVENT", [5]]


@pytest.mark.parametrize("options", [{}, {"exclude_me": True}])
def test_a_publisher_is_left_out_otherwise(options: dict[str, Any]) -> None:
    world, ann = world_with_ann()
    world.send(ann, [PUBLISH, 2, options, "com.app.t"])
    assert take(ann) == []


def test_another_exclusion_is_not_overridden() -> None:
    world, ann = world_with_ann()
    world.realm.broker.publish_options["not_to"] = lambda publication, session: (
        publication.filters.append(lambda member: member.session != session)
    )
    world.send(ann, [PUBLISH, 2, {"exclude_me": False, "not_to": 1}, "com.app.t"])
    assert take(ann) == []
