"""Calls whose results, or arguments, come in parts (RFC "Progressive Call ...").

    call, send parts ──> partial RESULTs ──> a queue ──> the caller's own thread ──> RESULT or ERROR

Users' code runs in the thread that calls. It may be slower than the callee: MOST partial results
wait, beyond that the call is canceled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

from ..core.errors import ApplicationError, CallTimeout, WampliteError
from ..core.messages import Call, Message, Result
from ..core.pending import Request
from ..core.uris import TIMEOUT
from .heeding import check_heeded
from .shared_conversation import SharedConversation
from .waiting import fresh

Part = tuple[list[Any], dict[str, Any]]
MOST = 10_000
FELL_BEHIND = "wamplite.error.fell_behind"


class Results(Request):
    """The answers to one call, in order, the last of them being its end."""

    __slots__ = ("_answers", "_fell_behind", "is_settled")

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self._answers: SimpleQueue[Message | WampliteError] = SimpleQueue()
        self._fell_behind = False
        self.is_settled = False

    def progress(self, result: Message) -> None:
        """Keep a partial result; from the first that is too many on, none (the reading thread)."""
        if self._fell_behind:
            return
        self._fell_behind = self._answers.qsize() >= MOST
        if self._fell_behind:
            text = f"{MOST} partial results wait to be taken: further ones came too fast"
            self._answers.put(ApplicationError(FELL_BEHIND, text))
        else:
            self._answers.put(result)

    def settle(self, answer: Message | WampliteError) -> None:
        """Keep the last answer (the reading thread, or the one that ends the session)."""
        if not self.is_settled:
            self._answers.put(answer)
            self.is_settled = True

    def next(self, seconds: float | None) -> Any:
        """Return the next RESULT, or raise what an ERROR stands for; Empty when time is up."""
        answer = self._answers.get(timeout=seconds)
        if isinstance(answer, WampliteError):
            raise fresh(answer)
        return answer


def results(
    shared: SharedConversation,
    procedure: str,
    parts: Iterable[Part],
    options: dict[str, Any],
    timeout: float | None,
) -> Iterator[Result]:
    """Call with one part or several; give each RESULT, the last of them without `progress`.

    parts: as they can be sent. timeout: seconds for each. To stop before the end cancels the call.
    """
    waiting = Results(procedure)
    try:
        _send(shared, waiting, parts, options)
        shared.want_reader()
        while True:
            result: Result = waiting.next(timeout)
            yield result
            if not result.details.get("progress"):
                return
    except Empty:
        text = f"no answer to CALL of {procedure} within {timeout or 0:g} s"
        raise CallTimeout(TIMEOUT, text) from None
    finally:
        shared.abandon(waiting)  # does nothing once it has been answered


def _send(
    shared: SharedConversation,
    waiting: Results,
    parts: Iterable[Part],
    options: dict[str, Any],
) -> None:
    """Send the parts of a call, the last of them without `progress`, until it is answered."""
    following = iter(parts)
    part: Part | None = next(following, ([], {}))
    while part is not None and not waiting.is_settled:
        after = next(following, None)
        asked = options if after is None else {**options, "progress": True}
        if after is not None and not waiting.id:
            check_heeded(shared, Call, asked)
        if waiting.id:
            shared.tell_more(waiting, asked, waiting.subject, *part)
        else:
            shared.tell(Call, asked, waiting.subject, *part, waiting=waiting)
        part = after
