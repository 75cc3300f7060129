"""What the router itself serves in each realm: `wamplite.router.stats`, `.sessions` and `.trace`.

`stats` tells of the whole router, `sessions` of those of the caller's realm. Where there is
authorization it is asked as for any other call; where there is none, so it is for all procedures,
and whoever reaches the router may call them. Nobody else can register such a URI, or publish there.
What gathers figures, or traces, is imported by the first who wants it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core import uris
from ..core.feature import Handler, claim
from ..core.messages import Subscribe

if TYPE_CHECKING:
    from ..core.members import Member
    from ..core.messages import Call, Result
    from ..core.realm import Realm
    from .shared import Shared
    from .tracing import RealmTrace


def offer(realm: Realm, shared: Shared) -> Realm:
    """Have a realm answer for its router."""

    def stats(caller: Any, call: Call) -> Result:
        from . import statistics

        return statistics.answer(call, statistics.stats(shared))

    def sessions(caller: Any, call: Call) -> Result:
        from . import statistics

        return statistics.answer(call, statistics.sessions(shared, realm.uri))

    claim(realm.procedures, "wamplite.router.stats", stats)
    claim(realm.procedures, "wamplite.router.sessions", sessions)
    realm.handlers.wrap(Subscribe, TraceTopic(realm, shared).subscribe)
    return realm


class TraceTopic:
    """The topic to which a realm's own messages are told; see tracing.py."""

    def __init__(self, realm: Realm, shared: Shared) -> None:
        self._realm = realm
        self._shared = shared
        self._trace: RealmTrace | None = None  # once somebody has asked for it

    def subscribe(self, inner: Handler, member: Member, subscribe: Subscribe) -> None:
        """Begin a trace with a SUBSCRIBE of the topic."""
        if subscribe.topic != uris.TRACE or subscribe.options.get("match", "exact") != "exact":
            return inner(member, subscribe)
        if self._trace is None:
            from .tracing import RealmTrace

            self._trace = RealmTrace(self._realm, self._shared)
        wanted = self._trace.check(member, subscribe)
        inner(member, subscribe)
        return self._trace.begin(member, wanted)
