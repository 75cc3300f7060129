"""Events that came but cannot be read: dropped, counted, and told of in the log now and then."""

from __future__ import annotations

import time

INTERVAL = 60.0  # seconds between two lines


class Dropped:
    """The dropped events of one session; its reading thread's alone."""

    def __init__(self) -> None:
        self.count = 0
        self._next = 0.0  # when the next line may be written

    def note(self, text: str) -> None:
        """Count an event; the first is told of, and then the last of each interval."""
        self.count += 1
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + INTERVAL
        import logging  # 8 ms that a client without such events never needs

        logging.getLogger("wamplite.client").warning(
            "an event was dropped, the %d. of this session: %s", self.count, text
        )
