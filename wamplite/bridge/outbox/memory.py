"""Events that wait for the router: in order, bounded by number, bytes and age.

    put ──> fresh ──take──> flying ──confirm──> gone
                 └─ overflow, expired: counted for the port they came from

The devices' threads fill it and never wait; the publisher's thread empties it. Events that are
`flying` have been handed out and are not dropped. Each event gets a number, `seq`, and keeps it
however often it is sent. Events wait encoded in JSON, so that their size in bytes is known.
`stored` keeps the same on disk.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ... import serializers
from ...core.errors import UsageError
from ...locks import Condition
from ..settings import BufferSettings

if TYPE_CHECKING:
    from ..shaping import ShapedEvent

__all__ = ["Drop", "WaitingEvent", "Outbox"]

log = logging.getLogger(__name__)

OVERHEAD = 300  # bytes that an entry costs beside its payload
Drop = Callable[[str, str, int], None]  # port, reason, number


class WaitingEvent(NamedTuple):
    """An event that waits."""

    seq: int
    port: str
    since: float  # monotonic seconds of this boot
    data: bytes  # topic, args, kwargs, options, at
    sent: bool = False  # perhaps published already: not confirmed by an earlier session or run

    @property
    def size(self) -> int:
        """The bytes of memory it takes."""
        return len(self.data) + OVERHEAD

    def event(self) -> list[Any]:
        """Return topic, args, kwargs, options and time."""
        event: list[Any] = _reader(self.data.startswith(b"[")).loads(self.data)
        return event


@cache
def _reader(is_json: bool) -> serializers.Serializer:
    return serializers.get(
        "json" if is_json else "msgpack"
    )  # outboxes of early versions hold MsgPack


class Outbox:
    """First in, first out, in memory."""

    def __init__(self, settings: BufferSettings, drop: Drop) -> None:
        self.settings = settings
        self._drop = drop
        self._changed = Condition()  # guards all below
        self._writer = serializers.get("json")
        self._fresh: deque[WaitingEvent] = deque()
        self._flying: list[WaitingEvent] = []
        self._bytes = 0  # of fresh and flying
        self._waiting: Counter[str] = Counter()  # by port, fresh and flying
        self._next = 1
        self._full = False  # logged, and nothing has been taken since
        self._closed = False
        self._held = False

    def start(self) -> None:
        """Begin; in memory there is nothing to do."""

    def __len__(self) -> int:
        return self._waiting.total()

    def waiting(self, port: str) -> int:
        """Return how many events of a port wait, flying ones included."""
        return self._waiting[port]

    # ---- the devices' threads

    def put(self, port: str, publications: Iterable[ShapedEvent]) -> None:
        """Append events; where there is no room, drop the oldest or these."""
        now = time.monotonic()
        with self._changed:
            for publication in publications:
                self._put_one(port, publication, now)
            self._make_room(now)
            self._changed.notify_all()

    def _put_one(self, port: str, publication: ShapedEvent, now: float) -> None:
        try:
            data = self._writer.dumps(list(publication))
        except UsageError as exc:
            log.error("%s: an event that cannot be sent: %s", port, exc)
            self._drop(port, "failed", 1)
            return
        entry = WaitingEvent(self._take_number(), port, now, data)
        if self.settings.overflow == "drop-newest" and self._is_full(entry.size):
            self._next -= 1
            self._drop(port, "overflow", 1)
            self._say_full()
            return
        self._fresh.append(entry)
        self._bytes += entry.size
        self._waiting[port] += 1

    def _take_number(self) -> int:
        number = self._next
        self._next += 1
        return number

    def _is_full(self, size: int) -> bool:
        return self._over(self._number() + 1, self._bytes + size)

    def _over(self, number: int, size: int) -> bool:
        return number > self.settings.max_messages or size > self.settings.max_bytes

    def _number(self) -> int:
        return len(self._fresh) + len(self._flying)

    def _make_room(self, now: float) -> None:
        """Drop events that are too old, and the oldest while there are too many."""
        self._expire(now)
        while self._fresh and self._over(self._number(), self._bytes):
            self._forget(self._fresh.popleft(), "overflow")
            self._say_full()

    def _expire(self, now: float) -> None:
        while self._fresh and self._is_old(self._fresh[0], now):
            self._forget(self._fresh.popleft(), "expired")

    def _is_old(self, entry: WaitingEvent, now: float) -> bool:
        return 0 < self.settings.max_age < now - entry.since

    def _forget(self, entry: WaitingEvent, reason: str) -> None:
        """Count an event that is dropped; it is in no list any more."""
        self._bytes -= entry.size
        self._waiting[entry.port] -= 1
        self._drop(entry.port, reason, 1)

    def _say_full(self) -> None:
        if not self._full:
            self._full = True
            whom = "the oldest" if self.settings.overflow == "drop-oldest" else "new ones"
            log.warning("%d events wait: from now on %s are dropped", len(self), whom)

    # ---- the publisher's thread

    def take(self, limit: int, seconds: float | None = None) -> list[WaitingEvent]:
        """Wait for events and hand out the oldest; [] when closed and empty, or the time is up."""
        with self._changed:
            self._changed.wait_for(self._has_some, seconds)
            if self._held:
                return []
            batch = [self._fresh.popleft() for _ in range(min(limit, len(self._fresh)))]
            self._flying.extend(batch)
            self._full = self._full and not batch
            return batch

    def _has_some(self) -> bool:
        self._expire(time.monotonic())
        return self._closed or (not self._held and self._has_any())

    def _has_any(self) -> bool:
        return bool(self._fresh)

    def hold(self, held: bool = True) -> None:
        """Hand nothing out while there is no session."""
        with self._changed:
            self._held = held
            self._changed.notify_all()

    def confirm(self, entries: Iterable[WaitingEvent], reason: str = "") -> None:
        """Forget events that were handed out: confirmed, or else dropped for `reason`."""
        with self._changed:
            gone = set()
            for entry in entries:
                gone.add(entry.seq)
                self._bytes -= entry.size
                self._waiting[entry.port] -= 1
                if reason:
                    self._drop(entry.port, reason, 1)
            self._flying = [entry for entry in self._flying if entry.seq not in gone]

    def too_old(self, entries: Iterable[WaitingEvent]) -> list[WaitingEvent]:
        """Return the events that have waited longer than `max_age`."""
        now = time.monotonic()
        return [entry for entry in entries if self._is_old(entry, now)]

    def close(self) -> None:
        """Let `take` return [] when nothing is left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def end(self) -> None:
        """End; events that wait in memory are lost, and stay counted as waiting."""

    def figures(self) -> dict[str, Any]:
        """Return how many events wait."""
        return {"waiting": len(self)}
