r"""Names and values, of a line or a block of lines: "T=21.5 H=40", "V\t12830", "1.8.0(42*kWh)".

What stands between two separators of pairs and has no separator of its own is passed over: a
heading, a checksum. A value that looks like a number is one, unless `types` says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...config import Location
from ...keys import setting
from ...schema import Flag, Names, Text
from .decoder import TextSettings, TypedSettings, decoder_kind
from .readings import Decode, Reading, Undecodable, as_text, checked
from .value_types import converted, likely

__all__ = ["KIND", "PairsSettings"]


@dataclass(frozen=True, kw_only=True)
class PairsSettings(TypedSettings, TextSettings):
    """Pairs of a name and a value as keyword arguments."""

    separator: str = setting(Text(), "what stands between a name and its value", "=", example="\t")
    between: str = setting(
        Text(), "what stands between two pairs; a line end does so always", "\n", example=";"
    )
    close: str = setting(Text(), "what ends a value, where something does", "", example=")")
    last: bool = setting(
        Flag(), "of several values behind one name, take the last instead of the first", False
    )
    rename: Mapping[str, str] = setting(
        Names(Text()),
        "the pairs that are taken, by the device's names, and what their values are called; "
        "without it, all as they are",
        {},
        factory=dict,
        example={"1-0:1.7.0": "power"},
    )

    def make(self) -> Decode:
        rename, types = self.rename, self.types

        def decode(frame: bytes) -> Reading:
            found: dict[str, str] = {}
            for name, text in self._pairs(as_text(frame, self.encoding)):
                ours = rename.get(name, "") if rename else name
                if ours in found:
                    raise Undecodable(f"{ours}: there twice")
                if ours:
                    found[ours] = text
            if not found:
                raise Undecodable("no pair")
            values: dict[str, Any] = converted(found, types, self.decimal, self.none)
            for name in values.keys() - types.keys():
                values[name] = likely(found[name], self.decimal)
            return checked(Reading([], values, len(frame)))

        return decode

    def names(self) -> set[str] | None:
        return set(self.rename.values()) or None

    def check(self, at: Location) -> None:
        super().check(at)
        ours = list(self.rename.values())
        if doubled := [name for name in ours if ours.count(name) > 1]:
            (at / "rename").wrong(f'two values are called "{doubled[0]}"')

    def _pairs(self, text: str) -> list[tuple[str, str]]:
        pairs = []
        for line in text.splitlines():
            for item in line.split(self.between):
                name, separator, rest = item.partition(self.separator)
                if not separator or not name.strip():
                    continue
                parts = rest.split(self.separator)
                value = parts[-1 if self.last else 0]
                if self.close:
                    value = value.partition(self.close)[0]
                pairs.append((name.strip(), value.strip()))
        return pairs


KIND = decoder_kind("pairs", PairsSettings)
