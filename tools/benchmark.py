#!/usr/bin/env python3
"""Measure wamplite on this machine, beside a bare forwarder in the same run.

    python tools/benchmark.py [--seconds 2] [--rounds 3]
    python tools/benchmark.py --load WAMPLOAD [--only "64 KB"] [--transport ws]

The second prints tables of wamplite beside the other routers that `tools/peers` has installed, see
peer_rates.py. WAMPLOAD is a load generator, `WAMPLOAD SCENARIO --url URL --ser msgpack -D SECONDS`,
which prints a line of JSON; one that is written in Python would be slower than the routers.

The forwarder is the least a threaded Python router can be: it knows just enough WAMP to join, to
register, call and publish one URI, checks nothing and bounds nothing. Times depend on the machine
and on what else it does; the ratios say more. Without WAMPLOAD all is RawSocket with MsgPack, and
the load is made by Python too: the last figures are lower bounds of what the router can do.

    blocking call     one wamplite client, one call() after the other
    rpc 1 x 1         one caller that waits for its answer
    rpc 8 x 16        8 callers, 16 calls on the way each
    events to 20      one publisher, 20 subscribers; events delivered a second
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import wamplite
from wamplite import serializers

URI = "com.example.bench"
TEXT = "x" * 16
HELLO, WELCOME, PUBLISH, SUBSCRIBE, SUBSCRIBED, EVENT = 1, 2, 16, 32, 33, 36
CALL, RESULT, REGISTER, REGISTERED, INVOCATION, YIELD = 48, 50, 64, 65, 68, 70
ROLES = {role: {} for role in ("caller", "callee", "publisher", "subscriber")}
SUBSCRIBERS = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--load", metavar="WAMPLOAD", help="measure other routers by this")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="scenarios with it in their name"
    )
    parser.add_argument("--transport", choices=("rs", "ws"), help="one of the two")
    options = parser.parse_args()
    if options.load:
        import peer_rates

        chosen = (options.transport,) if options.transport else ()
        measured = (options.load, options.rounds, options.seconds, options.only, chosen)
        for line in peer_rates.tables(*measured):
            print(line, flush=True)
        return 0
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(options.rounds):
        for name, start in (("wamplite", wamplite_router), ("forwarder", forwarder)):
            with start() as port, echo(port):
                for what, measure in SCENARIOS.items():
                    rates = found.setdefault(what, {}).setdefault(name, [])
                    rates.append(measure(port, options.seconds))
    print(f"{'a second':16}{'wamplite':>12}{'forwarder':>12}{'ratio':>8}")
    for what, rates in found.items():
        ours, bare = (statistics.median(rates[name]) for name in ("wamplite", "forwarder"))
        print(f"{what:16}{ours:12,.0f}{bare:12,.0f}{ours / bare:8.2f}")
    return 0


# ---- a peer that does the least: frames, MsgPack, one socket


class Peer:
    """One end of a RawSocket connection that reads all there is and writes at once."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        codec = serializers.get("msgpack")
        self._loads, self._dumps = codec.loads, codec.dumps
        self._unread = b""

    def send(self, *messages: list[Any]) -> None:
        payloads = map(self._dumps, messages)
        self.socket.sendall(b"".join(len(data).to_bytes(4, "big") + data for data in payloads))

    def receive(self) -> list[Any]:
        """Return the messages of one recv; none at the end."""
        data = self.socket.recv(65536)
        self._unread += data
        messages, at = [], 0
        while data and len(self._unread) >= at + 4:
            end = at + 4 + int.from_bytes(self._unread[at : at + 4], "big")
            if len(self._unread) < end:
                break
            messages.append(self._loads(self._unread[at + 4 : end]))
            at = end
        self._unread = self._unread[at:]
        return messages if messages or not data else self.receive()


def join(port: int) -> Peer:
    """Return a peer that has joined."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    sock.sendall(b"\x7f\xf2\0\0")
    shaken = b""
    while len(shaken) < 4:
        shaken += sock.recv(4 - len(shaken))
    peer = Peer(sock)
    peer.send([HELLO, "realm1", {"roles": ROLES}])
    expect(peer, WELCOME)
    return peer


def expect(peer: Peer, code: int) -> None:
    (message,) = peer.receive()
    assert message[0] == code, message


# ---- routers


@contextmanager
def wamplite_router() -> Iterator[int]:
    command = [sys.executable, "-m", "wamplite", "router", "--listen", "tcp://127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline().rpartition(b":")[2])
        finally:
            process.terminate()


@contextmanager
def forwarder() -> Iterator[int]:
    server = socket.create_server(("127.0.0.1", 0))
    with in_a_process(forward, server):
        yield server.getsockname()[1]
    server.close()


def forward(server: socket.socket) -> None:
    """Route between all that connect: whose thread reads, writes for itself."""
    state = Forwarding()
    while True:
        sock, _ = server.accept()
        threading.Thread(target=state.serve, args=(sock,), daemon=True).start()


class Forwarding:
    """What the forwarder knows: one callee, the subscribers, the calls on the way."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # guards all below, and writing
        self.callee: Peer | None = None
        self.subscribers: list[Peer] = []
        self.calls: dict[int, tuple[Peer, int]] = {}
        self.number = 0

    def serve(self, sock: socket.socket) -> None:
        sock.sendall(sock.recv(4))
        peer = Peer(sock)
        while messages := peer.receive():
            outboxes: dict[Peer, list[list[Any]]] = {}
            with self.lock:
                for message in messages:
                    self.route(peer, message, outboxes)
                for receiver, waiting in outboxes.items():
                    receiver.send(*waiting)

    def route(self, peer: Peer, message: list[Any], out: dict[Peer, list[list[Any]]]) -> None:
        code = message[0]
        if code == CALL and self.callee:
            self.number += 1
            self.calls[self.number] = (peer, message[1])
            out.setdefault(self.callee, []).append([INVOCATION, self.number, 1, {}, message[4]])
        elif code == YIELD:
            caller, request = self.calls.pop(message[1])
            out.setdefault(caller, []).append([RESULT, request, {}, message[3]])
        elif code == PUBLISH:
            for subscriber in self.subscribers:
                out.setdefault(subscriber, []).append([EVENT, 1, 1, {}, message[4]])
        elif code == HELLO:
            out.setdefault(peer, []).append([WELCOME, 1, {"roles": {"broker": {}, "dealer": {}}}])
        elif code == REGISTER:
            self.callee = peer
            out.setdefault(peer, []).append([REGISTERED, message[1], 1])
        elif code == SUBSCRIBE:
            self.subscribers.append(peer)
            out.setdefault(peer, []).append([SUBSCRIBED, message[1], 1])


@contextmanager
def echo(port: int) -> Iterator[None]:
    """Serve the procedure from a process of its own."""
    ready = multiprocessing.Event()
    with in_a_process(serve_echo, port, ready):
        assert ready.wait(30), "the callee has not registered"
        yield


def serve_echo(port: int, ready: Any) -> None:
    peer = join(port)
    peer.send([REGISTER, 1, {}, URI])
    expect(peer, REGISTERED)
    ready.set()
    peer.socket.settimeout(None)
    while messages := peer.receive():
        calls = [message for message in messages if message[0] == INVOCATION]
        peer.send(*([YIELD, call[1], {}, call[4]] for call in calls))


@contextmanager
def in_a_process(target: Callable[..., None], *args: Any) -> Iterator[None]:
    process = multiprocessing.Process(target=target, args=args, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(10)


# ---- scenarios: each returns a rate


def blocking_call(port: int, seconds: float) -> float:
    url = f"rs://127.0.0.1:{port}"
    with wamplite.connect(url, realm="realm1", serializer="msgpack") as session:
        return rate(seconds, lambda: session.call(URI, TEXT))


def rate(seconds: float, step: Callable[[], object]) -> float:
    for _ in range(100):
        step()
    started, steps = time.perf_counter(), 0
    while (took := time.perf_counter() - started) < seconds:
        step()
        steps += 1
    return steps / took


def rpc(callers: int, window: int) -> Callable[[int, float], float]:
    def measure(port: int, seconds: float) -> float:
        results: Any = multiprocessing.Queue()
        workers = min(callers, 2)  # processes; their callers are threads
        loads = [(port, callers // workers, window, seconds, results) for _ in range(workers)]
        started = [multiprocessing.Process(target=load, args=args) for args in loads]
        for process in started:
            process.start()
        total = sum(results.get(timeout=seconds + 30) for _ in started)
        for process in started:
            process.join(10)
        return total / seconds

    return measure


def load(port: int, callers: int, window: int, seconds: float, results: Any) -> None:
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(call_for(port, window, seconds)))
        for _ in range(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(sum(counts))


def call_for(port: int, window: int, seconds: float) -> int:
    """Keep `window` calls on the way, and count the answers."""
    peer, request, answers = join(port), window, 0
    peer.send(*([CALL, number + 1, {}, URI, [TEXT]] for number in range(window)))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        messages = peer.receive()
        answers += len(messages)
        peer.send(*([CALL, request + n + 1, {}, URI, [TEXT]] for n in range(len(messages))))
        request += len(messages)
    peer.socket.close()
    return answers


def events(port: int, seconds: float) -> float:
    """Publish as fast as the last of the subscribers follows."""
    subscribers = [join(port) for _ in range(SUBSCRIBERS)]
    for subscriber in subscribers:
        subscriber.send([SUBSCRIBE, 1, {}, URI])
        expect(subscriber, SUBSCRIBED)
    publisher, request, delivered = join(port), 0, 0
    started = time.perf_counter()
    while (took := time.perf_counter() - started) < seconds:
        publisher.send(*([PUBLISH, request + n + 1, {}, URI, [TEXT]] for n in range(50)))
        request += 50
        for subscriber in subscribers:
            came = 0
            while came < 50:
                came += len(subscriber.receive())
            delivered += came
    for peer in (publisher, *subscribers):
        peer.socket.close()
    return delivered / took


SCENARIOS = {
    "blocking call": blocking_call,
    "rpc 1 x 1": rpc(1, 1),
    "rpc 8 x 16": rpc(8, 16),
    f"events to {SUBSCRIBERS}": events,
}

if __name__ == "__main__":
    sys.exit(main())
