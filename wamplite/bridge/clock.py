"""What time it is: seconds of this boot, which are always right, and UTC, which may not be.

A board without a battery starts in 1970, or at the time at which it was switched off, until the
network tells it better; and any clock may be set by hours at any moment. So a reading keeps the
seconds of the boot at which it was heard, and becomes UTC when it is sent, by what is known then:

    Moment (heard) ──waits, in memory or in a file──> Reckoning (when it is sent) ──> UTC, or None

UTC is unknown (None) where the clock shows what cannot be: a time before this version was made, or
before what a clock has shown that was not known to be wrong (`earliest`). It is unsure where
systemd-timesyncd runs and has not learnt the time since the boot, and where the clock was set
between the reading and its sending: nobody can tell which of both times was wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..version import MADE

__all__ = ["JUMP", "MADE", "NEVER", "BootClock", "Moment", "Reckoning", "now", "seconds_of_boot"]

JUMP = 2.0  # seconds by which a clock may be off before it counts as one that was set
TIMESYNC = Path("/run/systemd/timesync")  # of systemd-timesyncd, since the boot

if hasattr(time, "CLOCK_BOOTTIME"):

    def seconds_of_boot() -> float:
        """Return the seconds since the boot, those of a suspension included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:
    seconds_of_boot = time.monotonic


class Moment(NamedTuple):
    """One moment on both clocks."""

    elapsed: float  # seconds of this boot
    shown: float  # UTC seconds as the clock of the system showed it, right or wrong


NEVER = Moment(0.0, 0.0)


def now() -> Moment:
    """Return this moment."""
    return Moment(seconds_of_boot(), time.time())


class Reckoning(NamedTuple):
    """How the seconds of one boot become UTC, as far as that is known."""

    booted: float  # UTC of the boot itself
    synchronized: bool | None = None  # by the network, since the boot; None: nobody says
    earliest: float = MADE  # a clock that shows less is wrong, unless it is synchronized

    def utc(self, elapsed: float) -> float | None:
        """Return the UTC seconds of a moment of the boot; None where the clock cannot be right."""
        found = elapsed + self.booted
        return found if found >= (MADE if self.synchronized else self.earliest) else None

    def is_sure_of(self, utc: float | None, shown: float) -> bool:
        """Tell whether the UTC of a moment is right, for all that is known.

        shown: what the clock showed then. A clock that could not be right and was set is right now.
        """
        was_set = shown >= MADE and utc is not None and abs(utc - shown) > JUMP
        return utc is not None and self.synchronized is not False and not was_set


def is_synchronized(folder: Path = TIMESYNC) -> bool | None:
    """Tell whether systemd-timesyncd has learnt the time; None where it does not run."""
    return (folder / "synchronized").exists() if folder.is_dir() else None


def boot_id() -> str:
    """Return the id of this boot: its seconds mean nothing in another one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"unknown-{time.time_ns()}"


class BootClock:
    """The clock of the boot that we are in, whose id is `boot`. Any thread may read it.

    earliest: UTC seconds; a clock that shows less is wrong, unless the network has set it.
    """

    def __init__(
        self,
        now: Callable[[], Moment] = now,
        is_synchronized: Callable[[], bool | None] = is_synchronized,
        boot: str = "",
    ) -> None:
        self.now = now
        self.boot = boot or boot_id()
        self.earliest = MADE
        self._is_synchronized = is_synchronized

    def reckoning(self) -> Reckoning:
        """Return how the seconds of this boot become UTC, as far as that is known now."""
        moment = self.now()
        return Reckoning(moment.shown - moment.elapsed, self._is_synchronized(), self.earliest)
