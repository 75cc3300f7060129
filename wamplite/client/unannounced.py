"""Options that need a feature which the router does not announce: a router ignores those silently.

That is right by WAMP ("Extensibility") and surprises whoever set them, so the log tells of each
once in a session. A value that asks for what happens anyway is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..core.messages import CODES, NAMES, Call, Message, Publish, Register, Subscribe

if TYPE_CHECKING:
    from .wire import Wire

PASSED = dict.fromkeys(
    ("ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid"), "payload_passthru_mode"
)
LISTS = ["exclude", "exclude_authid", "exclude_authrole"]
LISTS += ["eligible", "eligible_authid", "eligible_authrole"]
NEEDS: dict[type[Message], tuple[str, dict[str, str]]] = {
    Publish: (
        "broker",
        {
            "exclude_me": "publisher_exclusion",
            "disclose_me": "publisher_identification",
            "retain": "event_retention",
            "rkey": "sharded_subscription",
            **dict.fromkeys(LISTS, "subscriber_blackwhite_listing"),
            **PASSED,
        },
    ),
    Subscribe: ("broker", {"get_retained": "event_retention", "nkey": "sharded_subscription"}),
    Call: (
        "dealer",
        {
            "disclose_me": "caller_identification",
            "receive_progress": "progressive_call_results",
            "progress": "progressive_call_invocations",
            "rkey": "sharded_registration",
            "runmode": "sharded_registration",
            **PASSED,
        },
    ),
    Register: (
        "dealer",
        {
            "match": "pattern_based_registration",
            "invoke": "shared_registration",
            "disclose_caller": "caller_identification",
            "forward_timeout": "call_timeout",
        },
    ),
}
ANYWAY: dict[str, Any] = {"exclude_me": True, "match": "exact", "invoke": "single"}


def tell_ineffective(wire: Wire, kind: type[Message], options: Mapping[str, Any]) -> None:
    """Log the options of a request that will have no effect, each once in a session."""
    role, needs = NEEDS[kind]
    for key, value in options.items():
        feature = needs.get(key)
        if feature is None or value == ANYWAY.get(key, False) or wire.announced(role, feature):
            continue
        name = NAMES[CODES[kind]]
        if (name, key) not in wire.ineffective:
            wire.ineffective.add((name, key))
            import logging  # 8 ms that most clients never need

            text = "%s: the router does not announce %s: the option %s has no effect"
            logging.getLogger("wamplite.client").warning(text, name, feature, key)
