"""From the bytes of a port to readings: framing, then decoding; what is none is counted by reason.

The first line after an opening may be the second half of one, the last before a loss was cut off.
Where a decoder cannot tell (`drops_first`), the first is dropped unseen; the last is no frame yet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from .counts import Counts
from .decoding import Decoder, Reading, Undecodable
from .framing import Framing

__all__ = ["Intake"]

log = logging.getLogger(__name__)


class Intake:
    """What a port's bytes go through, on the port's thread."""

    def __init__(
        self,
        framing: Framing,
        decoder: Decoder,
        counts: Counts,
        deliver: Callable[[list[Reading]], None],
    ) -> None:
        self._framing = framing
        self._decoder = decoder
        self._counts = counts
        self._deliver = deliver
        self._drop_next = False
        self._overlong = 0

    def opened(self) -> None:
        """Begin a new stream; `lost` has forgotten the old one."""
        self._drop_next = self._decoder.drops_first

    def lost(self) -> None:
        """Forget the stream, and count the line that was cut off, if any."""
        if self._framing.reset():
            self._drop("cut off")

    def received(self, data: bytes) -> None:
        """Deliver the readings that these bytes completed, in one piece."""
        frames = self._framing.feed(data)
        if self._framing.overlong != self._overlong:
            self._drop("overlong", self._framing.overlong - self._overlong)
            self._overlong = self._framing.overlong
        self._counts.frames += len(frames)
        if frames and self._drop_next:
            self._drop_next = False
            del frames[0]
            self._counts.drop("first line")
        readings = [reading for reading in map(self._decode, frames) if reading is not None]
        if readings:
            self._deliver(readings)

    def _decode(self, frame: bytes) -> Reading | None:
        try:
            return self._decoder.decode(frame)
        except Undecodable as exc:
            if exc.reason not in self._counts.dropped:
                log.warning("dropped (%s), from now on only counted: %.80r", exc.reason, frame)
            self._counts.drop(exc.reason)
            return None

    def _drop(self, reason: str, number: int = 1) -> None:
        self._counts.frames += number
        self._counts.drop(reason, number)
