#!/usr/bin/env python3
"""Measure what a call and an event cost a router without the kernel: octets in, octets out.

    python tools/pipe.py [--only "64 KB"] [--rounds 7]
    python tools/pipe.py --beside CHECKOUT        another tree in turn with this one, and the ratio

A message is cut out of what was received, decoded, checked, routed, encoded, framed and handed to
a socket that takes everything and does nothing. Microseconds for a call (CALL and YIELD) or for
one event, the least of some rounds; on a machine at rest they repeat within 3 %.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

TREE = Path(os.environ.get("WAMPLITE_TREE", Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(TREE))

from wamplite import features, serializers  # noqa: E402 - from that tree
from wamplite.core.members import Identity, Join, Member  # noqa: E402
from wamplite.core.messages import Register, Subscribe  # noqa: E402
from wamplite.core.parsing import parse  # noqa: E402
from wamplite.core.realm import Realm  # noqa: E402
from wamplite.locks import Lock  # noqa: E402
from wamplite.router.arrivals import Arrival  # noqa: E402
from wamplite.router.mailbox import FrameMailbox  # noqa: E402
from wamplite.router.routing import Routing  # noqa: E402
from wamplite.transports.rawsocket import RawSocket  # noqa: E402
from wamplite.transports.rawsocket_frames import frame  # noqa: E402
from wamplite.transports.socket_stream import SocketStream  # noqa: E402
from wamplite.transports.websocket_frames import TEXT, header, xor  # noqa: E402

MOST = 1 << 24
RECEIVE = 65536  # bytes of one receive at most
WORDS = {"16 B": "x" * 16, "1 KB": "x" * 1024, "64 KB": "x" * 65536, "1 MB": "x" * 1_000_000}
POINT = {"temperature": 21.5, "humidity": 40.25, "name": "kitchen", "ok": True}


class Scripted(socket.socket):
    """A socket that receives what it was given, and takes whatever is sent."""

    def __init__(self) -> None:
        super().__init__(socket.AF_UNIX)
        self.given: Iterator[bytes] = iter(())

    def recv(self, size: int, flags: int = 0) -> bytes:
        return next(self.given)

    def send(self, data: Any, flags: int = 0) -> int:
        return len(data)


class Peer:
    """Somebody who has joined, over `transport` and with its serializer."""

    def __init__(self, routing: Routing, over: str, session: int) -> None:
        self.socket, self.routing = Scripted(), routing
        stream = SocketStream(self.socket)
        if over == "rs":
            self.transport: Any = RawSocket(stream, "msgpack", max_send=MOST, limit=MOST)
        else:
            from wamplite.transports.websocket_server import WebSocketServer

            self.transport = WebSocketServer(stream, "json", MOST)
        self.loads = serializers.get(self.transport.serializer).loads
        box = FrameMailbox(routing, self.transport, lambda counter: None, lambda: None)
        identity = Identity("peer", "anonymous", "anonymous", "static")
        roles: dict[str, Any] = {}
        post, droppable = box.post, box.post_droppable
        self.member = Member(session, identity, roles, post, droppable, box.end)
        self.handled = Lock()
        self.arrive([Join()])

    def arrive(self, entries: list[Any]) -> None:
        self.handled.acquire()
        self.routing.arrive(Arrival(self.member, entries, cast(Any, self.handled)))

    def receive(self) -> None:
        """Receive until something is whole, and have it routed."""
        payloads: list[bytes] = []
        while not payloads:
            payloads = self.transport.receive()
        self.arrive([parse(self.loads(payload)) for payload in payloads])


def wire(over: str, messages: list[list[Any]], together: int) -> list[list[bytes]]:
    """Return what each receive brings, for so many messages that come together."""
    one = serializers.get("msgpack" if over == "rs" else "json")
    frames = [frame(p) if over == "rs" else masked(p) for p in map(one.dumps, messages)]
    batches = [b"".join(frames[at : at + together]) for at in range(0, len(frames), together)]
    return [[one[at : at + RECEIVE] for at in range(0, len(one), RECEIVE)] for one in batches]


def masked(payload: bytes, kind: int = TEXT) -> bytes:
    return header(kind, len(payload), 0x80) + b"\1\2\3\4" + xor(b"\1\2\3\4", payload)


def routing() -> Routing:
    made = features.for_router("standard")
    room = 10**9
    return Routing(
        lambda clock: Realm("realm1", clock=clock, features=made, max_calls=room),
        lambda seconds, run: lambda: None,
    )


def timed(steps: list[Callable[[], None]], times: int) -> float:
    gc.collect()
    begun = time.thread_time()
    for _ in range(times):
        for step in steps:
            step()
    return time.thread_time() - begun


def calls(over: str, together: int, value: Any, number: int) -> float:
    """Return the seconds of a call, of so many."""
    asked = wire(
        over, [[48, at + 1, {}, "com.example.echo", [value]] for at in range(number)], together
    )
    answered = wire(over, [[70, at + 1, {}, [value]] for at in range(number)], together)
    made = routing()
    callee, caller = Peer(made, over, 1), Peer(made, over, 2)
    callee.arrive([Register(1, {}, "com.example.echo")])
    caller.socket.given = (piece for pieces in asked for piece in pieces)
    callee.socket.given = (piece for pieces in answered for piece in pieces)
    took = timed([caller.receive, callee.receive], len(asked))
    made.close()
    return took / number


def events(over: str, together: int, value: Any, number: int, subscribers: int) -> float:
    """Return the seconds of an event, where there are so many subscribers."""
    published = wire(
        over, [[16, at + 1, {}, "com.example.t", [value]] for at in range(number)], together
    )
    made = routing()
    publisher, *others = [Peer(made, over, session + 1) for session in range(subscribers + 1)]
    for other in others:
        other.arrive([Subscribe(1, {}, "com.example.t")])
    publisher.socket.given = (piece for pieces in published for piece in pieces)
    took = timed([publisher.receive], len(published))
    made.close()
    return took / number / subscribers


def scenarios() -> dict[str, Callable[[], float]]:
    found: dict[str, Callable[[], float]] = {}
    for over in ("rs", "ws"):
        for size, together, number in (
            ("16 B", 16, 8000),
            ("16 B", 1, 4000),
            ("1 KB", 4, 2000),
            ("64 KB", 1, 200),
            ("1 MB", 1, 12),
        ):
            name = f"{over}: a call of {size}, {together} a receive"
            found[name] = lambda a=(over, together, WORDS[size], number): calls(*a)
        found[f"{over}: a call of a dict, 16 a receive"] = lambda a=(over, 16, POINT, 4000): calls(
            *a
        )
        for size, together, number, subscribers in (
            ("16 B", 16, 8000, 1),
            ("16 B", 16, 800, 100),
            ("16 B", 1, 400, 100),
            ("64 KB", 1, 100, 10),
        ):
            name = f"{over}: an event of {size} to {subscribers}, {together} a receive"
            found[name] = lambda a=(over, together, WORDS[size], number, subscribers): events(*a)
    return found


def measured(only: str, rounds: int) -> dict[str, float]:
    """Return the microseconds of each scenario."""
    return {
        name: min(run() for _ in range(rounds)) * 1e6
        for name, run in scenarios().items()
        if only in name
    }


def of_tree(tree: str, name: str) -> float:
    """Measure one scenario once in another process, with the package of a tree."""
    words = [sys.executable, __file__, "--only", name, "--rounds", "1"]
    done = subprocess.run(
        words, env=os.environ | {"WAMPLITE_TREE": tree}, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="scenarios with it in their name"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--beside", metavar="CHECKOUT", help="what to compare with")
    options = parser.parse_args()
    if not options.beside:
        for name, cost in measured(options.only, options.rounds).items():
            print(f"{name:46} {cost:10.2f}", flush=True)
        return 0
    for name in scenarios():
        if options.only in name:
            mine = theirs = math.inf
            for _ in range(options.rounds):
                theirs = min(theirs, of_tree(options.beside, name))
                mine = min(mine, of_tree(str(TREE), name))
            print(f"{name:46} {theirs:10.2f} {mine:10.2f} {theirs / mine:6.2f}x", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
