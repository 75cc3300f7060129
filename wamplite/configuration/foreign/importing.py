"""Read another router's file, by what it looks like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...core.errors import UsageError
from ...file_errors import doing
from . import crossbar, others
from .draft import Draft
from .tree import Tree


def imported(path: str) -> Draft:
    """Return what becomes of a file; UsageError where it is none that is known."""
    tree = Tree(_load(path))
    draft = Draft()
    if "workers" in tree:
        crossbar.read(tree, draft)
    elif "transports" in tree or "authenticators" in tree:
        others.nxt(tree, draft)
    elif "router" in tree or "websocket" in tree:
        others.nexus(tree, draft)
    else:
        raise UsageError(f"{path}: neither of Crossbar (workers), nor of nexus, nor of nxt")
    for text in tree.lost():
        draft.lose(text)
    folder = Path(path).resolve().parent
    for listener in draft.listeners:  # their names are from where that file is
        for name in ("cert", "key", "ca"):
            if name in listener:
                listener[name] = str(folder / listener[name])
    draft.finish()
    return draft


def _load(path: str) -> Any:
    try:
        with doing("read", path):
            text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}") from error
    if path.endswith(".json"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path}: {error}") from error
    try:
        import yaml
    except ImportError:
        raise UsageError(f"{path}: YAML needs the package PyYAML: pip install pyyaml") from None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{path}: {error}") from error
