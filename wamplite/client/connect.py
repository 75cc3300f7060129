"""From a URL to a session: dial, shake hands, join; one deadline for all of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .. import serializers
from ..channel import Channel
from ..core.errors import ConnectTimeout, UsageError
from ..transports import dial
from ..transports.base import MOST, Transport
from .session import Session

if TYPE_CHECKING:
    import ssl

    from ..transports.stream import Stream
    from ..transports.tls import TlsOptions

URL = "ws://127.0.0.1:8080/ws"


def connect(
    url: str = URL,
    realm: str = "realm1",
    *,
    serializer: str | None = None,
    connect_timeout: float = 10.0,
    tls: TlsOptions | ssl.SSLContext | None = None,
    max_message_size: int = MOST,
    **joining: Any,
) -> Session:
    """Join a realm of the router at a ws, wss, rs, rss, unix or serial URL.

    serializer: "json" (the default), "msgpack" or "cbor". connect_timeout: seconds for everything
    until the session has joined. `joining` goes to `Session.over`: timeout, authid, authmethods,
    features, ping_interval, max_invocations.
    """
    if not connect_timeout > 0:
        raise UsageError(f"connect_timeout must be seconds above 0, not {connect_timeout!r}")
    name = serializer or "json"
    reader = serializers.get(name)
    deadline = time.monotonic() + connect_timeout
    stream = dial.dial(url, timeout=connect_timeout, tls=tls)
    try:
        transport = _shake_hands(stream, url, name, max_message_size, deadline)
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise ConnectTimeout(f"{url}: no session within {connect_timeout:g} s")
    except BaseException:
        stream.close()
        raise
    return Session.over(Channel(transport, reader), realm, connect_timeout=rest, **joining)


def _shake_hands(
    stream: Stream, url: str, serializer: str, max_message_size: int, deadline: float
) -> Transport:
    kind = dial.parse(url).kind
    if kind == "serial":
        from ..transports import serial_session

        return serial_session.connect(stream, serializer)
    if kind == "rawsocket":
        from ..transports import rawsocket

        return rawsocket.connect(
            stream, serializer, max_message_size=max_message_size, deadline=deadline
        )
    from ..transports import websocket_client

    return websocket_client.connect(
        stream, url, [serializer], max_message_size=max_message_size, deadline=deadline
    )
