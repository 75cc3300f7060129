"""What HTTP proxies say of who asked them: X-Forwarded-For, and Forwarded (RFC 7239); pure.

Each proxy adds a word behind those that it was sent, so the last is of the one next to us, and what
stands before the word of the first honest proxy may be anybody's invention.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from ..core.errors import ProtocolError
from .proxy_header import plain

_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|([0-9.]{7,15}):[0-9]{1,5}")
# name=value, and what follows: `;` or `,`. Some leave addresses with [ ] and : unquoted
_PAIR = re.compile(
    r"""(?:([!#$%&'*+.^_`|~\w-]+)=(?:([][:!#$%&'*+.^_`|~\w-]+)|"((?:[^"\\]|\\.)*)"))?"""
    r"[ \t]*(?:([;,])[ \t]*|$)",
    re.ASCII,
)


class Forwarding(NamedTuple):
    """What a request says: the values of its headers, in their order."""

    x_forwarded_for: list[str]
    forwarded: list[str]

    def chains(self) -> list[list[str]]:
        """Return who asked whom, by each of the headers that is there, the last one last."""
        old = [part.strip() for value in self.x_forwarded_for for part in value.split(",")]
        new = [address for value in self.forwarded for address in _addresses(value)]
        return [chain for chain in (old, new) if chain]


def address_of(word: str) -> str | None:
    """Return the address in one word of a chain, perhaps with a port; None where it has none."""
    match = _WITH_PORT.fullmatch(word)
    text = (match[1] or match[2]) if match else word
    try:
        return plain(ipaddress.ip_address(text)) if "%" not in text else None
    except ValueError:
        return None


def _addresses(value: str) -> list[str]:
    """Return what each element of Forwarded says that it is for, "" where it does not."""
    value, at = value.strip(" \t"), 0
    found = [""]
    while at < len(value):
        match = _PAIR.match(value, at)
        if match is None:
            raise ProtocolError(f"Forwarded cannot be read: {value[at : at + 100]!r}")
        if (match[1] or "").lower() == "for":
            found[-1] = match[2] or match[3] or ""
        if match[4] == ",":
            found.append("")
        at = match.end()
    return found
