"""Events in the order of their numbers, within bounds of number, bytes and age: the pure part.

    put ──> fresh ──begin_storing──> storing ──> in the file ──load──> flying ──confirm──> gone
              └──────────────take───────┴────────────────────────────────^

From the oldest to the newest: flying, in the file, storing, fresh. `flying` have been handed out
and `storing` are being written: neither is dropped. Of what is in the file only the numbers are
known here, not the events: what it holds beyond the bounds, whoever has the file drops. Without a
file the two places in the middle stay empty.

No lock, no clock, no waiting: `now` is the seconds of the boot. The counts add up: what was put and
what was found in the file = what was confirmed + what was handed to `drop` + what waits.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from ... import serializers
from ..clock import Reckoning
from ..settings import BufferSettings

__all__ = ["OVERHEAD", "Drop", "Found", "EarlierBoot", "Queue", "StoredRow", "WaitingEvent"]

OVERHEAD = 300  # bytes that an event costs beside its data
Drop = Callable[[str, str, int], None]  # port, reason, number of events
Found = Callable[[str, int], None]  # port, number of events


class EarlierBoot(NamedTuple):
    """An earlier boot, in which an event was put."""

    since: float  # seconds of that boot
    reckoning: Reckoning


class WaitingEvent(NamedTuple):
    """An event that waits."""

    seq: int
    port: str
    since: float  # seconds of this boot at which it was put, or found
    data: bytes  # topic, args, kwargs, options, what the clock showed and how long ago
    sent: bool = False  # perhaps published already: not confirmed by an earlier session or run
    origin: EarlierBoot | None = None  # None: this boot

    @property
    def size(self) -> int:
        """The bytes of memory it takes."""
        return len(self.data) + OVERHEAD

    def event(self) -> list[Any]:
        """Return topic, args, kwargs, options, and more about the time it was heard."""
        event: list[Any] = _reader(self.data.startswith(b"[")).loads(self.data)
        return event


@cache
def _reader(is_json: bool) -> serializers.Serializer:
    # outboxes of early versions hold MsgPack
    return serializers.get("json" if is_json else "msgpack")


class StoredRow(NamedTuple):
    """What is counted when an event of the file is dropped."""

    seq: int
    port: str
    size: int
    reason: str


class Queue:
    """The events that wait. Where there are threads, whoever calls holds the outbox's condition.

    following: the number for the next event. stored_to: up to here all that waits is in the file
    (and in memory only if it flies). sent_to: the highest number that was handed out. left_to: the
    highest that was handed out, or dropped from the file. is_dropping: something was dropped for
    want of room since events were last handed out.
    """

    def __init__(self, settings: BufferSettings, drop: Drop) -> None:
        self.settings = settings
        self.following = 1
        self.stored_to = self.sent_to = 0
        self.is_dropping = False
        self._drop = drop
        self._flying: dict[int, WaitingEvent] = {}
        self._storing: deque[WaitingEvent] = deque()
        self._fresh: deque[WaitingEvent] = deque()
        self._memory = 0  # bytes of these three
        self._stored = self._stored_bytes = 0  # events in the file, not handed out
        self._storing_to = 0  # as `stored_to`, of what is perhaps there
        self.left_to = 0
        self._waiting: Counter[str] = Counter()  # by port, all of them

    def __len__(self) -> int:
        return self._count_in_memory() + self._stored

    def waiting(self, port: str) -> int:
        """Return how many events of a port wait, flying ones included."""
        return self._waiting[port]

    @property
    def size(self) -> int:
        """The bytes of all that waits, in memory and in the file."""
        return self._memory + self._stored_bytes

    @property
    def memory(self) -> int:
        """The bytes of what waits in memory."""
        return self._memory

    @property
    def stored(self) -> int:
        """How many events are in the file and have not been handed out."""
        return self._stored

    @property
    def flying(self) -> int:
        """How many events have been handed out and not confirmed."""
        return len(self._flying)

    @property
    def done_to(self) -> int:
        """Up to here nothing waits any more."""
        return next(iter(self._flying)) - 1 if self._flying else self.left_to

    def in_memory(self) -> list[WaitingEvent]:
        """Return what waits in memory, from the oldest to the newest."""
        return [*self._flying.values(), *self._storing, *self._fresh]

    def _count_in_memory(self) -> int:
        return len(self._flying) + len(self._storing) + len(self._fresh)

    # ---- in

    def put(self, port: str, data: bytes, now: float) -> None:
        """Append an event, or drop it where the policy says so."""
        entry = WaitingEvent(self.following, port, now, data)
        newest_goes = self.settings.overflow == "drop-newest"
        if newest_goes and self._is_beyond(len(self) + 1, self.size + entry.size):
            self._drop(port, "overflow", 1)
            self.is_dropping = True
            return
        self.following += 1
        self._fresh.append(entry)
        self._memory += entry.size
        self._waiting[port] += 1

    def make_room(self, now: float) -> None:
        """Drop fresh events that are too old, and the oldest while there are too many in memory."""
        self.expire(now)
        while self._fresh and self._is_beyond(self._count_in_memory(), self._memory):
            self._forget(self._fresh.popleft(), "overflow")
            self.is_dropping = True

    def expire(self, now: float) -> None:
        """Drop fresh events that are too old."""
        while self._fresh and self._fresh[0].since < self.expired_before(now):
            self._forget(self._fresh.popleft(), "expired")

    def expired_before(self, now: float) -> float:
        """Return the time before which an event was put that is too old."""
        return now - self.settings.max_age if self.settings.max_age else float("-inf")

    def _is_beyond(self, number: int, size: int) -> bool:
        return number > self.settings.max_messages or size > self.settings.max_bytes

    def _forget(self, entry: WaitingEvent, reason: str) -> None:
        """Count an event that has been taken out of its place; "": it has been confirmed."""
        self._memory -= entry.size
        self._waiting[entry.port] -= 1
        if reason:
            self._drop(entry.port, reason, 1)

    # ---- out

    def has_some(self) -> bool:
        """Tell whether something can be handed out."""
        return bool(self._stored or self._storing or self._fresh)

    def take(self, limit: int) -> list[WaitingEvent]:
        """Hand out the oldest events; none while older ones are in the file."""
        batch: list[WaitingEvent] = []
        while not self._stored and len(batch) < limit and (self._storing or self._fresh):
            batch.append((self._storing or self._fresh).popleft())
        self._fly(batch)
        return batch

    def load(self, batch: list[WaitingEvent]) -> None:
        """Take note that events of the file, the oldest, are handed out."""
        size = sum(entry.size for entry in batch)
        self._stored -= len(batch)
        self._stored_bytes -= size
        self._memory += size
        self._fly(batch)

    def _fly(self, batch: list[WaitingEvent]) -> None:
        self._flying.update((entry.seq, entry) for entry in batch)
        if batch:
            self.sent_to = self.left_to = batch[-1].seq
            self.is_dropping = False

    def is_known_to_the_file(self, batch: list[WaitingEvent]) -> bool:
        """Tell whether some of these are in the file, or are being written."""
        return bool(batch) and batch[0].seq <= self._storing_to

    def confirm(self, entries: Iterable[WaitingEvent], reason: str = "") -> None:
        """Forget events that were handed out: confirmed, or else dropped for `reason`."""
        for entry in entries:
            if self._flying.pop(entry.seq, None):
                self._forget(entry, reason)

    # ---- into the file

    def begin_storing(self, before: float, number: int, size: int) -> list[WaitingEvent]:
        """Return the oldest events that are not in the file, within `number` and `size` bytes.

        None if the oldest was put after `before`. One at least, and an end has to follow.
        """
        batch = [entry for entry in self._flying.values() if entry.seq > self.stored_to]
        oldest = batch[0] if batch else self._fresh[0] if self._fresh else None
        if oldest is None or oldest.since > before:
            return []
        size -= sum(entry.size for entry in batch)
        while self._fresh and (not batch or (len(batch) < number and size > 0)):
            entry = self._fresh.popleft()
            self._storing.append(entry)
            batch.append(entry)
            size -= entry.size
        self._storing_to = batch[-1].seq
        return batch

    def end_storing(self, are_stored: bool) -> None:
        """Take note that what was begun has been written, or could not be."""
        if not are_stored:
            self._fresh.extendleft(reversed(self._storing))
        else:
            size = sum(entry.size for entry in self._storing)
            self.stored_to = self._storing_to
            self._stored += len(self._storing)
            self._stored_bytes += size
            self._memory -= size
        self._storing.clear()

    def excess(self) -> tuple[int, int]:
        """Return the number and the bytes by which all that waits exceeds its bounds, if it does.

        The oldest of the file have to go for it, unless it is the newest that go.
        """
        if self.settings.overflow == "drop-newest":
            return 0, 0
        return len(self) - self.settings.max_messages, self.size - self.settings.max_bytes

    def drop_stored(self, rows: Iterable[StoredRow]) -> None:
        """Take note that events of the file, the oldest, have been dropped."""
        for row in rows:
            self._stored -= 1
            self._stored_bytes -= row.size
            self._waiting[row.port] -= 1
            self.left_to = row.seq
            self._drop(row.port, row.reason, 1)
            self.is_dropping = self.is_dropping or row.reason == "overflow"

    # ---- another file

    def find(self, tally: Mapping[str, tuple[int, int]], last: int, following: int) -> None:
        """Take in what a file holds, up to the number `last`; nothing may be flying.

        All of it comes before what waits, which gets higher numbers if it has to.
        """
        self.following = max(self.following, following)
        if not tally:
            return
        shift = last + 1 - self._fresh[0].seq if self._fresh else 0
        if shift > 0:
            self._fresh = deque(entry._replace(seq=entry.seq + shift) for entry in self._fresh)
            self.following = max(self.following, self._fresh[-1].seq + 1)
        self.stored_to = self._storing_to = last
        self.sent_to = self.left_to = 0
        for port, (number, size) in tally.items():
            self._waiting[port] += number
            self._stored += number
            self._stored_bytes += size

    def lose_stored(self, reason: str) -> None:
        """Drop what is in the file, which cannot be had any more."""
        alive = Counter(entry.port for entry in self.in_memory())
        for port, number in list(self._waiting.items()):
            if number > alive[port]:
                self._drop(port, reason, number - alive[port])
        self._waiting = alive
        self._stored = self._stored_bytes = 0
        self.stored_to = self._storing_to = self.done_to
