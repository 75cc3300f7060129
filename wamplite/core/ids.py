"""IDs: integers from 1 to 2**53, random in the global scope, counted in a session's (RFC "IDs")."""

from __future__ import annotations

import random

MAX_ID = 2**53

_system = random.SystemRandom()  # as `secrets` has it, whose import brings OpenSSL along: 2 MB
_publications = random.Random(_system.getrandbits(256))
_drawn: list[int] = []  # of 64 bits each, for the next: the system is asked once for DRAWN of them
DRAWN = 64


def begin_anew() -> None:
    """Forget what ids come next: in a forked child, whose parent draws them too."""
    _publications.seed(_system.getrandbits(256))
    _drawn.clear()


def _draw() -> int:
    """Draw 64 bits nobody can guess; any thread."""
    while True:
        try:
            return _drawn.pop()
        except IndexError:
            _drawn.extend(memoryview(_system.randbytes(8 * DRAWN)).cast("Q"))


def new_session() -> int:
    """Draw a session id nobody can guess."""
    return (_draw() >> 11) + 1  # MAX_ID is 2**53: each as likely


def new_authid() -> str:
    """Draw a name for somebody who did not tell one that could be trusted."""
    return f"{_draw():016x}"


def new_publication() -> int:
    """Draw a publication id: uniform over the whole range, and cheap."""
    return _publications.getrandbits(53) + 1


def following(request: int) -> int:
    """Return the id after `request` in the session scope: one more, and 1 after 2**53."""
    return request + 1 if request < MAX_ID else 1
