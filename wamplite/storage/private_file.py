"""Files that their owner alone can read: what is kept may be anybody's secret."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from ..core.errors import UsageError

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private(path: str) -> None:
    """Make a file, unless it is there; UsageError where others than its owner may use it.

    Where none can be made nothing is said: whoever opens it says more.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with suppress(OSError):
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode) and mode & OTHERS:
            raise UsageError(f"{path}: others may read it: chmod 600 {path}")
