from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import Peer


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({"callee": {"features": {"call_canceling": True}}}, True),
        ({"callee": {"features": {"call_canceling": False}}}, False),
        ({"callee": {"features": {}}}, False),
        ({"callee": {}}, False),
        ({"caller": {"features": {"call_canceling": True}}}, False),
    ],
)
def test_a_feature_is_announced_for_a_role(roles: dict[str, Any], expected: bool) -> None:
    assert Peer(1, **roles).member.announced("callee", "call_canceling") is expected


def test_a_new_member_is_open_and_holds_nothing() -> None:
    member = Peer(1).member
    assert member.open
    assert not member.subscriptions
    assert not member.registrations
    assert not member.calls
    assert not member.invocations


def test_of_a_member_is_told_what_carries_its_session() -> None:
    member = Peer(1).member
    assert member.transport == {}
    member.facts = lambda: {"type": "websocket"}
    assert member.transport == {"type": "websocket"}


def test_what_a_member_holds_is_all_that_it_has_a_part_in() -> None:
    member = Peer(1).member
    assert member.held == 0
    member.subscriptions[1] = member.registrations[1] = member.registrations[2] = None
    member.calls |= dict.fromkeys(range(3))
    member.invocations |= dict.fromkeys(range(4))
    assert member.held == 10


def test_a_member_is_shown_by_its_session() -> None:
    assert repr(Peer(31).member) == "session 31"
