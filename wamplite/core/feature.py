"""How an optional part joins: a Feature writes into the tables that the core dispatches by.

A feature is an object with the name it is announced under, the roles it belongs to, the names of
the features it needs, and `install`. What it may write: `handlers` (by `wrap` round what is there),
the options tables of broker and dealer, their books, the writers of a record, and the moments.
The role dictionaries of HELLO and WELCOME are computed from what is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from .errors import UsageError

Host = Any  # the Realm or the Conversation that a feature is installed into
Key = TypeVar("Key")
Entry = TypeVar("Entry")
LONGEST_TEXT = 200  # of a text in an answer: it may quote what a peer sent, and must reach it


class Refused(Exception):
    """A well-formed request that cannot be fulfilled: answered with ERROR, it leaves no trace."""

    def __init__(self, error: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*(shorten(arg) if isinstance(arg, str) else arg for arg in args))
        self.error = error
        self.kwargs = kwargs


class Feature:
    """An optional part; `ForRouter` and `ForClient` of wamplite/advanced derive from it."""

    name = ""
    roles: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def install(self, host: Host) -> None:
        """Write into the tables of the realm or conversation."""
        raise NotImplementedError


def claim(table: dict[Key, Entry], key: Key, entry: Entry) -> None:
    """Write `entry` under a key that nobody has taken yet; raises UsageError where somebody has."""
    if key in table:
        raise UsageError(f"{key!r} is taken already: two features want to handle it")
    table[key] = entry


def wrap(
    handlers: dict[type, Callable[[Any, Any], None]],
    kind: type,
    outer: Callable[[Callable[[Any, Any], None], Any, Any], None],
) -> None:
    """Put `outer(inner, member, message)` round the handler of a message type."""
    inner = handlers[kind]
    handlers[kind] = lambda member, message: outer(inner, member, message)


def in_order(features: Iterable[Feature]) -> list[Feature]:
    """Sort features so that each comes after those it needs; UsageError where one is missing."""
    waiting = {feature.name: feature for feature in features}
    ordered: dict[str, Feature] = {}
    while waiting:
        ready = [f for f in waiting.values() if all(need in ordered for need in f.needs)]
        if not ready:
            lacks = {name: list(feature.needs) for name, feature in waiting.items()}
            raise UsageError(f"these features need others that are not installed: {lacks}")
        for feature in ready:
            ordered[feature.name] = waiting.pop(feature.name)
    return list(ordered.values())


def shorten(text: str) -> str:
    """Cut a text that may quote a peer, so that an answer is never too large because of it."""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."


def announced(roles: Iterable[str], features: Iterable[Feature]) -> dict[str, Any]:
    """Compute the role dictionaries of HELLO or WELCOME from the features that are installed."""
    found: dict[str, Any] = {role: {} for role in roles}
    for feature in features:
        for role in feature.roles:
            if role in found:
                found[role].setdefault("features", {})[feature.name] = True
    return found
