"""The selector of the housekeeper, with streams over socket pairs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.transports.streams import stream_and_socket
from wamplite.router import waking_selector
from wamplite.router.waking_selector import READABLE, WakingSelector

SOON = 20.0  # seconds


@pytest.fixture(params=["epoll", "poll"], autouse=True)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "poll":
        monkeypatch.setattr(waking_selector, "EPOLL", None)
    elif waking_selector.EPOLL is None:
        pytest.skip("this system has no epoll")


@pytest.fixture
def selector() -> Iterator[WakingSelector]:
    selector = WakingSelector()
    yield selector
    selector.close()


def test_a_stream_with_room_ends_the_wait(selector: WakingSelector) -> None:
    with stream_and_socket() as (stream, _):
        assert selector.register(stream) and selector.register(stream)
        assert stream in selector and len(selector) == 1
        assert selector.wait(SOON) == [stream]
        selector.unregister(stream)
        selector.unregister(stream)
        assert stream not in selector and selector.wait(0) == []


def test_time_is_up_after_so_many_seconds(selector: WakingSelector) -> None:
    begun = time.monotonic()
    assert selector.wait(0.25) == []
    assert 0.25 <= time.monotonic() - begun < SOON


def test_without_a_time_it_waits_until_there_is_something(selector: WakingSelector) -> None:
    begun = time.monotonic()
    threading.Timer(0.1, selector.wake).start()
    assert selector.wait(None) == []
    assert time.monotonic() - begun >= 0.1


def test_something_to_read_is_told_by_a_selector_for_that() -> None:
    selector: WakingSelector = WakingSelector(READABLE)
    with stream_and_socket() as (stream, sock), stream_and_socket() as (silent, _):
        assert selector.register(stream) and selector.register(silent)
        assert selector.wait(0) == []
        sock.sendall(b"x")
        assert selector.wait(SOON) == [stream]
    selector.close()


def test_the_end_of_the_other_side_is_something_to_read() -> None:
    selector: WakingSelector = WakingSelector(READABLE)
    with stream_and_socket() as (stream, sock):
        selector.register(stream)
        sock.close()
        assert selector.wait(SOON) == [stream]
    selector.close()


def test_another_thread_ends_the_wait(selector: WakingSelector) -> None:
    begun = time.monotonic()
    threading.Timer(0.05, selector.wake).start()
    assert selector.wait(SOON) == []
    assert time.monotonic() - begun < SOON


def test_waking_waits_for_nothing_and_ends_one_wait(selector: WakingSelector) -> None:
    for _ in range(100_000):  # far more than a socket pair holds
        selector.wake()
    begun = time.monotonic()
    while time.monotonic() - begun < SOON and selector.wait(0.1) == []:
        if time.monotonic() - begun > 0.1:
            break  # it waited: nothing of the many is left
    assert 0.1 <= time.monotonic() - begun < SOON


def test_a_descriptor_of_another_is_refused_and_a_closed_one_is_not_waited_for(
    selector: WakingSelector,
) -> None:
    with stream_and_socket() as (closed, _):
        number = closed.fileno()
        assert selector.register(closed)
        closed.close()
        with stream_and_socket() as (successor, _):
            assert successor.fileno() == number  # the lowest that is free
            assert not selector.register(successor) and successor not in selector
            selector.unregister(closed)
            assert selector.register(successor) and successor in selector
            selector.unregister(successor)
        assert selector.register(closed) and closed not in selector


def test_waking_what_was_closed_does_no_harm(selector: WakingSelector) -> None:
    selector.close()
    selector.wake()
