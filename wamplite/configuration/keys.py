"""How a key of the file is declared: one call of `setting` beside the name and type of a setting.

    @dataclass(frozen=True, kw_only=True)
    class DoorSettings(TableSettings):
        "A door."                                             what [[door]] is for, in one line
        height: float = setting(Duration(), "what it is for", 2.0)   kind, one line, default
        name: str = setting(Text(), "what it is called", example="front")   no default: required

`section(DoorSettings)` is the table that reads them. The checks, the defaults, `wamplite init`, the
JSON Schema and docs/configuration.md are all made of this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..config import Location
from ..schema import MISSING, Kind, Table

NEEDED: Any = object()  # the default of a key without one


class DeclaredKey(NamedTuple):
    """What is known of one key."""

    kind: Kind
    about: str
    default: Any = NEEDED
    example: Any = None  # as the file says it

    @property
    def is_needed(self) -> bool:
        """Tell whether it has no default."""
        return self.default is NEEDED


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """What all settings of a table have: where they stand."""

    at: Location | None = field(default=None, compare=False, repr=False)


def setting(
    kind: Kind, about: str, default: Any = NEEDED, *, example: Any = None, name: str = ""
) -> Any:
    """Declare a key: a field of a dataclass. name: in the file, where the field has another."""
    told = {"key": DeclaredKey(kind, about, default, example), "name": name}
    return field(metadata=told) if default is NEEDED else field(default=default, metadata=told)


class Declared(Table):
    """A table whose keys are declared, with what is told of each; what it reads knows its place."""

    about = ""
    declared: dict[str, DeclaredKey]

    def read(self, value: Any, at: Location) -> Any:
        settings = super().read(value, at)
        return settings if settings is MISSING else dataclasses.replace(settings, at=at)


class Section(Declared):
    """A table whose keys are those of a class of settings."""

    def __init__(
        self, made: type[TableSettings], checks: tuple[Callable[..., None], ...] = ()
    ) -> None:
        self.about = (made.__doc__ or "").partition("\n")[0]
        self.declared: dict[str, DeclaredKey] = {}
        self._attributes: dict[str, str] = {}
        for each in dataclasses.fields(made):
            if "key" in each.metadata:
                name = each.metadata["name"] or each.name
                self.declared[name] = each.metadata["key"]
                self._attributes[name] = each.name
        self._made = made
        super().__init__(
            {name: of.kind for name, of in self.declared.items()},
            self._of,
            tuple(name for name, of in self.declared.items() if of.is_needed),
            checks,
        )

    def _of(self, **given: Any) -> TableSettings:
        return self._made(**{self._attributes[name]: said for name, said in given.items()})


def section(made: type[TableSettings], *checks: Callable[..., None]) -> Section:
    """Return the table that reads a class of settings; checks: `fn(settings, at)`."""
    return Section(made, checks)
