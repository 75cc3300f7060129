"""Features by name: `wamplite/advanced/<name>.py`, imported when somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TypeVar

from .core.errors import UsageError
from .core.feature import Factory, make

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


def for_router(wanted: Iterable[Factory | str]) -> list[Factory]:
    """Return what makes the router's half of each feature, given by name, class or function.

    Raises UsageError for a name that there is not, two of one name, a need that is not met.
    """
    return _factories(wanted, "ForRouter")


def for_client(wanted: Iterable[Factory | str]) -> list[Factory]:
    """Return what makes the client's half of each feature, given by name, class or function.

    Raises UsageError for a name that there is not, two of one name, a need that is not met.
    """
    return _factories(wanted, "ForClient")


def _factories(wanted: Iterable[Factory | str], half: str) -> list[Factory]:
    factories = [
        _load(each, half) if isinstance(each, str) else each for each in several("features", wanted)
    ]
    make(factories)
    return factories


def _load(name: str, half: str) -> Factory:
    if name not in names():
        raise UsageError(f"there is no feature {name!r}; there are: {', '.join(names())}")
    factory: Factory | None = getattr(import_module(f".advanced.{name}", __package__), half, None)
    if factory is None:
        raise UsageError(f"feature {name!r} has no part for the {half.removeprefix('For').lower()}")
    return factory
