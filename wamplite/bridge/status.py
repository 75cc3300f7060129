"""The status of ports, published at each change of state and on request.

Topic `wamplite.bridge.<port>.status`, retained where the router can, with the keyword arguments
`state` (closed, settling, open, silent, stopped), `why`, `device`, `since` (UTC seconds), and the
counters. A thread of its own publishes, so that no port waits for the session. Without a session
only the latest status of each port is kept.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..core.errors import WampliteError

if TYPE_CHECKING:
    from ..client.session import Session

__all__ = ["Notices", "uri"]

log = logging.getLogger(__name__)

MOST = 1000  # notices that wait for a slow session


def uri(port: str, word: str) -> str:
    """Return the topic or procedure of a port."""
    return f"wamplite.bridge.{port}.{word}"


class Notices:
    """Publishes the status of ports through the current session."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._options: Mapping[str, Any] = {}
        self._latest: dict[str, dict[str, Any]] = {}
        self._queue: queue.Queue[tuple[str, dict[str, Any]] | None] = queue.Queue(MOST)
        self._thread = threading.Thread(target=self._run, name="wamplite-status", daemon=True)

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """End after publishing what waits; False when that takes longer than `timeout` seconds."""
        if self._thread.ident is None:
            return True
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            return False
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def joined(self, session: Session, retains: bool) -> None:
        """Publish through this session from now on, the latest status of each port first.

        retains: the router keeps events for later subscribers.
        """
        self._options = {"retain": True} if retains else {}
        self._session = session
        for topic, kwargs in list(self._latest.items()):
            self._put(topic, kwargs)

    def left(self, session: Session) -> None:
        """Stop publishing through this session."""
        if self._session is session:
            self._session = None

    def tell(self, topic: str, kwargs: dict[str, Any]) -> None:
        """Publish this now, and again in each new session; never waits."""
        self._latest[topic] = kwargs
        if self._session is not None:
            self._put(topic, kwargs)

    def _put(self, topic: str, kwargs: dict[str, Any]) -> None:
        try:
            self._queue.put_nowait((topic, kwargs))
        except queue.Full:
            log.debug("%s: left out", topic)

    def _run(self) -> None:
        while (notice := self._queue.get()) is not None:
            topic, kwargs = notice
            session = self._session
            if session is None:
                continue
            try:
                session.publish(topic, options=self._options, **kwargs)
            except WampliteError as exc:
                log.debug("%s: not published: %s", topic, exc)
            except Exception:  # a fault of ours must not end the thread
                log.exception("%s", topic)
