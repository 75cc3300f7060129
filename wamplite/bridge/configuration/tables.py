"""The configuration of a bridge, from a file in TOML or from a dict of the same shape.

The ports of a file and of those that it includes are added; [session] and [buffer] may be said
once. One file may hold a router, too: each reads its own tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...config import ROUTER, Document, check_purpose
from ...includes import INCLUDE, LoadedFiles
from ...keys import Section
from ...tables import Table
from ..settings import BridgeSettings, PortSettings

__all__ = ["BRIDGE", "PORT", "from_dict", "from_file"]

BRIDGE = Section(BridgeSettings)
PORT = Section(PortSettings)
FILE = Table({"include": INCLUDE, **BRIDGE.keys}, elsewhere=ROUTER)


def from_file(path: str | Path) -> BridgeSettings:
    """Read a configuration file and what it includes; UsageError has a line for each problem."""
    files = LoadedFiles(str(path))
    text = f"it is a router's file: wamplite router -c {path}"
    check_purpose(files.documents, tuple(BRIDGE.keys), ROUTER, text)
    settings = _read(files.documents)
    files.finish()
    assert settings is not None
    return settings


def from_dict(data: dict[str, Any]) -> BridgeSettings:
    """Read a dict of the same shape as the file; UsageError as for a file."""
    document = Document(data)
    settings = _read([document])
    document.finish()
    assert settings is not None
    return settings


def _read(documents: Iterable[Document]) -> BridgeSettings | None:
    """Return what the documents say together; None after noting a problem."""
    said: dict[str, Any] = {}
    roots = [document.root() for document in documents]
    for root in roots:
        found = FILE.read(root.document.data, root)
        for name, value in found.items() if isinstance(found, dict) else ():
            if name == "port":
                said[name] = (*said.get(name, ()), *value)
            elif name in said:
                (root / name).wrong(f"it is said in {said[name].at} already")
            elif name != "include":
                said[name] = value
    if any(root.document.problems for root in roots) or not roots:
        return None
    if "port" not in said:
        roots[0].wrong('"port" is missing')
        return None
    settings = BridgeSettings(ports=said.pop("port"), **said)
    settings.check(roots[0])
    return settings
