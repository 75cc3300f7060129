"""How long a service waits before it tries again: Autobahn's words and, but for one, defaults."""

from __future__ import annotations

import random
from collections.abc import Callable

from ..core.errors import UsageError

ON_A_NETWORK, ON_A_CABLE = 30.0, 2.0  # seconds: max_retry_delay; Autobahn's is 300

RETRYING = (
    "max_retries",
    "initial_retry_delay",
    "retry_delay_growth",
    "retry_delay_jitter",
    "max_retry_delay",
)
Check = tuple[str, Callable[[float], bool]]
SECONDS: Check = ("a number, 0 or more", lambda value: 0 <= value < 1e9)
CHECKS: dict[str, Check] = {
    "max_retries": ("a whole number, -1 for no bound", lambda value: value == int(value) >= -1),
    "retry_delay_growth": ("1 or more", lambda value: 1 <= value < 1e9),
}


class Retries:
    """Delays that grow, and are never the same for all clients."""

    def __init__(
        self,
        max_retries: int = -1,
        initial_retry_delay: float = 1.5,
        retry_delay_growth: float = 1.5,
        retry_delay_jitter: float = 0.1,
        max_retry_delay: float = ON_A_NETWORK,
    ) -> None:
        times = (initial_retry_delay, retry_delay_growth, retry_delay_jitter, max_retry_delay)
        for name, value in zip(RETRYING, (max_retries, *times), strict=True):
            wanted, fits = CHECKS.get(name, SECONDS)
            if type(value) is bool or not isinstance(value, (int, float)) or not fits(value):
                raise UsageError(f"{name} must be {wanted}, not {value!r}")
        self.max_retries = max_retries  # -1: for ever
        self.initial_retry_delay = initial_retry_delay
        self.retry_delay_growth = retry_delay_growth
        self.retry_delay_jitter = retry_delay_jitter
        self.max_retry_delay = max_retry_delay
        self.reset()

    def endless(self) -> Retries:
        """Return the same delays from the beginning, for as many attempts as it takes."""
        return Retries(
            -1,
            self.initial_retry_delay,
            self.retry_delay_growth,
            self.retry_delay_jitter,
            self.max_retry_delay,
        )

    def reset(self) -> None:
        """Start again from the initial delay: a session has been joined."""
        self._failed = 0
        self._delay = self.initial_retry_delay

    def next_delay(self) -> float | None:
        """Return the seconds until the next attempt; None when there have been enough."""
        self._failed += 1
        if 0 <= self.max_retries < self._failed:
            return None
        delay, self._delay = self._delay, self._delay * self.retry_delay_growth
        self._delay = min(self._delay, self.max_retry_delay)
        spread = random.normalvariate(delay, delay * self.retry_delay_jitter)
        return min(max(0.0, spread), self.max_retry_delay)
