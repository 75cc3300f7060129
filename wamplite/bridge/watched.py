"""A port that tells each step: what came, the frames in it, what was dropped, what would go out.

    bytes     what the device sent, as it was read          written   what was written to it
    frame     what the framing cut out                      reply     it answers what was asked
    dropped   a reason, and how many frames, or bytes       event     what would be published
    state     of the device, and why

A step is a dict that JSON can carry: `step` is one of these words, `at` how many bytes have come
before it. The port is one as of a bridge, but for the router. Bytes go through the framing one by
one, so that each frame is followed by what becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import clock
from .bridge_port import BridgePort
from .counts import APART, GARBAGE_BYTES, NOT_PUBLISHED, Counts
from .device.device import Device, DeviceState
from .framing.checksums import WRONG, WrongChecksum
from .framing.cutter import OVERLONG
from .framing.proof import GARBAGE
from .intake import Intake
from .own_names import MARKS, TIMES, renamed
from .settings import PortSettings
from .shaping import ShapedEvent

__all__ = ["Step", "WatchedPort"]

Step = dict[str, Any]
Tell = Callable[[Step], None]

RUNS = (OVERLONG, WRONG, GARBAGE)  # why a framing drops bytes, whose number follows


def shown(data: bytes) -> Step:
    """Return bytes in hex and as text, in which escapes stand for what is no ASCII."""
    return {"hex": data.hex(" "), "text": ascii(data.decode("latin-1"))[1:-1]}


class WatchedCounts(Counts):
    """Counts that tell an intake what is dropped, or was a reply."""

    intake: WatchedIntake

    def count(self, reason: str, number: int = 1) -> None:
        super().count(reason, number)
        if number:
            self.intake.counted(reason, number)

    def drop(self, reason: str, number: int = 1) -> None:
        super().drop(reason, number)
        self.intake.dropped(reason, number)

    def ignore(self, number: int) -> None:
        super().ignore(number)
        self.intake.dropped(NOT_PUBLISHED, number)

    def replied(self) -> None:
        super().replied()
        self.intake.replied()


class WatchedIntake(Intake):
    """Tells what it takes; `ended` is the end of a capture."""

    def __init__(
        self, tell: Tell, framing: Any, decoder: Any, counts: WatchedCounts, *more: Any
    ) -> None:
        super().__init__(framing, decoder, counts, *more)
        counts.intake = self
        self.at = 0
        self._tell = tell
        self._frame: Step = {}  # the one whose outcome is told
        self._run: Step = {}  # of bytes that belong to no frame; it may go on

    def received(self, data: bytes, heard: clock.Moment | None = None) -> None:
        """Tell the bytes, and take them."""
        self._tell({"step": "bytes", "at": self.at, **shown(data)})
        self.replay(data, heard)
        self._end_run()

    def replay(self, data: bytes, heard: clock.Moment | None = None) -> None:
        """Take bytes one by one, and tell what becomes of them."""
        for place in range(len(data)):
            self.at += 1
            super().received(data[place : place + 1], heard)

    def idle(self) -> None:
        """Deliver what silence has completed, and tell it."""
        super().idle()
        self._end_run()

    def lost(self) -> None:
        """Drop the rest of the stream, and tell it."""
        super().lost()
        self._end_run()

    def ended(self) -> None:
        """Deliver what a silence completes, and drop the rest: nothing more comes."""
        self._touched = float("-inf")
        self.idle()
        self.lost()

    def _handle(self, frames: list[bytes]) -> None:
        for frame in frames:
            self._end_run()
            self._tell({"step": "frame", "at": self.at, **shown(frame)})
        self._frame = shown(frames[0]) if len(frames) == 1 else {}
        super()._handle(frames)
        self._frame = {}

    def counted(self, reason: str, number: int) -> None:
        """Tell of frames that were dropped, and why; of runs of bytes when they end."""
        if reason == GARBAGE_BYTES:
            self._run = self._run or {"step": "dropped", "reason": GARBAGE, "frames": 0}
            self._run |= {"at": self.at, "bytes": self._run.get("bytes", 0) + number}
        elif reason in RUNS and not self._frame:
            self._end_run()
            self._run = {"step": "dropped", "at": self.at, "reason": reason, "frames": number}
            if isinstance(reason, WrongChecksum):
                told = {"found": reason.found, "computed": reason.computed}
                self._run |= {"checksum": reason.kind, **told}
        elif reason not in APART:
            self._end_run()
            self.dropped(reason, number)

    def dropped(self, reason: str, number: int) -> None:
        """Tell of frames or events that were dropped, with the frame that is being handled."""
        step = {"step": "dropped", "at": self.at, "reason": reason, "frames": number}
        self._tell({**step, **self._frame})

    def replied(self) -> None:
        """Tell that what came was a reply."""
        self._tell({"step": "reply", "at": self.at})

    def _end_run(self) -> None:
        run, self._run = self._run, {}
        if run:
            self._tell(run)


class WatchedDevice(Device):
    """Tells what is written."""

    tell: Tell

    def write(self, data: bytes, seconds: float | None = None) -> None:
        super().write(data, seconds)
        self.tell({"step": "written", **shown(data)})


class WatchedPort(BridgePort):
    """A port without a router; `tell` is called with each step, by several threads.

    marks: the bridge marks its events, see BufferSettings.
    """

    intake: WatchedIntake

    def __init__(self, settings: PortSettings, tell: Tell, marks: bool = True) -> None:
        self._tell_step = tell
        self._own_names = MARKS if marks else ()
        parts = self._put_away, lambda topic, status: None, lambda port: 0, clock.BootClock()
        super().__init__(settings, *parts)

    def _make_counts(self) -> Counts:
        return WatchedCounts()

    def _make_intake(self, *parts: Any) -> Intake:
        return WatchedIntake(self._tell_step, *parts)

    def _make_device(self) -> Device:
        device = WatchedDevice(self.settings, self.intake, self._changed)
        device.tell = self._tell_step
        return device

    def _changed(self, state: DeviceState, why: str) -> None:
        self._tell_step({"step": "state", "state": state.value, "why": why})

    def _put_away(self, port: str, events: list[ShapedEvent]) -> None:
        for event in events:
            reserved = (*self._own_names, *(TIMES if event.timestamp else ()))
            kwargs = renamed(event.kwargs, reserved)
            step = {"step": "event", "at": self.intake.at, "topic": event.topic}
            self._tell_step({**step, "args": list(event.args), "kwargs": kwargs})
        self.counts.confirm(len(events))
