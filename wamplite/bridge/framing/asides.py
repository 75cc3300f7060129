"""Asides: what a device says in the midst of a frame, and is no part of it."""

from __future__ import annotations

import re
from typing import Any

from ...config import Location
from ...schema import MISSING, Bytes, Kind, show_value
from .cutter import partial

__all__ = ["ASIDE", "MOST_ASIDE", "Asides"]

MOST_ASIDE = 512  # bytes of one; what is longer is none
TEXT = re.compile(rb"[ -~]*")


class Asides:
    """Texts from `begin` to `end`, of printable ASCII between them."""

    def __init__(self, begin: bytes, end: bytes) -> None:
        self.begin = begin
        self._end = end

    def left_out(self, data: bytes, word: bytes, at: int, most: int) -> tuple[bytes, int]:
        """Leave out those that begin, behind `at` and before `most`, before `word` has ended.

        Returns what is left, and where in it one begins that has not ended yet, else its length.
        """
        look = at
        while True:
            found = data.find(word, at, most)
            limit = most if found < 0 else found + len(word) - 1
            aside = data.find(self.begin, look, limit)
            if aside < 0:
                return data, len(data)
            size = self._size(data[aside : aside + MOST_ASIDE])
            if size is None:
                return data, aside
            data = data[:aside] + data[aside + size :]
            look = max(at, aside - len(self.begin) + 1) if size else aside + 1

    def _size(self, data: bytes) -> int | None:
        """Return how many bytes the aside has that begins `data`; 0: it is none; None: not yet."""
        text, end, _ = data[len(self.begin) :].partition(self._end)
        size = len(self.begin) + len(text) + len(end)
        if not end:
            text = text[: len(text) - partial(text, self._end)]
        if not TEXT.fullmatch(text):
            return 0
        if not end:
            return None if size < MOST_ASIDE else 0
        return size


class _Aside(Kind):
    """The two ends of an aside."""

    wanted = 'what begins it and what ends it, such as [":", "\\n"]'
    short = "[begin, end]"

    def read(self, value: Any, at: Location) -> Any:
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            at.wrong(f"expected {self.wanted}, not {show_value(value)}")
            return MISSING
        ends = tuple(Bytes().read(one, at / number) for number, one in enumerate(value))
        return MISSING if MISSING in ends else ends

    def described(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}


ASIDE = _Aside()
