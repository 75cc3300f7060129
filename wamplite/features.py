"""Features by name: `wamplite/advanced/<name>.py`, imported when somebody asks for it.

"basic" is none of them, "standard" those that the specification calls stable or beta with
call_canceling, call_timeout, event_retention and testament_meta_api, "all" every one. A feature is
gone when its file is deleted: groups are without it, and whoever names it, or needs it, is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TypeVar

from .core.errors import UsageError
from .core.feature import Factory, made, make

Item = TypeVar("Item")
Wanted = str | Iterable[Factory | str]  # a group, or groups, names, classes and functions
GROUPS = ("basic", "standard", "all")
# What the specification calls stable or beta, and what nobody would miss gladly
OF_BOTH = (
    "call_canceling",
    "call_timeout",
    "caller_identification",
    "pattern_based_registration",
    "pattern_based_subscription",
    "progressive_call_results",
    "publisher_exclusion",
    "publisher_identification",
    "shared_registration",
    "subscriber_blackwhite_listing",
)
OF_THE_ROUTER = (  # a client has no part of them, and does not load them
    "event_history",
    "event_retention",
    "registration_meta_api",
    "session_meta_api",
    "subscription_meta_api",
    "testament_meta_api",
)
STANDARD = tuple(sorted(OF_BOTH + OF_THE_ROUTER))


def names() -> list[str]:
    """Return the names of the features that there are."""
    from pkgutil import iter_modules

    package = import_module(".advanced", __package__)
    return sorted(module.name for module in iter_modules(package.__path__))


def several(what: str, given: Iterable[Item]) -> Iterable[Item]:
    """Refuse one text where several are meant: its letters would be taken for them."""
    if isinstance(given, (str, bytes)):
        raise UsageError(f"{what} must be a list, [{given!r}], not {given!r}")
    return given


def for_router(wanted: Wanted) -> list[Factory]:
    """Return what makes the router's half of each feature, given by name, class or function.

    Raises UsageError for a name that there is not, two of one name, a need that is not met.
    """
    return _factories(wanted, "ForRouter")


def for_client(wanted: Wanted) -> list[Factory]:
    """Return what makes the client's half of each feature, given by name, class or function.

    Raises UsageError for a name that there is not, two of one name, a need that is not met.
    """
    return _factories(wanted, "ForClient")


def _factories(wanted: Wanted, half: str) -> list[Factory]:
    given = [wanted] if wanted in GROUPS else list(several("features", wanted))
    in_groups = {
        name: factory
        for group in given
        if group in GROUPS
        for name in _names(group, half)
        if (factory := _find(name, half)) is not None
    }
    others = []
    for each in given:
        if not isinstance(each, str):
            in_groups.pop(made(each).name, None)  # it takes the place of the group's
            others.append(each)
        elif each not in GROUPS and each not in in_groups:
            others.append(_load(each, half))
    factories = [*in_groups.values(), *others]
    make(factories)
    return factories


def _names(group: str, half: str) -> Iterable[str]:
    standard = STANDARD if half == "ForRouter" else OF_BOTH
    return names() if group == "all" else standard if group == "standard" else ()


def _find(name: str, half: str) -> Factory | None:
    path = f"{__package__}.advanced.{name}"
    try:
        module = import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        return None  # its file was deleted
    factory: Factory | None = getattr(module, half, None)
    return factory


def _load(name: str, half: str) -> Factory:
    if name not in names():
        raise UsageError(f"there is no feature {name!r}; there are: {', '.join(names())}")
    factory = _find(name, half)
    if factory is None:
        raise UsageError(f"feature {name!r} has no part for the {half.removeprefix('For').lower()}")
    return factory
