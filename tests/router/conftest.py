"""A router in this process, and clients that speak message by message over real sockets."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.waiting import until
from wamplite import serializers
from wamplite.channel import ByteChannel
from wamplite.core.errors import TransportLost
from wamplite.core.messages import Call
from wamplite.core.parsing import parse, to_array
from wamplite.core.realm import Realm
from wamplite.router import Router
from wamplite.router.crew import Crew
from wamplite.router.limits import Limits
from wamplite.router.routing import Routing
from wamplite.router.shared import Shared
from wamplite.router.waits import Flow
from wamplite.transports import rawsocket
from wamplite.transports.base import Transport
from wamplite.transports.dial import dial
from wamplite.transports.stream import Stream
from wamplite.transports.tls import TlsOptions

MS = 0.001
ROLES = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}


class Wire:
    """A RawSocket or WebSocket connection that sends and receives arrays."""

    def __init__(
        self, url: str, max_message_size: int = 2**24, tls: TlsOptions | None = None
    ) -> None:
        self.stream = dial(url, timeout=5, tls=tls)
        self.stream.set_receive_timeout(5)
        try:
            transport = open_transport(self.stream, url, max_message_size)
        except BaseException:
            self.stream.close()
            raise
        self.channel = ByteChannel(transport, serializers.get("msgpack"))
        self.stream.set_receive_timeout(5)
        self.inbox: list[Any] = []
        self.welcome: list[Any] = []

    def join(self, realm: str = "realm1", **details: Any) -> Wire:
        self.send(1, realm, {"roles": ROLES, **details})
        self.welcome = self.receive()
        assert self.welcome[0] == 2, self.welcome
        return self

    def send(self, *array: Any) -> None:
        self.channel.send(parse(list(array)))

    def send_at_once(self, *arrays: list[Any]) -> None:
        """Send messages in one write, which one recv brings."""
        transport, dumps = self.channel.transport, serializers.get("msgpack").dumps
        self.stream.write([b"".join(transport.frame(dumps(array)) for array in arrays)])

    def receive(self) -> list[Any]:
        """Return the next message; TransportLost at the end."""
        while not self.inbox:
            self.inbox += [message for message, _ in self.channel.receive()]
        return to_array(self.inbox.pop(0))

    def rest(self) -> list[list[Any]]:
        """Return all messages until the router ends the connection."""
        found = []
        while True:
            try:
                found.append(self.receive())
            except TransportLost:
                return found

    def ask(self, *array: Any) -> list[Any]:
        self.send(*array)
        return self.receive()

    def close(self) -> None:
        self.stream.close()


def open_transport(stream: Stream, url: str, max_message_size: int) -> Transport:
    if not url.startswith("ws"):
        return rawsocket.connect(stream, "msgpack", max_message_size=max_message_size)
    from wamplite.transports import websocket_client

    return websocket_client.connect(stream, url, ["msgpack"], max_message_size=max_message_size)


Start = Callable[..., Router]
Connect = Callable[..., Wire]


@pytest.fixture
def start() -> Iterator[Start]:
    """Give `start(**settings)`: a router that listens on `router.url`."""
    with ExitStack() as stack:

        def begin(**settings: Any) -> Router:
            router = stack.enter_context(Router(**settings))
            router.url = router.listen("rs://127.0.0.1:0")  # type: ignore[attr-defined]
            return router

        yield begin


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Give `connect(url)`: a connection that has not joined; all are closed at the end."""
    with ExitStack() as stack:

        def begin(url: str, **settings: Any) -> Wire:
            wire = Wire(url, **settings)
            stack.callback(wire.close)
            return wire

        yield begin


eventually = until


class Admitting:
    """What a listener is handed, for the tests of the listener: it admits by a function."""

    def __init__(self, admit: Callable[[Any], None]) -> None:
        self.limits, self.realms = Limits(), {}
        self.readers = self  # of nobody: each has a thread
        self.admit = admit
        self.counted: list[str] = []
        self.count = self.counted.append

    def take(self, *connection: Any) -> bool:
        return False


def made_routing() -> Routing:
    """Return the routing of a realm whose timers never ring."""
    return Routing(lambda clock: Realm("realm1", clock=clock), lambda seconds, run: lambda: None)


def parts(router: Router) -> Shared:
    """Return what a router is made of: for what it tells nobody."""
    return router._shared


def figures(router: Router) -> dict[str, Any]:
    """Return what a router tells of itself to whoever asks."""
    stats = "wamplite.router.stats"
    realm = next(iter(router.realms.values())).realm
    answer = realm.procedures[stats](None, Call(1, {}, stats))
    return dict(answer.args[0])


def connected(router: Router) -> int:
    """Return how many connections there are."""
    return int(figures(router)["connections"])


def connections(router: Router) -> list[Any]:
    """Return the connections over sockets and lines."""
    return list(parts(router).housekeeper.kept)


def held_by(router: Router) -> int:
    """Return how many bytes all connections hold."""
    return sum(connection.held for connection in connections(router))


def socket_of(stream: Stream) -> socket.socket:
    """Return another socket for the connection of a stream."""
    return socket.socket(fileno=os.dup(stream.fileno()))


def name_of(wire: Wire) -> str:
    """Return what a router calls the other end of a connection."""
    with socket_of(wire.stream) as sock:
        host, port = sock.getsockname()
    return f"{host}:{port}"


def reset(stream: Stream) -> None:
    """End a connection with RST instead of FIN."""
    with socket_of(stream) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.disown()  # close it, without a word before


def allow_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no connection have a thread of its own from now on."""

    def take(crew: Crew, connection: Any, flow: Flow, stack_size: int) -> bool:
        return False

    monkeypatch.setattr(Crew, "take", take)
