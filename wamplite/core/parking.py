"""Requests that wait until somebody else has answered, in order (RFC "Authorization").

A wrap that cannot decide at once parks the request and asks; when the answer is there it resumes
the member, and all that waited is attempted again, from the first on, through the same handler.
While requests of a member are parked, its further ones must be parked too, for their order; YIELD
and ERROR need not wait.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from . import uris
from .feature import Handler, Refused
from .members import Member


class Parking:
    """The parked requests of a realm; `most` is how many one member may have here.

    realm: with `handle` and the moment `left`.
    """

    def __init__(self, realm: Any, most: int = 256) -> None:
        self._handle = realm.handle
        self._most = most
        self._parked: dict[Member, deque[tuple[Handler, Any]]] = {}
        self._resuming: Member | None = None
        realm.left.append(self._forget)

    def holds(self, member: Member) -> bool:
        """Tell whether requests of a member wait, so that what follows must wait as well."""
        return member is not self._resuming and member in self._parked

    def park(self, member: Member, handler: Handler, message: Any) -> None:
        """Keep a request for `resume`; raises Refused where too many wait."""
        waiting = self._parked.setdefault(member, deque())
        if member is self._resuming:
            waiting.appendleft((handler, message))
        elif len(waiting) >= self._most:
            raise Refused(uris.UNAVAILABLE, f"{self._most} requests of this session wait already")
        else:
            waiting.append((handler, message))

    def resume(self, member: Member) -> None:
        """Attempt what waits, in order, until one is parked again."""
        waiting = self._parked.get(member)
        while waiting and member.open:
            handler, message = waiting.popleft()
            left, self._resuming = len(waiting), member
            try:
                self._handle(member, message, handler)
            finally:
                self._resuming = None
            if len(waiting) > left:
                return
        self._parked.pop(member, None)

    def _forget(self, member: Member, _: Any, __: Any) -> None:
        self._parked.pop(member, None)
