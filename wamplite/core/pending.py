"""What the client's side of a session keeps by id: requests that wait, and receivers of events.

    request ── send ──> waiting ── answer, ERROR, the end ──> settle
                           └────── abandon ──> its answer is ignored, or given back

Before the answer there may be any number of `progress`. Ctrl-C may interrupt anything here: an id
is counted before it is sent, so that no other request gets it, and a request is dropped after it
was settled, so that the end of the session finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import ProtocolError, WampliteError
from .ids import following
from .messages import Call, Message, Register, Subscribe, name, name_of

Receiver = Any  # what a subscription's events, a registration's invocations are handed to


class Request:
    """A request that waits. Made by the asking thread; ended by `settle` or `Requests.abandon`.

    The first `settle` counts: there may be a second one, at the end of an interrupted session.
    """

    __slots__ = ("kind", "id", "subject", "match", "receiver", "abandoned")

    def __init__(self, subject: str, receiver: Receiver = None, match: str = "exact") -> None:
        self.kind: type[Message] = Call
        self.id = 0  # 0: not sent yet
        self.subject = subject  # the URI that is asked about
        self.match = match
        self.receiver = receiver
        self.abandoned = False

    def progress(self, answer: Message) -> None:
        """Take an answer that more will follow, like a RESULT with `progress`."""

    def settle(self, answer: Message | WampliteError) -> None:
        """Take the answer, or the exception that stands for it (an ERROR, the end)."""


class Requests:
    """The requests of one session that wait for an answer, by id."""

    def __init__(self, send: Callable[[Message], Any]) -> None:
        self.waiting: dict[int, Request] = {}
        self._send = send
        self._next = 1

    def ask(self, kind: Any, pending: Request | None, *elements: Any) -> Any:
        """Send a request under the next id; `pending` waits for its answer, if it has one.

        Returns what `send` did.
        """
        request = self._next
        message = kind(request, *elements)
        self._next = following(request)
        try:
            sent = self._send(message)
        except WampliteError:
            self._next = request  # nothing was sent
            raise
        if pending is not None:
            pending.kind = kind
            pending.id = request
            self.waiting[request] = pending
        return sent

    def abandon(self, pending: Request) -> bool:
        """Give up waiting; False if the answer is there already, or nothing was sent."""
        if self.waiting.get(pending.id) is not pending:
            return False
        if pending.kind in (Subscribe, Register):
            pending.abandoned = True  # what its answer opens has to be given back
        else:
            del self.waiting[pending.id]
        return True

    def find(self, request: int, kind: type[Message], answer: Message) -> Request | None:
        """Return the request that is answered; None if it was abandoned.

        Raises ProtocolError where there never was one.
        """
        pending = self.waiting.get(request)
        if pending is not None and pending.kind is kind:
            return pending
        if pending is not None or not 0 < request < self._next:
            raise ProtocolError(f"{name_of(answer)}: there was no {name(kind)} {request}")
        return None

    def drop(self, pending: Request) -> None:
        """Forget a request that was answered."""
        self.waiting.pop(pending.id, None)

    def fail(self, error: WampliteError) -> None:
        """Settle all that wait."""
        for pending in self.waiting.values():
            pending.settle(error)
        self.waiting.clear()


class Receivers:
    """What the router knows as one subscription, and the receivers of its events here."""

    __slots__ = ("id", "topic", "match", "receivers")

    def __init__(self, number: int, topic: str, match: str) -> None:
        self.id = number
        self.topic = topic
        self.match = match
        self.receivers: list[Receiver] = []
