"""Many publications at once: all of them are sent, and only then are their answers waited for.

One at a time costs a turn to the router and back for each; a hundred cost the same together.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..core.errors import CallTimeout, WampliteError
from ..core.messages import Publish
from ..core.uris import TIMEOUT
from .asking import Asking
from .values import check_request
from .waiting import WaitingRequest

Given = tuple[str, Iterable[Any], Mapping[str, Any], Mapping[str, Any] | None]


class Outcome(NamedTuple):
    """What became of one publication."""

    publication: int | None  # None: not asked for, or `error` tells why not
    error: WampliteError | None
    sent: bool  # False: nothing of it has left this process


def publish_all(asking: Asking, events: Iterable[Given], timeout: float | None) -> list[Outcome]:
    """Publish events in order, then wait for the answers; see `Session.publish_all`."""
    sent = [_send(asking, *event) for event in events]
    deadline = None if timeout is None else time.monotonic() + timeout
    return [each if isinstance(each, Outcome) else _await(asking, each, deadline) for each in sent]


def _send(
    asking: Asking,
    topic: str,
    args: Iterable[Any],
    kwargs: Mapping[str, Any],
    options: Mapping[str, Any] | None,
) -> WaitingRequest | Outcome:
    """Send one; return what waits for its answer, or what became of it."""
    waiting = WaitingRequest(topic)
    try:
        values, named = check_request("PUBLISH", topic, list(args), dict(kwargs), asking.default)
        asked = asking.wishes(Publish, options).asked
        values, named = asking.packed("PUBLISH", topic, values, named, asked)
        if not asked.get("acknowledge"):
            asking.shared.tell(Publish, asked, topic, values, named)
            return Outcome(None, None, True)
        asking.shared.tell(Publish, asked, topic, values, named, waiting=waiting)
        return waiting
    except WampliteError as error:
        return Outcome(None, error, waiting.id != 0)


def _await(asking: Asking, waiting: WaitingRequest, deadline: float | None) -> Outcome:
    rest = None if deadline is None else max(0.0, deadline - time.monotonic())
    if not (waiting.settled or waiting.wait(rest)) and asking.shared.abandon(waiting):
        text = f"no answer to PUBLISH of {waiting.subject} in time"
        return Outcome(None, CallTimeout(TIMEOUT, text), True)
    try:
        return Outcome(waiting.answer().publication, None, True)
    except WampliteError as error:
        return Outcome(None, error, True)
