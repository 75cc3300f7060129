"""The kinds of framings, and of decoders: each in a file of its own, imported when it is named.

A file of a kind declares its keys in a class of settings, and ends with

    KIND = KindTable("idle-gap", IdleGapSettings, check, "gap")

`idle_gap.py` has that name because its kind is "idle-gap". Other files of the folder have no KIND.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ..keys import Section, TableSettings

__all__ = ["KindTable", "Kinds"]


class KindTable(Section):
    """The table of one kind: its keys are declared by a class of settings.

    positional: the keys whose values a step of a script takes without their names, in their order;
    the last may be "*key", which takes all that follow.
    """

    def __init__(
        self,
        name: str,
        made: type[TableSettings],
        check: Callable[..., None],
        *positional: str,
    ) -> None:
        super().__init__(made, (check,), elsewhere=("kind",))
        self.name = name
        self._positional = positional

    def of_step(self, args: tuple[Any, ...], keys: Mapping[str, Any]) -> dict[str, Any]:
        """Return the table that a step of a script describes; TypeError for too many values."""
        table: dict[str, Any] = {"kind": self.name}
        rest = list(args)
        for name in self._positional:
            if name.startswith("*"):
                table[name[1:]], rest = tuple(rest), []
            elif rest:
                table[name] = rest.pop(0)
        if rest:
            known = ", ".join(self._positional) or "none"
            raise TypeError(f"{self.name}: values without a name: {known}; not {len(args)}")
        return {**table, **keys}


class Kinds(Mapping[str, KindTable]):
    """The kinds that a folder has, by name; to list them imports all of them."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._found: list[str] = []  # the files of the folder

    def __getitem__(self, name: str) -> KindTable:
        module = name.removesuffix(":").replace("-", "_")
        found = self._load(module) if module in self._modules() else None
        if found is None or found.name != name:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        tables = map(self._load, self._modules())
        return iter([table.name for table in tables if table is not None])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _modules(self) -> list[str]:
        if not self._found:
            package = import_module(self._package)
            self._found = sorted(module.name for module in iter_modules(package.__path__))
        return self._found

    def _load(self, module: str) -> KindTable | None:
        table: KindTable | None = getattr(import_module(f"{self._package}.{module}"), "KIND", None)
        return table
