"""What is kept of role dictionaries: what is on, of a client's roles, and once for all alike."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import pytest

from wamplite.core.roles import LONGEST, MOST_FEATURES, kept

CALLER = {"caller": {"features": {"call_timeout": True, "progressive_call_results": True}}}


class Flag(IntEnum):
    """A value that no message holds, but a session in the same process might."""

    ON = 1


def test_of_the_features_those_that_are_on_are_kept() -> None:
    features = {"call_timeout": True, "call_canceling": False, "ppt": 1, "sharding": None}
    roles = {"caller": {"features": features, "reflection": True}, "callee": None, "broker": {}}
    told = {"call_timeout": True, "reflection": True}
    assert kept(roles) == {"caller": {"features": told}}


def test_a_role_without_features_is_kept() -> None:
    assert kept({"publisher": {}}) == {"publisher": {"features": {}}}


def test_who_announces_the_same_shares_what_is_kept() -> None:
    again = {"caller": {"features": dict(CALLER["caller"]["features"])}}
    assert kept(CALLER) is kept(again)


@pytest.mark.parametrize("odd", [1, 1.0, "true", None])
def test_what_only_seems_to_be_equal_shares_nothing(odd: Any) -> None:
    assert kept({"caller": {"features": {"call_timeout": True}}}) != {"caller": {"features": {}}}
    assert kept({"caller": {"features": {"call_timeout": odd}}}) == {"caller": {"features": {}}}


def test_what_is_kept_is_none_of_what_came() -> None:
    features = {"call_timeout": True}
    told = kept({"caller": {"features": features}})
    features["call_canceling"] = True
    assert told == {"caller": {"features": {"call_timeout": True}}}


def test_a_long_announcement_is_kept_for_its_session_alone_and_up_to_a_bound() -> None:
    features = {f"x_{number:0100d}": True for number in range(1000)}
    assert sum(map(len, features)) > LONGEST
    told = kept({"caller": {"features": features}})
    assert len(told["caller"]["features"]) == MOST_FEATURES
    assert told is not kept({"caller": {"features": features}})


def test_what_no_message_can_hold_is_left_out() -> None:
    features = {"call_timeout": True, "x_flag": Flag.ON}
    assert kept({"caller": {"features": features}}) == {
        "caller": {"features": {"call_timeout": True}}
    }


def test_what_is_remembered_is_bounded() -> None:
    first = kept(CALLER)
    for number in range(100):
        kept({"caller": {"features": {f"x_{number}": True}}})
    assert kept(CALLER) == first
    assert kept(CALLER) is not first
