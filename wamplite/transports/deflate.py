"""permessage-deflate, as far as a router of many peers bears it; pure (RFC 7692).

No side keeps a window from one message to the next: a connection that says nothing holds nothing of
it, and a message is deflated once for all receivers. Inflating stops where a message grows too
large. What is small would not become smaller, and what is large would keep the others waiting.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..core.errors import ProtocolError

NAME = "permessage-deflate"
OURS, THEIRS = "server_no_context_takeover", "client_no_context_takeover"  # seen from the server
OUR_BITS, THEIR_BITS = "server_max_window_bits", "client_max_window_bits"
OFFER = f"{NAME}; {OURS}; {THEIRS}"
SMALLEST, LARGEST = 128, 1 << 18  # octets of a message that is deflated
LEVEL = 1  # of zlib: most of what can be won, at a third of the time of its default
WIDEST = 15  # bits of a window
TAIL = b"\x00\x00\xff\xff"  # stands at the end of each deflated message, and is left out
END = TAIL + b"\x01\x00\x00\xff\xff"  # ... and a last block without octets: here all has come
ENDS = (b"", END, b"\x00" + END)  # what may stand behind a last block (section 7.2.3.4)


class TooMuch(ProtocolError):
    """A message that inflates to more than is taken."""


class Deflate(NamedTuple):
    """What two sides agreed on: the window with which we deflate. Any window is inflated."""

    bits: int = WIDEST

    def pack(self, message: bytes) -> bytes | None:
        """Return the message deflated, or None where it goes as it is."""
        if not SMALLEST <= len(message) <= LARGEST:
            return None
        machine = zlib.compressobj(LEVEL, zlib.DEFLATED, -self.bits)
        packed = machine.compress(message) + machine.flush(zlib.Z_SYNC_FLUSH)
        return packed[:-4] if len(packed) - 4 < len(message) else None

    def unpack(self, packed: bytes, limit: int) -> bytes:
        """Return what was deflated; TooMuch above `limit` octets, ProtocolError if it is none."""
        machine = zlib.decompressobj(-WIDEST)
        try:
            message = machine.decompress(packed + END, limit + 1)
        except zlib.error as exc:
            raise ProtocolError(f"a message that cannot be inflated: {exc}") from None
        if len(message) > limit:
            raise TooMuch(f"a message that inflates to over {limit} bytes")
        if not machine.eof:
            raise ProtocolError("a deflated message that ends within a block")
        if machine.unused_data not in ENDS:
            raise ProtocolError("a deflated message that goes on behind its last block")
        return message


def longest(limit: int) -> int:
    """Return how long a message of `limit` octets may be when it is deflated."""
    return limit + limit // 1024 + 64


def choose(values: Iterable[str]) -> tuple[Deflate, str] | None:
    """Return what the server takes of a client's offers, and its answer; None: nothing fits."""
    for parameters in _offers(values):
        deflate = _judge(parameters)
        if deflate is not None:
            bits = f"; {OUR_BITS}={deflate.bits}" if OUR_BITS in parameters else ""
            return deflate, f"{OFFER}{bits}"
    return None


def agreed(value: str) -> Deflate:
    """Return what a server's answer to OFFER means; ProtocolError where that was not offered."""
    offers = list(_offers([value]))
    if len(offers) == 1 and offers[0].get(OURS) == "":
        window = offers[0].pop(OUR_BITS, str(WIDEST))
        if set(offers[0]) <= {OURS, THEIRS} and _bits(window, 8):
            return Deflate()
    raise ProtocolError(f"expected the extension {OFFER}, the server chose {value!r}")


def _judge(parameters: dict[str, str]) -> Deflate | None:
    """Judge an offer: None if there is a parameter that we do not know, or cannot keep."""
    known = {OURS: "", THEIRS: "", OUR_BITS: None, THEIR_BITS: None}
    for name, value in parameters.items():
        if name not in known or known[name] not in (None, value):
            return None
    theirs = parameters.get(THEIR_BITS, "")
    bits = _bits(parameters.get(OUR_BITS, str(WIDEST)), 9)  # zlib deflates with no window of 8
    return Deflate(bits) if bits and (not theirs or _bits(theirs, 8)) else None


def _bits(value: str, least: int) -> int:
    """Return the size of a window, 0 where it is none."""
    return int(value) if value in {str(bits) for bits in range(least, WIDEST + 1)} else 0


def _offers(values: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield the parameters of each permessage-deflate; one that stands there twice fits nothing."""
    for offer in ",".join(values).split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name.lower() == NAME:
            pairs = [parameter.partition("=") for parameter in parameters]
            taken = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
            yield taken if len(taken) == len(pairs) else {"a parameter twice": ""}
