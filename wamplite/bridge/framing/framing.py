"""What every framing is: bounded, able to find the next frame, and telling what it drops.

A framing finds the next frame after lost or foreign bytes, and tells `count` what it dropped: an
`overlong` frame, one with a `wrong checksum`, one that was `cut off`, `garbage`, a run of bytes
that belong to no frame, and behind the reason how many bytes these were. The same bytes make the
same frames and counts, in whatever pieces they come. Each kind has a file of its own, which
declares its keys, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from ...config import Location
from ...keys import TableSettings, setting
from ...schema import Bytes
from ...units import Size
from ..counts import Count
from ..kinds import Kinds, KindTable
from .checksums import Checksum
from .proof import CHECKSUMS, ChecksumSettings, Extent, Proof

__all__ = [
    "FRAMINGS",
    "MAX_BYTES",
    "BoundedSettings",
    "Framing",
    "FramingSettings",
    "StartSettings",
    "framing_kind",
]

MAX_BYTES = 4096
EVERY_SIZE = range(1 << 32)


class Framing(Protocol):
    """Cuts a stream into frames.

    count: is told of each run of bytes of which no frame is made; whoever feeds it sets it.
    knows_start: the first frame after an opening is whole too: its start or a checksum shows it.
    has_lines: its frames are lines of text: a line feed may stand between those of one reply, and
    in place of what came there. Those of others are bytes, which nothing is added to.
    gap: seconds without a byte after which `idle` has to be called while a frame is `pending`;
    0: never.
    """

    count: Count
    knows_start: bool
    has_lines: bool
    gap: float

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and not ended."""
        ...

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        """Take what was read, at the monotonic time `now`; return the frames that it completed."""
        ...

    def idle(self) -> list[bytes]:
        """Note that nothing has come for `gap` seconds; return the frames that this completed."""
        ...

    def reset(self) -> None:
        """Drop what is unfinished: the device is lost."""
        ...


@dataclass(frozen=True, kw_only=True)
class FramingSettings(TableSettings):
    """Where a frame ends and the next begins: what the settings of all kinds are.

    has_line_ends: a prompt may stand before a frame.
    """

    has_line_ends: ClassVar[bool] = False

    checksum: tuple[ChecksumSettings, ...] = setting(
        CHECKSUMS, "what proves a frame whole, see below", (), example="crc16-modbus"
    )

    @property
    def sizes(self) -> range:
        """How many bytes a frame may have, as a decoder is given it."""
        return EVERY_SIZE

    @property
    def proof(self) -> Proof:
        """What each frame must have."""
        return Proof(self.checksums)

    @property
    def checksums(self) -> tuple[Checksum, ...]:
        """The checksums that each frame must have."""
        return tuple(one.make(self.extent.behind) for one in self.checksum)

    @property
    def extent(self) -> Extent:
        """How long frames are."""
        raise NotImplementedError

    def make(self) -> Framing:
        """Return a framing as they describe it."""
        raise NotImplementedError

    def check_bits(self, bits: int, why: str) -> None:
        """Note bytes that no frame has, for only so many low bits of each come."""
        for key, data in vars(self).items():
            if self.at is not None and isinstance(data, bytes) and max(data, default=0) >> bits:
                byte = max(data)
                (self.at / key).wrong(
                    f"byte {byte:02X} never comes: {why}; expected at most {(1 << bits) - 1:02X}"
                )

    def check(self, at: Location) -> None:
        """Note what is wrong with keys beside each other."""
        for number, one in enumerate(self.checksum):
            one.check_within(self.extent, one.at or at / "checksum" / number)


@dataclass(frozen=True, kw_only=True)
class BoundedSettings(FramingSettings):
    """Frames whose size is found out only at their end."""

    max_bytes: int = setting(
        Size(1, 65536), "a longer frame is dropped and counted as `overlong`", MAX_BYTES
    )

    @property
    def extent(self) -> Extent:
        return Extent(0, self.max_bytes)


@dataclass(frozen=True, kw_only=True)
class StartSettings(FramingSettings):
    """Frames that may have a start."""

    start: bytes = setting(
        Bytes(), "what begins a frame; bytes before it are `garbage`", b"", example="\u0002"
    )


def framing_kind(name: str, made: type[FramingSettings], *positional: str) -> KindTable:
    """Return the table of a kind; positional: see KindTable."""
    return KindTable(name, made, made.check, *positional)


FRAMINGS = Kinds(__package__)
