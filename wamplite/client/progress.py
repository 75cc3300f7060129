"""Calls whose results, or arguments, come in parts (RFC "Progressive Call ...").

    call, send parts ──> partial RESULTs ──> a queue ──> the caller's own thread ──> RESULT or ERROR

Users' code runs in the thread that calls. It may be slower than the callee: MOST partial results
wait, beyond that the call is canceled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from ..core.errors import ApplicationError, CallTimeout, WampliteError
from ..core.messages import Call, Message, Result
from ..core.pending import Pending
from ..core.uris import TIMEOUT
from .checks import check_request
from .waiter import fresh

if TYPE_CHECKING:
    from .values import Default
    from .wire import Wire

Part = tuple[list[Any], dict[str, Any]]
MOST = 10_000
FELL_BEHIND = "wamplite.error.fell_behind"


class Results(Pending):
    """The answers to one call, in order, the last of them being its end."""

    __slots__ = ("_answers", "_lost", "is_settled")

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self._answers: SimpleQueue[Message | WampliteError] = SimpleQueue()
        self._lost = 0
        self.is_settled = False

    def progress(self, result: Message) -> None:
        """Keep a partial result (the reading thread)."""
        if self._answers.qsize() < MOST:
            self._answers.put(result)
        else:
            self._lost += 1

    def settle(self, answer: Message | WampliteError) -> None:
        """Keep the last answer (the reading thread, or whoever ends the session)."""
        self.is_settled = True
        self._answers.put(answer)

    def next(self, seconds: float | None) -> Any:
        """Return the next RESULT, or raise what an ERROR stands for; Empty when time is up."""
        answer = self._answers.get(timeout=seconds)
        if isinstance(answer, WampliteError):
            raise fresh(answer)
        if self._lost:
            text = f"{self._lost} partial results came faster than they were taken"
            raise ApplicationError(FELL_BEHIND, text)
        return answer


def results(
    wire: Wire,
    procedure: str,
    parts: Iterable[Part],
    options: dict[str, Any],
    timeout: float | None,
    default: Default | None,
) -> Iterator[Result]:
    """Call with one part or several; give each RESULT, the last of them without `progress`.

    timeout: seconds for each. Whoever stops before the end cancels the call.
    """
    waiter = Results(procedure)
    request = None
    try:
        for sent in _sent(wire, waiter, parts, options, default):
            request = sent
            if waiter.is_settled:
                break
        wire.want_reader()
        while True:
            result: Result = waiter.next(timeout)
            if not result.details.get("progress"):
                request = None
                yield result
                return
            yield result
    except Empty:
        text = f"no answer to CALL of {procedure} within {timeout or 0:g} s"
        raise CallTimeout(TIMEOUT, text) from None
    except ApplicationError as error:
        if error.error != FELL_BEHIND:
            request = None  # that was its end
        raise
    finally:
        if request is not None:
            wire.abandon(request, Call)


def _sent(
    wire: Wire,
    waiter: Results,
    parts: Iterable[Part],
    options: dict[str, Any],
    default: Default | None,
) -> Iterator[int]:
    """Send the parts of a call, the last of them without `progress`; give its id after each."""
    request = None
    following = iter(parts)
    part = next(following, ([], {}))
    while True:
        after = next(following, None)
        told = options if after is None else {**options, "progress": True}
        args, kwargs = check_request("CALL", waiter.subject, *part, default)
        if request is None:
            request = wire.tell(Call, told, waiter.subject, args, kwargs, waiter=waiter)
        else:
            wire.tell_more(request, told, waiter.subject, args, kwargs)
        yield request
        if after is None:
            return
        part = after
