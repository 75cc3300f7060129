"""Calls in the router's own name: who is asked is a procedure, who asks is no session.

A dynamic authorizer, say: the answer comes when it comes, so whoever asks goes on in `then`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import uris
from .dealer import CALL, Dealer
from .feature import Handler
from .ids import following
from .members import Identity, Member
from .messages import Call, Error, Message, Result

Answered = Result | Error
Then = Callable[[Answered], None]
Later = Callable[[float, Callable[[], None]], Callable[[], None]]
ROUTER = Identity("", "", "internal", "router")


class OwnCalls:
    """The calls of one realm that the router has made and that are not answered yet."""

    def __init__(
        self,
        handle: Callable[[Member, Any, Handler], None],
        dealer: Dealer,
        later: Later,
    ) -> None:
        self._handle = handle
        self._dealer = dealer
        self._later = later
        self._caller = Member(0, ROUTER, {}, self._answered, self._answered, _never)
        self._waiting: dict[int, tuple[Then, Callable[[], None]]] = {}  # request -> then, cancel
        self._last = 0

    def call(
        self,
        procedure: str,
        then: Then,
        args: list[Any] | None,
        kwargs: dict[str, Any] | None,
        seconds: float,
    ) -> None:
        """Send the INVOCATION; see Realm.call."""
        self._last = request = following(self._last)
        cancel = self._later(seconds, lambda: self._give_up(request))
        self._waiting[request] = then, cancel
        call = Call(request, {}, procedure, args, kwargs)
        self._handle(self._caller, call, self._dealer.on_call)

    def _answered(self, message: Message) -> bool:
        """Take RESULT or ERROR. Posting never calls back: what goes on does so a moment later."""
        answer: Any = message
        request = answer.request
        then, cancel = self._waiting.pop(request, (None, _never))
        cancel()
        if then is not None:
            self._later(0.0, lambda: then(answer))
        return True

    def _give_up(self, request: int) -> None:
        if request in self._waiting:
            text = "the router did not get an answer in time"
            error = Error(CALL, request, {}, uris.TIMEOUT, [text])
            pending = self._caller.calls.get(request)
            if pending is None:
                self._answered(error)
            else:
                self._dealer.settle(pending, error)


def _never() -> None:
    """Do nothing: the router does not leave its realm."""
