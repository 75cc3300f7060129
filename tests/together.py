"""Where several processes run the suite: which tests one of them runs, one behind the other.

What a file makes for all its tests, a router above all, is made once then, not by each process.
Every other test goes to whichever process is free. The node ids stay those of pytest: by them
`tools/test` runs once more what has failed.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

FOLDERS = ("tests/interop/",)  # one process for all of it
FILES = ("tests/faults/", "tests/test_architecture.py", "tests/test_private.py")
FILES += tuple(
    f"tests/cli/test_{name}.py"
    for name in ("cert", "identity", "kept", "meta_verbs", "top", "trace", "verbs")
)
FILES += ("tests/cli/test_whatever_is_typed.py", "tests/micro/test_boards.py")


class Together(LoadScopeScheduling):
    """Hands out what belongs together at once, the most tests first; single ones come last."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """Return what a test shares with those that it belongs to, its node id if there are none."""
    for folder in FOLDERS:
        if nodeid.startswith(folder):
            return folder
    return nodeid.partition("::")[0] if nodeid.startswith(FILES) else nodeid
