r"""Blocks of lines as one frame: a telegram, a report, a record that ends with a blank line.

    begin = "^/"    the line that begins a block; what stands before it is garbage
    end = "^!"      the line that ends it, or
    lines = 3       so many lines make one; where neither is given, a blank line ends it

A frame is the block's bytes as they came, line ends within it included; the last one is not. A line
ends at LF. Where a line begins a block before the block has ended, its end was lost: it is garbage.
A block that gets no byte for `gap` seconds (0: for ever) is garbage, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...keys import setting
from ...schema import Whole
from ...units import Duration
from ..counts import GARBAGE_BYTES
from ..line_pattern import LinePattern, line_search
from .cutter import OVERLONG, Cutter
from .framing import MAX_BYTES, BoundedSettings, framing_kind
from .proof import NO_PROOF, Proof

__all__ = ["KIND", "Block", "BlockSettings"]

ENDS = b"\r\n"
BLANK = b" \t\0"  # a line of these alone is a blank one


@dataclass(frozen=True, kw_only=True)
class BlockSettings(BoundedSettings):
    """Several lines: a telegram, a report, a record that ends with a blank line."""

    begin: str = setting(LinePattern(), "what the first line looks like", "", example="^/")
    end: str = setting(
        LinePattern(), "what the last line looks like; else a blank line ends it", "", example="^!"
    )
    lines: int = setting(Whole(0, 1000), "how many lines make a block", 0, excludes=("end",))
    gap: float = setting(
        Duration(0, 3600), "silence after which a block that has begun is dropped; 0: never", 0.0
    )

    def make(self) -> Block:
        return Block(
            self.begin,
            self.end,
            self.lines,
            gap=self.gap,
            max_bytes=self.max_bytes,
            proof=self.proof,
        )


class Block(Cutter):
    """Blocks of at most `max_bytes` bytes; `begin` and `end` are regular expressions."""

    has_lines = True

    def __init__(
        self,
        begin: str = "",
        end: str = "",
        lines: int = 0,
        *,
        gap: float = 0.0,
        max_bytes: int = MAX_BYTES,
        proof: Proof = NO_PROOF,
    ) -> None:
        super().__init__(proof)
        self.gap = gap
        self.knows_start = bool(begin) or bool(proof)
        self._begin = line_search(begin)
        self._end = line_search(end)
        self._lines = lines
        self._max_bytes = max_bytes
        self._start_over()

    def _start_over(self) -> None:
        self._begin_block()
        self._rest = b""  # of a line that has not ended
        self._torn = False  # the beginning of that line was dropped
        self._noise = False

    def _begin_block(self) -> None:
        self._block: list[bytes] = []
        self._count = 0  # lines of the block
        self._size = 0  # bytes of it
        self._dropping = False  # it is too long

    @property
    def pending(self) -> bool:
        return self._count > 0 or bool(self._rest.strip())

    def idle(self) -> list[bytes]:
        if self.pending:
            self._drop_noise(self._size + len(self._rest))
        self._start_over()
        return []

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines and self._torn:
            self._torn = False
            self.count(GARBAGE_BYTES, len(lines.pop(0)) + 1)
        frames = [frame for line in lines if (frame := self._take(line + b"\n"))]
        if len(self._rest) > self._max_bytes + 1:
            if not self._torn:
                self._lose_line()
            self.count(GARBAGE_BYTES, len(self._rest))
            self._rest, self._torn = b"", True
        return self._proved(frames, self._proof)

    def _take(self, line: bytes) -> bytes:
        """Add a line to its block; returns the frame that it completes, else b""."""
        if len(line) > self._max_bytes + len(ENDS):
            self._lose_line()
            self.count(GARBAGE_BYTES, len(line))
            return b""
        plain = line.rstrip(ENDS)
        if self._begin is not None and self._begin.finds(plain):
            if self._count:
                self._drop_noise(self._size)
            self._begin_block()
            self._noise = False
        elif not self._count:
            if self._begin is not None and plain.strip(BLANK):
                self._drop_noise(len(line))
            if self._begin is not None or (self._ends_blank and not plain.strip(BLANK)):
                return b""
        return self._add(line, plain)

    def _add(self, line: bytes, plain: bytes) -> bytes:
        self._count += 1
        self._size += len(line)
        ended = self._is_ended(plain)
        size = self._size - (len(line) - len(plain) if ended else 0)
        if size > self._max_bytes and not self._dropping:
            self._drop_long()
        if not self._dropping:
            self._block.append(line)
        if not ended:
            return b""
        block = b"".join(self._block)
        self._begin_block()
        self._noise = False
        return block.rstrip(ENDS)

    @property
    def _ends_blank(self) -> bool:
        return self._end is None and not self._lines

    def _is_ended(self, plain: bytes) -> bool:
        if self._lines:
            return self._count >= self._lines
        return not plain.strip(BLANK) if self._end is None else self._end.finds(plain)

    def _lose_line(self) -> None:
        """Drop the block, up to its end, because of a line that is longer than the bound."""
        if not self._dropping:
            self.count(OVERLONG, 1)
        if self._lines:
            self._begin_block()
        elif self._count or self._begin is None:
            self._count = max(1, self._count)
            self._drop_block()

    def _drop_long(self) -> None:
        self.count(OVERLONG, 1)
        self._drop_block()

    def _drop_block(self) -> None:
        self.count(GARBAGE_BYTES, self._size)
        self._dropping = True
        self._block, self._size = [], 0


KIND = framing_kind("block", BlockSettings)
