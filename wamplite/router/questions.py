"""Calls in the router's own name by a thread that waits for the answer, which may block: a login's.

connection's thread ── errand ──> routing role: INVOCATION ──> callee
                    <── queue ── RESULT or ERROR, or ERROR `wamp.error.timeout`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core import uris
from ..core.dealer import CALL
from ..core.messages import Error, Result
from .routing import Routing

GRACE = 1.0  # seconds for the routing role to tell that time is up


class Questions:
    """What asks the procedures of realms; any thread but one that routes."""

    def __init__(self, realms: Mapping[str, Routing]) -> None:
        self._realms = realms

    def ask(self, realm: str, procedure: str, args: list[Any], seconds: float) -> Result | Error:
        """Call a procedure of a realm and wait for its answer, so long."""
        from queue import Empty, SimpleQueue  # few routers ask

        answers: SimpleQueue[Result | Error] = SimpleQueue()
        routing = self._realms.get(realm)
        if routing is None:
            return _error(uris.NO_SUCH_REALM, f"there is no realm {realm!r}")
        call = routing.realm.call
        routing.run(lambda: call(procedure, answers.put, args, seconds=seconds))
        try:
            return answers.get(timeout=seconds + GRACE)
        except Empty:
            return _error(uris.TIMEOUT, f"realm {realm!r} did not answer in time")


def _error(uri: str, text: str) -> Error:
    return Error(CALL, 0, {}, uri, [text])
