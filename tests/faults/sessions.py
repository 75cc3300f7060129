"""Sessions made of arrays over the transports of wire.py: nothing is checked before it is sent."""

from __future__ import annotations

import json
import ssl
import time
from typing import Any

import msgpack

from tests.faults.wire import Closed, RawSocket, WebSocket, closed_unless_opened

ROLES: dict[str, Any] = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}
VIOLATION = "wamp.error.protocol_violation"


def dumps(serializer: str, message: Any) -> bytes:
    """Serialize without any check."""
    if serializer == "json":
        return json.dumps(message, separators=(",", ":")).encode()
    if serializer == "cbor":
        import cbor2

        return bytes(cbor2.dumps(message))
    return bytes(msgpack.packb(message))


def loads(serializer: str, data: bytes) -> Any:
    """Read what the router serialized."""
    if serializer == "json":
        return json.loads(data)
    if serializer == "cbor":
        import cbor2

        return cbor2.loads(data)
    return msgpack.unpackb(data, strict_map_key=False)


class Session:
    """WAMP as arrays over a transport; joins unless told otherwise."""

    def __init__(
        self, transport: RawSocket | WebSocket, serializer: str = "msgpack", *, join: bool = True
    ) -> None:
        self.transport = transport
        self.serializer = serializer
        self.request = 0
        self.welcome: list[Any] = []
        if join:
            with closed_unless_opened(transport):
                self.say(1, "realm1", {"roles": ROLES})
                self.welcome = self.hear()
                assert self.welcome[0] == 2, self.welcome

    def say(self, *message: Any) -> None:
        """Send one message."""
        self.transport.put(dumps(self.serializer, list(message)))

    def say_all(self, *messages: list[Any]) -> None:
        """Send several messages in one segment."""
        framed = self.transport.framed
        self.transport.send(b"".join(framed(dumps(self.serializer, one)) for one in messages))

    def put(self, payload: bytes) -> None:
        """Send one payload as it is."""
        self.transport.put(payload)

    def put_value(self, value: Any) -> None:
        """Send a value, message or not."""
        self.put(dumps(self.serializer, value))

    def hear(self) -> list[Any]:
        """Return the next message."""
        message = loads(self.serializer, self.transport.take())
        assert isinstance(message, list), message
        return message

    def ask(self, code: int, *rest: Any) -> list[Any]:
        """Send a request and return what comes next, which must answer it."""
        self.request += 1
        self.say(code, self.request, *rest)
        answer = self.hear()
        asked = answer[1:3] if answer[0] == 8 else [code, answer[1]]
        assert asked == [code, self.request], f"asked {code} {self.request}, got {answer}"
        return answer

    def subscribe(self, topic: str, **options: Any) -> int:
        """Subscribe and return the subscription's id."""
        answer = self.ask(32, options, topic)
        assert answer[0] == 33, answer
        return int(answer[2])

    def register(self, procedure: str, **options: Any) -> int:
        """Register and return the registration's id."""
        answer = self.ask(64, options, procedure)
        assert answer[0] == 65, answer
        return int(answer[2])

    def is_served(self) -> bool:
        """Tell whether a request is answered, and nothing else has come before."""
        return self.ask(16, {"acknowledge": True}, "faults.nobody.listens")[0] == 17

    def aborted(self) -> str:
        """Return the reason of the ABORT that must come, and then the end of the connection."""
        answer = self.hear()
        assert answer[0] == 3, f"expected ABORT, got {str(answer)[:300]}"
        self.ended()
        return str(answer[2])

    def ended(self) -> None:
        """Wait for the end of the connection; nothing may come before."""
        try:
            more = self.hear()
        except Closed:
            self.close()
            return
        raise AssertionError(f"expected the end, got {str(more)[:300]}")

    def leave(self) -> None:
        """Say GOODBYE, wait for the answer, and close: the router would wait for another HELLO."""
        self.say(6, {}, "wamp.close.close_realm")
        assert self.hear() == [6, {}, "wamp.close.goodbye_and_out"]
        self.close()

    def close(self) -> None:
        """Close without GOODBYE."""
        self.transport.close()


def open_session(
    port: int | str,
    dialect: str,
    *,
    join: bool = True,
    context: ssl.SSLContext | None = None,
    source: str = "127.0.0.1",
) -> Session:
    """Open a session; a dialect is a transport and a serializer, as "rs-json"."""
    transport, serializer = dialect.split("-")
    kind = RawSocket if transport == "rs" else WebSocket
    wire = kind(port, serializer, context=context, source=source)
    return Session(wire, serializer, join=join)


def flood(attacker: Session, frames: bytes, most: int = 40 * 2**20) -> None:
    """Send frames again and again without reading, until the router takes no more."""
    sock = attacker.transport.sock
    sock.settimeout(3)
    try:
        for _ in range(most // len(frames)):
            sock.sendall(frames)
    except (ConnectionError, TimeoutError):
        return


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start
