"""Where the file of a router is looked for; imported by every router, so it imports little."""

from __future__ import annotations

import os

USUAL = ("wamplite.toml", "/etc/wamplite/wamplite.toml")
VARIABLE = "WAMPLITE_CONFIG"


def find(given: str | None) -> str | None:
    """Return the file to read; None: there is none, and all is as it is without."""
    if given or (given := os.environ.get(VARIABLE)):
        return given
    return next((path for path in USUAL if os.path.exists(path)), None)
