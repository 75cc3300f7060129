"""Files that people write: UsageError says what is wrong with them, and nothing else escapes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from wamplite.auth.key_files import private_key, public_keys
from wamplite.bridge.configuration.tables import from_file
from wamplite.configuration import files
from wamplite.configuration.users_file import read_all
from wamplite.core.errors import UsageError


def refused(data: bytes, name: str, read: Callable[[Path], Any]) -> None:
    """Write a file of the owner's alone, and read it."""
    with tempfile.NamedTemporaryFile(suffix=name) as file:
        file.write(data)
        file.flush()
        with suppress(UsageError):
            read(Path(file.name))


def bridge_file(data: bytes) -> None:
    """A bridge's configuration."""
    refused(data, "bridge.toml", from_file)


def router_file(data: bytes) -> None:
    """A router's configuration; it may include none of this machine's files."""
    if b"include" not in data and b"\\" not in data:
        refused(data, "wamplite.toml", lambda path: files.read(str(path)))


def users_file(data: bytes) -> None:
    """The users of a router."""
    refused(data, "users.toml", read_all)


def key_file(data: bytes) -> None:
    """Keys of Ed25519, private and public."""
    refused(data, "key", private_key)
    refused(data, "key.pub", public_keys)
