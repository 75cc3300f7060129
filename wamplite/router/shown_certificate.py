"""The certificate that a listener shows within TLS, from files that may be renewed meanwhile.

    somebody connects ── context() ──> have the files changed? ──> loaded anew, logged
                                       they do not fit together ──> logged once; that from before

Who is connected keeps the context that it came by: nobody notices. A look at the files costs some
microseconds of a handshake that costs a millisecond, so it needs neither a thread nor a clock.
"""

from __future__ import annotations

import logging
import ssl
import time

from ..core.errors import UsageError
from ..locks import Lock
from ..transports.certificates import valid_until
from ..transports.tls import server_context
from ..whole_file import stamp

logger = logging.getLogger("wamplite.router")

SOON = 30.0  # days before its end from which on a certificate is warned of
DAY = 86_400.0  # seconds between two such warnings


class ShownCertificate:
    """The files, and the context that was made of them; threads may share it.

    cert, key, ca: see transports.tls.server_context. Raises UsageError where they cannot be loaded.
    """

    def __init__(self, cert: str, key: str | None = None, ca: str | None = None) -> None:
        self._files = cert, key, ca
        self._lock = Lock()  # guards the others
        self._stamp = self._look()
        self._complained: list[tuple[int, ...]] = []  # the stamp of files that are broken
        self._warned_at = float("-inf")
        self._context, self._until = self._load()
        self._warn(time.time())

    def context(self) -> ssl.SSLContext:
        """Return the context for the next who connects."""
        try:
            self.renew()
        except UsageError as error:
            with self._lock:
                stamp = self._look()
                is_new, self._complained = stamp != self._complained, stamp
            if is_new:
                logger.error("%s; the certificate from before is still shown", error)
        with self._lock:
            self._warn(time.time())
            return self._context

    def renew(self) -> None:
        """Load the files again if they have changed; UsageError where they cannot be."""
        with self._lock:
            stamp = self._look()
            if stamp == self._stamp:
                return
            self._context, self._until = self._load()
            self._stamp, self._warned_at = stamp, float("-inf")
            logger.info("%s is shown as it is now, until %s", self._files[0], self._day())

    # Under the lock

    def _load(self) -> tuple[ssl.SSLContext, float]:
        context = server_context(*self._files)
        shown = context.certificate
        try:
            return context, float("inf") if shown is None else valid_until(shown)
        except ValueError as exc:
            raise UsageError(f"{self._files[0]}: until when is it valid? {exc}") from exc

    def _look(self) -> list[tuple[int, ...]]:
        return [stamp(path) for path in self._files if path is not None]

    def _warn(self, now: float) -> None:
        """Warn once a day of a certificate that is about to end, or has ended."""
        if self._until > now + SOON * DAY or now < self._warned_at + DAY:
            return
        self._warned_at = now
        logger.warning("%s is valid until %s: renew it", self._files[0], self._day())

    def _day(self) -> str:
        return time.strftime("%Y-%m-%d", time.gmtime(self._until))
