"""From the outbox to the session, in order, each event confirmed by the router.

Events go out in batches: a whole batch is sent, then the publisher waits for all of its answers.
Events that were not confirmed when the session was lost are kept and sent again by the next
session, before all others, with the same `seq` and, where `marks` is on, with `_resent: true`.
Nothing else is sent twice: as long as the session lives, the publisher waits for the answers.

    take a batch --> wait for a session --> publish --confirmed--> count, take the next
                          ^                    \\--lost--> keep it --.
                          \\________________________________________/

Events that come close together are gathered. Those that waited while the router was away go out at
a bounded rate, PACE, for the router serves others too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from ..client.publishing import Outcome
from ..core.errors import SessionNotReady, TransportLost, WampliteError
from ..locks import Condition, Latch
from .clock import BootClock, Reckoning
from .counts import Counts
from .outbox.outbox import Outbox
from .outbox.queue import WaitingEvent
from .own_names import MARKS, TIMES, renamed

__all__ = ["PublishingSession", "Publisher"]

log = logging.getLogger(__name__)

BATCH = 256
GATHER = 0.02  # seconds between two batches while events keep coming
BUSY = 0.1  # seconds: events that come within them after a batch keep coming
PACE = 4000  # events a second at most

ToPublish = tuple[str, list[Any], Mapping[str, Any], Mapping[str, Any]]


class PublishingSession(Protocol):
    """The part of a session that a publisher uses."""

    def publish_all(self, events: Iterable[ToPublish]) -> list[Outcome]: ...


class Publisher:
    """The thread that publishes the events of an outbox through the current session."""

    def __init__(
        self,
        outbox: Outbox,
        counts: Callable[[str], Counts],
        clock: BootClock,
        *,
        marks: bool = True,
    ) -> None:
        self._outbox = outbox
        outbox.hold()
        self._counts = counts
        self._clock = clock
        self._marks = marks
        self._changed = Condition()  # guards _session and _retains
        self._session: PublishingSession | None = None
        self._retains = True
        self._stopping = Latch()
        self._ending = False
        self._kept: list[WaitingEvent] = []  # taken from the outbox, not confirmed
        self._refused: set[tuple[str, str]] = set()  # topics and errors that have been logged
        self._last = self._free_at = 0.0
        self._thread = threading.Thread(target=self._run, name="wamplite-publisher", daemon=True)

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def joined(self, session: PublishingSession, retains: bool = True) -> None:
        """Publish through this session from now on; `retains`: its router heeds `retain`."""
        with self._changed:
            self._session = session
            self._retains = retains
            self._outbox.hold(False)
            self._changed.notify_all()

    def left(self, session: PublishingSession) -> None:
        """Stop publishing through this session; keep what it has not confirmed."""
        with self._changed:
            if self._session is session:
                self._session = None
                self._outbox.hold()

    def finish(self, timeout: float) -> bool:
        """Publish what waits within `timeout` seconds; True when nothing is left."""
        self._ending = True
        self._outbox.close()
        self._join(timeout if self._session else 0)
        return not len(self._outbox)

    def stop(self, timeout: float) -> bool:
        """End the thread (its session has ended); False when it has not ended in time."""
        self._stopping.set()
        self._outbox.close()
        with self._changed:
            self._changed.notify_all()
        self._join(timeout)
        return not self._thread.is_alive()

    def _join(self, timeout: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(timeout)

    # ---- the thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if not self._publish_batch():
                    return
            except Exception:  # a fault of ours must not end the thread
                log.exception("%d events could not be published", len(self._kept))
                kept, self._kept = self._kept, []
                self._outbox.confirm(kept, "failed")

    def _publish_batch(self) -> bool:
        """Publish a batch; False when there is nothing left to do."""
        if not self._kept:
            self._gather()
            self._kept = self._outbox.take(BATCH)
            if not self._kept:
                return not self._ending
        session = self._await_session()
        if session is None:
            return False
        self._expire()
        if self._kept:
            self._publish(session)
        return True

    def _gather(self) -> None:
        """Let more events come, and keep to the rate."""
        now = time.monotonic()
        wait = GATHER if now - self._last < BUSY else 0.0
        wait = max(wait, self._free_at - now)
        if wait > 0 and not self._ending:
            self._stopping.wait(wait)

    def _await_session(self) -> PublishingSession | None:
        with self._changed:
            self._changed.wait_for(lambda: self._session or self._stopping.is_set())
            return None if self._stopping.is_set() else self._session

    def _expire(self) -> None:
        """Drop events that became too old while there was no session."""
        old = self._outbox.too_old(self._kept)
        if old:
            self._outbox.confirm(old, "expired")
            self._kept = [entry for entry in self._kept if entry not in old]

    def _publish(self, session: PublishingSession) -> None:
        now = time.monotonic()
        self._free_at = now + len(self._kept) / PACE
        reckoning = self._clock.reckoning()
        given = [(entry, event) for entry in self._kept if (event := self._given(entry, reckoning))]
        self._kept = [entry for entry, _ in given]
        outcomes = session.publish_all([event for _, event in given])
        lost: list[WaitingEvent] = []
        done: list[WaitingEvent] = []
        for entry, outcome in zip(self._kept, outcomes, strict=True):
            if outcome.error is None:
                done.append(entry)
            elif isinstance(outcome.error, (TransportLost, SessionNotReady)):
                lost.append(entry._replace(sent=entry.sent or outcome.sent))
            else:
                self._refuse(entry, entry.event()[0], outcome.error)
        self._kept = lost
        for entry in done:
            self._counts(entry.port).confirm(1)
        self._outbox.confirm(done)
        if lost:
            self.left(session)
        self._last = time.monotonic()

    def _given(self, entry: WaitingEvent, reckoning: Reckoning) -> ToPublish | None:
        try:
            topic, args, kwargs, options, *heard = entry.event()
        except WampliteError as exc:  # a value that WAMP cannot carry
            self._refuse(entry, entry.port, exc)
            return None
        ours, reserved = _timestamp(entry, heard, reckoning), TIMES if len(heard) == 2 else ()
        if entry.sent:
            self._counts(entry.port).resend(1)
        if self._marks:
            mark = {"seq": entry.seq, "_resent": True} if entry.sent else {"seq": entry.seq}
            ours, reserved = mark | ours, (*MARKS, *reserved)
        kwargs = ours | renamed(kwargs, reserved)
        if not self._retains:
            options = {key: value for key, value in options.items() if key != "retain"}
        return topic, args, kwargs, options

    def _refuse(self, entry: WaitingEvent, topic: str, error: WampliteError) -> None:
        refusal = topic, getattr(error, "error", type(error).__name__)
        if refusal not in self._refused and len(self._refused) < 1000:
            self._refused.add(refusal)
            log.error("%s: refused, from now on only counted: %s", topic, error)
        self._outbox.confirm([entry], "refused")


def _timestamp(entry: WaitingEvent, heard: list[float], reckoning: Reckoning) -> dict[str, Any]:
    """Return when an event was heard, if it is to tell: UTC seconds, or None where unknown.

    heard: what the clock showed then, and how many seconds later it was put into the outbox.
    """
    if len(heard) < 2:
        return {}
    shown, seconds = heard
    since, known = entry.origin or (entry.since, reckoning)
    utc = known.utc(since - seconds)
    ts = None if utc is None else round(utc, 3)
    return {"ts": ts} if known.is_sure_of(utc, shown) else {"ts": ts, "_clock": "unsure"}
