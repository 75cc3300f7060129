"""Options that this router does not heed: not sent, or told of in the log.

A router may ignore an option whose feature it does not announce. That is right by WAMP
("Extensibility") and would surprise the user, so such a request is refused here, as wamplite's
router would refuse it. The hint `receive_progress` is sent, and the log tells of it once in a
session; `concurrency` and `force_reregister`, which no router announces, are sent, and so are those
of features that `connect(assume_features=...)` names. A value that asks for what happens anyway is
nothing to refuse. `core/options.py` has the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import ApplicationError, UsageError
from ..core.grammar import announces
from ..core.messages import CODES, NAMES, Call, Error, Message, Publish, Yield
from ..core.options import OPTIONS, ROLES, Lack, why_lacking
from ..core.uris import FEATURE_NOT_SUPPORTED
from .faults import log
from .shared_conversation import SharedConversation

LISTS = {key for key in OPTIONS[Publish] if key.startswith(("exclude_auth", "eligible_auth"))}
MISPLACED: dict[type[Message], frozenset[str]] = {
    Call: frozenset({"disclose_me", "receive_progress"}),
    Publish: frozenset({"acknowledge", "exclude_me", "disclose_me", *LISTS}),
}
SENDERS: dict[type[Message], str] = {
    Call: "caller",
    Publish: "publisher",
    Yield: "callee",
    Error: "callee",
}


def check_heeded(
    shared: SharedConversation, kind: type[Message], options: Mapping[str, Any]
) -> None:
    """Refuse options whose features this router does not announce; tell of a hint.

    Raises ApplicationError, and UsageError where we have not announced what we must have.
    """
    known = OPTIONS[kind]
    for key, value in options.items():
        option = known.get(key)
        feature = option and option.feature_for(value)
        if option is None or feature is None:
            continue
        if shared.announced(ROLES[kind], feature):
            if option.lack is Lack.VIOLATION:
                check_announced(shared, kind, key, feature)
        elif option.lack is Lack.HINT:
            text = f"the router does not announce {feature}: the option {key} may have no effect"
            _tell_once(shared, kind, key, text)
        elif option.is_announced:
            text = f"{NAMES[CODES[kind]]} was not sent: {why_lacking(key, feature)}"
            raise ApplicationError(FEATURE_NOT_SUPPORTED, text)


def check_announced(
    shared: SharedConversation, kind: type[Message], key: str, feature: str
) -> None:
    """Raise UsageError where we have not announced what this option belongs to."""
    roles = shared.conversation.roles
    if not announces(roles, SENDERS[kind], feature):
        name = NAMES[CODES[kind]]
        text = f"{name}: the option {key} needs the feature {feature}"
        raise UsageError(f'{text}: connect(features=["standard", {feature!r}])')


def tell_misplaced(
    shared: SharedConversation, kind: type[Message], kwargs: Mapping[str, Any]
) -> None:
    """Log keyword arguments that were surely meant as options, each once in a session."""
    for key in MISPLACED[kind].intersection(kwargs):
        text = f"{key}= was sent as an argument; as an option it stands in options={{{key!r}: ...}}"
        _tell_once(shared, kind, key, text)


def _tell_once(shared: SharedConversation, kind: type[Message], key: str, text: str) -> None:
    name = NAMES[CODES[kind]]
    if (name, key) not in shared.logged:
        shared.logged.add((name, key))
        log("WARNING", f"{name}: {text}")


def check_described(shared: SharedConversation) -> None:
    """Refuse to tell of a procedure where the router has no place for it."""
    if not shared.announced("dealer", "reflection"):
        text = f"REGISTER was not sent: {why_lacking('describe', 'reflection')}"
        raise ApplicationError(FEATURE_NOT_SUPPORTED, text)
