"""A router that says what the test tells it to: one RawSocket connection, JSON, one thread.

`with Peer() as peer:` listens. The test runs the client's verbs on threads of their own (`soon`)
and plays the router's part in between: `peer.accept()`, `peer.receive()`, `peer.send([...])`.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import wamplite
from wamplite.client.reading import Reader
from wamplite.client.shared_conversation import SharedConversation

PATIENCE = 10.0  # seconds until a test that waits gives up
ROLES: dict[str, Any] = {"broker": {}, "dealer": {}}


class Later:
    """What a verb on a thread of its own returns or raises."""

    def __init__(self, verb: Callable[[], Any]) -> None:
        self._verb = verb
        self._value: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="soon", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._verb()
        except BaseException as error:
            self._error = error

    @property
    def is_waiting(self) -> bool:
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait until the verb has returned, or time is up."""
        self._thread.join(seconds)

    def result(self) -> Any:
        """Return what the verb returned, or raise what it raised."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the verb has not returned"
        if self._error is not None:
            raise self._error
        return self._value


def soon(verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Later:
    """Run a verb on a thread of its own."""
    return Later(lambda: verb(*args, **kwargs))


class Peer:
    """The router's side of one connection at a time."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.port = self._listener.getsockname()[1]
        self.url = f"rs://127.0.0.1:{self.port}"
        self._socket: socket.socket | None = None
        self.pings = 0
        self.answers_pings = True
        self.announces_pings = True

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._listener.close()

    @property
    def socket(self) -> socket.socket:
        assert self._socket is not None
        return self._socket

    def accept(self) -> None:
        """Take the next connection and shake hands."""
        self.hang_up()
        self._socket, _ = self._listener.accept()
        self._socket.settimeout(PATIENCE)
        assert self._read(4)[0] == 0x7F
        self._socket.sendall(b"\x7f\xf1\0\0")

    def join(self, **options: Any) -> wamplite.Session:
        """Let a client join, and return its session."""
        features = options.pop("features", {})
        joining = soon(wamplite.connect, self.url, "realm1", **options)
        self.welcome(**features)
        session: wamplite.Session = joining.result()
        return session

    def welcome(self, **roles: Any) -> list[Any]:
        """Accept, and answer HELLO with WELCOME; return HELLO."""
        self.accept()
        hello = self.receive()
        assert hello[0] == 1
        announced = {"_answers_ping": True} if self.announces_pings else {}
        self.send([2, 4711, {"roles": ROLES | roles, **announced}])
        return hello

    def goodbye(self) -> None:
        """Expect GOODBYE, answer it, and close."""
        while self.receive()[0] != 6:
            pass
        self.send([6, {}, "wamp.close.goodbye_and_out"])
        self.hang_up()

    def send(self, *arrays: list[Any]) -> None:
        """Send messages in one segment."""
        payloads = [json.dumps(array).encode() for array in arrays]
        self.send_bytes(b"".join(len(data).to_bytes(4, "big") + data for data in payloads))

    def send_bytes(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> list[Any]:
        """Wait for a message; pings in between are counted, and answered unless told otherwise."""
        while True:
            head = self._read(4)
            payload = self._read(int.from_bytes(head[1:], "big"))
            if head[0] == 0:
                array: list[Any] = json.loads(payload)
                return array
            self.pings += 1
            if self.answers_pings:
                self.send_bytes(bytes([2]) + head[1:] + payload)

    def at_end(self) -> bool:
        """Wait for the client's end of the connection."""
        return self.socket.recv(1) == b""

    def hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the client has closed")
            data += part
        return data


def leave(peer: Peer, session: wamplite.Session) -> None:
    """Let a session leave, and answer its GOODBYE."""
    leaving = soon(session.leave)
    peer.goodbye()
    leaving.result()
    assert session.lost.is_set()


def inside(session: wamplite.Session) -> SharedConversation:
    """Return what a session is made of: for what it tells nobody."""
    return session._shared


def reader_of(session: wamplite.Session) -> Reader:
    """Return what reads for a session."""
    return inside(session)._reader


def taken(session: wamplite.Session) -> int:
    """Return how often callers of a session have read for themselves."""
    return reader_of(session).turn._taken


def cut(session: wamplite.Session) -> None:
    """Let a session lose its connection at once, without a word."""
    inside(session)._channel.shutdown("cut")
