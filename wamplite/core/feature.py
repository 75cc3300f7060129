"""How an optional part joins: a Feature writes into the tables that the core dispatches by.

A feature is an object with the name it is announced under, the roles it belongs to, the names of
the features it needs, and `install`. It is made anew for each realm and each session, so what it
keeps belongs to one of them. What it may write: `handlers`, the options tables of broker and
dealer, their lists `drafted`, `matches` and `invoke`, the writers of a record, the moments and the
procedures. The role dictionaries of HELLO and WELCOME are computed from what is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from functools import partial
from typing import Any, Protocol, TypeVar

from .errors import UsageError
from .words import shorten

Host = Any  # the Realm or the Conversation that a feature is installed into
Key = TypeVar("Key")
Entry = TypeVar("Entry")
Handler = Callable[[Any, Any], None]  # (member or conversation, message)
Wrap = Callable[[Handler, Any, Any], None]  # (inner, member or conversation, message)
Observer = Callable[[Any, Any, Any], None]  # of a moment: (member, record, message)
Unread = Callable[[Any, Any], Any]  # (member, message with a payload that is no list): with one


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
    status = ""  # of its section of the specification: stable, beta, alpha, sketch; "": it has none
    beside_features = False  # announced as a key of the role itself, as reflection is
    comes_last = False  # installed behind all others, to find what they have claimed
    is_installed = False  # set by `furnish`

    def install(self, host: Host) -> None:
        """Write into the tables of the realm or conversation."""
        raise NotImplementedError

    def counters(self) -> dict[str, int]:
        """Return what was lost or refused so far, by name; any thread."""
        return {}

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """End what `install` has begun outside of the realm: its last act."""


class Continuation(Protocol):
    """How a feature takes several CALLs of one id as one call."""

    def takes(self, caller: Any, call: Any) -> bool:
        """Tell whether a CALL goes on with an earlier one of its id."""

    def is_late(self, caller: Any, call: Any) -> bool:
        """Tell whether it goes on with one that has ended, and is dropped whatever it is."""

    def go_on(self, caller: Any, call: Any) -> None:
        """Handle a CALL that goes on with one."""


Factory = Callable[[], Feature]  # the class of a feature, or a function that makes one


class Floor(IntEnum):
    """Where a wrap stands: what is on a higher floor is asked first."""

    FEATURES = 0
    IDS = 1
    AUTHORIZATION = 2


class Handlers(dict[type, Handler]):
    """What handles each type of message: the core, or who claimed it, with the wraps round it."""

    def __init__(self, basic: Mapping[type, Handler]) -> None:
        super().__init__(basic)
        self._inmost: dict[type, Handler] = dict(basic)
        self._wraps: dict[type, list[tuple[Floor, Wrap]]] = {}

    def claim(self, kind: type, handler: Handler) -> None:
        """Handle a type of message that nobody handles yet; raises UsageError otherwise."""
        claim(self._inmost, kind, handler)
        self[kind] = handler

    def wrap(self, kind: type, outer: Wrap, floor: Floor = Floor.FEATURES) -> None:
        """Put `outer(inner, member, message)` round the handler of a type of message.

        On one floor the last wrap is outermost. Raises UsageError where nobody handles the type.
        """
        if kind not in self._inmost:
            raise UsageError(f"nobody handles {kind.__name__}: there is nothing to wrap")
        wraps = self._wraps.setdefault(kind, [])
        wraps.append((floor, outer))
        wraps.sort(key=lambda wrap: wrap[0])
        handler = self._inmost[kind]
        for _, each in wraps:
            handler = partial(each, handler)
        self[kind] = handler


def claim(table: dict[Key, Entry], key: Key, entry: Entry) -> None:
    """Write `entry` under a key that nobody has taken yet; raises UsageError where somebody has."""
    if key in table:
        raise UsageError(f"{key!r} is taken already: two features want to handle it")
    table[key] = entry


def make(factories: Iterable[Factory]) -> list[Feature]:
    """Make features, each after those it needs, and those that come last after all others.

    Raises UsageError where a factory is none, one is missing that another needs, or two have one
    name.
    """
    waiting: dict[str, Feature] = {}
    for factory in factories:
        feature = made(factory)
        if feature.name in waiting:
            raise UsageError(f"there are two features {feature.name!r}")
        waiting[feature.name] = feature
    ordered: dict[str, Feature] = {}
    while waiting:
        ready = [f for f in waiting.values() if all(need in ordered for need in f.needs)]
        if not ready:
            lacks = {name: list(feature.needs) for name, feature in waiting.items()}
            raise UsageError(f"these features need others that are not installed: {lacks}")
        for feature in [f for f in ready if not f.comes_last] or ready:
            ordered[feature.name] = waiting.pop(feature.name)
    return list(ordered.values())


def made(factory: Factory) -> Feature:
    """Make a feature; raises UsageError where that is not what comes of it."""
    if isinstance(factory, Feature):
        raise UsageError(
            f"feature {factory.name!r} must be given as a class or as a function that makes it:"
            " each realm and each session gets an object of its own"
        )
    if not callable(factory):
        raise UsageError(f"{factory!r} is not a feature: a class or a function is expected")
    feature = factory()
    if not isinstance(feature, Feature):
        raise UsageError(f"{factory!r} must make a Feature, not {type(feature).__name__}")
    if feature.is_installed:
        raise UsageError(f"{factory!r} must make a new {feature.name!r} each time it is called")
    return feature


def furnish(host: Host, factories: Iterable[Factory]) -> list[Feature]:
    """Make features for a realm or a conversation that is whole, and install them into it."""
    features = make(factories)
    for feature in features:
        feature.is_installed = True
        feature.install(host)
    return features


def notify(moment: list[Observer], member: Any, record: Any, message: Any) -> None:
    """Tell all who wait for a moment."""
    for observer in moment:
        observer(member, record, message)


def notify_each(moment: list[Observer], member: Any, message: Any) -> None:
    """Tell all of these, whatever one of them raises."""
    told = iter(moment)
    try:
        for observer in told:
            observer(member, None, message)
    except BaseException:
        notify_each(list(told), member, message)
        raise


def lacking(name: str) -> str:
    """Say to whoever was refused that the router lacks a feature, and how it is switched on."""
    return f"it lacks the feature {name}: --feature {name}, in Python features=, switches it on"


def announced(roles: Iterable[str], features: Iterable[Feature]) -> dict[str, Any]:
    """Compute the role dictionaries of HELLO or WELCOME from the features that are installed."""
    found: dict[str, Any] = {role: {} for role in roles}
    for feature in features:
        for role in feature.roles:
            if role in found:
                of_role = found[role]
                where = of_role if feature.beside_features else of_role.setdefault("features", {})
                where[feature.name] = True
    return found
