"""What is done to a router, one attack a function: bytes by hand, all from addresses of its own.

    python tools/attacks.py NAME PORT TLS-PORT SECONDS      (started by tools/attack_costs.py)

Each holds for SECONDS, or until the router has ended it, and prints a line about what became of it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.sessions import Session, dumps, open_session  # noqa: E402 - found through ROOT
from tests.faults.wire import Wire, raw_frame  # noqa: E402
from tools.attack_target import ADDRESSES, GONE, TOPIC, Target, run_all, sent  # noqa: E402
from tools.attacks_by_bytes import (  # noqa: E402
    declared,
    deflated,
    fragments,
    half_tls,
    halves,
    pings,
    silent,
    slow_handshakes,
)

CONTAINERS = [[{"": None}] * 24_900] * 2  # 150 KB as MsgPack, 100,000 objects
EVENT = "x" * 65_000
DEEP = 200_000


def bombs() -> Iterator[tuple[str, bytes]]:
    """Give payloads that cost more than they weigh, with their dialects."""
    head = '[16,1,{},"a.b",'
    yield "json", (head + "[" * DEEP + "]" * DEEP + "]").encode()
    yield "json", (head + "[" + "9" * 1_000_000 + "]]").encode()
    yield "json", (head + "[" + "{}," * 340_000 + "{}]]").encode()
    yield "json", (head + '["' + "\\u00e4" * 170_000 + '"]]').encode()
    begun = dumps("msgpack", [16, 1, {}, "a.b"])[1:]
    yield "msgpack", b"\x95" + begun + b"\x91" * DEEP + b"\xc0"
    yield "msgpack", b"\x95" + begun + b"\xdd\xff\xff\xff\xff" + bytes(1000)
    yield "msgpack", b"\x95" + begun + b"\xdd" + (10**6).to_bytes(4, "big") + b"\x80" * 10**6
    begun = dumps("cbor", [16, 1, {}, "a.b"])[1:]
    yield "cbor", b"\x85" + begun + b"\x81" * DEEP + b"\xf6"
    yield "cbor", b"\x85" + begun + b"\x81" + b"\xc2" * DEEP + b"\x40"
    yield "cbor", b"\x85" + begun + b"\x9f" + b"\x9f" * 1000
    yield "cbor", b"\x85" + begun + b"\x9b" + b"\xff" * 8 + bytes(1000)
    yield "cbor", b"\x85" + begun + b"\x9a" + (10**6).to_bytes(4, "big") + b"\xa0" * 10**6


def payloads(target: Target) -> str:
    """Bombs of JSON, MsgPack and CBOR: depth, digits, empty containers, lying heads."""
    made, number = list(bombs()), 0
    while not target.is_over:
        for serializer, bomb in made:
            with suppress(AssertionError, *GONE):  # there is no place just now
                session = target.session(number, f"rs-{serializer}")
                session.put(bomb)
                session.close()
                number += 1
    return f"{number} sent"


def streams(target: Target) -> str:
    """100 KB of small elements, decoded at once, again and again, by 30 of one address."""
    sessions = [open_session(target.port, "rs-msgpack", source=ADDRESSES[0]) for _ in range(30)]
    return streamed(target, sessions, [[None] * 50_000, [[]] * 40_000])


def small_streams(target: Target) -> str:
    """12 KB of empty dicts, too little to ask for a place, again and again, by 60 sessions."""
    return streamed(target, [target.session(number) for number in range(60)], [[{}] * 12_000])


def streamed(target: Target, sessions: list[Session], args: list[Any]) -> str:
    """Publish the same without end."""
    frame, number = raw_frame(dumps("msgpack", [16, 1, {}, TOPIC, args])), [0]

    def stream(wire: Wire) -> None:
        while not target.is_over and sent(wire, frame):
            number[0] += 1

    run_all(stream, [session.transport for session in sessions])
    return f"{number[0]} taken"


def idle_after_dicts(target: Target) -> str:
    """150 KB of tiny dicts by each of 60 sessions, which stay."""
    sessions = [target.session(number) for number in range(60)]
    for session in sessions:
        session.say(16, 1, {}, TOPIC, CONTAINERS)
    target.hold()
    return f"{len(sessions)} sessions"


def long_hellos(target: Target) -> str:
    """A HELLO of 12 KB by each of 100 sessions, which stay."""
    wires = []
    for number in range(100):
        session = open_session(target.port, "rs-msgpack", join=False, source=ADDRESSES[number % 8])
        details = {"roles": {"caller": {}}, "x": {str(at): [at] for at in range(1500)}}
        session.say(1, "realm1", details)
        assert session.hear()[0] == 2
        wires.append(session)
    target.hold()
    return f"{len(wires)} sessions"


def subscriptions(target: Target) -> str:
    """1,024 subscriptions and registrations by each of 60 sessions; all are reset at once."""
    sessions = [target.session(number) for number in range(60)]
    for number, session in enumerate(sessions):
        long = f"attacks.n{number}." + "x" * 180
        requests = [[32 + 32 * (at % 2), at + 1, {}, f"{long}{at}"] for at in range(2048)]
        session.say_all(*requests)
        for _ in requests:
            answer = session.hear()
            assert answer[0] in (33, 65), answer
    target.hold()
    for session in sessions:
        session.transport.reset()
    time.sleep(3)
    return f"{2048 * len(sessions)} of them"


def slow_readers(target: Target) -> str:
    """Events of 64 KB to 100 subscribers that read nothing."""
    slow = [target.session(number) for number in range(100)]
    for session in slow:
        session.subscribe(TOPIC)
    publisher, number = target.session(0), 0
    publisher.request = 0
    while not target.is_over and number < 200:
        publisher.ask(16, {"acknowledge": True}, TOPIC, [EVENT])
        number += 1
    return f"{number} events to each"


def publications(target: Target) -> str:
    """PUBLISH without end by 8 sessions, to nobody."""
    frame = raw_frame(dumps("msgpack", [16, 1, {}, "attacks.nobody", [1]])) * 500
    number = [0]

    def flood(wire: Wire) -> None:
        while not target.is_over and sent(wire, frame):
            number[0] += 500

    run_all(flood, [target.session(number).transport for number in range(8)])
    return f"{number[0]:,} taken"


def waiting_calls(target: Target) -> str:
    """As many calls as are taken, by each of 60 sessions, of a callee that never answers."""
    callee = target.session(0)
    callee.register(TOPIC)
    threading.Thread(target=heard, args=(callee,), daemon=True).start()
    sessions = [target.session(number) for number in range(60)]
    for session in sessions:
        session.say_all(*([48, at + 1, {}, TOPIC, ["x" * 100]] for at in range(1500)))
    target.hold()
    return "1,500 by each"


def heard(session: Session) -> None:
    """Read what a session is sent until it ends."""
    with suppress(*GONE):
        session.transport.sock.settimeout(60)
        while session.transport.sock.recv(65536):
            pass


def churn(target: Target) -> str:
    """Sessions that subscribe, register and are reset, from 8 addresses."""
    number = 0
    while not target.is_over:
        session = target.session(number)
        session.subscribe(f"attacks.n{number}")
        session.register(f"attacks.n{number}")
        session.transport.reset()
        number += 1
    return f"{number} sessions"


ATTACKS: dict[str, Callable[[Target], str]] = {
    attack.__name__: attack
    for attack in (
        silent, slow_handshakes, half_tls, declared, halves, fragments, deflated, payloads, streams,
        small_streams, idle_after_dicts, long_hellos, pings, subscriptions, slow_readers,
        publications, waiting_calls, churn,
    )
}  # fmt: skip


def main() -> None:
    """Attack, and say what became of it."""
    name, port, tls, seconds = sys.argv[1:]
    target = Target(int(port), int(tls), time.monotonic() + float(seconds))
    print(json.dumps(ATTACKS[name](target)))
    sys.stdout.flush()
    os._exit(0)  # some of its sockets and threads are still busy


if __name__ == "__main__":
    main()
