"""Options: what the value of each known key must be."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.core import options
from wamplite.core.ids import MAX_ID

ODD: list[Any] = [None, True, 1, -1, 1.0, "text", b"text", [], {}, [1], ["a"], {"a": 1}]
RIGHT: dict[options.Key, list[Any]] = {
    options.BOOL: [True, False],
    options.STR: ["", "text"],
    options.DICT: [{}, {"a": 1}],
    options.ID: [1, MAX_ID],
    options.UINT: [0, 1, 2**60],
    options.IDS: [[], [1, MAX_ID]],
    options.STRS: [[], ["a", ""]],
    options.HOPS: [
        [],
        [{}],
        [{"authid": None}],
        [{"session": 1, "authid": "a", "authrole": "b", "more": 1}],
    ],
    options.MATCH: ["exact", "prefix", "wildcard", "_regex"],
    options.ENCRYPTION: ["cryptobox", "mqtt", "xbr", "x_own"],
    options.CLIENT_ROLES: [
        {"caller": {}},
        {"subscriber": {"features": {}}, "unknown": {}},
        {"callee": {"features": {"call_canceling": True}}, "publisher": {"more": 1}},
        {"caller": {"features": {"call_canceling": 1, "call_timeout": None}}},
        {"caller": {"features": None}, "callee": None, "broker": 1},
    ],
    options.ROUTER_ROLES: [
        {"broker": {}},
        {"dealer": {"features": {"call_canceling": False}}},
        {"dealer": {"features": {"call_canceling": "yes"}}, "caller": [], "broker": None},
    ],
}
WRONG: dict[options.Key, list[Any]] = {
    options.BOOL: [0, 1, "true"],
    options.ID: [0, MAX_ID + 1],
    options.UINT: [False],
    options.IDS: [[0], [1, "a"], [True], (1,)],
    options.STRS: [["a", 1], [b"a"]],
    options.HOPS: [[1], [{"session": 0}], [{"authid": 1}], [{"authrole": b"a"}]],
    options.MATCH: ["", "regex", "Exact"],
    options.ENCRYPTION: ["", "invalid", "x"],
    options.CLIENT_ROLES: [
        {"broker": {}},
        {"caller": None},
        {"caller": {}, "callee": 1},
        {"caller": {"features": []}},
    ],
    options.ROUTER_ROLES: [{"caller": {}}, {"broker": []}],
}


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


@pytest.mark.parametrize("key", RIGHT, ids=lambda key: key.wanted)
def test_a_key_takes_what_it_says_and_nothing_else(key: options.Key) -> None:
    assert all(key.fits(value) is True for value in RIGHT[key])
    fitting = [value for value in ODD if key.fits(value)]
    allowed = {
        options.BOOL: [True], options.STR: ["text"], options.DICT: [{}, {"a": 1}],
        options.ID: [1], options.UINT: [1], options.IDS: [[], [1]], options.STRS: [[], ["a"]],
        options.HOPS: [[]],
    }  # fmt: skip
    expected = allowed.get(key, [])
    assert len(fitting) == len(expected)
    assert all(map(same, fitting, expected))
    assert not any(key.fits(value) for value in WRONG.get(key, []))


def test_every_key_in_use_is_tried_here() -> None:
    tables = [value for name, value in vars(options).items() if name.isupper()]
    used = {key for table in tables if isinstance(table, dict) for key in table.values()}
    assert used <= set(RIGHT)


# What the specification names, with those that pass through us; by kind.
NAMED: dict[str, dict[str, str]] = {
    "HELLO_DETAILS": {
        "a string": "authid authrole agent", "a dict": "authextra",
        "a list of strings": "authmethods", "roles": "roles",
    },
    "WELCOME_DETAILS": {
        "a string": "authid authrole agent authmethod authprovider realm", "a dict": "authextra",
        "roles": "roles",
    },
    "PUBLISH_OPTIONS": {
        "a bool": "acknowledge exclude_me disclose_me retain",
        "a list of IDs": "exclude eligible",
        "a list of strings":
            "exclude_authid exclude_authrole eligible_authid eligible_authrole",
        "a string": "rkey transaction_hash",
    },
    "EVENT_DETAILS": {
        "an ID": "publisher",
        "a string": "publisher_authid publisher_authrole topic transaction_hash",
        "a bool": "retained x_acknowledged_delivery", "an integer of at least 0": "trustlevel",
    },
    "CALL_OPTIONS": {
        "a bool": "receive_progress progress disclose_me",
        "an integer of at least 0": "timeout", "a string": "rkey runmode transaction_hash",
    },
    "RESULT_DETAILS": {"a bool": "progress"},
    "INVOCATION_DETAILS": {
        "an ID": "caller",
        "a string": "caller_authid caller_authrole procedure transaction_hash",
        "a bool": "receive_progress progress",
        "an integer of at least 0": "timeout trustlevel",
    },
    "SUBSCRIBE_OPTIONS": {
        options.MATCH.wanted: "match", "a string": "nkey transaction_hash",
        "a bool": "get_retained",
    },
    "REGISTER_OPTIONS": {
        "a string": "match invoke", "a bool": "disclose_caller forward_timeout",
    },
    "MODE": {"a string": "mode"},
}  # fmt: skip


@pytest.mark.parametrize("table", NAMED)
def test_the_keys_are_those_that_the_specification_names(table: str) -> None:
    keys: options.Keys = getattr(options, table)
    own = {name: key for name, key in keys.items() if options.PAYLOAD.get(name) is not key}
    wanted = {name: kind for kind, names in NAMED[table].items() for name in names.split()}
    assert {name: "roles" if name == "roles" else key.wanted for name, key in own.items()} == wanted


def test_keys_of_a_payload_may_stand_wherever_a_payload_may() -> None:
    ppt = {f"ppt_{part}" for part in ("scheme", "serializer", "cipher", "keyid")}
    assert set(options.PAYLOAD) == ppt | {"forward_for", "enc_algo", "enc_key", "enc_serializer"}
    for name in ("PUBLISH_OPTIONS", "EVENT_DETAILS", "CALL_OPTIONS", "INVOCATION_DETAILS"):
        assert getattr(options, name).items() >= options.PAYLOAD.items()
    assert options.RESULT_DETAILS.items() >= options.PAYLOAD.items()


def test_a_feature_is_announced_by_true_and_by_nothing_else() -> None:
    odd = {"a": True, "b": 1, "c": "true", "d": None, "e": False, "f": [], "g": {}}
    roles = {"broker": {"features": odd}, "dealer": None, "caller": {"features": None}}
    assert options.announced_features(roles, "broker") == {"a"}
    for role in ("dealer", "caller", "callee"):
        assert options.announced_features(roles, role) == set()
