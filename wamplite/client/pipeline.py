"""Many publications at once: all of them are sent, and only then are their answers waited for.

One at a time costs a turn to the router and back for each; a hundred cost the same together.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.errors import CallTimeout, WampliteError
from ..core.messages import Publish
from ..core.uris import TIMEOUT
from .checks import check_request
from .options import apart
from .unannounced import tell_ineffective
from .waiter import Waiter

if TYPE_CHECKING:
    from .values import Default
    from .wire import Wire

__all__ = ["Published", "publish_all"]

Given = tuple[str, Iterable[Any], Mapping[str, Any], Mapping[str, Any] | None]


class Published(NamedTuple):
    """What became of one publication."""

    publication: int | None  # None: not asked for, or `error` tells why not
    error: WampliteError | None
    sent: bool  # False: nothing of it has left this process


def publish_all(
    wire: Wire, events: Iterable[Given], timeout: float | None, default: Default | None = None
) -> list[Published]:
    """Publish events in order, then wait for the answers; see `Session.publish_all`."""
    sent = [_send(wire, default, *event) for event in events]
    deadline = None if timeout is None else time.monotonic() + timeout
    return [_await(wire, *found, deadline) if len(found) == 2 else found for found in sent]


def _send(
    wire: Wire,
    default: Default | None,
    topic: str,
    args: Iterable[Any],
    kwargs: Mapping[str, Any],
    options: Mapping[str, Any] | None,
) -> tuple[Waiter, int] | Published:
    """Send one; return who waits for its answer and its id, or what became of it."""
    waiter = Waiter(topic)
    try:
        told = apart(Publish, options, None).wire
        values, named = check_request("PUBLISH", topic, list(args), dict(kwargs), default)
        if told:
            tell_ineffective(wire, Publish, told)
        if not told.get("acknowledge"):
            wire.tell(Publish, told, topic, values, named)
            return Published(None, None, True)
        return waiter, wire.tell(Publish, told, topic, values, named, waiter=waiter)
    except WampliteError as error:
        return Published(None, error, waiter.kind is Publish)


def _await(wire: Wire, waiter: Waiter, request: int, deadline: float | None) -> Published:
    rest = None if deadline is None else max(0.0, deadline - time.monotonic())
    if not (waiter.settled or waiter.wait(rest)) and wire.abandon(request, Publish):
        text = f"no answer to PUBLISH of {waiter.subject} in time"
        return Published(None, CallTimeout(TIMEOUT, text), True)
    try:
        return Published(waiter.answer().publication, None, True)
    except WampliteError as error:
        return Published(None, error, True)
