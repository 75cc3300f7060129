"""How a key of a configuration is declared: one call of `setting` beside the name and type.

    @dataclass(frozen=True, kw_only=True)
    class DoorSettings(TableSettings):
        "A door."                                             what [[door]] is for, in one line
        height: float = setting(Duration(), "what it is for", 2.0)   kind, one line, default
        name: str = setting(Text(), "what it is called", example="front")   no default: required
        lock: str = setting(Text(), "its lock", "", needs=("name",))

`section(DoorSettings)` is the table that reads them. The checks, the defaults, `wamplite init`, the
JSON Schema and the pages of all keys are made of this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .config import Location, in_toml
from .schema import MISSING, Kind
from .tables import Table

NEEDED: Any = object()  # the default of a key without one


class DeclaredKey(NamedTuple):
    """What is known of one key.

    needs: keys that must stand in the table with it; excludes: that must not; only: another key of
    the table, and the values of it with which this one means something.
    """

    kind: Kind
    about: str
    default: Any = NEEDED
    example: Any = None  # as the file says it
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    only: tuple[str, tuple[Any, ...]] | None = None

    @property
    def is_needed(self) -> bool:
        """Tell whether it has no default."""
        return self.default is NEEDED

    @property
    def conditions(self) -> list[str]:
        """Return in words what it wants of the other keys of its table."""
        return self.unmet(self.excludes, None)

    def unmet(self, given: Collection[str], other: Any) -> list[str]:
        """Return in words what it wants and the keys that are given do not meet.

        other: the value that the key named by `only` has, its default included.
        """
        said = [f'needs "{name}"' for name in self.needs if name not in given]
        said += [f'excludes "{name}"' for name in self.excludes if name in given]
        if self.only is not None and other not in self.only[1]:
            said.append(f"belongs to {self.only[0]} = {' or '.join(map(in_toml, self.only[1]))}")
        return said

    def described(self) -> dict[str, Any]:
        """Return a JSON Schema of its value."""
        said: dict[str, Any] = {**self.kind.described(), "description": self.about}
        if not self.is_needed and self.default not in ("", b"", None, {}):
            default = self.kind.shown(self.default)
            said["default"] = list(default) if isinstance(default, tuple) else default
        return said


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """What all settings of a table have: where they stand."""

    at: Location | None = field(default=None, compare=False, repr=False)


def setting(
    kind: Kind,
    about: str,
    default: Any = NEEDED,
    *,
    example: Any = None,
    name: str = "",
    factory: Callable[[], Any] | None = None,
    needs: tuple[str, ...] = (),
    excludes: tuple[str, ...] = (),
    only: tuple[str, tuple[Any, ...]] | None = None,
) -> Any:
    """Declare a key: a field of a dataclass. needs, excludes, only: see DeclaredKey.

    name: in the file, where the field has another. factory: makes the value of the default, where
    that cannot be one object for all; `default` is then what is shown.
    """
    key = DeclaredKey(kind, about, default, example, needs, excludes, only)
    metadata = {"key": key, "name": name}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(metadata=metadata) if key.is_needed else field(default=default, metadata=metadata)


class Declared(Table):
    """A table whose keys are declared, with what is told of each; what it reads knows its place."""

    about = ""
    declared: dict[str, DeclaredKey]

    def read(self, value: Any, at: Location) -> Any:
        settings = super().read(value, at)
        return settings if settings is MISSING else dataclasses.replace(settings, at=at)

    def described(self) -> dict[str, Any]:
        return {
            "type": "object",
            "description": self.about,
            "properties": {name: key.described() for name, key in self.declared.items()},
            "required": list(self.required),
            "additionalProperties": False,
        }


class Section(Declared):
    """A table whose keys are those of a class of settings.

    elsewhere: keys of the same table that others read.
    """

    def __init__(
        self,
        made: type[TableSettings],
        checks: tuple[Callable[..., None], ...] = (),
        elsewhere: tuple[str, ...] = (),
    ) -> None:
        self.about = (made.__doc__ or "").partition("\n")[0]
        self.declared: dict[str, DeclaredKey] = {}
        self._attributes: dict[str, str] = {}
        for each in dataclasses.fields(made):
            if "key" in each.metadata:
                name = each.metadata["name"] or each.name
                self.declared[name] = each.metadata["key"]
                self._attributes[name] = each.name
        self.made: Callable[..., Any] = made
        super().__init__(
            {name: of.kind for name, of in self.declared.items()},
            self._of,
            tuple(name for name, of in self.declared.items() if of.is_needed),
            checks,
            elsewhere,
        )

    def _of(self, **given: Any) -> Any:
        return self.made(**{self._attributes[name]: said for name, said in given.items()})

    def compare(self, given: Mapping[str, Any], at: Location) -> None:
        for name in given:
            key = self.declared[name]
            other = None
            if key.only is not None:
                other = given.get(key.only[0], self.declared[key.only[0]].default)
            if unmet := key.unmet(given, other):
                (at / name).wrong(", ".join(unmet))


def section(made: type[TableSettings], *checks: Callable[..., None]) -> Section:
    """Return the table that reads a class of settings; checks: `fn(settings, at)`."""
    return Section(made, checks)
