"""What framings share that know the size of a frame before its end.

    fixed      [start] `size` bytes
    length     [start] [header] length, that many bytes

Neither `start` nor what stands up to the length is part of the frame, unless it is kept. After a
lost byte the next frame is found by `start` or by a pause: a frame that has begun and gets no byte
for `gap` seconds is garbage, and the next byte begins a new one. A device that never pauses needs
a start.

A frame that its proof refutes costs no other: the search goes on one byte behind its beginning,
also in what a pause leaves unfinished. Without a start any byte may be a beginning, and a short
checksum fits by chance; there, two frames in a row must fit until the way is found again.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from ...config import Location
from ...keys import setting
from ...schema import Bytes, Flag
from ...units import Duration
from .checksums import WRONG
from .cutter import NOT_YET, OVERLONG, Cutter, Taken, partial
from .frame import DeviceFrame
from .framing import StartSettings
from .proof import GARBAGE, Proof

__all__ = ["NONE", "TOO_LONG", "Counted", "CountedSettings"]

NONE, TOO_LONG = -1, -2  # instead of a size: no frame begins here


@dataclass(frozen=True, kw_only=True)
class CountedSettings(StartSettings):
    """Frames whose size is known before their end."""

    gap: float = setting(
        Duration(0, 60), "silence after which a frame that has begun is dropped; 0: never", 0.1
    )
    keep: bool = setting(
        Flag(), "the frame is all of it, with its start and what stands before its content", False
    )
    end: bytes = setting(
        Bytes(), "what a frame ends with, within its size; another is garbage", b"", example="\r"
    )

    @property
    def proof(self) -> Proof:
        return Proof(self.checksums, self.end)

    def check(self, at: Location) -> None:
        most = self.extent.most
        if len(self.end) > most:
            (at / "end").wrong(f"has {len(self.end)} bytes, and a frame at most {most}")
        else:
            super().check(at)


class Counted(Cutter):
    """Find the start, get the size, take as many bytes."""

    def __init__(self, start: bytes, gap: float, keep: bool, proof: Proof) -> None:
        super().__init__(proof)
        self.gap = gap
        self.knows_start = bool(proof)
        self.start = start
        self._keep = keep
        self._rest = b""
        self._astray = False  # a frame was refuted, and no start shows the next

    @property
    def pending(self) -> bool:
        return bool(self._rest)

    def _start_over(self) -> None:
        self._rest, self._noise, self._astray = b"", False, False

    def idle(self) -> list[bytes]:
        frames = self._cut(ended=True) if self._proof else []
        if self.pending:
            self._drop_noise(len(self._rest))
        self._start_over()
        return frames

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        self._rest += data
        return self._cut()

    def _cut(self, ended: bool = False) -> list[bytes]:
        """Take the frames that are whole; `ended`: what is not will not become so."""
        frames: list[bytes] = []
        at = 0
        while (begin := self._seek(at)) is not None:
            at = begin
            size, flaw = self._judged(begin, ended)
            if size is None and not ended:
                break
            if flaw:
                self._refute(flaw)
            if size is None or size == NONE:
                at = begin + 1
                self._astray = self._astray or (size is None and not self.start)
                self._drop_noise(1)
                continue
            at = begin + size
            self._noise = self._astray = False
            if size > self._head():
                frames.append(self._frame(begin, size))
        else:
            at = len(self._rest) - partial(self._rest[at:], self.start)
        self._rest = self._rest[at:]
        return frames

    def take(self, data: bytes, ended: bool) -> Taken:
        """Judge what begins `data`, see Anchored."""
        self._rest = data
        size, flaw = self._judged(0, ended)
        if size is None and not ended:
            return NOT_YET
        if size is None or size == NONE:
            return Taken(0, flaw=flaw or GARBAGE)
        return Taken(size, self._frame(0, size) if size > self._head() else b"")

    def _frame(self, begin: int, size: int) -> bytes:
        head = begin + self._head()
        header, content = self._rest[begin:head], self._rest[head : begin + size]
        return header + content if self._keep else DeviceFrame(content, header)

    def _judged(self, begin: int, ended: bool) -> tuple[int | None, str]:
        """Return the size of the proved frame that begins there, and why it is none, or "".

        The size is None where it is not known yet, or NONE.
        """
        size, flaw = self._measured(begin)
        if flaw:
            return NONE, flaw
        if size is None:
            return None, ""
        if self._astray:
            follower, flaw = self._measured(begin + size)
            return NONE if flaw else follower and size, ""
        overlap = self._overlap(begin + size)
        if overlap:
            follower, flaw = self._measured(begin + size - overlap)
            if follower is None and not flaw and not ended:
                return None, ""
            if follower is not None and not flaw:
                return NONE, WRONG
        return size, ""

    def _measured(self, begin: int) -> tuple[int | None, str]:
        """Return the size of what begins there, if that is known, and why it is no frame, or ""."""
        size = self._size(begin)
        if size in (NONE, TOO_LONG):
            return size, OVERLONG if size == TOO_LONG else GARBAGE
        begun = self._rest[begin:] if size is None else self._rest[begin : begin + size]
        if size is None or len(begun) < size:
            return None, self._proof.early_flaw(begun, len(self.start))
        return size, self._proof.flaw(begun, len(self.start))

    def _overlap(self, end: int) -> int:
        """Return how many bytes before `end` may be a start, where a checksum is no proof of it.

        Where a byte was lost, the first byte of the next frame stands in place of the last one of
        this; a checksum of one byte fits that by chance.
        """
        if not self.start or not self._proof.is_short:
            return 0
        size = len(self.start)
        return next((n for n in range(size, 0, -1) if self._starts(end - n, n)), 0)

    def _starts(self, at: int, least: int) -> bool:
        come = self._rest[at : at + len(self.start)]
        return len(come) >= least and self.start.startswith(come)

    def _refute(self, flaw: str) -> None:
        if not self._noise:
            self.count(flaw, 1)
        self._noise = True
        self._astray = not self.start and bool(self._proof)

    def _seek(self, at: int) -> int | None:
        """Find where the next frame begins; None when its start has not come yet."""
        begin = self._rest.find(self.start, at)
        found = 0 <= begin < len(self._rest)
        end = begin if found else len(self._rest) - partial(self._rest[at:], self.start)
        if end > at:
            self._drop_noise(end - at)
        return begin if found else None

    @abstractmethod
    def _head(self) -> int:
        """Return how many bytes there are before the content."""

    @abstractmethod
    def _size(self, begin: int) -> int | None:
        """Return the size of what begins there; None: not known yet; or NONE, or TOO_LONG."""
