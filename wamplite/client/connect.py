"""From a URL to a session: dial, shake hands, join; one deadline for all of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from .. import features as by_name
from .. import serializers
from ..channel import ByteChannel
from ..core.errors import ConnectTimeout, UsageError
from ..transports import batches, dial, http_request
from ..transports.base import MOST, Transport
from . import joining
from .session import Session
from .terms import KEYWORDS, Auth, Terms, check_keywords, checked
from .workers import MOST_THREADS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

    from ..core.handshake import ClientMethod
    from ..transports.stream import Stream
    from ..transports.tls import TlsOptions
    from .passthru import Schemes
    from .values import Default

URL = "ws://127.0.0.1:8080/ws"


def connect(
    url: str = URL,
    realm: str = "realm1",
    *,
    serializer: str | None = None,
    connect_timeout: float = 10.0,
    tls: TlsOptions | ssl.SSLContext | None = None,
    ca: str | None = None,
    fingerprint: str | None = None,
    max_message_size: int = MOST,
    headers: Mapping[str, str] | None = None,
    proxy: str | None = None,
    compress: bool = False,
    timeout: float | None = 30.0,
    auth: Auth | Sequence[Auth] | None = None,
    authmethods: Mapping[str, ClientMethod] | None = None,
    authid: str | None = None,
    authrole: str | None = None,
    authextra: dict[str, Any] | None = None,
    features: by_name.Wanted = "standard",
    ping_interval: float | None = 20.0,
    max_invocations: int = MOST_THREADS,
    concurrent: bool = True,
    default: Default | None = None,
    ppt_schemes: Schemes | None = None,
    assume_features: Iterable[str] = (),
    **unknown: NoReturn,
) -> Session:
    """Join a realm of the router at a ws, wss, rs, rss, unix or serial URL.

    serializer: "json" (the default), "msgpack" or "cbor"; over WebSocket also "json.batched", and
    so on: several messages in one of the transport.
    connect_timeout: seconds for everything until the session has joined.
    ca: a file of those who may have signed the router's certificate. fingerprint: SHA-256 of that
    certificate, or of its public key, checked before anything is sent; without `ca` the router is
    known by it alone. tls: the same and more, or a context of one's own.
    headers: of the HTTP request that asks for a WebSocket, like Cookie; `ws://user:password@host`
    becomes one. proxy: "http://host:port", perhaps with user:password@, for ws and wss. compress:
    ask a router at ws or wss to deflate messages (RFC 7692).
    timeout: seconds for the answer to each request; None: no limit.
    auth: who one is, like `wamplite.auth.Ticket("joe", "s3cret")`, or several ways to prove it.
    authmethods: ways of one's own: {name: a function that begins a dialogue}.
    features: what is announced: "basic", "standard", "all", or a list of names of
    wamplite.advanced.
    ping_interval: seconds of silence before the router is asked for a sign of life; twice that, and
    the session is lost; None: never.
    max_invocations: how many calls are served at a time.
    concurrent: False serves all calls one by one, in order of arrival; 1024 may wait.
    default: called with a value that cannot be sent, returns one that can: `wamplite.to_plain`.
    ppt_schemes: how payloads of a `ppt_scheme` are packed: {"x_mine": PayloadScheme(...)}.
    assume_features: names of features that the router has without announcing them: their options
    are sent to it.

    Raises UsageError for a value that cannot be meant, before anything is dialled.
    """
    given = locals()
    check_keywords("connect()", unknown, KEYWORDS)
    terms = Terms(**{name: given[name] for name in Terms._fields})
    return join(checked_url(terms))


def checked_url(terms: Terms) -> Terms:
    """Return the terms of a session that is dialled, or raise UsageError."""
    terms = checked(terms)
    url, authorization = http_request.without_user(terms.url)
    endpoint = dial.parse(url)
    _check_fingerprint(terms, endpoint.secure)
    if endpoint.kind != "websocket":
        for name in ("headers", "proxy", "compress"):
            if getattr(terms, name) not in (None, False):
                raise UsageError(f"{name}= is for ws and wss, not for {url}")
        if batches.split(terms.serializer or "")[1]:
            raise UsageError(f"serializer={terms.serializer!r} is for ws and wss, not for {url}")
    headers = http_request.checked(terms.headers or {})
    if authorization is not None:
        if "authorization" in map(str.lower, headers):
            raise UsageError(f"headers: Authorization is given already, by the user of {url}")
        headers["Authorization"] = authorization
    if terms.proxy is not None:
        from ..transports import proxy  # few have one

        proxy.parse(terms.proxy)
    return terms._replace(url=url, headers=headers)


def _check_fingerprint(terms: Terms, is_secure: bool) -> None:
    fingerprint = terms.tls.fingerprint if isinstance(terms.tls, tuple) else None
    if fingerprint is None:
        return
    from ..transports.certificates import normal  # few have one

    normal(fingerprint)
    if not is_secure:
        raise UsageError(f"{terms.url} shows no certificate: a fingerprint is for wss, rss and tls")


def join(terms: Terms) -> Session:
    """Dial, shake hands and join, on terms that were checked."""
    url, deadline = terms.url, time.monotonic() + terms.connect_timeout
    name = terms.serializer or "json"
    reader = serializers.get(batches.split(name)[0])
    stream = dial.dial(url, timeout=terms.connect_timeout, tls=terms.tls, proxy=terms.proxy)
    try:
        transport = _shake_hands(stream, terms, name, deadline)
        if deadline <= time.monotonic():
            raise ConnectTimeout(f"{url}: no session within {terms.connect_timeout:g} s")
    except BaseException:
        stream.close()
        raise
    return joining.join(ByteChannel(transport, reader), terms, deadline)


def _shake_hands(stream: Stream, terms: Terms, serializer: str, deadline: float) -> Transport:
    kind, most = dial.parse(terms.url).kind, terms.max_message_size
    if kind == "serial":
        from ..transports import serial_session

        return serial_session.connect(stream, serializer)
    if kind == "rawsocket":
        from ..transports import rawsocket

        return rawsocket.connect(stream, serializer, max_message_size=most, deadline=deadline)
    from ..transports import websocket_client

    return websocket_client.connect(
        stream,
        terms.url,
        [serializer],
        max_message_size=most,
        deadline=deadline,
        headers=terms.headers,
        compress=terms.compress,
    )
