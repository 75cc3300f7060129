"""What waits is published in order, confirmed, kept over a loss, and refused only once."""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

import wamplite
from tests.bridge.clocks import HOUR, NOON, SetClock
from tests.bridge.events import TOPIC, event
from tests.client.scripted import cut
from tests.processes import RouterProcess
from tests.waiting import until
from wamplite.bridge.clock import BootClock, Moment
from wamplite.bridge.counts import Counts
from wamplite.bridge.outbox.outbox import Outbox
from wamplite.bridge.publisher import PACE, Publisher, ToPublish
from wamplite.bridge.settings import BufferSettings
from wamplite.client.publishing import Outcome


class Publishing:
    """A publisher with its outbox and its counts."""

    def __init__(self, marks: bool = True, clock: BootClock | None = None, **more: Any) -> None:
        clock = clock or BootClock()
        self.by_port: defaultdict[str, Counts] = defaultdict(Counts)
        settings = BufferSettings(**{"max_messages": 100_000, "max_bytes": 1 << 26, **more})
        self.outbox = Outbox(
            settings, lambda port, *told: self.by_port[port].drop(*told), clock=clock
        )
        self.publisher = Publisher(self.outbox, lambda port: self.by_port[port], clock, marks=marks)
        self.publisher.start()

    @property
    def counts(self) -> Counts:
        return self.by_port["a"]

    def put(self, *values: object, topic: str = TOPIC) -> None:
        self.counts.took(len(values))
        self.outbox.put("a", [event(value, topic) for value in values])

    def end(self) -> bool:
        done = self.publisher.finish(5.0)
        assert self.publisher.stop(5.0)
        return done

    def balanced(self) -> bool:
        told = self.counts.snapshot()
        gone = told["published"] + sum(told["dropped"].values())
        return bool(told["read"] == gone + len(self.outbox))


@pytest.fixture
def line() -> Iterator[Publishing]:
    line = Publishing()
    yield line
    line.end()
    assert line.balanced()


class Arrived:
    """What a subscriber got."""

    def __init__(self) -> None:
        self.events: list[wamplite.Event] = []

    def __call__(self, event: wamplite.Event) -> None:
        self.events.append(event)

    @property
    def numbers(self) -> list[Any]:
        return [event.args[0] for event in self.events]

    @property
    def unmarked(self) -> list[Any]:
        return [event.args[0] for event in self.events if "_resent" not in event.kwargs]


@pytest.fixture
def arrived(router_process: RouterProcess) -> Iterator[Arrived]:
    arrived = Arrived()
    with wamplite.connect(router_process.rs) as session:
        session.subscribe(TOPIC, arrived)
        yield arrived


def test_events_that_waited_are_published_in_order_once_there_is_a_session(
    line: Publishing, router_process: RouterProcess, arrived: Arrived
) -> None:
    line.put(*range(300))
    with wamplite.connect(router_process.rs) as session:
        line.publisher.joined(session)
        line.put(*range(300, 400))
        until(lambda: line.counts.published == 400, "all confirmed")
        assert len(line.outbox) == 0
        until(lambda: len(arrived.events) == 400, "all arrived")
    assert arrived.numbers == list(range(400))
    assert [event.kwargs for event in arrived.events] == [{"seq": n} for n in range(1, 401)]


def test_a_name_of_the_device_never_stands_for_one_of_the_bridge(
    line: Publishing, router_process: RouterProcess, arrived: Arrived
) -> None:
    line.counts.took(1)
    line.outbox.put("a", [event(1, seq="mine", _resent=True, seq_="as well", ts=3)])
    with wamplite.connect(router_process.rs) as session:
        line.publisher.joined(session)
        until(lambda: arrived.events, "arrived")
    assert arrived.events[0].kwargs == {
        "seq": 1, "seq__": "mine", "seq_": "as well", "_resent_": True, "ts": 3,
    }  # fmt: skip


def test_what_a_lost_session_did_not_confirm_goes_out_first_through_the_next_and_marked(
    start_router: Callable[..., RouterProcess], line: Publishing
) -> None:
    stalled = start_router()
    first = wamplite.connect(stalled.rs)
    line.publisher.joined(first)
    line.put(0)
    until(lambda: line.counts.published == 1, "confirmed")
    stalled.interrupt(signal.SIGSTOP)
    line.put(1, 2, 3)
    until(lambda: line.outbox._queue.flying == 3, "sent")
    time.sleep(0.1)
    assert line.counts.published == 1
    line.put(4)
    router, arrived = start_router(), Arrived()
    cut(first)
    first.lost.wait(5)
    stalled.interrupt(signal.SIGCONT)
    with wamplite.connect(router.rs) as subscriber, wamplite.connect(router.rs) as second:
        subscriber.subscribe(TOPIC, arrived)
        line.publisher.joined(second)
        until(lambda: len(arrived.events) == 4, "all arrived")
        assert line.end()
    assert arrived.numbers == [1, 2, 3, 4]
    assert arrived.unmarked == [4]
    assert [event.kwargs["seq"] for event in arrived.events] == [2, 3, 4, 5]
    assert line.counts.resent == 3


def test_what_was_never_sent_is_not_marked(
    router_process: RouterProcess, line: Publishing, arrived: Arrived
) -> None:
    gone = wamplite.connect(router_process.rs)
    gone.leave()
    line.publisher.joined(gone)
    line.put(1, 2)
    until(lambda: line.publisher._session is None, "tried")
    with wamplite.connect(router_process.rs) as session:
        line.publisher.joined(session)
        until(lambda: len(arrived.events) == 2, "arrived")
    assert arrived.unmarked == [1, 2]


def test_a_router_that_only_stalls_gets_nothing_twice(
    router_process: RouterProcess, line: Publishing, arrived: Arrived
) -> None:
    with wamplite.connect(router_process.rs, timeout=0.2) as session:
        line.publisher.joined(session)
        line.put(1)
        until(lambda: line.counts.published == 1, "confirmed")
        router_process.interrupt(signal.SIGSTOP)
        line.put(2)
        time.sleep(0.5)
        router_process.interrupt(signal.SIGCONT)
        until(lambda: line.counts.published == 2, "confirmed")
        until(lambda: len(arrived.events) == 2, "arrived")
    assert arrived.unmarked == [1, 2]


def test_what_grew_too_old_while_it_was_kept_is_dropped(
    router_process: RouterProcess, arrived: Arrived
) -> None:
    line = Publishing(max_age=0.2)
    gone = wamplite.connect(router_process.rs)
    gone.leave()
    line.publisher.joined(gone)
    line.put(1)
    until(lambda: line.publisher._session is None, "handed out, in vain")
    time.sleep(0.3)
    with wamplite.connect(router_process.rs) as session:
        line.publisher.joined(session)
        line.put(2)
        until(lambda: arrived.events, "arrived")
        assert line.end()
    assert arrived.numbers == [2]
    assert line.counts.dropped == {"expired": 1}
    assert line.balanced()


def test_a_backlog_goes_out_at_a_bounded_pace(
    router_process: RouterProcess, line: Publishing, arrived: Arrived
) -> None:
    line.put(*range(PACE // 2))
    with wamplite.connect(router_process.rs) as session:
        began = time.monotonic()
        line.publisher.joined(session)
        until(lambda: line.counts.published == PACE // 2, "all confirmed")
        assert time.monotonic() - began > 0.4
        until(lambda: len(arrived.events) == PACE // 2, "all arrived")
    assert arrived.numbers == list(range(PACE // 2))


def test_a_refusal_is_counted_for_each_event_and_touches_no_other(
    router_process: RouterProcess,
    line: Publishing,
    arrived: Arrived,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with wamplite.connect(router_process.rs) as session:
        line.publisher.joined(session)
        line.put(1, 2)
        line.put(3, 4, 5, topic="wamp.forbidden")
        line.put(6)
        assert line.end()
        until(lambda: len(arrived.events) == 3, "arrived")
    assert arrived.numbers == [1, 2, 6]
    assert line.counts.dropped == {"refused": 3}
    assert caplog.text.count("wamp.error.invalid_uri") == 1


@pytest.mark.parametrize("large", [0, 2, 4])
def test_an_event_that_is_too_large_is_refused_alone(
    large: int, start_router: Callable[..., RouterProcess]
) -> None:
    router = start_router("--max-message-size", "1024")
    line, arrived = Publishing(), list[int]()
    line.put(*(f"{n}" * (2000 if n == large else 1) for n in range(5)))
    with wamplite.connect(router.rs) as subscriber, wamplite.connect(router.rs) as session:
        subscriber.subscribe(TOPIC, lambda text, seq: arrived.append(int(text)))
        line.publisher.joined(session)
        assert line.end()
        until(lambda: len(arrived) == 4, "the small ones")
    assert arrived == [n for n in range(5) if n != large]
    assert (line.counts.published, line.counts.dropped) == (4, {"refused": 1})


def test_a_fault_costs_its_batch_and_is_counted_and_the_next_batch_goes_out(
    line: Publishing, caplog: pytest.LogCaptureFixture
) -> None:
    published: list[object] = []

    class Session:
        def publish_all(self, events: Iterable[ToPublish]) -> list[Outcome]:
            given = list(events)
            published.extend(args[0] for _, args, _, _ in given)
            if 1 in published and 3 not in published:
                raise RuntimeError("a fault of ours")
            return [Outcome(None, None, True) for _ in given]

    line.put(1, 2)
    line.publisher.joined(Session())
    until(lambda: line.counts.dropped == {"failed": 2}, "counted")
    line.put(3)
    assert line.end()
    assert published == [1, 2, 3]
    assert line.counts.published == 1 and line.balanced()
    assert caplog.text.count("2 events could not be published") == 1


def test_without_a_session_it_ends_at_once_and_tells_what_waits() -> None:
    line = Publishing()
    line.put(1, 2)
    assert not line.end()
    assert len(line.outbox) == 2
    assert "wamplite-publisher" not in [thread.name for thread in threading.enumerate()]


# ---- timestamps


class ToList:
    """A session that keeps what it publishes."""

    def __init__(self) -> None:
        self.kwargs: list[Any] = []

    def publish_all(self, events: Iterable[ToPublish]) -> list[Outcome]:
        given = [kwargs for _, _, kwargs, _ in events]
        self.kwargs += given
        return [Outcome(None, None, True) for _ in given]


def stamps(
    clock: SetClock, then: Callable[[SetClock], None], heard: Moment | None = None, **more: Any
) -> list[dict[str, Any]]:
    """Return what an event says of its time that is sent after `then` has happened to the clock."""
    line, session = Publishing(clock=clock), ToList()
    line.counts.took(1)
    line.outbox.put("a", [event(1, **more)._replace(heard=heard or clock.now(), timestamp=True)])
    then(clock)
    line.publisher.joined(session)
    assert line.end() and line.balanced()
    return [{key: kwargs[key] for key in kwargs if key != "seq"} for kwargs in session.kwargs]


def is_set_to(shown: float) -> Callable[[SetClock], None]:
    """Return what sets a clock, 30 seconds after."""

    def then(clock: SetClock) -> None:
        clock.passes(30)
        clock.shown = shown

    return then


def test_an_event_tells_when_it_was_heard_however_long_it_waited() -> None:
    assert stamps(SetClock(), is_set_to(NOON + 30)) == [{"ts": NOON}]
    assert stamps(SetClock(), is_set_to(NOON + 30), Moment(47.5, NOON - 2.5)) == [
        {"ts": NOON - 2.5}
    ]


def test_an_event_of_before_the_clock_was_right_gets_its_time_from_the_right_one() -> None:
    assert stamps(SetClock(61.6), is_set_to(NOON)) == [{"ts": NOON - 30}]


@pytest.mark.parametrize("hours", [-7, 7])
def test_a_clock_that_was_set_by_hours_meanwhile_leaves_the_time_unsure(hours: int) -> None:
    shown = NOON + hours * HOUR
    assert stamps(SetClock(), is_set_to(shown)) == [{"ts": shown - 30, "_clock": "unsure"}]


@pytest.mark.parametrize("start", [NOON, 61.6])
def test_while_the_clock_cannot_be_right_the_time_is_null_and_not_1970(start: float) -> None:
    assert stamps(SetClock(start), is_set_to(91.6)) == [{"ts": None, "_clock": "unsure"}]


def test_a_clock_that_waits_for_the_network_says_so() -> None:
    waiting = SetClock(synchronized=False)
    assert stamps(waiting, is_set_to(NOON + 30)) == [{"ts": NOON, "_clock": "unsure"}]


def test_a_device_cannot_say_what_time_it_is_for_the_bridge() -> None:
    told = stamps(SetClock(), is_set_to(NOON + 30), ts="mine")
    assert told == [{"ts": NOON, "ts_": "mine"}]
