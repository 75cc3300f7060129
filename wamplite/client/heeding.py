"""Options that this router does not heed: not sent, or told of in the log.

A router may ignore an option whose feature it does not announce. That is right by WAMP
("Extensibility") and surprises the user, so each is logged once in a session, and what would reach
others than those who are meant is not sent. A value that asks for what happens anyway is nothing to
tell. `core/options.py` has the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import ApplicationError, UsageError
from ..core.grammar import announced_features
from ..core.messages import CODES, NAMES, Call, Error, Message, Publish, Yield
from ..core.options import OPTIONS, ROLES, Lack, Option
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
    """Refuse options that must not be sent to this router; tell of those without an effect.

    Raises ApplicationError where the router does not announce the feature, and would have to end
    the session, or might send an event to those who are not meant to get it. Others are logged,
    each once in a session.
    """
    known = OPTIONS[kind]
    for key, value in options.items():
        option = known.get(key)
        if option is None or not option.asks(value):
            continue
        if not shared.announced(ROLES[kind], option.feature):
            text = f"the router does not announce {option.feature}: the option {key}"
            if _must_not_be_sent(kind, option):
                name = NAMES[CODES[kind]]
                raise ApplicationError(FEATURE_NOT_SUPPORTED, f"{name}: {text} is not sent")
            _tell_once(shared, kind, key, f"{text} has no effect, or is refused")
        elif option.lack is Lack.VIOLATION:
            check_announced(shared, kind, key, option.feature)


def _must_not_be_sent(kind: type[Message], option: Option) -> bool:
    narrows = kind is Publish and option.lack is Lack.REFUSED
    return narrows or option.lack is Lack.VIOLATION


def check_announced(
    shared: SharedConversation, kind: type[Message], key: str, feature: str
) -> None:
    """Raise UsageError where we have not announced what this option belongs to."""
    roles = shared.conversation.roles
    if feature not in announced_features(roles, SENDERS[kind]):
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
        text = "the router does not announce reflection: the option describe is in vain"
        raise ApplicationError(FEATURE_NOT_SUPPORTED, f"REGISTER: {text}")
