"""What a router keeps of the role dictionaries in HELLO, as long as the session (RFC "Roles").

Of each role of a client the features that are on, MOST_FEATURES at most. Sessions that announce the
same, as those of one program do, share what is kept: nobody changes it.
"""

from __future__ import annotations

import marshal
from functools import lru_cache
from itertools import islice
from typing import Any

from .grammar import CLIENT, announced_features

MOST_FEATURES = 64  # of a role; WAMP knows some 30
LONGEST = 4096  # bytes of what is shared, as it is written to be found
EACH_APART = 2  # the version of marshal that writes the same for what is equal, and of one type


def kept(roles: dict[str, Any]) -> dict[str, Any]:
    """Return of role dictionaries, which the grammar has checked, what is asked for later."""
    try:
        written = marshal.dumps(roles, EACH_APART)
    except ValueError:  # a session in this process may hold what no message can
        return _of_clients(roles)
    return _shared(written) if len(written) <= LONGEST else _of_clients(roles)


@lru_cache(maxsize=64)
def _shared(written: bytes) -> dict[str, Any]:
    return _of_clients(marshal.loads(written))


def _of_clients(roles: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for role in CLIENT:
        if roles.get(role) is not None:
            features = islice(announced_features(roles, role), MOST_FEATURES)
            found[role] = {"features": dict.fromkeys(features, True)}
    return found
