from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import PUBLISH, World, take
from wamplite.advanced import publisher_exclusion
from wamplite.advanced.subscriber_blackwhite_listing import ForRouter
from wamplite.core.feature import announced

ROLES = {2: "guest", 3: "guest", 4: "admin"}


def reached(options: dict[str, Any]) -> list[int]:
    """Return which of the sessions 2 to 4 get an event of session 1, which listens, too."""
    world = World(ForRouter, publisher_exclusion.ForRouter)
    peers = world.joined(4)
    for peer in peers:
        role = ROLES.get(peer.member.session, "publisher")
        peer.member.identity = peer.identity._replace(authrole=role)
        world.subscribe(peer, "com.app.t")
    world.send(peers[0], [PUBLISH, 1, options, "com.app.t"])
    return [peer.member.session for peer in peers if take(peer)]


def test_it_is_announced_by_the_broker() -> None:
    expected = {"features": {"subscriber_blackwhite_listing": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": expected, "dealer": {}}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [2, 3, 4]),
        ({"exclude": [2]}, [3, 4]),
        ({"exclude": [2, 3, 4711]}, [4]),
        ({"exclude": []}, [2, 3, 4]),
        ({"eligible": [3]}, [3]),
        ({"eligible": [3, 2, 4711]}, [2, 3]),
        ({"eligible": [4711]}, []),
        ({"eligible": []}, []),
        ({"eligible": [2, 3], "exclude": [3, 4]}, [2]),
        ({"eligible": [2], "exclude": [2]}, []),
        ({"exclude_authid": ["peer2"]}, [3, 4]),
        ({"eligible_authid": ["peer2", "x"]}, [2]),
        ({"eligible_authid": []}, []),
        ({"exclude_authrole": ["guest"]}, [4]),
        ({"eligible_authrole": ["guest"]}, [2, 3]),
        ({"eligible_authrole": []}, []),
        ({"exclude_authrole": [], "exclude_authid": []}, [2, 3, 4]),
        ({"eligible_authrole": ["guest"], "eligible_authid": ["peer3", "peer4"]}, [3]),
        ({"eligible_authrole": ["guest", "admin"], "exclude": [2]}, [3, 4]),
        ({"exclude_me": False, "exclude": [1]}, [2, 3, 4]),
        ({"exclude_me": False, "eligible": [1, 2]}, [1, 2]),
        ({"eligible": [1]}, []),
    ],
)
def test_all_lists_must_let_a_subscriber_through(
    options: dict[str, Any], expected: list[int]
) -> None:
    assert reached(options) == expected
