"""Who announces what: the table of the specification (RFC "Feature Announcement", each section)."""

from __future__ import annotations

import pytest

from wamplite import features
from wamplite.core.feature import announced
from wamplite.core.grammar import CLIENT

NAMES = set(features.names())
ROUTER = ("broker", "dealer")
P, S, C, E, B, D = "publisher", "subscriber", "caller", "callee", "broker", "dealer"
# call_timeout: a callee may; the table of features has a caller announce it, too
TEXT: dict[str, tuple[str, ...]] = {
    "call_canceling": (C, E, D),
    "call_reroute": (E, D),
    "call_timeout": (C, D),
    "call_trustlevels": (E, D),
    "caller_identification": (C, E, D),
    "event_history": (B,),
    "event_retention": (B,),
    "pattern_based_registration": (E, D),
    "pattern_based_subscription": (S, B),
    "payload_passthru_mode": (P, S, C, E, B, D),
    "progressive_call_invocations": (C, E, D),
    "progressive_call_results": (C, E, D),
    "publication_trustlevels": (S, B),
    "publisher_exclusion": (P, B),
    "publisher_identification": (P, S, B),
    "registration_meta_api": (D,),
    "registration_revocation": (E, D),
    "session_meta_api": (B, D),
    "sharded_registration": (C, E, D),
    "shared_registration": (E, D),
    "subscriber_blackwhite_listing": (P, B),
    "subscription_meta_api": (B,),
    "subscription_revocation": (S, B),
    "testament_meta_api": (D,),
}
NO_SECTION = {"concurrency", "force_reregister"}  # Autobahn's and Crossbar's, not announced
NO_STATUS = NO_SECTION | {"event_retention", "testament_meta_api"}
BESIDE = {"reflection"}  # stands beside the features, in the role itself


@pytest.mark.parametrize("roles", [CLIENT, ROUTER])
def test_a_role_announces_what_its_sections_have_it_announce(roles: tuple[str, ...]) -> None:
    makers = features.for_client("all") if roles is CLIENT else features.for_router("all")
    told = announced(roles, [make() for make in makers])
    for role in roles:
        expected = {name for name, of in TEXT.items() if role in of and name in NAMES}
        assert set(told[role].pop("features")) == expected
        assert set(told[role]) == (BESIDE & NAMES if role in ROUTER else set())


def test_there_is_a_row_for_each_feature() -> None:
    assert {*TEXT, *NO_SECTION, *BESIDE} >= NAMES


def test_each_status_is_one_that_the_specification_has_for_a_section() -> None:
    halves = [make() for make in (*features.for_client("all"), *features.for_router("all"))]
    assert {half.status for half in halves} == {"stable", "beta", "alpha", "sketch", ""}
    assert NAMES - {half.name for half in halves if half.status} == NO_STATUS
