"""What ties a proof to the connection within TLS over which it is given (RFC 5056)."""

from __future__ import annotations

from typing import Any


def binding_data(tls: Any, kind: object) -> bytes:
    """Return the channel binding of this type; ValueError where the connection has none.

    tls: transports.tls.TlsFacts, or None without TLS.
    """
    if tls is None:
        raise ValueError(f"channel_binding {kind!r} needs TLS")
    found = tls.bindings.get(kind) if isinstance(kind, str) else None
    if not isinstance(found, bytes):
        there = ", ".join(tls.bindings) or "none"
        raise ValueError(f"channel_binding {kind!r} is not to be had by {tls.version}, but {there}")
    return found
