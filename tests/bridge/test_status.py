"""The status of ports: what is published through which session, and when it is not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.waiting import PATIENCE, until
from wamplite.bridge.status import MOST, Notices, uri
from wamplite.core.errors import TransportLost

TOPIC = uri("p0", "status")


class ScriptedSession:
    """A session that keeps what is published through it, or fails as it is told."""

    def __init__(self, fault: BaseException | None = None) -> None:
        self.published: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        self.fault = fault
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def publish(self, topic: str, *, options: dict[str, Any], **kwargs: Any) -> None:
        assert self.may_go_on.wait(PATIENCE)
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        self.published.append((topic, dict(options), kwargs))

    @property
    def states(self) -> list[Any]:
        return [kwargs["state"] for _, _, kwargs in self.published]


@pytest.fixture
def notices() -> Iterator[Notices]:
    notices = Notices()
    notices.start()
    yield notices
    assert notices.stop(PATIENCE)


def test_the_latest_of_each_port_is_published_in_every_new_session(notices: Notices) -> None:
    other = uri("p1", "status")
    for state in ("closed", "open"):
        notices.tell(TOPIC, {"state": state})
    notices.tell(other, {"state": "silent"})
    first, second = ScriptedSession(), ScriptedSession()
    notices.joined(first, retains=True)  # type: ignore[arg-type]
    until(lambda: len(first.published) == 2, "published")
    assert first.published == [
        (TOPIC, {"retain": True}, {"state": "open"}),
        (other, {"retain": True}, {"state": "silent"}),
    ]
    notices.left(first)  # type: ignore[arg-type]
    notices.tell(TOPIC, {"state": "closed"})
    notices.joined(second, retains=False)  # type: ignore[arg-type]
    until(lambda: len(second.published) == 2, "published")
    assert second.states == ["closed", "silent"] and second.published[0][1] == {}
    assert len(first.published) == 2


def test_a_session_that_left_late_does_not_take_the_new_one_away(notices: Notices) -> None:
    first, second = ScriptedSession(), ScriptedSession()
    notices.joined(first, retains=False)  # type: ignore[arg-type]
    notices.joined(second, retains=False)  # type: ignore[arg-type]
    notices.left(first)  # type: ignore[arg-type]
    notices.tell(TOPIC, {"state": "open"})
    until(lambda: second.states == ["open"], "published")


@pytest.mark.parametrize("fault", [TransportLost("gone"), RuntimeError("a fault of ours")])
def test_a_notice_that_fails_does_not_stop_the_next(
    notices: Notices, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "wamplite.bridge.status")
    session = ScriptedSession(fault)
    notices.joined(session, retains=False)  # type: ignore[arg-type]
    notices.tell(TOPIC, {"state": "closed"})
    notices.tell(TOPIC, {"state": "open"})
    until(lambda: session.states == ["open"], "published")
    [record] = caplog.records
    assert TOPIC in record.getMessage()
    assert (record.levelno, record.exc_info is None) == (
        (logging.DEBUG, True) if isinstance(fault, TransportLost) else (logging.ERROR, False)
    )


def test_a_port_never_waits_for_a_slow_session_and_a_full_queue_does_not_end_at_once() -> None:
    notices, session = Notices(), ScriptedSession()
    session.may_go_on.clear()
    notices.start()
    notices.joined(session, retains=False)  # type: ignore[arg-type]
    for number in range(MOST + 10):
        notices.tell(TOPIC, {"state": number})
    assert not notices.stop(0.0)
    session.may_go_on.set()
    until(lambda: len(session.published) >= MOST, "published")
    assert session.states[:MOST] == list(range(MOST))
    assert len(session.published) in (MOST, MOST + 1)  # one was in the thread's hands, or none yet
    assert notices.stop(PATIENCE)


def test_one_that_was_never_started_is_stopped_at_once() -> None:
    assert Notices().stop(0.0)
