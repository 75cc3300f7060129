"""IDs: integers from 1 to 2**53, random in the global scope, counted in a session's (RFC "IDs")."""

from __future__ import annotations

import random
import secrets

MAX_ID = 2**53

_publications = random.Random(secrets.randbits(256))


def new_session() -> int:
    """Draw a session id nobody can guess."""
    return secrets.randbelow(MAX_ID) + 1


def new_authid() -> str:
    """Draw a name for somebody who did not tell one that could be trusted."""
    return secrets.token_hex(8)


def new_publication() -> int:
    """Draw a publication id: uniform over the whole range, and cheap."""
    return _publications.getrandbits(53) + 1


def following(request: int) -> int:
    """Return the id after `request` in the session scope: one more, and 1 after 2**53."""
    return request + 1 if request < MAX_ID else 1
