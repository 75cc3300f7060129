"""Events that wait for the router: filled by the devices' threads, emptied by the publisher's.

    put ──> Queue ──take──> publisher ──confirm──> Queue
              │  ^
              v  │
            Journal (where there is a file): its own thread writes and reads

The devices' threads never wait for a disk. Each event gets a number, `seq`, and keeps it however
often it is sent. Events wait encoded in JSON, so that their size in bytes is known.

Locks: the journal's is taken before the condition, never after it; nothing waits for a disk under
the condition.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ... import serializers
from ...core.errors import UsageError
from ...locks import Condition
from ..clock import BootClock
from ..settings import BufferSettings
from .queue import Drop, Found, Queue, WaitingEvent

if TYPE_CHECKING:
    from ..shaping import ShapedEvent
    from .journal import EventJournal

__all__ = ["Outbox"]

log = logging.getLogger(__name__)


class Outbox:
    """First in, first out; where the settings name a file, it outlives the process.

    drop: told of each event that is dropped. found: told how many events of each port an earlier
    run has left in the file. Neither may call the outbox.
    """

    def __init__(
        self,
        settings: BufferSettings,
        drop: Drop,
        found: Found = lambda port, number: None,
        clock: BootClock | None = None,
    ) -> None:
        self._settings = settings
        self._drop = drop
        self._found = found
        self._clock = clock or BootClock()
        self._writer = serializers.get("json")
        self._changed = Condition()  # guards all below
        self._queue = Queue(settings, drop)
        self._closed = False
        self._held = False
        self._said_full = False
        self._journal: EventJournal | None = None

    def start(self) -> None:
        """Open the file, if there is one, and begin to write.

        Raises UsageError for a file that is not ours to use. A disk that is full or read-only is
        lived with.
        """
        if self._settings.path:
            from .journal import EventJournal  # imports SQLite

            self._journal = EventJournal(
                self._settings, self._queue, self._changed, self._found, self._clock
            )
            self._journal.start()

    def __len__(self) -> int:
        with self._changed:
            return len(self._queue)

    def waiting(self, port: str) -> int:
        """Return how many events of a port wait, those that were handed out included."""
        with self._changed:
            return self._queue.waiting(port)

    # ---- the devices' threads

    def put(self, port: str, events: Iterable[ShapedEvent]) -> None:
        """Append events; where there is no room, the oldest are dropped, or these."""
        now = self._clock.now().elapsed
        encoded = [data for event in events if (data := self._encode(port, event, now))]
        with self._changed:
            for data in encoded:
                self._queue.put(port, data, now)
            self._queue.make_room(now)
            is_dropping, said = self._queue.is_dropping, self._said_full
            self._said_full = is_dropping
            self._changed.notify_all()
        if is_dropping and not said:
            which = "the oldest" if self._settings.overflow == "drop-oldest" else "new ones"
            log.warning("%d events wait: from now on %s are dropped", len(self), which)

    def _encode(self, port: str, event: ShapedEvent, now: float) -> bytes:
        heard = [round(event.heard.shown, 3)]
        if event.timestamp:
            heard.append(round(max(0.0, now - event.heard.elapsed), 3))
        try:
            return self._writer.dumps(
                [event.topic, event.args, event.kwargs, event.options, *heard]
            )
        except UsageError as exc:
            log.error("%s: an event that cannot be sent: %s", port, exc)
            self._drop(port, "failed", 1)
            return b""

    # ---- the publisher's thread

    def take(self, limit: int, seconds: float | None = None) -> list[WaitingEvent]:
        """Wait for events and hand out the oldest; [] when closed and empty, or the time is up."""
        with self._changed:
            self._changed.wait_for(self._is_ready, seconds)
            if self._held:
                return []
            batch = self._queue.take(limit)
            is_stored = self._queue.stored > 0
            is_known = self._queue.is_known_to_the_file(batch)
        if self._journal is not None and is_stored:
            return self._journal.load(limit)
        if self._journal is not None and is_known:
            self._journal.record_sent()
        return batch

    def _is_ready(self) -> bool:
        self._queue.expire(self._clock.now().elapsed)
        return self._closed or (not self._held and self._queue.has_some())

    def hold(self, held: bool = True) -> None:
        """Hand nothing out while there is no session."""
        with self._changed:
            self._held = held
            self._changed.notify_all()

    def confirm(self, entries: Iterable[WaitingEvent], reason: str = "") -> None:
        """Forget events that were handed out: confirmed, or else dropped for `reason`."""
        with self._changed:
            self._queue.confirm(entries, reason)

    def too_old(self, entries: Iterable[WaitingEvent]) -> list[WaitingEvent]:
        """Return the events that have waited longer than `max_age`."""
        before = self._queue.expired_before(self._clock.now().elapsed)
        return [entry for entry in entries if entry.since < before]

    def close(self) -> None:
        """Let `take` return [] when nothing is left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def end(self) -> None:
        """Write what waits to the file; without one it is lost, and stays counted as waiting."""
        if self._journal is not None:
            self._journal.end()

    def figures(self) -> dict[str, Any]:
        """Return how many events wait, and what can be told of the file."""
        figures = {"waiting": len(self)}
        return figures if self._journal is None else figures | self._journal.figures()
