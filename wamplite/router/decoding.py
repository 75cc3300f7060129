"""From the payloads of one receive to messages, and to what is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from ..core.errors import ProtocolError
from ..core.members import Violation
from ..core.parsing import parse
from ..core.unfit import Uncarriable, unfit
from ..serializers.structure import USUAL, Structure


def decode(
    payloads: Iterable[bytes],
    loads: Callable[[bytes], Any],
    tell: Callable[[str], None],
    structure: Structure = USUAL,
) -> list[Any]:
    """Return messages, `Unfit` for what cannot be carried on, and a `Violation` at the end of all.

    tell: is told why a message is unfit. structure: bounds that may be narrower than of `loads`.
    """
    entries: list[Any] = []
    if structure is not USUAL:
        loads = structure.within(loads)
    try:
        for payload in payloads:
            try:
                entries.append(parse(loads(payload)))
            except Uncarriable as flaw:
                entries.append(unfit(flaw))
                tell(entries[-1].text)
    except ProtocolError as error:
        entries.append(Violation(str(error)))
    return entries


def decode_for(
    seconds: float,
    payloads: list[bytes],
    loads: Callable[[bytes], Any],
    tell: Callable[[str], None],
    structure: Structure = USUAL,
) -> tuple[list[Any], list[bytes]]:
    """Return what is decoded within about so long, one message at least, and what is left."""
    entries: list[Any] = []
    until = time.monotonic() + seconds
    for number, payload in enumerate(payloads, 1):
        entries += decode((payload,), loads, tell, structure)
        if type(entries[-1]) is Violation:
            break
        if time.monotonic() > until:
            return entries, payloads[number:]
    return entries, []
