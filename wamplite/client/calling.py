"""Many calls at once: all of them are sent, and answers are taken as they come.

One after the other costs a turn to the callee and back for each. At most WINDOW are on the way at a
time: routers bound the calls of a session (ours by `max_calls`), and a callee may be small.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..core.errors import WampliteError
from .answering import value_of
from .asking import Asking, SentCall

WINDOW = 64  # calls on the way; with more of them nothing gets faster

Given = tuple[str, Iterable[Any], Mapping[str, Any], Mapping[str, Any] | None]


class CallOutcome(NamedTuple):
    """What became of one call."""

    value: Any  # as `call` returns it; None where `error` tells why there is none
    error: BaseException | None  # as `call` would raise it


def call_all(asking: Asking, calls: Iterable[Given], timeout: float | None) -> list[CallOutcome]:
    """Call procedures, and wait for all answers; see `Session.call_all`."""
    deadline = None if timeout is None else time.monotonic() + timeout
    outcomes: list[CallOutcome] = []
    on_the_way: deque[tuple[int, SentCall]] = deque()

    def take_first() -> None:
        at, sent = on_the_way[0]
        outcomes[at] = _take(asking, sent, deadline)
        on_the_way.popleft()  # behind the wait: what is interrupted there is abandoned

    try:
        for number, call in enumerate(calls):
            if len(on_the_way) == WINDOW:
                take_first()
            outcomes.append(CallOutcome(None, None))
            try:
                on_the_way.append((number, _send(asking, *call)))
            except WampliteError as error:
                outcomes[number] = CallOutcome(None, error)
        while on_the_way:
            take_first()
    except BaseException:  # Ctrl-C, or what gives the calls has raised
        for _, sent in on_the_way:
            asking.shared.abandon(sent.waiting)
        raise
    return outcomes


def _send(
    asking: Asking,
    procedure: str,
    args: Iterable[Any],
    kwargs: Mapping[str, Any],
    options: Mapping[str, Any] | None,
) -> SentCall:
    return asking.send_call(procedure, list(args), dict(kwargs), options)


def _take(asking: Asking, sent: SentCall, deadline: float | None) -> CallOutcome:
    try:
        return CallOutcome(value_of(asking.take_result(sent, deadline)), None)
    except Exception as error:  # of a class that stands for its error URI, too
        return CallOutcome(None, error)
