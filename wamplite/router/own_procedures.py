"""The router as procedures of each of its realms: `wamplite.router.stats` and `.sessions`.

`stats` tells of the whole router, `sessions` of those of the caller's realm. Where there is
authorization it is asked as for any other call; where there is none, so it is for all procedures,
and whoever reaches the router may call them. Nobody else can register such a URI. What gathers the
figures is imported with the first call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.feature import claim

if TYPE_CHECKING:
    from ..core.messages import Call, Result
    from ..core.realm import Realm
    from .shared import Shared


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
    return realm
