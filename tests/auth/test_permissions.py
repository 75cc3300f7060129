"""Which permission decides, whatever roles there are: without a realm, without a connection."""

from __future__ import annotations

import gc
import itertools
import random

import pytest

from tests.each import for_each
from tests.held import held_octets
from wamplite.auth.permissions import (
    ACTIONS,
    REMEMBERED,
    Decision,
    Permission,
    Role,
    Roles,
    is_component,
)
from wamplite.core.errors import UsageError
from wamplite.core.matching import matches
from wamplite.core.members import Identity

JOE = Identity("joe", "sensor", "ticket", "static")


def decided(
    action: str, uri: str, *permissions: Permission, match: str = "exact", authid: str = "joe"
) -> bool:
    roles = Roles([Role("sensor", permissions)])
    return roles.decide(JOE._replace(authid=authid), action, uri, match).allowed


def test_nothing_is_permitted_that_no_permission_speaks_of() -> None:
    roles = Roles([Role("sensor", (Permission("home.door", allow=["call"]),))])
    for action, uri in itertools.product(ACTIONS, ("home", "home.door.a", "door")):
        assert roles.decide(JOE, action, uri) == Decision(False, None, "sensor")
    stranger = JOE._replace(authrole="stranger")
    assert roles.decide(stranger, "call", "home.door") == Decision(False, None, "stranger")


def test_what_a_permission_allows_is_permitted_and_nothing_else_is() -> None:
    permission = Permission("home.door", allow=["call", "publish"], origin="wamplite.toml:7")
    roles = Roles([Role("sensor", (permission,))])
    decisions = [roles.decide(JOE, action, "home.door") for action in ACTIONS]
    assert [each.allowed for each in decisions] == [True, False, True, False]
    assert all(each.permission is permission for each in decisions)


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("home.door", {"call"}),  # exact
        ("home.door.bell", {"publish"}),  # the longest prefix
        ("home.doors", {"publish"}),
        ("home.window", {"subscribe"}),  # a shorter one, before any wildcard
        ("house.a.lamp", {"register"}),  # the wildcard that says more in front
        ("other.a.lamp", {"call", "publish"}),
        ("other.lamp", set()),
    ],
)
def test_the_best_match_decides_alone(uri: str, allowed: set[str]) -> None:
    permissions = (
        Permission("..lamp", "wildcard", ["call", "publish"]),
        Permission("house..", "wildcard", ["register"]),
        Permission("home.", "prefix", ["subscribe"]),
        Permission("home.door", "prefix", ["publish"]),
        Permission("home.door", "exact", ["call"]),
        Permission("home..", "wildcard", ["register"]),
    )
    for order in (permissions, permissions[::-1]):
        assert {action for action in ACTIONS if decided(action, uri, *order)} == allowed


def test_the_session_s_own_authid_and_role_stand_for_a_component() -> None:
    own = Permission("home.{authid}.", "prefix", ["call"])
    role = Permission("role.{role}..{authid}", "wildcard", ["call"])
    assert decided("call", "home.joe.door", own)
    assert not decided("call", "home.ann.door", own)
    assert not decided("call", "home.joel.door", own)
    assert not decided("call", "home.{authid}.door", own)
    assert decided("call", "role.sensor.x.joe", role)
    assert not decided("call", "role.admin.x.joe", role)


@pytest.mark.parametrize(
    "authid",
    ["", ".", "*", "#", "a.b", "joe.", "a*", "#a", "joe\n", "\n", "a b", " ", "\t", "a\x00b",
     "\x7f", "{role}", "{authid}", "a{", "\u2028", "\u00a0", "\u200b", "\ud800", "a" * 300],
)  # fmt: skip
def test_an_authid_that_is_no_plain_component_widens_nothing(authid: str) -> None:
    assert not is_component(authid)
    own = [
        Permission("home.{authid}.", "prefix", ["call"]),
        Permission("{authid}", "exact", ["call"]),
        Permission("home..{authid}", "wildcard", ["call"]),
    ]
    for uri in (
        "home.joe.a",
        f"home.{authid}.a",
        f"home.x.{authid}",
        authid,
        "sensor",
        "a",
        "home",
    ):
        assert not decided("call", uri, *own, authid=authid)


@pytest.mark.parametrize("authid", ["joe", "jöé", "joe@example", "4711", "a-b_c", "a" * 240])
def test_any_other_authid_has_its_own(authid: str) -> None:
    assert decided("call", f"h.{authid}.a", Permission("h.{authid}.", "prefix", ["call"]),
                   authid=authid)  # fmt: skip


def test_a_permission_is_as_long_as_a_uri_for_a_short_name() -> None:
    uri = "{authid}." + "a" * 253
    assert decided(
        "call", uri.replace("{authid}", "b"), Permission(uri, allow=["call"]), authid="b"
    )
    with pytest.raises(UsageError, match="is not a URI"):
        Permission(uri + "a")


def test_permissions_are_equal_in_whatever_order_they_allow() -> None:
    one, other = (
        Permission("a", allow=allow) for allow in (["call", "publish"], ["publish", "call"])
    )
    assert one == other and hash(one) == hash(other)


def test_what_would_be_too_long_for_a_uri_permits_nothing() -> None:
    own = Permission("home.{authid}.{authid}.", "prefix", ["call"])
    assert not decided("call", f"home.{'a' * 200}.{'a' * 200}.", own, authid="a" * 200)


def test_of_two_that_become_the_same_the_one_without_a_name_in_it_decides() -> None:
    permissions = (
        Permission("home.{authid}.", "prefix", ["call"]),
        Permission("home.joe.", "prefix", ["publish"]),
    )
    for order in (permissions, permissions[::-1]):
        assert decided("publish", "home.joe.a", *order)
        assert not decided("call", "home.joe.a", *order)
        assert decided("call", "home.ann.a", *order, authid="ann")


@pytest.mark.parametrize(
    ("match", "uri", "allowed"),
    [
        ("prefix", "home.", False),  # finds home.door, too
        ("prefix", "home.d", False),
        ("prefix", "home.a", True),
        ("prefix", "home", False),  # finds homes, too
        ("prefix", "", False),
        ("wildcard", "home..a", True),
        ("wildcard", "home.", False),
        ("wildcard", "home.a", True),
        ("wildcard", ".a", False),
        ("wildcard", "lab..x", True),
        ("wildcard", "lab.b.x", True),
        ("wildcard", "lab.b.", False),
        ("wildcard", "lab..", False),
        ("prefix", "lab.b.x", False),  # finds lab.b.x.y, too
        ("regex", "home.a", False),
    ],
)
def test_a_pattern_is_registered_only_where_all_that_it_finds_may_be(
    match: str, uri: str, allowed: bool
) -> None:
    permissions = [
        Permission("home.", "prefix", ["register"]),
        Permission("home.door", "exact", ["call"]),
        Permission("lab..x", "wildcard", ["register"]),
    ]
    assert decided("register", uri, *permissions, match=match) is allowed


def test_a_wider_permission_that_decides_nothing_there_forbids_nothing() -> None:
    permissions = (
        Permission("com.", "prefix", ["call"]),
        Permission("com.app.", "prefix", ["register"]),
        Permission("com..x", "wildcard", ["call"]),
    )
    assert decided("register", "com.app.", *permissions, match="prefix")
    assert decided("register", "com.app..x", *permissions, match="wildcard")
    assert not decided("register", "com.ap", *permissions, match="prefix")


@pytest.mark.parametrize(
    ("match", "uri", "allowed"),
    [
        ("prefix", "", True),
        ("prefix", "ho", True),
        ("prefix", "home.a.b", True),
        ("prefix", "home.secret.", False),
        ("prefix", "home.secret", True),  # finds home.secretary too
        ("wildcard", ".a", True),
        ("wildcard", "home.secret.", False),
        ("wildcard", "a.", False),
        ("prefix", "lab", False),
        ("regex", "home", False),
    ],
)
def test_a_pattern_is_subscribed_to_where_it_finds_something_that_may_be(
    match: str, uri: str, allowed: bool
) -> None:
    permissions = [
        Permission("home.", "prefix", ["subscribe"]),
        Permission("home.secret.", "prefix", ["publish"]),
    ]
    assert decided("subscribe", uri, *permissions, match=match) is allowed


def test_who_may_do_anything_with_a_uri_may_know_of_it() -> None:
    permissions = (Permission("home.", "prefix", ["call"]), Permission("home.secret", "exact"))
    rights = Roles([Role("sensor", permissions)]).rights(JOE)
    assert rights.may_know("home.door") and rights.may_know("home", "prefix")
    assert rights.may_know("home.secret", "prefix") and rights.may_know("..", "wildcard")
    assert not rights.may_know("home.secret") and not rights.may_know("lab", "prefix")
    assert not rights.may_know("lab") and not rights.may_know("", "wildcard")


URIS = [".".join(each) for n in (1, 2, 3) for each in itertools.product("abc", repeat=n)]


def test_no_pattern_reaches_what_the_permissions_forbid_one_by_one() -> None:
    for_each(((seed,) for seed in range(300)), compare_patterns)


def compare_patterns(seed: int) -> None:
    draw = random.Random(seed)
    permissions = {}
    for _ in range(draw.randint(0, 5)):
        match = draw.choice(["exact", "prefix", "wildcard"])
        components = [draw.choice("ab" if match == "exact" else ["a", "b", ""])
                      for _ in range(draw.randint(1, 3))]  # fmt: skip
        uri = ".".join(components)
        if match == "prefix" and "" in components[:-1]:
            continue  # it finds nothing, and is refused
        permissions[match, uri] = Permission(uri, match, draw.sample(ACTIONS, draw.randint(0, 3)))
    rights = Roles([Role("sensor", tuple(permissions.values()))]).rights(JOE)
    for match, count in itertools.product(("prefix", "wildcard"), (1, 2, 3)):
        for components in itertools.product(("a", "b", ""), repeat=count):
            uri = ".".join(components)
            found = [each for each in URIS if matches(match, uri, each)]
            each = [rights.decide("register", one).allowed for one in found]
            if rights.decide("register", uri, match).allowed:
                assert all(each), (match, uri)
            if any(rights.decide("subscribe", one).allowed for one in found):
                assert rights.decide("subscribe", uri, match).allowed, (match, uri)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"uri": "a b"}, "'a b' is not a URI: it may hold no spaces"),
        ({"uri": "a."}, "'a.' is not a URI: a dot at an end"),
        ({"uri": "a b", "match": "prefix"}, "is not a pattern for match prefix"),
        ({"uri": 7}, "must be text, not int"),
        ({"uri": "a", "match": "regex"}, "match must be one of exact, prefix, wildcard"),
        ({"uri": "a", "allow": "call"}, r"allow must be a list, \['call'\], not 'call'"),
        ({"uri": "a", "allow": ["cal"]}, "allow can have call, register, publish, subscribe, not"),
        ({"uri": "a", "disclose_caller": "yes"}, "disclose_caller must be one of asked, always"),
        ({"uri": "a", "trustlevel": True}, "trustlevel must be an integer, not True"),
        ({"uri": "a.{user}"}, "{authid} and {role} can stand there, not {user}"),
        ({"uri": "a.x{authid}"}, "what is in braces must be a whole component"),
        ({"uri": "a.{authid"}, "what is in braces must be a whole component"),
        ({"uri": "a..b", "match": "prefix"}, "as a prefix finds nothing: no component is empty"),
        ({"uri": "a.{authid}", "match": "prefix"}, "would match names that only begin so"),
    ],
)  # fmt: skip
def test_a_permission_that_cannot_be_meant_is_refused(values: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        Permission(**values)  # type: ignore[arg-type]


def test_what_is_there_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="there are two roles 'a'"):
        Roles([Role("a"), Role("a")])
    two = (
        Permission("x", "prefix", origin="f:3"),
        Permission("x", "prefix", ["call"], origin="f:8"),
    )
    with pytest.raises(
        UsageError, match="role 'a' has two permissions for prefix 'x': f:3 and f:8"
    ):
        Roles([Role("a", two)])


def test_roles_can_be_gone_through() -> None:
    roles = Roles([Role("a"), Role("b")])
    assert [role.name for role in roles] == ["a", "b"] and "a" in roles and "c" not in roles


def test_sessions_of_one_role_share_their_rights_unless_it_names_them() -> None:
    plain = Roles([Role("sensor", (Permission("a", allow=["call"]),))])
    ann = JOE._replace(authid="ann")
    assert plain.rights(JOE) is plain.rights(ann)
    own = Roles([Role("sensor", (Permission("a.{authid}", allow=["call"]),))])
    joe = own.rights(JOE)
    assert joe is own.rights(JOE) and joe is not own.rights(ann)


def test_rights_end_with_the_last_that_has_them() -> None:
    own = Roles([Role("sensor", (Permission("a.{authid}", allow=["call"]),))])
    for number in range(1000):
        own.rights(JOE._replace(authid=f"joe{number}"))
    gc.collect()
    assert held_octets(own) < 200


def test_what_was_looked_up_is_remembered() -> None:
    rights = Roles([Role("sensor", (Permission("a", allow=["call"]),))]).rights(JOE)
    for uri in ("a", "b", "a"):
        rights.find(uri)
    assert set(rights.known) == {"a", "b"}


def test_what_is_remembered_is_bounded_over_all_sessions() -> None:
    roles = Roles([Role("sensor", (Permission("a.{authid}.", "prefix", ["call"]),))])
    held = [roles.rights(JOE._replace(authid=f"joe{number}")) for number in range(10)]
    for number in range(3000):
        for rights in held:
            assert not rights.decide("call", f"b.{number}").allowed
        assert sum(len(rights.known) for rights in held) <= REMEMBERED
    assert held[3].decide("call", "a.joe3.x").allowed
    held[0].find("no good")  # what no message can be about is not remembered
    held[0].find("x" * 70_000)
    assert all(len(uri) < 300 for rights in held for uri in rights.known)
