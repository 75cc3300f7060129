"""The router as a program or a script holds it.

wamplite-accept-URL     one per listener: accept, count, start the connection's thread
wamplite-conn-N         one per connection: read, parse, and route if nobody does
wamplite-route-REALM    one per realm: routes when a reader has routed long enough for others
wamplite-drain          one: writes for slow connections, keeps deadlines, pings and timers
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from .. import features as by_name
from ..core import uris
from ..core.errors import UsageError
from ..core.feature import Feature
from ..core.handshake import AuthMethod
from ..core.realm import Realm
from . import listener as listeners
from .connection import Connection
from .drain import Drain
from .limits import Counters, Limits
from .listener import Listener, Settings
from .routing import Routing

if TYPE_CHECKING:
    import ssl

    from ..client.session import Session
    from .in_process import LocalPeer

logger = logging.getLogger("wamplite.router")


class Router:
    """Realms, and the listeners through which sessions reach them. A context manager.

    realms: their URIs. features: Feature objects, or names of wamplite.advanced. strict: request
    ids must start at 1 and step by 1. authmethods: how a session may say who it is; None: it need
    not.
    limits: see wamplite.router.limits.Limits, by name; sizes are bytes, times are seconds.
    Raises UsageError where something cannot be meant.
    """

    def __init__(
        self,
        realms: Iterable[str] = ("realm1",),
        *,
        features: Iterable[Feature | str] = (),
        strict: bool = False,
        authmethods: Mapping[str, AuthMethod] | None = None,
        allow_anonymous_network: bool = False,
        allowed_origins: Iterable[str] = (),
        allowed_hosts: Iterable[str] = (),
        **limits: Any,
    ) -> None:
        self.limits = _limits(limits)
        self.authmethods = authmethods
        self._allow_anonymous_network = allow_anonymous_network
        self._settings = Settings(self.limits, tuple(allowed_origins), tuple(allowed_hosts))
        self._counters = Counters()
        self.count = self._counters.add  # one more of a name; any thread
        names = list(dict.fromkeys(realms))
        if not names or not all(map(uris.is_valid, names)):
            raise UsageError(f"realms must be valid URIs, at least one: {names}")
        installed = by_name.for_router(features)
        self.drain = Drain(self.limits, self._counters)
        self.realms = {name: self._realm(name, installed, strict) for name in names}
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()  # guards the next three
        self._connections: dict[Connection | LocalPeer, threading.Thread] = {}
        self._addresses: Counter[str] = Counter()
        self._closed = False
        self._numbers = count(1)

    @property
    def counters(self) -> dict[str, int]:
        """What was refused, dropped or missed so far, by name."""
        return self._counters.snapshot()

    @property
    def sessions(self) -> int:
        """How many sessions there are, in all realms."""
        return sum(len(routing.realm.members) for routing in self.realms.values())

    def listen(self, url: str, *, cert: str | None = None, key: str | None = None) -> str:
        """Open a listener and return its real URL (port 0 takes a free port).

        cert and key: files in PEM, for the schemes within TLS. Raises UsageError where it cannot
        listen, or must not: beyond loopback only with authentication or `allow_anonymous_network`.
        """
        place = listeners.parse(url)
        anonymous = self.authmethods is None or "anonymous" in self.authmethods
        if anonymous and not (place.is_local or self._allow_anonymous_network):
            raise UsageError(
                f"{url} can be reached from the network, and nobody has to say who they are;"
                " listen on 127.0.0.1, or allow it with --allow-anonymous-network"
            )
        listener = Listener(place, self._settings, _context(cert, key), self._accepted)
        listener.start()
        with self._lock:
            self._listeners.append(listener)
        logger.info("listening on %s", listener.url)
        return listener.url

    def connect(self, realm: str = "realm1", **options: Any) -> Session:
        """Open a session in this process, without a socket; options as of wamplite.connect."""
        from .in_process import connect

        return connect(self, realm, **options)

    def run_forever(self) -> None:
        """Wait for SIGINT or SIGTERM, then close; call it from the main thread."""
        ended = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            ended.set()

        before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not ended.wait(3600):
                continue
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.close()

    def close(self) -> None:
        """Stop accepting, say GOODBYE to all, write all out (bounded), end every thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        for listener in self._listeners:
            listener.close()
        deadline = time.monotonic() + self.limits.shutdown_timeout
        for routing in self.realms.values():
            routing.run(routing.realm.dismiss_all)
        self._join_connections(deadline)
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.shutdown("the router has ended")
        self._join_connections(time.monotonic() + 1)
        for routing in self.realms.values():
            routing.close()
        self.drain.close()

    def serve(self, connection: Connection | LocalPeer) -> None:
        """Start the thread of a connection; RuntimeError where no thread can be had."""
        name = f"wamplite-conn-{next(self._numbers)}"
        thread = threading.Thread(target=connection.run, name=name, daemon=True)
        with self._lock:
            self._connections[connection] = thread
            self._addresses[connection.address] += 1
        thread.start()

    def forget(self, connection: Connection | LocalPeer) -> None:
        """Take a connection that ended out of the books (its own thread)."""
        if isinstance(connection, Connection):
            self.drain.remove(connection)
        with self._lock:
            self._connections.pop(connection, None)
            self._addresses[connection.address] -= 1
            if not self._addresses[connection.address]:
                del self._addresses[connection.address]

    def __enter__(self) -> Router:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _realm(self, name: str, features: Iterable[Feature], strict: bool) -> Routing:
        limits = self.limits
        realm = Realm(
            name,
            features=features,
            strict=strict,
            max_subscriptions=limits.max_subscriptions,
            max_registrations=limits.max_registrations,
            max_calls=limits.max_calls,
        )
        routing = Routing(realm)

        def later(seconds: float, run: Callable[[], None]) -> Callable[[], None]:
            return self.drain.later(seconds, lambda: routing.run(run))

        realm.later = later
        return routing

    def _accepted(self, listener: Listener, sock: socket.socket, address: str) -> None:
        """Serve a new connection in a thread of its own, or close and count it."""
        refusal = self._refusal(address)
        if refusal:
            self.count(refusal)
            sock.close()
            return
        stream = listener.stream(sock)
        stream.on_left = self.drain.watch
        connection = Connection(self, stream, listener, address)
        self.drain.add(connection, connection.deadline)
        try:
            self.serve(connection)
        except RuntimeError as error:
            logger.warning("%s: no thread for the connection: %s", stream.peer, error)
            self.count("connections_without_thread")
            self.forget(connection)
            stream.close()

    def _refusal(self, address: str) -> str | None:
        limits = self.limits
        with self._lock:
            if self._closed or len(self._connections) >= limits.max_connections:
                return "connections_refused"
            if address and self._addresses[address] >= limits.max_connections_per_address:
                return "connections_refused_by_address"
            handshaking = sum(not connection.joined for connection in self._connections)
            if handshaking >= limits.max_handshaking:
                return "connections_refused_handshaking"
        return None

    def _join_connections(self, deadline: float) -> None:
        with self._lock:
            threads = list(self._connections.values())
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))


def _limits(given: dict[str, Any]) -> Limits:
    unknown = set(given) - set(Limits._fields)
    if unknown:
        raise UsageError(
            f"unknown settings {sorted(unknown)}; there are {', '.join(Limits._fields)}"
        )
    for name, setting in given.items():
        if type(setting) not in (int, float) or setting < 0:
            raise UsageError(f"{name} must be a number of at least 0, not {setting!r}")
    return Limits(**given)


def _context(cert: str | None, key: str | None) -> ssl.SSLContext | None:
    if cert is None:
        return None
    from ..transports import tls

    return tls.server_context(cert, key)
