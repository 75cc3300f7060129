"""Features by name: `wamplite/advanced/<name>.py`, imported when somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TypeVar

from .core.errors import UsageError
from .core.feature import Feature

Item = TypeVar("Item")


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


def for_router(wanted: Iterable[Feature | str]) -> list[Feature]:
    """Return the router's half of each feature that is given by name; others are passed through."""
    wanted = several("features", wanted)
    return [_load(one, "ForRouter") if isinstance(one, str) else one for one in wanted]


def for_client(wanted: Iterable[Feature | str]) -> list[Feature]:
    """Return the client's half of each feature that is given by name; others are passed through."""
    wanted = several("features", wanted)
    return [_load(one, "ForClient") if isinstance(one, str) else one for one in wanted]


def _load(name: str, half: str) -> Feature:
    if name not in names():
        raise UsageError(f"there is no feature {name!r}; there are: {', '.join(names())}")
    made = getattr(import_module(f".advanced.{name}", __package__), half, None)
    if made is None:
        raise UsageError(f"feature {name!r} has no part for the {half.removeprefix('For').lower()}")
    feature: Feature = made()
    return feature
