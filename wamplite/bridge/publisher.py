"""From the outbox to the session, in order, each reading confirmed by the router.

What waits goes out in batches: only the last of a batch asks for PUBLISHED, and since a router
takes one session's messages in order, its answer stands for them all. A batch that nobody confirmed
before the session was lost is kept and goes out again with the next session, ahead of everything
else: round a loss a reading may arrive twice, but none is lost without being counted.

    take a batch --> wait for a session --> publish --confirmed--> count, take the next
                          ^                    \\--lost--> keep it --.
                          \\________________________________________/
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from ..core.errors import CallTimeout, SessionNotReady, TransportLost, UsageError, WampliteError
from .counts import Counts
from .decoding import Reading
from .outbox import Outbox

if TYPE_CHECKING:
    from ..client.session import Session

__all__ = ["Publisher"]

log = logging.getLogger(__name__)

BATCH = 64


class Publisher:
    """The thread that empties one outbox to one topic, through whatever session there is."""

    def __init__(self, outbox: Outbox, topic: str, counts: Counts) -> None:
        self._outbox = outbox
        self._topic = topic
        self._counts = counts
        self._changed = threading.Condition()  # guards _session and _stopping
        self._session: Session | None = None
        self._stopping = False
        self._kept: list[Reading] = []  # published, not confirmed
        self._thread = threading.Thread(target=self._run, name="wamplite-publisher", daemon=True)

    @property
    def waiting(self) -> int:
        """Tell how many readings have not been confirmed yet."""
        return len(self._outbox) + len(self._kept)

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def joined(self, session: Session) -> None:
        """Publish through this session from now on."""
        with self._changed:
            self._session = session
            self._changed.notify_all()

    def left(self, session: Session) -> None:
        """Stop publishing through this session; keep what it has not confirmed."""
        with self._changed:
            if self._session is session:
                self._session = None

    def finish(self, timeout: float) -> bool:
        """Publish what waits if it can be done in that time; True when nothing is left."""
        self._outbox.close()
        self._thread.join(timeout if self._session else 0)
        return not self.waiting

    def stop(self, timeout: float) -> bool:
        """End the thread (its session has ended); False when it has not ended in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while batch := self._kept or self._outbox.take(BATCH):
            again = bool(self._kept)
            self._kept = batch
            session = self._await_session()
            if session is None:
                return
            self._counts.resent += len(batch) if again else 0
            if self._publish(session, batch):
                self._kept = []

    def _await_session(self) -> Session | None:
        with self._changed:
            self._changed.wait_for(lambda: self._session or self._stopping)
            return None if self._stopping else self._session

    def _publish(self, session: Session, batch: list[Reading]) -> bool:
        """Publish a batch; False when it is unknown what became of it."""
        try:
            self._send(session, batch)
        except (TransportLost, SessionNotReady):
            self.left(session)
            return False
        except CallTimeout:
            log.warning("%s: the router has not confirmed it in time", self._topic)
            return False
        except WampliteError as exc:
            self._refuse(batch, exc)
        except Exception:  # a fault of ours must not end the thread
            log.exception("%s: %d readings could not be published", self._topic, len(batch))
            self._counts.drop("failed", len(batch))
        else:
            self._counts.published += len(batch)
        return True

    def _send(self, session: Session, batch: list[Reading]) -> None:
        """Publish each; what cannot be sent at all, being too large, is taken out of the batch."""
        for reading in list(batch):
            try:
                publish(session, self._topic, reading, confirm=reading is batch[-1])
            except UsageError as exc:
                batch.remove(reading)
                self._refuse([reading], exc)

    def _refuse(self, readings: list[Reading], error: WampliteError) -> None:
        log.error("%s: refused: %s", self._topic, error)
        self._counts.drop("refused", len(readings))


def publish(session: Session, topic: str, reading: Reading, confirm: bool) -> None:
    """Publish one reading."""
    options = {"acknowledge": True} if confirm else None
    session.publish(topic, *reading.args, options=options, **reading.kwargs)
