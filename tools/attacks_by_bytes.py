"""Attacks by bytes that are no whole message: handshakes, heads, fragments, pings."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.sessions import dumps  # noqa: E402 - found through ROOT
from tests.faults.wire import (  # noqa: E402
    BINARY,
    PING,
    TEXT,
    WS_PING,
    RawSocket,
    WebSocket,
    Wire,
    raw_frame,
    ws_frame,
)
from tools.attack_target import (  # noqa: E402
    ADDRESSES,
    GONE,
    PAUSE,
    Target,
    count_ended,
    ended,
    run_all,
    sent,
)

DEFLATED = 500  # MB of zeros, in 480 KB


def silent(target: Target) -> str:
    """70 sockets of one address say nothing, and come again when they are closed."""
    wires: list[Wire] = []
    opened = 0
    while not target.is_over:
        wires = [wire for wire in wires if not ended(wire)]
        while len(wires) < 70:
            with suppress(OSError):
                wires.append(Wire(target.port, source=ADDRESSES[0]))
            opened += 1
        time.sleep(PAUSE)
    return f"{opened} opened"


def slow_handshakes(target: Target) -> str:
    """Half a handshake, a dripping request, no HELLO: 24 from 8 addresses."""
    wires: list[Wire] = []
    dripping: list[Wire] = []
    for source in ADDRESSES:
        half, request = Wire(target.port, source=source), Wire(target.port, source=source)
        half.send(b"\x7f\xf2")
        request.send(b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        dripping.append(request)
        wires += [half, request, RawSocket(target.port, source=source)]

    def drip() -> None:
        while not target.is_over:
            for wire in dripping:
                with suppress(OSError):
                    wire.sock.send(b"X: y\r\n", socket.MSG_DONTWAIT)
            time.sleep(0.5)

    threading.Thread(target=drip, daemon=True).start()
    return count_ended(wires, target)


def half_tls(target: Target) -> str:
    """40 half handshakes of TLS."""
    wires = [Wire(target.tls, source=ADDRESSES[number % 8]) for number in range(40)]
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context = ssl.create_default_context()
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    hello = outgoing.read()
    for wire in wires:
        wire.send(hello[: len(hello) // 2])
    return count_ended(wires, target)


def declared(target: Target) -> str:
    """16 MB (RawSocket) and 1 TB (WebSocket) declared, 1 KB sent, by 30 each."""
    wires: list[Wire] = []
    for number in range(30):
        raw, web = target.session(number).transport, target.session(number, "ws-json").transport
        raw.send(b"\0\xff\xff\xff" + bytes(1024))
        web.send(b"\x81\xff" + (1 << 40).to_bytes(8, "big") + bytes(1028))
        wires += [raw, web]
    return count_ended(wires, target)


def halves(target: Target) -> str:
    """Half of a message of 1 MB, by 250 sessions of 8 addresses."""
    wires: list[Wire] = []
    taken = 0
    for number in range(250):
        with suppress(*GONE):
            wire = target.session(number).transport
            taken += sent(wire, b"\0\x0f\xff\xff" + bytes(2**19))
            wires.append(wire)
    return f"{taken} taken; {count_ended(wires, target)}"


def fragments(target: Target) -> str:
    """Fragments of a message without end, by 8."""
    wires: list[Wire] = [target.session(number, "ws-json").transport for number in range(8)]
    for wire in wires:
        sent(wire, ws_frame(TEXT, b"x" * 1000, fin=False))
        while sent(wire, ws_frame(0, b"x" * 60_000, fin=False)):
            pass
    return count_ended(wires, target)


def deflated(target: Target) -> str:
    """480 KB that become 500 MB, by 8, where permessage-deflate is on."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(DEFLATED))
    bomb += packer.flush(zlib.Z_SYNC_FLUSH)[:-4]
    wires: list[Wire] = []
    for number in range(8):
        source = ADDRESSES[number]
        offer = "Sec-WebSocket-Extensions: permessage-deflate"
        wire = WebSocket(target.port, "msgpack", offer, source=source)
        assert "permessage-deflate" in wire.head, wire.head
        hello = dumps("msgpack", [1, "realm1", {"roles": {"caller": {}}}])
        wire.send(ws_frame(BINARY, hello))
        wire.exactly(2)  # of WELCOME, perhaps compressed
        sent(wire, ws_frame(BINARY, bomb, rsv=4))
        wires.append(wire)
    return count_ended(wires, target)


def pings(target: Target) -> str:
    """PINGs whose PONGs nobody reads: WebSocket with 125 octets, RawSocket with 0 and 900 KB."""
    frames = [ws_frame(WS_PING, b"x" * 125) * 500, raw_frame(b"", PING) * 20_000]
    frames += [raw_frame(bytes(900_000), PING)]
    wires: list[Wire] = []
    floods: dict[Wire, bytes] = {}
    for number in range(12):
        dialect = "rs-msgpack" if number % 3 else "ws-msgpack"
        wire = target.session(number, dialect).transport
        floods[wire] = frames[number % 3]
        wires.append(wire)

    def flood(wire: Wire) -> None:
        while not target.is_over and sent(wire, floods[wire]):
            pass

    run_all(flood, wires)
    return f"{sum(not sent(wire, b'') or ended(wire) for wire in wires)} of 12 ended"
