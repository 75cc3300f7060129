"""The queue of an outbox against a plain list: whatever is done, both drop and hand out the same.

The list plays the file's part, too: what has been written is handed out of it, dropped from it, and
found in it after a crash.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.property.model import many
from wamplite.bridge.outbox.queue import OVERHEAD, Queue, StoredRow, WaitingEvent
from wamplite.bridge.settings import BufferSettings

PORTS = st.sampled_from("ab")
FEW = st.integers(1, 3)
NUMBER, SIZE, AGE = 5, 5 * OVERHEAD + 120, 10.0
SOME = 6  # events that came before the process or its file is lost
Dropped = tuple[str, str]  # port, reason


@dataclass
class Item:
    """An event as the list has it."""

    seq: int
    port: str
    size: int
    since: float
    place: str = "fresh"
    is_stored: bool = False


class QueueModel(RuleBasedStateMachine):
    """One queue, and the list beside it, from the oldest to the newest."""

    @initialize(newest_goes=st.booleans(), bounds=st.sampled_from([(NUMBER, SIZE), (2, 1000)]))
    def begin(self, newest_goes: bool, bounds: tuple[int, int]) -> None:
        self.newest_goes, (self.most, self.largest) = newest_goes, bounds
        self.now = 100.0
        self.read = self.confirmed = 0
        self.dropped: list[Dropped] = []
        self.expected: list[Dropped] = []
        self.items: list[Item] = []
        self.on_disk: list[Item] = []
        self.storing: list[Item] | None = None
        self.queue = self.new_queue()

    def new_queue(self) -> Queue:
        overflow = "drop-newest" if self.newest_goes else "drop-oldest"
        return Queue(
            BufferSettings(
                max_messages=self.most, max_bytes=self.largest, max_age=AGE, overflow=overflow
            ),
            lambda port, reason, number: self.dropped.extend([(port, reason)] * number),
        )

    def at(self, *places: str) -> list[Item]:
        return [item for item in self.items if item.place in places]

    def goes(self, item: Item, reason: str) -> None:
        self.items.remove(item)
        self.expected.append((item.port, reason))

    def is_beyond(self, items: list[Item], more: int = 0, size: int = 0) -> bool:
        taken = sum(item.size for item in items) + size
        return len(items) + more > self.most or taken > self.largest

    # ---- what is done

    @rule(port=PORTS, length=st.sampled_from([0, 10, 100, 2000]), number=FEW)
    def put(self, port: str, length: int, number: int) -> None:
        for _ in range(number):
            item = Item(self.queue.following, port, length + OVERHEAD, self.now)
            self.queue.put(port, b"x" * length, self.now)
            self.read += 1
            if self.newest_goes and self.is_beyond(self.items, 1, item.size):
                self.expected.append((port, "overflow"))
            else:
                self.items.append(item)
        self.queue.make_room(self.now)
        self.expire()
        while self.at("fresh") and self.is_beyond(self.at("fresh", "storing", "flying")):
            self.goes(self.at("fresh")[0], "overflow")

    def expire(self) -> None:
        while self.at("fresh") and self.at("fresh")[0].since < self.now - AGE:
            self.goes(self.at("fresh")[0], "expired")

    @rule(seconds=st.sampled_from([0.5, 4.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.queue.expire(self.now)
        self.expire()

    @rule(limit=FEW)
    def take(self, limit: int) -> None:
        due = [] if self.at("file") else self.at("storing", "fresh")[:limit]
        batch = self.queue.take(limit)
        assert [entry.seq for entry in batch] == [item.seq for item in due]
        for item in due:
            item.place = "flying"
        disk = {item.seq for item in self.on_disk}
        assert self.queue.is_known_to_the_file(batch) or not disk & {entry.seq for entry in batch}

    @precondition(lambda self: self.at("file"))
    @rule(limit=FEW)
    def load(self, limit: int) -> None:
        after = self.queue.left_to
        due = [item for item in self.on_disk if item.seq > after][:limit]
        assert due == self.at("file")[:limit]
        self.queue.load([self.entry(item) for item in due])
        for item in due:
            item.place = "flying"

    def entry(self, item: Item) -> WaitingEvent:
        return WaitingEvent(item.seq, item.port, item.since, b"x" * (item.size - OVERHEAD))

    @rule(chosen=st.lists(st.integers(0, 4), max_size=4), refused=st.booleans())
    def confirm(self, chosen: list[int], refused: bool) -> None:
        flying = self.at("flying")
        done = [flying[at] for at in sorted(set(chosen)) if at < len(flying)]
        self.queue.confirm([self.entry(item) for item in done], "refused" if refused else "")
        for item in done:
            if refused:
                self.goes(item, "refused")
            else:
                self.items.remove(item)
                self.confirmed += 1

    @precondition(lambda self: self.storing is None)
    @rule(held=st.sampled_from([0.0, 5.0]), number=FEW, size=st.sampled_from([1, 500, 9999]))
    def begin_storing(self, held: float, number: int, size: int) -> None:
        batch = self.queue.begin_storing(self.now - held, number, size)
        unstored = [item for item in self.at("flying", "fresh") if not item.is_stored]
        if not unstored or unstored[0].since > self.now - held:
            assert not batch
            return
        flying = sum(item.place == "flying" for item in unstored)
        assert batch and [entry.seq for entry in batch] == [
            item.seq for item in unstored[: len(batch)]
        ]
        assert flying <= len(batch) <= max(flying, number)
        assert len(batch) == max(flying, 1) or sum(entry.size for entry in batch[:-1]) < size
        self.storing = unstored[: len(batch)]
        for item in self.storing[flying:]:
            item.place = "storing"

    @precondition(lambda self: self.storing is not None)
    @rule(are_stored=st.booleans())
    def end_storing(self, are_stored: bool) -> None:
        assert self.storing is not None
        self.queue.end_storing(are_stored)
        for item in self.storing:
            item.is_stored = are_stored
            if item.place == "storing":
                item.place = "file" if are_stored else "fresh"
        if are_stored:
            self.on_disk += self.storing
        self.storing = None

    @precondition(lambda self: self.storing is None)
    @rule()
    def trim(self) -> None:
        number, size = self.queue.excess()
        rows = []
        for item in self.at("file"):
            beyond = not self.newest_goes and self.is_beyond(self.items)
            assert beyond == (number > len(rows) or size > sum(row.size for row in rows))
            if not beyond and item.since >= self.queue.expired_before(self.now):
                break
            reason = "overflow" if beyond else "expired"
            rows.append(StoredRow(item.seq, item.port, item.size, reason))
            self.goes(item, reason)
        self.queue.drop_stored(rows)

    def delete(self) -> None:
        done_to = self.queue.done_to
        self.on_disk = [item for item in self.on_disk if item.seq > done_to]

    @precondition(lambda self: self.storing is None and self.read > SOME)
    @rule()
    def crash(self) -> None:
        """Begin anew with what is on the disk; what was not there is lost with its process."""
        self.delete()
        promised = [item.seq for item in self.items if item.is_stored]
        following = self.queue.following
        assert set(promised) <= {item.seq for item in self.on_disk}
        assert not promised or self.queue.stored_to >= promised[-1]
        self.queue = self.new_queue()
        self.confirmed, self.dropped, self.expected, self.items = 0, [], [], []
        self.read = len(self.on_disk)
        self.find_rows(following)

    def find_rows(self, following: int) -> None:
        """Let the queue take in what is on the disk, before what waits."""
        tally = {
            port: (len(sizes), sum(sizes))
            for port in "ab"
            if (sizes := [item.size for item in self.on_disk if item.port == port])
        }
        last = self.on_disk[-1].seq if self.on_disk else 0
        self.queue.find(tally, last, following)
        shift = max(0, last + 1 - self.items[0].seq) if self.items else 0
        for item in self.items:
            item.seq += shift
        for item in self.on_disk:
            item.place, item.is_stored = "file", True
        self.items[:0] = self.on_disk

    @precondition(lambda self: not (self.storing or self.on_disk or self.at("flying", "file")))
    @rule(ports=st.lists(PORTS, min_size=1, max_size=4), last=st.sampled_from([4, 1000]))
    def find(self, ports: list[str], last: int) -> None:
        """A file can be opened at last, with what an earlier process has left in it."""
        first = last + 1 - len(ports)
        self.on_disk = [
            Item(first + at, port, OVERHEAD + 10, self.now) for at, port in enumerate(ports)
        ]
        self.read += len(ports)
        self.find_rows(last + 1)

    @precondition(lambda self: self.storing is None and self.read > SOME)
    @rule()
    def lose(self) -> None:
        """The file is damaged: what was only there is dropped, the rest goes to another."""
        for item in self.at("file"):
            self.goes(item, "damaged")
        self.queue.lose_stored("damaged")
        self.queue.find({}, 0, 1)
        for item in self.items:
            item.is_stored = False
        self.on_disk = []

    # ---- what is always so

    @invariant()
    def the_counts_are_those_of_the_list(self) -> None:
        if not hasattr(self, "queue"):
            return
        queue, waiting = self.queue, Counter(item.port for item in self.items)
        memory = self.at("flying", "storing", "fresh")
        assert len(queue) == len(self.items)
        assert [queue.waiting(port) for port in "ab"] == [waiting[port] for port in "ab"]
        assert queue.size == sum(item.size for item in self.items)
        assert queue.memory == sum(item.size for item in memory)
        assert [entry.seq for entry in queue.in_memory()] == [item.seq for item in memory]
        assert (queue.stored, queue.flying) == (len(self.at("file")), len(self.at("flying")))
        assert queue.has_some() == bool(self.at("file", "storing", "fresh"))
        assert Counter(self.dropped) == Counter(self.expected)
        assert self.read == self.confirmed + len(self.dropped) + len(self.items)

    @invariant()
    def the_numbers_grow_and_what_is_done_is_below_them(self) -> None:
        if not hasattr(self, "queue"):
            return
        numbers = [item.seq for item in self.items]
        assert numbers == sorted(set(numbers))
        assert all(self.queue.done_to < number < self.queue.following for number in numbers)
        places = [item.place for item in self.items]
        assert places == sorted(places, key=["flying", "file", "storing", "fresh"].index)


TestQueueModel = QueueModel.TestCase
TestQueueModel.settings = many(150, steps=40)
