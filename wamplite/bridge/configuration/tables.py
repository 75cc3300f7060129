"""The configuration of a bridge, from a file in TOML or from a dict of the same shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...config import ROUTER, Document, load
from ...keys import Section
from ..settings import BridgeSettings

__all__ = ["BRIDGE", "from_dict", "from_file"]

BRIDGE = Section(BridgeSettings, (BridgeSettings.check,), elsewhere=ROUTER)


def from_file(path: str | Path) -> BridgeSettings:
    """Read a configuration file; UsageError with a line for each problem."""
    return _read(load(path))


def from_dict(data: dict[str, Any]) -> BridgeSettings:
    """Read a dict of the same shape as the file; UsageError as for a file."""
    return _read(Document(data))


def _read(document: Document) -> BridgeSettings:
    settings: BridgeSettings = BRIDGE.read(document.data, document.root())
    document.finish()
    return settings
