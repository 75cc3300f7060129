"""Checksums within what is written, of all before them: "{crc16-modbus:<1}", "{sum8:hex}".

The format of such a field says, in this order and each only if need be: `hex` (it is text, two
digits in upper case for each byte, instead of bytes), `<` or `>` (its lowest byte comes first, or
its highest, the default), and the position of the first byte that it covers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from ...core.errors import UsageError
from ..framing.checksums import KINDS

__all__ = ["checksum_field", "no_format"]

FORM = re.compile(r"(?P<hex>hex)?(?P<order>[<>]?)(?P<begin>\d{0,4})")


def checksum_field(
    name: str, form: str, key: str, before: bytes | None
) -> Callable[[bytes], bytes] | None:
    """Return what computes a field from all before it; None: its name is no kind of checksum.

    key: that has the template, for errors. before: what stands there, None where arguments say it.
    """
    if name not in KINDS:
        return None
    told = f"{key}: {in_braces(name, form)}"
    found = FORM.fullmatch(form)
    if found is None:
        raise UsageError(
            f"{told}: expected hex for digits, < or > for the order of its bytes"
            " and the position of the first byte that it covers, such as hex, <1 or hex<1"
        )
    order: Literal["little", "big"] = "little" if found["order"] == "<" else "big"
    kind, begin, in_hex = KINDS[name], int(found["begin"] or 0), bool(found["hex"])
    if before is not None and len(before) <= begin:
        raise UsageError(
            f"{told}: covers nothing: it is the checksum of what stands before it,"
            f" {len(before)} bytes, from position {begin} on"
        )

    def compute(before: bytes) -> bytes:
        data = kind.compute(before[begin:]).to_bytes(kind.width, order)
        return data.hex().upper().encode() if in_hex else data

    return compute


def no_format(name: str, form: str, key: str, wanted: str) -> UsageError:
    """Return the error of a field whose format fits no argument; wanted: what would.

    A name with the format of a checksum is meant as one.
    """
    told = f"{key}: {in_braces(name, form)}"
    if FORM.fullmatch(form) and not name.isdecimal():
        return UsageError(f"{told}: {name} is no checksum; there are {', '.join(KINDS)}")
    return UsageError(f"{told}: expected {wanted}")


def in_braces(name: str, form: str) -> str:
    return f"{{{name}:{form}}}" if form else f"{{{name}}}"
