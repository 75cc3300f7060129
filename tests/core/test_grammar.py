"""Grammar: what the value of each known key must be, and the table of the messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.core.world import World
from wamplite import features
from wamplite.core import grammar
from wamplite.core.conversation import Conversation
from wamplite.core.grammar import GRAMMAR, Sender, Shape, State, counting_in, misplaced
from wamplite.core.ids import MAX_ID
from wamplite.core.messages import (
    CODES,
    NAMES,
    Call,
    Error,
    Publish,
    Register,
    Subscribe,
    Yield,
    build,
)

ODD: list[Any] = [None, True, 1, -1, 1.0, "text", b"text", [], {}, [1], ["a"], {"a": 1}]
RIGHT: dict[grammar.Key, list[Any]] = {
    grammar.BOOL: [True, False],
    grammar.STR: ["", "text"],
    grammar.DICT: [{}, {"a": 1}],
    grammar.ID: [1, MAX_ID],
    grammar.UINT: [0, 1, 2**60],
    grammar.IDS: [[], [1, MAX_ID]],
    grammar.STRS: [[], ["a", ""]],
    grammar.HOPS: [
        [],
        [{}],
        [{"authid": None}],
        [{"session": 1, "authid": "a", "authrole": "b", "more": 1}],
    ],
    grammar.MATCH: ["exact", "prefix", "wildcard", "_regex"],
    grammar.ENCRYPTION: ["cryptobox", "mqtt", "xbr", "x_own"],
    grammar.CLIENT_ROLES: [
        {"caller": {}},
        {"subscriber": {"features": {}}, "unknown": {}},
        {"callee": {"features": {"call_canceling": True}}, "publisher": {"more": 1}},
        {"caller": {"features": {"call_canceling": 1, "call_timeout": None}}},
        {"caller": {"features": None}, "callee": None, "broker": 1},
    ],
    grammar.ROUTER_ROLES: [
        {"broker": {}},
        {"dealer": {"features": {"call_canceling": False}}},
        {"dealer": {"features": {"call_canceling": "yes"}}, "caller": [], "broker": None},
    ],
}
WRONG: dict[grammar.Key, list[Any]] = {
    grammar.BOOL: [0, 1, "true"],
    grammar.ID: [0, MAX_ID + 1],
    grammar.UINT: [False],
    grammar.IDS: [[0], [1, "a"], [True], (1,)],
    grammar.STRS: [["a", 1], [b"a"]],
    grammar.HOPS: [[1], [{"session": 0}], [{"authid": 1}], [{"authrole": b"a"}]],
    grammar.MATCH: ["", "regex", "Exact"],
    grammar.ENCRYPTION: ["", "invalid", "x"],
    grammar.CLIENT_ROLES: [
        {"broker": {}},
        {"caller": None},
        {"caller": {}, "callee": 1},
        {"caller": {"features": []}},
    ],
    grammar.ROUTER_ROLES: [{"caller": {}}, {"broker": []}],
}


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


@pytest.mark.parametrize("key", RIGHT, ids=lambda key: key.wanted)
def test_a_key_takes_what_it_says_and_nothing_else(key: grammar.Key) -> None:
    assert all(key.fits(value) is True for value in RIGHT[key])
    fitting = [value for value in ODD if key.fits(value)]
    allowed = {
        grammar.BOOL: [True], grammar.STR: ["text"], grammar.DICT: [{}, {"a": 1}],
        grammar.ID: [1], grammar.UINT: [1], grammar.IDS: [[], [1]], grammar.STRS: [[], ["a"]],
        grammar.HOPS: [[]],
    }  # fmt: skip
    expected = allowed.get(key, [])
    assert len(fitting) == len(expected)
    assert all(map(same, fitting, expected))
    assert not any(key.fits(value) for value in WRONG.get(key, []))


def test_the_roles_are_those_of_the_specification() -> None:
    assert grammar.CLIENT == ("publisher", "subscriber", "caller", "callee")
    wanted = "a dict of role dicts, at least one of"
    assert grammar.CLIENT_ROLES.wanted == f"{wanted} publisher, subscriber, caller, callee"
    assert grammar.ROUTER_ROLES.wanted == f"{wanted} broker, dealer"


@pytest.mark.parametrize(
    ("roles", "fault"),
    [
        ([], "a list"),
        ({"broker": {}}, "none of these"),
        ({"caller": 1}, "caller as a int"),
        ({"callee": {"features": []}}, "the features of callee as a list"),
        ({"callee": {}}, None),
    ],
)
def test_what_is_wrong_with_roles_is_said(roles: Any, fault: str | None) -> None:
    assert grammar.CLIENT_ROLES.fault is not None
    assert grammar.CLIENT_ROLES.fault(roles) == fault


def test_every_key_in_use_is_tried_here() -> None:
    used = {key for shape in GRAMMAR.values() for key in shape.keys.values()}
    assert used == set(RIGHT)


# What the specification names, with what its test vectors and other routers add; by kind.
STRING, BOOL, UINT, ID = "a string", "a bool", "an integer of at least 0", "an ID"
STRINGS, IDS = "a list of strings", "a list of IDs"
FORWARD = {grammar.HOPS.wanted: "forward_for"}
PASSED = {
    STRING: "ppt_scheme ppt_serializer ppt_cipher ppt_keyid enc_key enc_serializer",
    grammar.ENCRYPTION.wanted: "enc_algo",
} | FORWARD
RESULT = [PASSED, {BOOL: "progress"}]
MODE = [FORWARD, {STRING: "mode"}]
NAMED: dict[str, list[dict[str, str]]] = {
    "HELLO": [
        {STRING: "authid authrole agent", "a dict": "authextra", STRINGS: "authmethods"},
        {grammar.CLIENT_ROLES.wanted: "roles"},
    ],
    "WELCOME": [
        {STRING: "authid authrole agent authmethod authprovider realm", "a dict": "authextra"},
        {grammar.ROUTER_ROLES.wanted: "roles"},
    ],
    "ABORT": [{STRING: "message"}],
    "GOODBYE": [{STRING: "message"}],
    "ERROR": [PASSED],
    "PUBLISH": [
        PASSED,
        {BOOL: "acknowledge exclude_me disclose_me retain", IDS: "exclude eligible"},
        {STRINGS: "exclude_authid exclude_authrole eligible_authid eligible_authrole"},
        {STRING: "rkey transaction_hash"},
    ],
    "SUBSCRIBE": [
        FORWARD,
        {grammar.MATCH.wanted: "match", STRING: "nkey transaction_hash", BOOL: "get_retained"},
    ],
    "UNSUBSCRIBED": [{ID: "subscription", STRING: "reason"}],
    "EVENT": [
        PASSED,
        {ID: "publisher", STRING: "publisher_authid publisher_authrole topic transaction_hash"},
        {BOOL: "retained x_acknowledged_delivery", UINT: "trustlevel"},
    ],
    "CALL": [
        PASSED,
        {BOOL: "receive_progress progress disclose_me", UINT: "timeout"},
        {STRING: "rkey runmode transaction_hash"},
    ],
    "CANCEL": MODE,
    "RESULT": RESULT,
    "REGISTER": [
        FORWARD,
        {STRING: "match invoke", BOOL: "disclose_caller forward_timeout force_reregister"},
        {UINT: "concurrency"},
    ],
    "UNREGISTERED": [{ID: "registration", STRING: "reason"}],
    "INVOCATION": [
        PASSED,
        {ID: "caller", STRING: "caller_authid caller_authrole procedure transaction_hash"},
        {BOOL: "receive_progress progress", UINT: "timeout trustlevel"},
    ],
    "INTERRUPT": MODE,
    "YIELD": RESULT,
}


@pytest.mark.parametrize("code", GRAMMAR, ids=NAMES.get)
def test_the_keys_are_those_that_the_specification_names(code: int) -> None:
    parts = NAMED.get(NAMES[code], [])
    wanted = {
        name: kind for part in parts for kind, names in part.items() for name in names.split()
    }
    assert {name: key.wanted for name, key in GRAMMAR[code].keys.items()} == wanted


def test_a_feature_is_announced_by_true_and_by_nothing_else() -> None:
    odd = {"a": True, "b": 1, "c": "true", "d": None, "e": False, "f": [], "g": {}}
    roles = {"broker": {"features": odd}, "dealer": None, "caller": {"features": None}}
    assert grammar.announced_features(roles, "broker") == {"a"}
    for role in ("dealer", "caller", "callee"):
        assert grammar.announced_features(roles, role) == set()
    for role in (*roles, "callee"):
        features = {name for name in odd if grammar.announces(roles, role, name)}
        assert features == grammar.announced_features(roles, role)


def test_what_stands_in_the_role_itself_goes_before_what_stands_among_its_features() -> None:
    features = {"a": True, "b": True, "c": False, "d": None}
    roles = {"broker": {"features": features, "b": False, "c": True, "d": True, "e": True}}
    assert grammar.announced_features(roles, "broker") == {"a", "c", "d", "e"}
    for feature in "abcdef":
        assert grammar.announces(roles, "broker", feature) == (feature in "acde")
    assert not grammar.announces(roles, "broker", "features")


# ---- the table

# Which side may send a message, and when it counts, as the specification's section "Messages" and
# "Sessions" say.
BOTH = {"ABORT", "GOODBYE", "ERROR"}
OF_CLIENTS = {"HELLO", "AUTHENTICATE", "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", "CALL", "CANCEL"}
OF_CLIENTS |= {"REGISTER", "UNREGISTER", "YIELD", "EVENT_RECEIVED"}
JOINING = {"HELLO", "WELCOME", "CHALLENGE", "AUTHENTICATE"}
LEAVING = {"ABORT", "GOODBYE"}
UNHANDLED = {"EVENT_RECEIVED"}  # no feature of ours asks for it


def test_each_of_the_messages_has_its_row() -> None:
    assert {row.message: code for code, row in GRAMMAR.items()} == CODES
    assert len(GRAMMAR) == 25


def test_every_element_has_its_field() -> None:
    for shape in GRAMMAR.values():
        more = {"payload": ("args", "kwargs"), "revocation": ("details",), "": ()}[shape.ends]
        assert shape.message._fields[len(shape.elements) :] == more


@pytest.mark.parametrize(("code", "row"), GRAMMAR.items(), ids=NAMES.values())
def test_a_row_says_who_may_send_a_message_and_when_it_counts(code: int, row: Shape) -> None:
    name = NAMES[code]
    senders = (
        {"client", "router"} if name in BOTH else {"client" if name in OF_CLIENTS else "router"}
    )
    assert row.senders == senders
    assert (State.JOINING in row.states) is (name in JOINING or name == "ABORT")
    assert (State.OPEN in row.states) is (name not in JOINING)
    assert (State.LEAVING in row.states) is (name in LEAVING)
    assert State.CLOSED not in row.states


def test_only_what_asks_can_be_answered_with_an_error() -> None:
    assert {NAMES[code] for code in grammar.ANSWERABLE} == {
        "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", "CALL", "REGISTER", "UNREGISTER", "INVOCATION",
    }  # fmt: skip


def names_of(kinds: Iterable[type]) -> set[str]:
    return {NAMES[CODES[kind]] for kind in kinds if kind in CODES}


def said_by(sender: str) -> set[str]:
    """Return what the grammar lets one side say in an open session."""
    rows = GRAMMAR.values()
    return names_of(
        row.message for row in rows if sender in row.senders and State.OPEN in row.states
    )


def no(*_: Any) -> None:
    raise AssertionError("nothing is to be said")


def gone() -> set[str]:
    """Return what nobody handles because the file of its feature was deleted."""
    return set() if "call_canceling" in features.names() else {"CANCEL", "INTERRUPT"}


def test_a_realm_with_all_features_handles_what_a_client_may_say_and_nothing_else() -> None:
    realm = World(*features.for_router("all")).realm
    assert names_of(realm.handlers) == said_by("client") - UNHANDLED - gone()
    assert names_of(World().realm.handlers) == said_by("client") - UNHANDLED - {"CANCEL"}


def test_every_option_that_the_router_reads_has_its_type() -> None:
    realm = World(*features.for_router("all")).realm
    broker, dealer = realm.broker, realm.dealer
    tables: dict[type, Iterable[str]] = {
        Publish: broker.publish_options,
        Subscribe: broker.subscribe_options,
        Call: {*dealer.call_options, *dealer.own_options},
        Register: dealer.register_options,
        Yield: dealer.yield_options,
        Error: dealer.error_options,
    }
    public = [(k, key) for k, table in tables.items() for key in table if not key.startswith("_")]
    assert public
    for kind, key in public:
        assert key in GRAMMAR[CODES[kind]].keys, (kind, key)


def test_a_client_with_all_features_handles_what_a_router_may_say_and_nothing_else() -> None:
    def heard(wanted: str) -> set[str]:
        return names_of(Conversation(no, no, no, features.for_client(wanted)).handlers)

    assert heard("all") == said_by("router") - gone()
    assert heard("basic") == said_by("router") - {"INTERRUPT"}


def test_what_counts_in_a_state_is_what_its_column_says() -> None:
    assert names_of(counting_in(State.LEAVING)) == {"ABORT", "GOODBYE"}
    assert names_of(counting_in(State.CLOSED)) == set()
    assert {"HELLO", "WELCOME", "ABORT"} < names_of(counting_in(State.JOINING))
    assert "GOODBYE" not in names_of(counting_in(State.JOINING))


@pytest.mark.parametrize(
    ("code", "sender", "why"),
    [
        (68, "client", "INVOCATION must not come from a client"),
        (48, "router", "CALL must not come from a router"),
        (1, "client", "HELLO must not come in an open session"),
        (2, "router", "WELCOME must not come in an open session"),
        (49, "client", "CANCEL belongs to a feature that was not announced"),
    ],
)
def test_what_is_out_of_place_is_a_violation_that_says_why(
    code: int, sender: Sender, why: str
) -> None:
    kind = GRAMMAR[code].message
    assert str(misplaced(build(kind, kind._fields), sender)) == why
