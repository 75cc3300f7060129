"""From the bytes of a port to readings: framing, then decoding; what is none is counted by reason.

The first frame after an opening may be the second half of one, the last before a loss was cut off.
Where neither framing nor decoder can tell, the first is dropped unseen; the last is no frame yet.
A frame that somebody waits for, the reply to a command, goes to them and nowhere else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from .counts import Counts
from .decoding import Decoder, Reading, Undecodable
from .framing import Framing
from .readings import Deliver

__all__ = ["Intake"]

log = logging.getLogger(__name__)

Claim = Callable[[bytes], bool]


class Intake:
    """What a port's bytes go through, on the port's thread.

    claim: takes a frame that is a reply; None while nobody waits for one.
    take_raw: takes the bytes as they come; None while nobody wants them so.
    """

    def __init__(
        self,
        framing: Framing,
        decoder: Decoder,
        counts: Counts,
        deliver: Deliver,
        next_due: Callable[[], float | None] = lambda: None,
        when_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.heard = self._touched = 0.0  # monotonic times of the last frame, the last byte
        self.gathers = not framing.gap  # bytes may be left to gather: their times do not matter
        self.claim: Claim | None = None
        self.take_raw: Callable[[bytes], None] | None = None
        self._framing = framing
        self._decoder = decoder
        self._counts = counts
        self._deliver = deliver
        self._next_due = next_due  # when to deliver, though it be nothing
        self._when_lost = when_lost
        self._drop_next = False
        self._overlong = self._garbage = 0
        self._at = 0.0  # when the last bytes came

    def opened(self) -> None:
        """Begin a new stream; `lost` has forgotten the old one."""
        self._drop_next = self._decoder.drops_first and not self._framing.knows_start

    def lost(self) -> None:
        """Forget the stream, and count the frame that was cut off, if any."""
        if self._framing.reset():
            self._refuse("cut off")
        self._when_lost()

    def received(self, data: bytes, at: float | None = None) -> None:
        """Deliver the readings that these bytes completed, in one piece; `at`: UTC seconds."""
        take_raw = self.take_raw  # another thread may take it away
        if take_raw is not None:
            self.heard = time.monotonic()
            take_raw(data)
            return
        self._at = time.time() if at is None else at
        self._touched = time.monotonic()
        self._handle(self._framing.feed(data, self._touched))

    def patience(self) -> float | None:
        """Tell in how many seconds `idle` wants to be called."""
        wishes = []
        if self._framing.gap and self._framing.pending:
            wishes.append(self._touched + self._framing.gap)
        due = self._next_due()
        if due is not None:
            wishes.append(due)
        return max(0.0, min(wishes) - time.monotonic()) if wishes else None

    def idle(self) -> None:
        """Deliver what silence has ended, and what was held back."""
        now = time.monotonic()
        gap = self._framing.gap
        if gap and self._framing.pending and now - self._touched >= gap:
            self._handle(self._framing.idle())
        due = self._next_due()
        if due is not None and now >= due:
            self._deliver([])

    def _handle(self, frames: list[bytes]) -> None:
        self._count_lost()
        if not frames:
            return
        self.heard = time.monotonic()
        self._counts.framed(len(frames))
        whole = not self._drop_next or self._is_claimed(frames[0])
        if self._drop_next:
            self._drop_next = False
            del frames[0]
        if not whole:
            self._counts.refuse("first line")
        if self.claim is not None:
            frames = [frame for frame in frames if not self._is_claimed(frame)]
        readings = [reading for reading in map(self._decode, frames) if reading is not None]
        if readings:
            self._deliver(readings)

    def _count_lost(self) -> None:
        """Count what the framing has dropped."""
        if self._framing.overlong != self._overlong:
            self._refuse("overlong", self._framing.overlong - self._overlong)
            self._overlong = self._framing.overlong
        if self._framing.garbage != self._garbage:
            self._refuse("garbage", self._framing.garbage - self._garbage)
            self._garbage = self._framing.garbage

    def _is_claimed(self, frame: bytes) -> bool:
        claim = self.claim  # another thread may take it away
        if claim is None or not claim(frame):
            return False
        self._counts.replied()
        return True

    def _decode(self, frame: bytes) -> Reading | None:
        try:
            return self._decoder.decode(frame)._replace(at=self._at)
        except Undecodable as exc:
            if exc.reason not in self._counts.dropped:
                log.warning("dropped (%s), from now on only counted: %.80r", exc.reason, frame)
            self._counts.refuse(exc.reason)
            return None

    def _refuse(self, reason: str, number: int = 1) -> None:
        self._counts.framed(number)
        self._counts.refuse(reason, number)
