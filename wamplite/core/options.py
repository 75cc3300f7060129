"""Which option belongs to which feature, and what becomes of it where that is not installed.

An option that the router will not honour is never swallowed where WAMP allows an ERROR: the request
is refused with `wamp.error.feature_not_supported`, by the feature's name and how to switch it on. A
value that asks for what happens anyway is nothing to refuse. By `Lack` some differ: what the text
calls a protocol error is one; a PUBLISH that nobody can be answered goes out without what only adds
to it, and is dropped where the option says who may get it; a hint may be ignored.

`OPTIONS` is what the client asks, too, before it sends to a router that does not announce the
feature: then nothing is sent but hints. What no router announces it sends, for a router to refuse.
`match` and `invoke` are looked up by the core's own policies; here stands whose these are.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from enum import Enum
from typing import Any, NamedTuple

from . import uris
from .errors import ProtocolError
from .feature import Refused, lacking
from .messages import Call, Error, Message, Publish, Register, Subscribe, Yield

UNBUILT = "sharded_subscription"  # as the text stands it cannot be built


class Lack(Enum):
    """What becomes of an option whose feature is not there."""

    REFUSED = "refused"  # ERROR; a PUBLISH that wants no answer is dropped
    ADDING = "adding"  # the same, but such a PUBLISH goes out without it
    VIOLATION = "violation"  # of the protocol, by the section of the feature
    HINT = "hint"  # ignored, as the text allows
    POLICY = "policy"  # refused by who looks the policy up


class Option(NamedTuple):
    """One option: its feature, and the value that asks for nothing.

    policies: the values that belong to features, each with its own; others are nobody's here.
    is_announced: False where no router announces the feature, which has no section.
    """

    feature: str
    lack: Lack = Lack.REFUSED
    anyway: Any = False
    policies: Mapping[str, str] | None = None
    is_announced: bool = True

    def feature_for(self, value: Any) -> str | None:
        """Return the feature that a value needs; None where it asks for what happens anyway."""
        if self.policies is not None:
            return self.policies.get(value)
        return self.feature if value != self.anyway else None


class Unheeded(Refused):
    """An option that only adds something is not honoured: a PUBLISH may go out without it."""


_LISTS = ("exclude", "exclude_authid", "exclude_authrole")
_ELIGIBLE = ("eligible", "eligible_authid", "eligible_authrole")
_LISTING = "subscriber_blackwhite_listing"
_PASSED = {"ppt_scheme": Option("payload_passthru_mode", Lack.VIOLATION, "")}
_SHARDED = Option("sharded_registration", anyway=None)
INVOKE = {
    **dict.fromkeys(("roundrobin", "random", "first", "last"), "shared_registration"),
    "partition": "sharded_registration",
}
MATCH = {
    kind: dict.fromkeys(("prefix", "wildcard"), f"pattern_based_{what}")
    for kind, what in ((Register, "registration"), (Subscribe, "subscription"))
}

OPTIONS: dict[type[Message], dict[str, Option]] = {
    Call: {
        "timeout": Option("call_timeout", anyway=0),
        "disclose_me": Option("caller_identification"),
        "receive_progress": Option("progressive_call_results", Lack.HINT),
        "progress": Option("progressive_call_invocations", Lack.VIOLATION),
        "rkey": _SHARDED,
        "runmode": _SHARDED,
        **_PASSED,
    },
    Register: {
        "match": Option("pattern_based_registration", Lack.POLICY, "exact", MATCH[Register]),
        "invoke": Option("shared_registration", Lack.POLICY, "single", INVOKE),
        "disclose_caller": Option("caller_identification"),
        "forward_timeout": Option("call_timeout"),
        "concurrency": Option("concurrency", anyway=0, is_announced=False),
        "force_reregister": Option("force_reregister", is_announced=False),
    },
    Publish: {
        "exclude_me": Option("publisher_exclusion", Lack.ADDING, True),
        "disclose_me": Option("publisher_identification", Lack.ADDING),
        "retain": Option("event_retention", Lack.ADDING),
        **dict.fromkeys(_LISTS, Option(_LISTING, anyway=[])),
        **dict.fromkeys(_ELIGIBLE, Option(_LISTING, anyway=None)),  # an empty list means nobody
        "rkey": Option(UNBUILT, anyway=None),
        **_PASSED,
    },
    Subscribe: {
        "match": Option("pattern_based_subscription", Lack.POLICY, "exact", MATCH[Subscribe]),
        "get_retained": Option("event_retention"),
        "nkey": Option(UNBUILT, anyway=None),
    },
    Yield: {"progress": Option("progressive_call_results"), **_PASSED},
    Error: _PASSED,
}
ROLES: dict[type[Message], str] = {  # of the router, who announces
    Call: "dealer",
    Register: "dealer",
    Yield: "dealer",
    Error: "dealer",
    Publish: "broker",
    Subscribe: "broker",
}
Handler = Callable[[Any, Any], None]  # (record, value)


def refuse_lacking(
    kind: type[Message], table: dict[str, Handler], installed: Container[str]
) -> None:
    """Write into a table of options what refuses those whose features are not installed."""
    for key, option in OPTIONS[kind].items():
        if option.feature not in installed and option.lack not in (Lack.HINT, Lack.POLICY):
            table.setdefault(key, _refusing(key, option))


def why_lacking(key: str, feature: str) -> str:
    """Say to whoever asked by an option which feature is lacking."""
    why = f"nobody has built the feature {feature}" if feature == UNBUILT else lacking(feature)
    return f"this router does not take the option {key}: {why}"


def _refusing(key: str, option: Option) -> Handler:
    kind = Unheeded if option.lack is Lack.ADDING else Refused

    def refuse(record: Any, value: Any) -> None:
        if option.feature_for(value):
            text = why_lacking(key, option.feature)
            if option.lack is Lack.VIOLATION:
                raise ProtocolError(text)
            raise kind(uris.FEATURE_NOT_SUPPORTED, text)

    return refuse
