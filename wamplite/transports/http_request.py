"""What a WebSocket's HTTP request says besides the handshake: headers, and who asks.

`user:password@` in a URL is taken out of it and becomes the header Authorization (RFC 7617), so
that no error and no log shows a password. What the handshake itself says cannot be said otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..core.errors import UsageError

OF_THE_HANDSHAKE = ("upgrade", "connection", "content-length", "transfer-encoding")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: token
_TEXT = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?|")
_USER = re.compile(r"(wss?://)([^/?#@]*)@(.*)", re.IGNORECASE | re.DOTALL)


def checked(headers: Any) -> dict[str, str]:
    """Return headers that a request may have; UsageError names one that it may not."""
    if not isinstance(headers, Mapping):
        raise UsageError(f"headers must be a dict of names and values, not {headers!r}")
    seen: set[str] = set()
    for name, value in headers.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UsageError(f"headers: {name!r} is not the name of a header")
        lower = name.lower()
        if lower in OF_THE_HANDSHAKE or lower.startswith("sec-websocket-"):
            raise UsageError(f"headers: {name} belongs to the WebSocket handshake")
        if lower in seen:
            raise UsageError(f"headers: {name} is given twice")
        if not isinstance(value, str) or not _TEXT.fullmatch(value):
            raise UsageError(f"headers: the value of {name} must be one line of ASCII text")
        seen.add(lower)
    return dict(headers)


def without_user(url: str) -> tuple[str, str | None]:
    """Return a WebSocket URL without `user:password@`, and the Authorization that stands for it."""
    match = _USER.fullmatch(url)
    if match is None:
        return url, None
    return match[1] + match[3], basic(match[2])


def basic(user: str) -> str:
    """Return what says `user:password`, each perhaps with %XX in it, by the scheme Basic."""
    from base64 import b64encode
    from urllib.parse import unquote

    name, _, password = user.partition(":")
    both = f"{unquote(name)}:{unquote(password)}"
    return f"Basic {b64encode(both.encode(errors='replace')).decode()}"
