"""Serializers: cases 26 to 35 of the catalogue. What is accepted can be delivered to everybody."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from tests.faults.conftest import Holdings
from tests.faults.nesting import nested
from tests.faults.sessions import VIOLATION, Session, Stopwatch, dumps, loads
from tests.faults.wire import Closed

Connect = Callable[..., Session]
MIB = 2**20
CBOR = pytest.mark.skipif(not importlib.util.find_spec("cbor2"), reason="cbor2 is not installed")
TOPIC = "faults.payload"
STALL = 2.0  # seconds

# Everything up to the payload of [16, 1, {}, TOPIC, payload], in each serializer.
HEADS = {
    "json": b'[16,1,{},"' + TOPIC.encode() + b'",',
    "msgpack": b"\x95\x10\x01\x80" + msgpack.packb(TOPIC),
    "cbor": b"\x85\x10\x01\xa0\x6e" + TOPIC.encode(),
}


@pytest.fixture(scope="module")
def memory() -> int:
    """Return more than usual: a heap that held messages of 1 MB in small pieces stays in pieces."""
    return 32 * 1024


def publish(serializer: str, payload: bytes) -> bytes:
    """Return a PUBLISH whose Arguments are these bytes."""
    return HEADS[serializer] + payload + (b"]" if serializer == "json" else b"")


def refused(connect: Connect, dialect: str, payload: bytes, *, code: int | None = None) -> None:
    """Send a payload that must be refused at once, and reach nobody in any serializer.

    It fails alone, or ends its session where it is no whole message: see `test_unfit.py`.
    """
    subscribers = [connect(f"rs-{serializer}") for serializer in ("json", "msgpack")]
    for subscriber in subscribers:
        subscriber.subscribe(TOPIC)
    attacker = connect(dialect)
    watch = Stopwatch()
    attacker.put(payload)
    try:
        attacker.say(16, 2, {"acknowledge": True}, "faults.nobody.listens")
        answer = attacker.hear()
        assert answer[0] == 17 or (answer[0], answer[2]) == (3, VIOLATION), answer
    except Closed as closed:  # the transport may see it first
        assert closed.code == code
    assert watch.seconds < STALL
    for subscriber in subscribers:
        assert subscriber.is_served()


# ---- 26


@pytest.mark.alone
@pytest.mark.parametrize("depth", [900, 5000, 200_000])
@pytest.mark.parametrize("form", ["list", "dict", "open", "message"])
def test_26_deep_json_is_refused(connect: Connect, depth: int, form: str) -> None:
    nested = {
        "list": publish("json", b"[" * depth + b"]" * depth),
        "dict": publish("json", b'[{"a":' * (depth // 2) + b"1" + b"}]" * (depth // 2)),
        "open": publish("json", b"[" * depth),
        "message": b"[" * depth + b"]" * depth,
    }[form]
    refused(connect, "ws-json", nested)


@pytest.mark.parametrize("depth", [900, 5000, 200_000])
@pytest.mark.parametrize("form", ["list", "dict", "open", "message"])
def test_26_deep_msgpack_is_refused(connect: Connect, depth: int, form: str) -> None:
    nested = {
        "list": publish("msgpack", b"\x91" * depth + b"\x90"),
        "dict": publish("msgpack", b"\x91" + b"\x81\xa1a" * depth + b"\xc0"),
        "open": publish("msgpack", b"\x91" * depth),
        "message": b"\x91" * depth + b"\x90",
    }[form]
    refused(connect, "rs-msgpack", nested)


# ---- 27 to 29


@pytest.mark.parametrize(
    "payload",
    [
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xdc\xff\xff" + b"\xc0" * 10,
        b"\x91\xc1",
        b"\x91\xd4\x05x",
        b"\x91\xc7\x03\x05abc",
        b"\x91\xc0\xc0",
        b"\x92\xc0",
        b"",
    ],
)
def test_27_lying_msgpack_is_refused(connect: Connect, payload: bytes) -> None:
    refused(connect, "rs-msgpack", publish("msgpack", payload))


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_27_half_a_message_and_one_and_a_half_are_refused(
    connect: Connect, serializer: str
) -> None:
    message = dumps(serializer, [16, 1, {}, TOPIC, [1, 2, 3]])
    refused(connect, f"rs-{serializer}", message[:-3])
    refused(connect, f"rs-{serializer}", message + message[:5])
    refused(connect, f"rs-{serializer}", message + message)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b" ",
        b"nonsense",
        b"[16,1,{},'faults.payload']",
        b'[16,1,{},"faults.payload",]',
        b'[16,1,{},"faults.payload"',
        b'[NaN,1,{},"faults.payload"]',
        b'[16,NaN,{},"faults.payload"]',
        b'[16,Infinity,{},"faults.payload"]',
        b'[16,-Infinity,{},"faults.payload"]',
        b'[16,1e999,{},"faults.payload"]',
        b'[16,1.0,{},"faults.payload"]',
        b'[16,01,{},"faults.payload"]',
        b'[16,1,{},"faults.payload"]\0',
        b'\0[16,1,{},"faults.payload"]',
        b'[16,1,{},"a\tb"]',
        b"\0\0\0\0",
        b'\xef\xbb\xbf[16,1,{},"faults.payload"]',
        b'[16,1,{},"\\x41"]',
        b'[16,1,{a:1},"faults.payload"]',
        b'[16,1,{},"faults.payload"] // comment',
        '[16,1,{},"faults.payload"]'.encode("utf-16"),
        '[16,1,{},"faults.payload"]'.encode("utf-32-le"),
    ],
)
def test_28_broken_json_is_refused(connect: Connect, message: bytes) -> None:
    refused(connect, "rs-json", message)


@pytest.mark.parametrize("dialect", ["rs-json", "ws-json"])
@pytest.mark.parametrize("digits", [4300, 5000, 1_000_000])
def test_29_a_huge_integer_is_refused_without_a_stall(
    connect: Connect, dialect: str, digits: int
) -> None:
    refused(connect, dialect, publish("json", b"[" + b"9" * digits + b"]"))
    refused(connect, dialect, b"[16," + b"9" * digits + b',{},"faults.payload"]')


# ---- 30 and 31


@pytest.mark.parametrize(
    "payload",
    [
        b'["\\ud800"]',
        b'["a\\udfffb"]',
        b'[{"\\ud800":1}]',
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"[18446744073709551616]",
        b"[-9223372036854775809]",
        b'["\\u0000%%%"]',
    ],
)
def test_30_json_that_msgpack_could_not_carry_is_refused(connect: Connect, payload: bytes) -> None:
    refused(connect, "rs-json", publish("json", payload))


@pytest.mark.parametrize(
    "payload",
    [
        b"\x91\x81\x01\x01",
        b"\x91\x81\xc0\x01",
        b"\x91\x81\xc4\x01k\x01",
        b"\x91\x81\xc3\x01",
        b"\x91\xcb\x7f\xf8" + b"\x00" * 6,
        b"\x91\xca\x7f\x80\x00\x00",
        b"\x91\xa2\xff\xfe",
        b"\x91\xa3\xed\xa0\x80",
    ],
)
def test_30_msgpack_that_json_could_not_carry_is_refused(connect: Connect, payload: bytes) -> None:
    refused(connect, "ws-msgpack", publish("msgpack", payload))


@pytest.mark.parametrize(
    ("serializer", "payload"),
    [("json", b'[{"a":1,"a":2}]'), ("msgpack", b"\x91\x82\xa1a\x01\xa1a\x02")],
)
def test_31_of_duplicate_keys_the_last_wins(
    connect: Connect, serializer: str, payload: bytes
) -> None:
    subscriber, publisher = connect("rs-json"), connect(f"rs-{serializer}")
    subscriber.subscribe(TOPIC)
    publisher.put(publish(serializer, payload))
    assert subscriber.hear()[4] == [{"a": 2}]


# ---- 32


@pytest.mark.parametrize(
    ("serializer", "payload"),
    [
        ("json", b"[" + b"{}," * 340_000 + b"{}]"),
        ("json", b"[" + b"[]," * 65_536 + b"[]]"),
        ("json", b"[" + (b"[" + b"0," * 60_000 + b"0],") * 2 + b"0]"),
        ("msgpack", b"\xdd\x00\x0f\x00\x00" + b"\x80" * 0xF0000),
        ("msgpack", b"\xdd\x00\x01\x00\x01" + b"\x90" * 0x10001),
        ("msgpack", b"\x92" + (b"\xdc\xea\x60" + b"\xc0" * 60_000) * 2),
    ],
)
def test_32_too_many_elements_are_refused(
    connect: Connect, holdings: Holdings, serializer: str, payload: bytes
) -> None:
    refused(connect, f"rs-{serializer}", publish(serializer, payload))
    assert holdings.grown() < 48 * 1024


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_32_as_many_elements_as_allowed_arrive(connect: Connect, serializer: str) -> None:
    subscriber, publisher = connect("ws-json"), connect(f"ws-{serializer}")
    subscriber.subscribe(TOPIC)
    publisher.say(16, 1, {}, TOPIC, [[0] * 65_536])
    assert subscriber.hear()[4] == [[0] * 65_536]


# ---- 33


@CBOR
@pytest.mark.parametrize(
    "payload",
    [
        b"\x81\xd8\x1c\x81\xd8\x1d\x00",  # a list that holds itself (tags 28, 29)
        b"\x81\xc2\x58\x20" + b"\xff" * 32,
        b"\x9f\x01",
        b"\x9f" * 2000,
        b"\x81\x7f\x61a",
        b"\x81\x5f\x41a",
        b"\x81\xbf\x61a\x01",
        b"\x81\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x81\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x81\xe0",
        b"\x81\xf8\x20",
        b"\x81\xf9\x7e\x00",
        b"\x81\xf9\x7c\x00",
        b"\x81\xa1\x01\x01",
        b"\x81\x62\xff\xfe",
        b"\x81\xff",
        b"\x81\x1c",
        b"\x80\x00",
        b"\x81" * 900 + b"\x80",
        b"\x81" * 5000 + b"\x80",
        b"\x81" * 200_000 + b"\x80",
    ],
)
def test_33_cbor_beyond_the_common_ground_is_refused(connect: Connect, payload: bytes) -> None:
    refused(connect, "rs-cbor", publish("cbor", payload))


@CBOR
def test_33_plain_cbor_is_accepted(connect: Connect) -> None:
    subscriber, publisher = connect("rs-json"), connect("rs-cbor")
    subscriber.subscribe(TOPIC)
    publisher.put(publish("cbor", b"\x82\x01\xa1\x61k\xf6"))
    assert subscriber.hear()[4] == [1, {"k": None}]


# ---- 34 and 35

INSTALLED = ["json", "msgpack"] + ["cbor"] * bool(importlib.util.find_spec("cbor2"))


def told_to_all(connect: Connect, serializer: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Publish a payload and check that it arrives in every serializer as it was."""
    subscribers = {name: connect(f"ws-{name}") for name in INSTALLED}
    for subscriber in subscribers.values():
        subscriber.subscribe(TOPIC)
    publisher = connect(f"ws-{serializer}")
    publisher.say(16, 1, {}, TOPIC, args, kwargs)
    for name, subscriber in subscribers.items():
        event = loads(name, subscriber.transport.take())
        assert repr(event[4:]) == repr([args, kwargs]), name


@pytest.mark.parametrize("serializer", INSTALLED)
def test_34_a_payload_of_depth_64_reaches_every_serializer(
    connect: Connect, serializer: str
) -> None:
    told_to_all(connect, serializer, [nested(64)], {"deep": nested(64)})


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_34_a_payload_of_depth_65_is_refused(connect: Connect, serializer: str) -> None:
    refused(connect, f"rs-{serializer}", dumps(serializer, [16, 1, {}, TOPIC, [nested(65)]]))


@pytest.mark.parametrize("serializer", INSTALLED)
def test_35_integers_of_64_bits_arrive_unchanged(connect: Connect, serializer: str) -> None:
    numbers = [2**53 - 1, 2**53, 2**53 + 1, 2**63, 2**64 - 1, -(2**53) - 1, -(2**63), 0, -1]
    told_to_all(connect, serializer, numbers, {"k": numbers})


@pytest.mark.parametrize("serializer", INSTALLED)
def test_35_other_values_arrive_unchanged(connect: Connect, serializer: str) -> None:
    values = [None, True, 1.5, -0.0, 5e-324, "", "ü\u4e2d\U0001f600", "a\nb", "\x7f", [], {}, 1e300]
    told_to_all(connect, serializer, values, {"": values})
