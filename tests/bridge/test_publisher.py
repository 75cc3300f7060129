"""What waits is published in order, confirmed, kept over a loss, and refused only once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import wamplite
from tests.bridge.pseudo import until
from tests.processes import RouterProcess
from wamplite.bridge.counts import Counts
from wamplite.bridge.decoding import Reading
from wamplite.bridge.outbox import Outbox
from wamplite.bridge.publisher import Publisher

TOPIC = "com.example.reading"


class Line:
    """A publisher with its outbox and its books."""

    def __init__(self, topic: str = TOPIC) -> None:
        self.outbox = Outbox()
        self.counts = Counts()
        self.publisher = Publisher(self.outbox, topic, self.counts)
        self.publisher.start()

    def put(self, *numbers: int) -> None:
        self.outbox.put([Reading([number], {"n": number}, 1) for number in numbers])

    def end(self) -> bool:
        done = self.publisher.finish(5.0)
        assert self.publisher.stop(5.0)
        return done


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.end()


@pytest.fixture
def arrived(router_process: RouterProcess) -> Iterator[list[int]]:
    numbers: list[int] = []

    def on_event(number: int, n: int) -> None:
        assert number == n
        numbers.append(number)

    with wamplite.connect(router_process.rs) as session:
        session.subscribe(TOPIC, on_event)
        yield numbers


def test_readings_that_waited_are_published_in_order_once_there_is_a_session(
    line: Line, router_process: RouterProcess, arrived: list[int]
) -> None:
    line.put(*range(300))
    with wamplite.connect(router_process.rs) as session:
        line.publisher.joined(session)
        line.put(*range(300, 400))
        until(lambda: line.counts.published == 400, "all confirmed")
        assert line.publisher.waiting == 0
        until(lambda: len(arrived) == 400, "all arrived")
    assert arrived == list(range(400))


def test_what_a_lost_session_did_not_confirm_goes_out_first_through_the_next(
    line: Line, router_process: RouterProcess, arrived: list[int]
) -> None:
    first = wamplite.connect(router_process.rs)
    line.publisher.joined(first)
    line.put(0)
    until(lambda: line.counts.published == 1, "confirmed")
    first.leave()
    line.put(1, 2, 3)
    until(lambda: len(line.outbox) < 3, "tried")
    line.put(4)
    with wamplite.connect(router_process.rs) as second:
        line.publisher.joined(second)
        until(lambda: len(arrived) == 5, "all arrived")
        assert line.end()
    assert arrived == [0, 1, 2, 3, 4]
    assert line.counts.resent >= 1


def test_a_refusal_is_counted_for_each_reading_and_ends_nothing(
    router_process: RouterProcess, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line("wamp.forbidden")
    with wamplite.connect(router_process.rs) as session:
        line.publisher.joined(session)
        line.put(*range(5))
        assert line.end()
    assert line.counts.dropped == {"refused": 5}
    assert "wamp.error.invalid_uri" in caplog.text


@pytest.mark.parametrize("large", [0, 2, 4])
def test_a_reading_that_is_too_large_is_refused_alone(
    large: int, start_router: Callable[..., RouterProcess]
) -> None:
    router = start_router("--max-message-size", "1024")
    line, arrived = Line(), list[int]()
    texts = [f"{n}" * (2000 if n == large else 1) for n in range(5)]
    line.outbox.put([Reading([text], {}, len(text)) for text in texts])
    with wamplite.connect(router.rs) as subscriber, wamplite.connect(router.rs) as session:
        subscriber.subscribe(TOPIC, lambda text: arrived.append(int(text)))
        line.publisher.joined(session)
        assert line.end()
        until(lambda: len(arrived) == 4, "the small ones")
    assert arrived == [n for n in range(5) if n != large]
    assert (line.counts.published, line.counts.dropped) == (4, {"refused": 1})


def test_without_a_session_it_ends_at_once_and_tells_what_waits(line: Line) -> None:
    line.put(1, 2)
    assert not line.end()
    assert line.publisher.waiting == 2
