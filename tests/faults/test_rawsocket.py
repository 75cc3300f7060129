"""Transport framing, RawSocket: cases 1 to 12 of the catalogue, and 21."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from tests.faults.conftest import Bystander, Holdings
from tests.faults.sessions import ROLES, VIOLATION, Session, dumps, flood
from tests.faults.wire import PING, PONG, Closed, RawSocket, Wire, raw_frame
from tests.processes import running_router

Connect = Callable[..., Session]
MIB = 2**20


def handshake(port: int, octets: str) -> bytes:
    """Return all that the router says to a handshake until it closes."""
    wire = Wire(port)
    wire.send(bytes.fromhex(octets))
    said = wire.rest()
    wire.close()
    return said


@pytest.mark.parametrize("octets", ["7ef20000", "00f20000", "7ff2"])
def test_01_a_wrong_magic_is_closed(port: int, octets: str) -> None:
    wire = Wire(port)
    wire.send(bytes.fromhex(octets))
    if octets == "7ff2":
        wire.sock.shutdown(socket.SHUT_WR)
    assert not wire.rest().startswith(b"\x7f")
    wire.close()


@pytest.mark.parametrize("serializer", [0, 4, 5, 6, 15])
def test_02_an_unknown_serializer_is_error_1(port: int, serializer: int) -> None:
    assert handshake(port, f"7ff{serializer:x}0000") == bytes.fromhex("7f100000")


@pytest.mark.parametrize("octets", ["7ff20100", "7ff20001", "7ff2ffff"])
def test_03_reserved_handshake_octets_are_error_3(port: int, octets: str) -> None:
    assert handshake(port, octets) == bytes.fromhex("7f300000")


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("kind", [3, 4, 5, 6, 7, 0x10, 0x20, 0x40, 0x80, 0xFF, 0x08])
def test_04_a_reserved_frame_type_or_bit_is_closed(
    connect: Connect, kind: int, joined: bool
) -> None:
    attacker = connect(join=joined)
    attacker.transport.send(raw_frame(b"abc", kind))
    closes(attacker)


def closes(session: Session) -> None:
    """Take an ABORT, which may come, and the end, which must."""
    try:
        message = session.hear()
    except Closed:
        return
    assert message[0] == 3 and message[2] == VIOLATION, message
    session.ended()


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("size", [0, 1, 125, 5000])
def test_05_a_ping_is_answered_with_its_payload(connect: Connect, size: int, joined: bool) -> None:
    session = connect(join=joined)
    transport = session.transport
    assert isinstance(transport, RawSocket)
    payload = b"x" * size
    transport.send(raw_frame(payload, PING))
    assert transport.frame() == (PONG, payload)


def test_06_an_unsolicited_pong_is_ignored(connect: Connect) -> None:
    session = connect()
    for payload in (b"", b"x", b"x" * 5000):
        session.transport.send(raw_frame(payload, PONG))
    assert session.is_served()


def test_07_a_declared_length_takes_no_memory() -> None:
    with running_router("--max-message-size", str(16 * MIB)) as router:
        attackers = [Session(RawSocket(router.port)) for _ in range(30)]
        before = Holdings(router)
        for attacker in attackers:
            attacker.transport.send(b"\x00\xff\xff\xff" + b"x" * 1024)
        bystander = Bystander(router.port)
        bystander.noticed_nothing()
        assert before.grown() < 48 * 1024
        for attacker in attackers:
            attacker.close()
        bystander.noticed_nothing()
        bystander.close()
        before.files -= len(attackers)
        assert before.leftovers() == ""


def test_08_a_message_at_the_announced_limit_is_taken(connect: Connect) -> None:
    session = connect()
    transport = session.transport
    assert isinstance(transport, RawSocket)
    assert transport.router_limit == MIB
    message = [16, 1, {"acknowledge": True}, "faults.large", [b""]]
    room = transport.router_limit - len(dumps("msgpack", message)) - 3
    message[4] = [b"x" * room]
    payload = dumps("msgpack", message)
    assert len(payload) == transport.router_limit
    session.put(payload)
    assert session.hear()[:2] == [17, 1]


@pytest.mark.parametrize(("joined", "size"), [(True, MIB + 1), (True, 2**24 - 1), (False, 20_000)])
def test_08_a_frame_above_the_limit_is_closed_at_its_header(
    connect: Connect, joined: bool, size: int
) -> None:
    attacker = connect(join=joined)
    attacker.transport.send(b"\x00" + size.to_bytes(3, "big"))
    closes(attacker)


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_09_a_dribbled_hello_is_welcomed(port: int, serializer: str) -> None:
    wire = RawSocket(port, serializer)
    hello = dumps(serializer, [1, "realm1", {"roles": ROLES}])
    for octet in raw_frame(hello):
        wire.send(bytes([octet]))
    session = Session(wire, serializer, join=False)
    assert session.hear()[0] == 2
    session.leave()


def test_09_a_dribbled_handshake_is_answered(port: int) -> None:
    wire = Wire(port)
    for octet in bytes.fromhex("7ff20000"):
        wire.send(bytes([octet]))
    assert wire.exactly(4) == bytes.fromhex("7fb20000")
    wire.close()


TWO = [[32, 1, {}, "faults.first"], [32, 2, {}, "faults.second"]]


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_10_two_messages_in_one_segment_are_both_processed(
    connect: Connect, serializer: str
) -> None:
    session = connect(f"rs-{serializer}")
    session.say_all(*TWO)
    assert [session.hear()[:2] for _ in TWO] == [[33, 1], [33, 2]]


def test_10_messages_split_at_every_byte_are_processed_in_order(
    connect: Connect, bystander: Bystander
) -> None:
    frames = b"".join(raw_frame(dumps("msgpack", message)) for message in TWO)
    for cut in range(1, len(frames)):
        session = connect()
        session.transport.send(frames[:cut])
        bystander.publish(bystander.witness)  # the router has read what came before
        session.transport.send(frames[cut:])
        assert [session.hear()[:2] for _ in TWO] == [[33, 1], [33, 2]]
        session.close()


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("part", [1, 3, 4, 5, 20])
def test_11_a_frame_cut_off_by_fin_is_freed(connect: Connect, part: int, joined: bool) -> None:
    attacker = connect(join=joined)
    frame = raw_frame(dumps("msgpack", [16, 1, {}, "faults.cut.off", ["x" * 20]]))
    attacker.transport.send(frame[:part])
    attacker.transport.sock.shutdown(socket.SHUT_WR)
    closes(attacker)


@pytest.mark.parametrize("joined", [False, True])
def test_12_a_message_of_no_length_is_refused(connect: Connect, joined: bool) -> None:
    attacker = connect(join=joined)
    attacker.put(b"")
    assert attacker.aborted() == VIOLATION


def test_21_a_ping_flood_without_reading_is_bounded(connect: Connect, holdings: Holdings) -> None:
    flood(connect(), raw_frame(b"x" * 60_000, PING))
    assert holdings.grown() < 16 * 1024
