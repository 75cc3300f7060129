"""Kinds of values that the file of a router has beside those of wamplite.schema."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..config import Location
from ..schema import MISSING, Kind

CREDENTIAL = "credential:"


class FileName(Kind):
    """The name of a file, from the file that says it; `credential:NAME`: handed over by systemd.

    of_state: one that the router writes; where systemd gives a directory for such, in that.
    """

    wanted = 'the name of a file, or "credential:NAME"'
    short = "file"

    def __init__(self, of_state: bool = False) -> None:
        self._of_state = of_state

    def read(self, value: Any, at: Location) -> Any:
        if not isinstance(value, str) or not value or "\0" in value:
            at.wrong(f"expected {self.wanted}, not {value!r}")
            return MISSING
        folder = Path(at.document.name).resolve().parent if at.document.name else Path.cwd()
        if value.startswith(CREDENTIAL):
            return _credential(value, at)
        if self._of_state and (given := os.environ.get("STATE_DIRECTORY", "").split(":")[0]):
            folder = Path(given)
        return str(folder / value)

    def described(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


def _credential(value: str, at: Location) -> Any:
    folder, name = os.environ.get("CREDENTIALS_DIRECTORY"), value.removeprefix(CREDENTIAL)
    if not folder:
        at.wrong(f"{value}: systemd hands none over: $CREDENTIALS_DIRECTORY is not set")
        return MISSING
    if "/" in name or name in ("", ".", ".."):
        at.wrong(f"{value}: expected a name without /")
        return MISSING
    return str(Path(folder, name))
