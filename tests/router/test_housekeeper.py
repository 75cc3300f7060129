"""The housekeeper: it writes for the slow, keeps deadlines, and survives whatever it runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.transports.streams import receive_exactly, stream_and_socket, tcp_pair
from tests.waiting import thread_named
from wamplite.router.housekeeper import Housekeeper
from wamplite.router.limits import Counters, Limits
from wamplite.transports.socket_stream import SocketStream
from wamplite.transports.stream import Stream

from .conftest import MS, eventually

FOREVER = float("inf")


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def housekeeper(counters: Counters) -> Iterator[Housekeeper]:
    with running(Limits(max_outbox_size=10_000_000), counters) as made:
        yield made


@contextmanager
def running(limits: Limits, counters: Counters) -> Iterator[Housekeeper]:
    housekeeper = Housekeeper(limits, counters)
    yield housekeeper
    housekeeper.close()
    assert not thread_named("wamplite-housekeeper")


def clog(stream: Stream, size: int = 65536) -> int:
    """Write until the kernel takes no more; return how many bytes were written."""
    written = 0
    while stream.write([b"x" * size]):
        written += size
    return written + size


def test_what_was_left_over_is_written_when_there_is_room(housekeeper: Housekeeper) -> None:
    with stream_and_socket() as (stream, peer):
        stream.on_left = housekeeper.watch
        size = clog(stream)
        stream.write([b"y" * 1000])
        data = receive_exactly(peer, size + 1000)
        assert len(data) == size + 1000 and data.endswith(b"xy" + b"y" * 999)
        eventually(lambda: not housekeeper.watched)
        size = clog(stream)  # and again
        assert len(receive_exactly(peer, size)) == size


def test_who_takes_nothing_is_disconnected_though_more_is_written_all_the_time(
    counters: Counters,
) -> None:
    with (
        running(Limits(write_timeout=300 * MS, max_outbox_size=10**9), counters) as housekeeper,
        stream_and_socket() as (stream, _),
    ):
        stream.on_left = housekeeper.watch
        clog(stream)
        begun = time.monotonic()
        while stream.lost is None:
            stream.write([b"more"])
            time.sleep(5 * MS)
            assert time.monotonic() - begun < 10
        assert time.monotonic() - begun >= 290 * MS
        assert counters.snapshot() == {"slow_consumers": 1}
        eventually(lambda: not housekeeper.watched)


def test_who_takes_a_little_all_the_time_is_not(counters: Counters) -> None:
    with (
        running(Limits(write_timeout=400 * MS, max_outbox_size=10**9), counters) as housekeeper,
        stream_and_socket() as (stream, peer),
    ):
        stream.on_left = housekeeper.watch
        clog(stream)
        stream.write([b"z" * 20_000_000])
        begun = time.monotonic()
        while time.monotonic() - begun < 1.2:
            receive_exactly(peer, 200_000)
            time.sleep(20 * MS)
        assert stream.lost is None and stream.left


def test_too_many_small_messages_are_too_much(counters: Counters) -> None:
    with (
        running(Limits(max_outbox_messages=100), counters) as housekeeper,
        stream_and_socket() as (stream, _),
    ):
        stream.on_left = housekeeper.watch
        clog(stream)
        for _ in range(99):
            stream.write([b"small"])
        assert stream.lost is None
        stream.write([b"small"])
        assert stream.lost == "wamplite.close.slow_consumer"
        assert counters.snapshot() == {"slow_consumers": 1}


def test_dropping_brings_bytes_and_number_under_their_bounds(counters: Counters) -> None:
    limits = Limits(max_outbox_messages=100, max_outbox_size=1_000_000)
    with running(limits, counters) as housekeeper, stream_and_socket() as (stream, _):
        stream.on_left = housekeeper.watch
        clog(stream)
        for _ in range(200):
            stream.write([b"small"], droppable=True)
        assert stream.lost is None and stream.waiting == 100
        dropped = counters.snapshot()["events_dropped"]
        assert 100 <= dropped <= 101
        for _ in range(50):
            stream.write([b"l" * 100_000], droppable=True)
        assert stream.lost is None and stream.left <= 1_000_000
        assert counters.snapshot()["events_dropped"] > dropped + 130


def test_a_descriptor_that_is_reused_belongs_to_its_new_stream(housekeeper: Housekeeper) -> None:
    for _ in range(20):
        ours, theirs = tcp_pair()
        old = SocketStream(ours)
        old.on_left = housekeeper.watch
        clog(old)
        number = old.fileno()
        old.close()
        theirs.close()
        with stream_and_socket() as (new, peer):
            new.on_left = housekeeper.watch
            size = clog(new)
            assert receive_exactly(peer, size) == b"x" * size
            reused = new.fileno() == number
    assert reused
    eventually(lambda: not housekeeper.watched)


@pytest.mark.usefixtures("hurried")
def test_streams_that_come_clog_and_close_all_the_time_are_all_served(
    housekeeper: Housekeeper,
) -> None:
    failures: list[str] = []

    def live() -> None:
        for round_ in range(15):
            with stream_and_socket() as (stream, peer):
                stream.on_left = housekeeper.watch
                size = clog(stream)
                if round_ % 3 == 0:
                    continue  # closed with all that is left
                if round_ % 3 == 1:
                    stream.finish()
                data = receive_exactly(peer, size)
                if data != b"x" * size:
                    failures.append(f"{len(data)} of {size} bytes")

    threads = [threading.Thread(target=live) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    eventually(lambda: not housekeeper.watched)


class Clock:
    """Something with deadlines; `answers` are when it wants to be asked again."""

    def __init__(self, *answers: float) -> None:
        self.answers = list(answers)
        self.asked: list[float] = []
        self.ended: list[str] = []

    def tick(self, now: float) -> float:
        self.asked.append(now)
        return now + self.answers.pop(0) if self.answers else FOREVER

    def shutdown(self, why: str) -> None:
        self.ended.append(why)


def test_a_tick_comes_when_it_was_asked_for(housekeeper: Housekeeper) -> None:
    clock = Clock(50 * MS, 100 * MS)
    begun = time.monotonic()
    housekeeper.add(clock, begun + 30 * MS)
    eventually(lambda: len(clock.asked) == 3)
    first, second, third = clock.asked
    assert first >= begun + 30 * MS
    assert second >= first + 50 * MS and third >= second + 100 * MS


def test_a_sooner_time_wakes_the_thread(housekeeper: Housekeeper) -> None:
    clock = Clock()
    housekeeper.add(clock, time.monotonic() + 1000)
    housekeeper.move(clock, time.monotonic())
    eventually(lambda: clock.asked)


def test_a_deadline_that_is_moved_during_its_tick_is_kept(housekeeper: Housekeeper) -> None:
    class Moved(Clock):
        def tick(self, now: float) -> float:
            if not self.asked:
                housekeeper.move(self, now + 20 * MS)
            super().tick(now)
            return now + 1000

    clock = Moved()
    housekeeper.add(clock, time.monotonic())
    eventually(lambda: len(clock.asked) == 2)


def test_who_was_removed_is_not_asked_and_cannot_be_moved(housekeeper: Housekeeper) -> None:
    gone, here = Clock(), Clock()
    housekeeper.add(gone, time.monotonic() + 20 * MS)
    housekeeper.remove(gone)
    housekeeper.remove(gone)
    housekeeper.move(gone, time.monotonic())
    housekeeper.add(here, time.monotonic() + 40 * MS)
    eventually(lambda: here.asked)
    assert gone.asked == [] and housekeeper.kept == [here]


def test_a_tick_that_fails_ends_that_connection_alone(
    housekeeper: Housekeeper, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Clock):
        def tick(self, now: float) -> float:
            raise ZeroDivisionError("a bug")

    broken, sound = Broken(), Clock()
    when = time.monotonic() + 10 * MS
    with caplog.at_level(logging.ERROR, "wamplite.router"):
        housekeeper.add(broken, when)
        housekeeper.add(sound, when)
        eventually(lambda: sound.asked and broken.ended)
    assert broken.ended == ["internal error"] and "a bug" in caplog.text


def test_a_timer_that_fails_does_not_keep_others_from_ringing(
    housekeeper: Housekeeper, caplog: pytest.LogCaptureFixture
) -> None:
    rang: list[str] = []
    with caplog.at_level(logging.ERROR, "wamplite.router"):
        housekeeper.later(10 * MS, lambda: rang[5].upper())  # IndexError
        housekeeper.later(10 * MS, lambda: rang.append("after"))
        housekeeper.later(10 * MS, lambda: rang.append("canceled"))()
        eventually(lambda: rang)
    assert rang == ["after"] and "a timer failed" in caplog.text


def test_a_fault_of_the_thread_itself_is_logged_and_it_goes_on(
    housekeeper: Housekeeper, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        stream_and_socket() as (stream, peer),
        caplog.at_level(logging.ERROR, "wamplite.router"),
    ):
        stream.on_left = housekeeper.watch
        size = clog(stream)
        entries = stream._outbox._entries
        with stream.lock:
            stream._outbox._entries = None  # type: ignore[assignment]
        eventually(lambda: receive_exactly(peer, 65536) and caplog.text)
        assert "the housekeeper goes on" in caplog.text and entries and size
    rang: list[int] = []
    housekeeper.later(0, lambda: rang.append(1))
    eventually(lambda: rang)


def test_after_the_end_nothing_happens_any_more(counters: Counters) -> None:
    housekeeper, clock, rang = Housekeeper(Limits(), counters), Clock(), list[int]()
    housekeeper.close()
    assert not thread_named("wamplite-housekeeper")
    with stream_and_socket() as (stream, _):
        stream.on_left = housekeeper.watch
        clog(stream)
        left = stream.left
        housekeeper.add(clock, time.monotonic())
        housekeeper.move(clock, time.monotonic())
        housekeeper.later(0, lambda: rang.append(1))
        housekeeper.close()
        assert (stream.left, stream.lost, clock.asked, rang) == (left, None, [], [])
        assert left and counters.snapshot() == {}


def test_an_end_waits_no_longer_than_it_may_for_what_it_runs(
    counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wamplite.router.housekeeper.CLOSING", 50 * MS)
    housekeeper, go, running_now = (
        Housekeeper(Limits(), counters),
        threading.Event(),
        threading.Event(),
    )

    def run() -> None:
        running_now.set()
        go.wait(20)

    housekeeper.later(0, run)
    assert running_now.wait(20)
    housekeeper.close()
    assert thread_named("wamplite-housekeeper")
    go.set()
    eventually(lambda: not thread_named("wamplite-housekeeper"))
    housekeeper.close()


def test_who_has_nothing_to_do_sleeps(housekeeper: Housekeeper) -> None:
    begun, used = time.monotonic(), time.process_time()
    threading.Event().wait(300 * MS)
    assert time.process_time() - used < (time.monotonic() - begun) / 3


def test_what_was_left_over_waits_for_room_and_for_nothing_else(housekeeper: Housekeeper) -> None:
    with stream_and_socket() as (stream, peer):
        stream.on_left = housekeeper.watch
        begun = time.monotonic()
        for _ in range(10):
            size = clog(stream)
            assert len(receive_exactly(peer, size)) == size
            eventually(lambda: not stream.left)
        assert time.monotonic() - begun < 4  # one sweep each would take 10 s
