"""URIs, patterns and permissions: the functions that judge them agree with each other."""

from __future__ import annotations

from wamplite.auth import Permission, Role, Roles
from wamplite.auth.permissions import ACTIONS
from wamplite.core import uris
from wamplite.core.errors import UsageError
from wamplite.core.matching import covers, matches, overlap
from wamplite.core.members import Identity

POLICIES = ("exact", "prefix", "wildcard")


def lines(data: bytes) -> list[str]:
    """Return lines, also of what is no text."""
    return (
        data[:2000].decode("utf-8", "surrogatepass" if data[:1] == b"!" else "replace").split("\n")
    )


def patterns(data: bytes) -> None:
    """Two patterns and a URI: who covers finds it too, and who both find it overlap."""
    try:
        one, other, subject = [*lines(data), "", "", ""][:3]
    except UnicodeDecodeError:
        return
    uris.flaw(one)
    if not uris.is_valid(subject):
        return
    for policy in POLICIES:
        if not uris.is_valid_pattern(one):
            return
        for second in POLICIES:
            if not uris.is_valid_pattern(other):
                continue
            ours, theirs = matches(policy, one, subject), matches(second, other, subject)
            meet = overlap(policy, one, second, other)
            assert meet == overlap(second, other, policy, one), "overlap has a side"
            assert not (ours and theirs) or meet, "both find it, and do not overlap"
            if covers(policy, one, second, other):
                assert ours or not theirs, "it covers, and does not find it"


def permissions(data: bytes) -> None:
    """Permissions, then who, and what for: refused by UsageError, or decided by one that fits."""
    try:
        text = lines(data)
    except UnicodeDecodeError:
        return
    found: dict[tuple[str, str], Permission] = {}
    for at, line in enumerate(text[2:10]):
        match, action = POLICIES[at % 3], ACTIONS[at % 4]
        try:
            permission = Permission(line, match, [action] if at % 5 else [])
        except UsageError:
            continue
        found[match, line] = permission
    authid, subject = [*text, "", ""][:2]
    roles = Roles([Role("role", tuple(found.values()))])
    identity = Identity(authid, "role", "ticket", "static")
    for action in ACTIONS:
        decided = roles.decide(identity, action, subject)
        if decided.allowed:
            assert decided.permission is not None and action in decided.permission.allow
            chosen = decided.permission
            assert matches(chosen.match, chosen.uri, subject), "it does not speak of that"
            assert uris.is_valid(subject)
        for match in POLICIES:
            whole = roles.decide(identity, action, subject, match)
            if whole.allowed and action in ("register", "call") and match != "exact":
                assert roles.decide(identity, action, subject.replace("..", ".x.")).allowed or (
                    not uris.is_valid(subject.replace("..", ".x.")) or match == "prefix"
                )
