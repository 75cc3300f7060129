"""A clock that is set by hand."""

from __future__ import annotations

from wamplite.bridge.clock import BootClock, Moment

NOON = 1_800_000_000.0  # UTC seconds of some noon
HOUR = 3600.0


class SetClock(BootClock):
    """A clock of some boot: what it shows, and whether the network has set it."""

    def __init__(
        self, shown: float = NOON, synchronized: bool | None = None, boot: str = "", at: float = 50
    ) -> None:
        self.elapsed, self.shown, self.synchronized = at, shown, synchronized
        super().__init__(self.moment, lambda: self.synchronized, boot)

    def moment(self) -> Moment:
        return Moment(self.elapsed, self.shown)

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.elapsed += seconds
        self.shown += seconds
