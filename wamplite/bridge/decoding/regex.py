"""A regular expression that is searched for in the text: its groups; without groups, its match.

Named groups are keyword arguments, the others arguments.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...keys import setting
from ...schema import Text
from ..matching.matcher import Matcher, TookTooLong, compiled
from .decoder import TextSettings, TypedSettings, decoder_kind
from .readings import NO_MATCH, TOO_LONG, Decode, Reading, Undecodable, as_text, checked, positions
from .value_types import converted

__all__ = ["KIND", "RegexSettings"]


@dataclass(frozen=True, kw_only=True)
class RegexSettings(TypedSettings, TextSettings):
    """Named groups as keyword arguments, others as arguments; without groups, what was found."""

    pattern: str = setting(
        Text(), "a regular expression of Python, searched for in the text", example="T=(\\S+)"
    )

    def make(self) -> Decode:
        pattern, types = compiled(self.pattern), self.types
        matcher = Matcher(pattern)
        named = {number: name for name, number in pattern.groupindex.items()}
        unnamed = [number for number in range(1, pattern.groups + 1) if number not in named]
        unnamed = unnamed if pattern.groups else [0]

        def decode(frame: bytes) -> Reading:
            try:
                groups = matcher.groups(as_text(frame, self.encoding))
            except TookTooLong:
                raise Undecodable(TOO_LONG) from None
            if groups is None:
                raise Undecodable(NO_MATCH)
            found = {str(at): groups[number] for at, number in enumerate(unnamed)}
            texts = found | {name: groups[number] for number, name in named.items()}
            given = {name: text for name, text in texts.items() if text is not None}
            values = converted(given, types, self.decimal, self.none)
            args = [values.pop(at, None) for at in found]
            return checked(Reading(args, values, len(frame)))

        return decode

    def names(self) -> set[str]:
        pattern = compiled(self.pattern)
        unnamed = pattern.groups - len(pattern.groupindex) if pattern.groups else 1
        return set(pattern.groupindex) | positions(unnamed)


KIND = decoder_kind("regex", RegexSettings, "pattern")
