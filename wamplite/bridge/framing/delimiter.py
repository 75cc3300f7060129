"""Frames between an optional start and a delimiter, both of any length.

    [start] content delimiter [trailer]

Neither start nor delimiter and trailer are part of the frame, unless it is kept. Bytes before
`start` are garbage. Where `start` comes again within a frame, the end of the first frame was lost:
it is garbage, and the second one is kept. With a proof, the last of them that it bears out is the
frame; where it refutes all, the search goes on behind the last.

A delimiter that is the start, too, is a flag: each ends what stands before it and begins what
follows, for one may serve two frames, and one may be lost. Between two flags there may be nothing,
or line ends alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...config import Location
from ...keys import setting
from ...schema import Bytes, Flag, Whole
from ..counts import GARBAGE_BYTES
from .asides import ASIDE, Asides
from .cutter import BETWEEN, NOT_YET, OVERLONG, Cutter, Taken, partial
from .framing import MAX_BYTES, BoundedSettings, StartSettings, framing_kind
from .proof import GARBAGE, NO_PROOF, Extent, Proof

__all__ = ["KIND", "Delimited", "DelimiterSettings"]

MOST_STARTS = 16  # that are tried of one frame: noise may be full of them


@dataclass(frozen=True, kw_only=True)
class DelimiterSettings(BoundedSettings, StartSettings):
    """The bytes before a delimiter, or between a start and a delimiter."""

    has_line_ends = True

    delimiter: bytes = setting(
        Bytes(), "what ends a frame, of one byte or more", b"\n", example="\r\n"
    )

    trailer: int = setting(
        Whole(0, 64), "bytes behind the delimiter that belong to the frame, such as a checksum", 0
    )
    keep: bool = setting(Flag(), "the frame is all of it, with start, delimiter and trailer", False)
    aside: tuple[bytes, bytes] | None = setting(
        ASIDE,
        "a text that may come within a frame or between two and is no part of them: what begins it,"
        " and what ends it",
        None,
        example=[":", "\n"],
    )

    @property
    def extent(self) -> Extent:
        size = len(self.delimiter)
        most = self.max_bytes + size + self.trailer
        return Extent(len(self.start), most, False, size, self.trailer, "delimiter")

    def check(self, at: Location) -> None:
        super().check(at)
        if self.start == self.delimiter and self.trailer and not self.checksum:
            (at / "trailer").wrong(
                "behind a delimiter that is the start, too, only a checksum tells which it is"
            )
        if self.aside and any(self.aside[0] in word for word in (self.start, self.delimiter)):
            (at / "aside").wrong("what begins it is part of the start or the delimiter")

    def make(self) -> Delimited:
        return Delimited(
            self.delimiter,
            self.start,
            self.max_bytes,
            trailer=self.trailer,
            keep=self.keep,
            aside=self.aside,
            proof=self.proof,
        )


class Delimited(Cutter):
    """Frames of 1 to `max_bytes` bytes between an optional start and a delimiter.

    trailer: how many bytes behind the delimiter belong to the frame. keep: the frame is all of it,
    with start, delimiter and trailer. aside: what begins and what ends a text that is left out, but
    in the trailer.
    """

    gap = 0.0
    _between_flags = b"\r\n"  # of these alone no frame is made

    def __init__(
        self,
        delimiter: bytes,
        start: bytes = b"",
        max_bytes: int = MAX_BYTES,
        *,
        trailer: int = 0,
        keep: bool = False,
        aside: tuple[bytes, bytes] | None = None,
        proof: Proof = NO_PROOF,
    ) -> None:
        super().__init__(proof)
        self.knows_start = bool(start) or bool(proof)
        self.has_lines = delimiter.endswith((b"\r", b"\n"))
        self._delimiter = delimiter
        self.start = start
        self._max_bytes = max_bytes
        self._trailer = trailer
        self._keep = keep
        self._asides = Asides(*aside) if aside else None
        self._flag = delimiter if delimiter == start and not trailer else b""
        self._rest = b""

    @property
    def pending(self) -> bool:
        if self._rest in (b"", self._flag) or self._noise:
            return False
        return self._rest.startswith(self.start)

    def _start_over(self) -> None:
        self._rest, self._noise = b"", False

    def idle(self) -> list[bytes]:
        return []

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        self._rest += data
        frames: list[bytes] = []
        while self._seek() and (frame := self._next()) is not None:
            if frame:
                frames.append(frame)
        return frames

    def _seek(self) -> bool:
        """Drop the bytes before the start; False when there is no start yet."""
        if not self.start:
            return True
        begin, sure = self._find(self.start, 0, len(self._rest))
        found = begin >= 0
        if not found:
            if self._asides and sure == len(self._rest):
                sure -= partial(self._rest, self._asides.begin)
            begin = sure - partial(self._rest[:sure], self.start)
        self._skip(self._rest[:begin])
        self._rest = self._rest[begin:]
        self._noise = self._noise and not found
        return found

    def _find(self, word: bytes, at: int, most: int) -> tuple[int, int]:
        """Return where a word is, -1: nowhere; and up to where that is sure. Leaves asides out."""
        if self._asides is None:
            return self._rest.find(word, at, most), len(self._rest)
        self._rest, sure = self._asides.left_out(self._rest, word, at, most)
        return self._rest.find(word, at, most) if sure == len(self._rest) else -1, sure

    def _skip(self, data: bytes) -> None:
        """Drop bytes that belong to no frame; some may stand between two."""
        if garbage := data.translate(None, BETWEEN):
            self._drop_noise(len(garbage))

    def _next(self) -> bytes | None:
        """Take what ends at the next delimiter; None when that is not there yet, b"": no frame.

        One behind a frame that is too long is as if it had not come: the pieces must not matter.
        """
        first = len(self.start)
        most = first + self._max_bytes + len(self._delimiter)
        found, sure = self._find(self._delimiter, first, most)
        if found < 0:
            if len(self._rest) < most or sure < len(self._rest):
                return None
            self._give_up()
            return b""
        end = found + len(self._delimiter) + self._trailer
        if len(self._rest) < end:
            return None
        whole, self._rest = self._rest[:end], self._flag + self._rest[end:]
        return self._newest(whole, found)

    def take(self, data: bytes, ended: bool) -> Taken:
        """Judge what begins `data`, see Anchored; a silence ends nothing."""
        self._rest = data
        first = len(self.start)
        most = first + self._max_bytes + len(self._delimiter)
        found, sure = self._find(self._delimiter, first, most)
        end = found + len(self._delimiter) + self._trailer
        if found < 0 or len(self._rest) < end:
            is_open = found >= 0 or len(self._rest) < most or sure < len(self._rest)
            return NOT_YET if is_open else Taken(0, flaw=OVERLONG)
        size = len(data) - len(self._rest) + end - len(self._flag)
        whole, content = self._rest[:end], self._rest[first:found]
        if self._flag and not content.strip(self._between_flags):
            return Taken(size)
        flaw = self._proof.flaw(whole, first)
        last = whole.rfind(self.start, 1, found)
        if last > 0 and not self._proof.flaw(whole[last:], first):
            flaw = GARBAGE  # its end was lost
        if flaw:
            return Taken(0, flaw=flaw)
        return Taken(size, whole if self._keep and content else content)

    def _give_up(self) -> None:
        """Drop a frame that is too long, up to the next start or else the next delimiter."""
        if not self._noise:
            self.count(OVERLONG, 1)
        self._noise = True
        gone = 1 if self.start else self._max_bytes + 1  # what follows may begin a delimiter
        self.count(GARBAGE_BYTES, gone)
        self._rest = self._rest[gone:]

    def _newest(self, whole: bytes, found: int) -> bytes:
        """Return the frame whose delimiter stands at `found`; b"" where there is none."""
        if self._noise:  # the end of a frame that is too long
            self._noise = False
            return b""
        if self._flag and not whole[len(self.start) : found].strip(self._between_flags):
            return b""
        begins = self._beginnings(whole, found)
        for begin in begins:
            size = found - begin - len(self.start)
            flaw = self._proof.flaw(whole[begin:], len(self.start))
            if not flaw:
                self._skip(whole[:begin])
                self._noise = False
                frame = whole[begin:] if self._keep else whole[begin + len(self.start) : found]
                return self._plain(frame) if size else b""
        self.count(flaw, 1)
        self.count(GARBAGE_BYTES, begins[0] + 1 if self.start else len(whole))
        if self.start:
            self._rest = whole[begins[0] + 1 :] + self._rest
            self._noise = True
        return b""

    def _beginnings(self, whole: bytes, found: int) -> list[int]:
        """Return where the frame may begin, the last place first."""
        last = whole.rfind(self.start, 0, found) if self.start else 0
        begins = [last]
        while self._proof and last > 0 and len(begins) < MOST_STARTS:
            last = whole.rfind(self.start, 0, last + len(self.start) - 1)
            begins.append(last)
        return [*begins[:-1], 0] if last > 0 and self._proof else begins

    def _plain(self, frame: bytes) -> bytes:
        return frame


KIND = framing_kind("delimiter", DelimiterSettings, "delimiter")
