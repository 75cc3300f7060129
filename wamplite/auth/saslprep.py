"""SASLprep: names and passwords that look the same are the same (RFC 4013, a profile of RFC 3454).

Pure, by the tables of the standard library: they are those of Unicode 3.2, which the RFC names.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

IsIn = Callable[[str], bool]


@cache
def _prohibited() -> tuple[tuple[IsIn, str], ...]:
    import stringprep  # 0.4 MB, for what is not ASCII alone

    return (
        (stringprep.in_table_c12, "an unusual space"),
        (stringprep.in_table_c21_c22, "a control character"),
        (stringprep.in_table_c3, "a character of private use"),
        (stringprep.in_table_c4, "a code point that is no character"),
        (stringprep.in_table_c5, "a surrogate"),
        (stringprep.in_table_c6, "a character that is no plain text"),
        (stringprep.in_table_c7, "a character that tells of a layout"),
        (stringprep.in_table_c8, "a character that changes how others are shown"),
        (stringprep.in_table_c9, "a tag"),
    )


def saslprep(text: str, *, stored: bool = False) -> str:
    """Return a text as it is compared and derived from; ValueError where it must not be used.

    stored: it is about to be kept, and so no code point may lack a meaning yet; whoever only asks
    may use those.
    """
    if text.isascii() and text.isprintable():
        return text
    import stringprep
    from unicodedata import ucd_3_2_0

    spaced = (" " if stringprep.in_table_c12(one) else one for one in text)
    mapped = "".join(one for one in spaced if not stringprep.in_table_b1(one))
    found = ucd_3_2_0.normalize("NFKC", mapped)
    for at, one in enumerate(found, 1):
        for is_in, name in _prohibited():
            if is_in(one):
                raise ValueError(f"character {at} is {name}, which SASLprep forbids")
        if stored and stringprep.in_table_a1(one):
            text = f"character {at} is not in Unicode 3.2, and SASLprep keeps no other"
            raise ValueError(text)
    _check_directions(found)
    return found


def _check_directions(text: str) -> None:
    """Refuse a text that reads from right to left only in part (RFC 3454, section 6)."""
    import stringprep

    if not any(map(stringprep.in_table_d1, text)):
        return
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    if not ends or any(map(stringprep.in_table_d2, text)):
        raise ValueError("a text from right to left begins and ends so, and is so whole")
