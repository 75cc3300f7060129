"""Frames of several kinds on one port, each by a framing of its own: NMEA lines and UBX frames.

Each framing has a start. Where one stands, the first framing with that start that finds a frame
there has it, and the search goes on behind it; where none does, one byte on. So what one framing
takes for a frame and its proof refutes hides no frame of another. A frame that has begun is waited
for: the bound of each framing is how long it can hold up the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from ...config import Location
from ...tables import Either, OneOrMore
from .cutter import BETWEEN, CUT, NOT_YET, Anchored, Cutter, Taken, partial
from .framing import FRAMINGS, FramingSettings
from .proof import GARBAGE

__all__ = ["FRAMING", "Mixed", "MixedSettings"]


@dataclass(frozen=True, kw_only=True)
class MixedSettings(FramingSettings):
    """Several framings, each with a start."""

    parts: tuple[FramingSettings, ...]

    @property
    def sizes(self) -> range:
        sizes = [one.sizes for one in self.parts]
        return range(min(one.start for one in sizes), max(one.stop for one in sizes))

    @property
    def gap(self) -> float:
        """The longest of the framings' own."""
        return max(getattr(one, "gap", 0.0) for one in self.parts)

    def check_bits(self, bits: int, why: str) -> None:
        for one in self.parts:
            one.check_bits(bits, why)

    def make(self) -> Mixed:
        return Mixed([cast("Anchored", one.make()) for one in self.parts])


class Mixed(Cutter):
    """Frames of several framings, which are asked in their order."""

    def __init__(self, framings: Sequence[Anchored]) -> None:
        super().__init__()
        self.gap = max(one.gap for one in framings)
        self.knows_start = all(one.knows_start for one in framings)
        self.has_lines = all(one.has_lines for one in framings)
        self._framings = framings
        self._rest = b""  # from a start on, or a part of one
        self._is_idle = False  # silence has done what it can

    @property
    def pending(self) -> bool:
        return bool(self._rest) and not self._is_idle

    def _start_over(self) -> None:
        self._rest, self._noise, self._is_idle = b"", False, False

    def reset(self) -> None:
        if self._rest not in (b"", *(one.start for one in self._framings)):
            self.count(CUT, 1)
        self._start_over()

    def idle(self) -> list[bytes]:
        frames = self._cut(ended=True)
        self._is_idle = True
        return frames

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        self._rest += data
        self._is_idle = False
        return self._cut()

    def _cut(self, ended: bool = False) -> list[bytes]:
        """Take the frames that are whole; `ended`: nothing has come for `gap` seconds."""
        frames: list[bytes] = []
        at = 0
        while (at := self._seek(at)) < len(self._rest):
            taken = self._taken(self._rest[at:], ended)
            if taken.size is None:
                break
            if taken.size:
                self._noise = False
                frames += [taken.frame] if taken.frame else []
            else:
                if not self._noise:
                    self.count(taken.flaw, 1)
                self._noise = True
                self._drop_noise(1)
            at += taken.size or 1
        self._rest = self._rest[at:]
        return frames

    def _seek(self, at: int) -> int:
        """Return where the next start is, or a part of one at the end; drop what is before."""
        rest = self._rest[at:]
        places = [(rest.find(one.start), one.start) for one in self._framings]
        ends = [place if place >= 0 else len(rest) - partial(rest, word) for place, word in places]
        begin = min(ends)
        if garbage := rest[:begin].translate(None, BETWEEN):
            self._drop_noise(len(garbage))
        return at + begin

    def _taken(self, data: bytes, ended: bool) -> Taken:
        """Return what the first framing says that finds a frame, or may still find one."""
        flaw = ""
        for one in self._framings:
            if data.startswith(one.start):
                taken = one.take(data, ended)
                if taken.size != 0:
                    return taken
                flaw = flaw or taken.flaw
            elif one.start.startswith(data) and not (ended and one.gap):
                return NOT_YET
        return Taken(0, flaw=flaw or GARBAGE)


def _mixed(parts: list[FramingSettings], at: Location) -> MixedSettings:
    for number, one in enumerate(parts):
        if not getattr(one, "start", b""):
            (at / number).wrong('expected a "start", which tells its frames from the others')
    return MixedSettings(parts=tuple(parts), at=at)


FRAMING = OneOrMore(Either(FRAMINGS), "framing", _mixed)
