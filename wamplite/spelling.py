"""Texts that may be meant to spell bytes: "0x0D", "AA C0", "<CR>"; pure.

A configuration writes bytes as escapes of TOML, "\\r" and "\\u00aa\\u00c0". Such a text is taken as
it stands, for a device may send just these characters.
"""

from __future__ import annotations

import json
import re

__all__ = ["in_escapes", "spelled"]

CONTROLS = {"NUL": 0, "SOH": 1, "STX": 2, "ETX": 3, "EOT": 4, "ENQ": 5, "ACK": 6, "LF": 10}
CONTROLS |= {"CR": 13, "DLE": 16, "NAK": 21, "ESC": 27}
PAIRS = re.compile(r"(0x)?[0-9a-f]{2}([ ,]*(0x)?[0-9a-f]{2})*", re.I)
NAMES = re.compile(rf"((<({'|'.join(CONTROLS)})>|STX|ETX|CR|LF) ?)+", re.I)


def spelled(text: str) -> bytes:
    """Return the bytes that a text may be meant to spell; b"": none."""
    if PAIRS.fullmatch(text):
        return bytes.fromhex(re.sub("0[xX]|,", " ", text))
    if NAMES.fullmatch(text):
        return bytes(CONTROLS[name] for name in re.findall("|".join(CONTROLS), text.upper()))
    return b""


def in_escapes(data: bytes) -> str:
    """Return bytes as TOML writes them, a character for each."""
    return json.dumps(data.decode("latin-1")).replace("\x7f", "\\u007f")
