"""From the bytes of a device to readings: framing, then decoding; the rest is counted by reason.

The first frame after an opening may be the second half of a frame. Where neither framing nor
decoder can tell, and no pause of the framing's `gap` came before it, it is dropped. The part of a
frame that came before a loss is dropped too. The reply to a command goes only to the command.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from itertools import chain, repeat

from . import clock
from .counts import Counts
from .decoding.readings import NO_MATCH, Decoder, Deliver, Reading, Undecodable
from .framing.checksums import WRONG, WrongChecksum
from .framing.frame import DeviceFrame
from .framing.framing import Framing

__all__ = ["Intake"]

log = logging.getLogger(__name__)

Claim = Callable[[bytes], "str | None"]

NOT_ASKED_FOR = "not asked for"  # a frame by the framing of a reply, and not the reply


class Intake:
    """Takes a device's bytes, on the device's thread.

    claim: takes a frame that is a reply and returns None, or why it is none, "" where no decoder
    of a reply was asked; None while no command waits.
    take_raw: takes bytes as they come and tells so; None while they go through the framing.
    sift: yields what is left of bytes for the framing. came: is told of it, behind the frames.
    refuted: is told of a frame that its checksum refutes, and why.
    is_asked_only: the device is not expected to send anything unasked.
    """

    def __init__(
        self,
        framing: Framing,
        decoder: Decoder,
        counts: Counts,
        deliver: Deliver,
        next_due: Callable[[], float | None] = lambda: None,
        when_lost: Callable[[], None] = lambda: None,
        when_opened: Callable[[], None] = lambda: None,
    ) -> None:
        self.heard = self._touched = 0.0  # monotonic times of the last frame and byte
        self.gathers = not framing.gap  # it does not need the times of single bytes
        self.claim: Claim | None = None
        self.take_raw: Callable[[bytes], bool] | None = None
        self.sift: Callable[[bytes], Iterable[bytes]] | None = None
        self.came: Callable[[bytes], None] | None = None
        self.refuted: Callable[[str], None] | None = None
        self.is_asked_only = False
        framing.count = self._count
        self._own = self._framing = framing  # of the port; in use
        self._wanted = framing  # the one to be used from now on; another thread sets it
        self._decoder = decoder
        self._counts = counts
        self._deliver = deliver
        self._next_due = next_due  # monotonic time at which to deliver, even no reading
        self._when_lost = when_lost
        self._when_opened = when_opened
        self._drop_next = False
        self._heard = clock.NEVER  # when the last bytes came
        self._began = clock.NEVER  # when the first byte came of the frame that is under way

    def opened(self) -> None:
        """Begin a new stream; `lost` has dropped the rest of the old one."""
        self._touched = time.monotonic()
        self._drop_next = self._may_be_half()
        self._when_opened()

    def _may_be_half(self) -> bool:
        """Tell whether the next frame may be the second half of one, and nothing would show it."""
        return self._decoder.drops_first and not self._framing.knows_start

    def lost(self) -> None:
        """Drop the rest of the stream."""
        self._framing.reset()
        self._when_lost()

    def received(self, data: bytes, heard: clock.Moment | None = None) -> None:
        """Deliver the readings that these bytes completed, in one list; `heard`: when they came."""
        take_raw = self.take_raw  # another thread may set it to None
        if take_raw is not None and take_raw(data):
            self.heard = time.monotonic()
            return
        self._heard = heard or clock.now()
        self._touched = time.monotonic()
        if self._wanted is not self._framing:
            self._change_framing()
        for rest in (data,) if self.sift is None else self.sift(data):
            if not self._tells():
                self._handle(self._framing.feed(rest, self._touched))
            else:
                if not self._framing.pending:
                    self._began = self._heard
                self._handle(self._told(self._framing.feed(rest, self._touched)))
            if self.came is not None:
                self.came(rest)

    def patience(self) -> float | None:
        """Return in how many seconds `idle` has to be called; None: it has not."""
        wishes = []
        if self._framing.gap and (self._framing.pending or self._drop_next):
            wishes.append(self._touched + self._framing.gap)
        due = self._next_due()
        if due is not None:
            wishes.append(due)
        return max(0.0, min(wishes) - time.monotonic()) if wishes else None

    def idle(self) -> None:
        """Deliver what silence has completed, and what was held back."""
        now = time.monotonic()
        gap = self._framing.gap
        if gap and now - self._touched >= gap:
            if self._framing.pending:
                frames = self._framing.idle()
                self._handle(self._told(frames) if self._tells() else frames)
            self._drop_next = False  # what comes now has not begun before
        due = self._next_due()
        if due is not None and now >= due:
            self._deliver([])

    def _tells(self) -> bool:
        """Tell whether anybody may want to know when a frame has begun."""
        return self._decoder.wants_frames or self.claim is not None

    def _told(self, frames: list[bytes]) -> list[bytes]:
        """Tell the frames when they have begun."""
        began, self._began = self._began, self._heard if frames else self._began
        moments = chain([began], repeat(self._heard))
        return [_begun(frame, moment) for frame, moment in zip(frames, moments, strict=False)]

    def _handle(self, frames: list[bytes]) -> None:
        if not frames:
            return
        self.heard = time.monotonic()
        whole = not self._drop_next or self._claimed(frames[0]) is None
        if self._drop_next:
            self._drop_next = False
            del frames[0]
        if not whole:
            self._counts.count("first line")
        readings: list[Reading] = []
        for frame in frames:
            why = self._claimed(frame)
            if why is not None:
                readings += self._readings(frame, why)
        if readings:
            self._deliver(readings)

    def _readings(self, frame: bytes, why: str) -> list[Reading]:
        """Return what a frame holds that is no reply; why: it is none, if anybody has looked."""
        if self._framing is not self._own:
            self._counts.count(why or NOT_ASKED_FOR)
            return []
        if why and self.is_asked_only:
            self._refuse(frame, why)
            return []
        try:
            reading = self._decoder.decode(frame)._replace(heard=self._heard)
            self._counts.decoded()
            return reading.all() if reading.others else [reading]
        except Undecodable as exc:
            self._refuse(frame, exc.reason if why in ("", NO_MATCH) else why)
            return []

    def _refuse(self, frame: bytes, reason: str) -> None:
        if reason not in self._counts.dropped:
            log.warning("dropped (%s), from now on only counted: %.80r", reason, frame)
        self._counts.count(reason)

    @property
    def has_lines(self) -> bool:
        """Whether the frames that come from now on are lines of text."""
        return self._wanted.has_lines

    def reframe(self, framing: Framing | None = None) -> None:
        """Cut what comes next by another framing, for replies only; None: by the port's own."""
        self._wanted = framing or self._own

    def _change_framing(self) -> None:
        self._framing.reset()
        self._framing = self._wanted
        self._framing.count = self._count
        self._drop_next = self._framing is self._own and self._may_be_half()
        self.gathers = not self._framing.gap

    @property
    def knows_replies(self) -> bool:
        """Whether a frame, even a damaged one, can be nothing but a reply: its ends are sure."""
        return self.is_asked_only and self._framing.knows_start

    def _count(self, reason: str, number: int) -> None:
        """Count what the framing drops; the first wrong checksum is logged."""
        if isinstance(reason, WrongChecksum) and reason not in self._counts.dropped:
            log.warning("dropped (%s; %s), from now on only counted", reason, reason.told)
        self._counts.count(reason, number)
        if reason == WRONG and self.refuted is not None and self.knows_replies:
            self.refuted(reason)

    def _claimed(self, frame: bytes) -> str | None:
        """Return None where a frame is a reply, or why it is none, "" if nobody has looked."""
        claim = self.claim  # another thread may set it to None
        if claim is None:
            return ""
        why = claim(frame)
        if why is None:
            self._counts.replied()
        return why


def _begun(frame: bytes, moment: clock.Moment) -> bytes:
    header = frame.header if isinstance(frame, DeviceFrame) else b""
    return DeviceFrame(frame, header, moment.shown or None)
