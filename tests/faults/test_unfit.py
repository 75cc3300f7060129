"""A message that is whole but cannot be carried on fails alone: its session is served further."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.sessions import Session, dumps

Connect = Callable[..., Session]
INVALID = "wamp.error.invalid_argument"
TOPIC = "faults.unfit"
HUGE = "an integer must lie between -2**63 and 2**64-1"
FINITE = "a float must be finite, neither NaN nor Infinity"
DEEP = "an argument must nest at most 64 containers"
NUL = "text must not begin with NUL: in JSON that means bytes"


# What the Arguments and ArgumentsKw are, where the flaw is, and what it is.
JSON: dict[str, tuple[bytes, str]] = {
    "huge": (b"[1,18446744073709551616]", f"argument 2: {HUGE}"),
    "very huge": (b"[" + b"9" * 5000 + b"]", f"argument 1: {HUGE}"),
    "low": (b'[],{"unit":[0,-9223372036854775809]}', f"argument unit[1]: {HUGE}"),
    "infinite": (b'[{"a b":[[1e999]]}]', f"argument 1['a b'][0][0]: {FINITE}"),
    "NaN": (b"[1,NaN]", f"argument 2: {FINITE}"),
    "minus Infinity": (b'[],{"unit":[-Infinity]}', f"argument unit[0]: {FINITE}"),
    "NaN in what is deep": (b"[NaN," + b"[" * 65 + b"]" * 65 + b"]", f"argument 1: {FINITE}"),
    "surrogate": (b'[0,"\\ud800"]', "argument 2: text must not hold a lone surrogate"),
    "surrogate in a key": (b'[{"\\ud800":1}]', "argument 1: text must not hold a lone surrogate"),
    "no base64": (b'["\\u0000%%"]', "argument 1: JSON: after NUL there must be base64"),
    "deep": (b"[0," + b"[" * 65 + b"]" * 65 + b"]", f"argument 2: {DEEP}"),
    "very deep": (b"[[0]," + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"]", f"argument 2: {DEEP}"),
    "deep by name": (b'[],{"a":' + b"[" * 65 + b"]" * 65 + b"}", f"argument a: {DEEP}"),
    "long": (b"[[" + b"0," * 65_536 + b"0]]",
             "argument 1: a container must have at most 65536 elements"),
    "many": (b"[" + b"[" + b"0," * 60_000 + b"0],[" + b"0," * 60_000 + b"0]]",
             "the payload: a payload must have at most 100000 elements in all"),
    "very many": (b"[" + b"[]," * 300_000 + b"0]",
                  "the payload: a payload must have at most 100000 elements in all"),
}  # fmt: skip
MSGPACK: dict[str, tuple[bytes, str]] = {
    "NaN": (b"\x91\xcb\x7f\xf8" + bytes(6), f"argument 1: {FINITE}"),
    "infinite": (b"\x90\x81\xa4unit\xca\x7f\x80\0\0", f"argument unit: {FINITE}"),
    "NUL": (b"\x92\x01\xa2\0a", f"argument 2: {NUL}"),
    "extension": (b"\x91\x81\xa1k\xd4\x05x",
                  "argument 1.k: a MsgPack extension of type 5 and 1 octets means nothing"),
    "key": (b"\x91\x81\x01\x01", "argument 1: a key of a dict must be a string, not int"),
    "list as a key": (b"\x91\x81\x91\x01\x01",
                      "argument 1: a key of a dict must be a string, not list"),
    "no UTF-8": (b"\x91\xa2\xff\xfe", "argument 1: text must be UTF-8"),
    "deep": (b"\x92\x00" + b"\x91" * 70_000 + b"\x90",
             f"argument 2[0][0][0][0][0]...: {DEEP}"),
    "long": (b"\xdd\0\x01\0\x01" + b"\x90" * 65_537,
             "Arguments: a container must have at most 65536 elements"),
    "many": (b"\x92" + (b"\xdc\xea\x60" + b"\xc0" * 60_000) * 2,
             "the payload: a payload must have at most 100000 elements in all"),
}  # fmt: skip
CBOR: dict[str, tuple[bytes, str]] = {
    "bignum": (b"\x81\xc2\x49\1" + bytes(8), f"argument 1: {HUGE}"),
    "low": (b"\x81\x3b" + b"\xff" * 8, f"argument 1: {HUGE}"),
    "half NaN": (b"\x81\xf9\x7e\0", f"argument 1: {FINITE}"),
    "simple": (b"\x81\xe0", "argument 1: the simple value 0 of CBOR means nothing"),
    "reference": (b"\x81\xd8\x1d\0",
                  "argument 1: a reference to what stood earlier in a message is not followed"),
    "NUL": (b"\x82\0\x62\0a", f"argument 2: {NUL}"),
    "deep": (b"\x82\0" + b"\x9f" * 100_000, f"argument 2[0][0][0][0][0]...: {DEEP}"),
}  # fmt: skip
PAYLOADS = [
    pytest.param(serializer, payload, text, id=f"{serializer}: {name}")
    for serializer, payloads in (("json", JSON), ("msgpack", MSGPACK), ("cbor", CBOR))
    for name, (payload, text) in payloads.items()
]
each_payload = pytest.mark.parametrize(("serializer", "payload", "text"), PAYLOADS)


@pytest.fixture(scope="module")
def memory() -> int:
    """Return more than usual: a heap that held large messages in small pieces stays in pieces."""
    return 32 * 1024


def written(serializer: str, head: list[Any], payload: bytes) -> bytes:
    """Return a message with these octets for its payload."""
    if serializer == "json":
        return dumps("json", head)[:-1] + b"," + payload + b"]"
    two = {b"\x90\x81": 2}.get(payload[:2], 1)  # Arguments and ArgumentsKw, or one of them
    opening = (0x90 if serializer == "msgpack" else 0x80) + len(head) + two
    return bytes([opening]) + dumps(serializer, head)[1:] + payload


@each_payload
def test_a_call_that_cannot_be_carried_is_refused(
    connect: Connect, serializer: str, payload: bytes, text: str
) -> None:
    caller = connect(f"rs-{serializer}")
    caller.put(written(serializer, [48, 7, {}, TOPIC], payload))
    assert caller.hear() == [8, 48, 7, {}, INVALID, [text]]
    assert caller.is_served()


@each_payload
def test_a_publish_that_cannot_be_carried_is_refused_or_dropped(
    connect: Connect, serializer: str, payload: bytes, text: str
) -> None:
    subscriber, publisher = connect("ws-json"), connect(f"rs-{serializer}")
    subscriber.subscribe(TOPIC)
    publisher.put(written(serializer, [16, 7, {}, TOPIC], payload))
    publisher.put(written(serializer, [16, 8, {"acknowledge": True}, TOPIC], payload))
    assert publisher.hear() == [8, 16, 8, {}, INVALID, [text]]
    assert publisher.is_served()
    assert subscriber.is_served()


@pytest.mark.sampled
@each_payload
def test_a_result_that_cannot_be_carried_is_an_error_for_the_caller(
    connect: Connect, serializer: str, payload: bytes, text: str
) -> None:
    caller, callee = connect("rs-json"), connect(f"rs-{serializer}")
    callee.register(TOPIC)
    words = f"the callee's answer cannot be carried: {text}"
    for asked in (
        [70, 1, {}],
        [8, 68, 2, {}, "faults.error.own"],
        [8, 68, 3, {}, "no valid uri"],
    ):
        caller.request += 1
        caller.say(48, caller.request, {}, TOPIC)
        assert callee.hear()[0] == 68
        callee.put(written(serializer, asked, payload))
        error = "faults.error.own" if asked[-1] == "faults.error.own" else INVALID
        assert caller.hear() == [8, 48, caller.request, {}, error, [words]]
    callee.put(written(serializer, [70, 1, {}], payload))  # late: ignored
    assert callee.is_served()
    assert caller.ask(66, 1)[0] == 8


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b'[48,7,{"x":1e999},"faults.unfit"]', f"Options.x: {FINITE}"),
        (b'[48,7,{"timeout":18446744073709551616},"faults.unfit",[1]]', f"Options.timeout: {HUGE}"),
        (b'[48,7,{"x":[' + b"[" * 70 + b"]" * 70 + b']},"faults.unfit"]', f"Options.x: {DEEP}"),
        (b'[16,7,{"acknowledge":true,"x":1e999},"faults.unfit"]', f"Options.x: {FINITE}"),
        (b'[16,7,{"x":' + b"[" * 70 + b"]" * 70 + b',"acknowledge" : true},"faults.unfit"]',
         f"Options.x: {DEEP}"),
        (b'[32,7,{"x":{"\\ud800":1}},"faults.unfit"]',
         "Options.x: text must not hold a lone surrogate"),
        (b'[64,7,{"x":[1e999]},"faults.unfit"]', f"Options.x[0]: {FINITE}"),
        (b'[64,7,{},"faults.\\ud800"]', "Procedure: text must not hold a lone surrogate"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_read_fail_their_request(
    connect: Connect, message: bytes, text: str
) -> None:
    session = connect("rs-json")
    session.put(message)
    code = int(message[1:3])
    assert session.hear() == [8, code, 7, {}, INVALID, [text]]
    assert session.is_served()


@pytest.mark.sampled
@pytest.mark.parametrize(
    "message",
    [
        b"[18446744073709551616,7,{}]",
        b'[48,18446744073709551616,{},"faults.unfit"]',
        b'[48,1e999,{},"faults.unfit"]',
        b'[48,7,1e999,"faults.unfit"]',
        b'[48,7,{},"faults.unfit",1e999]',
        b'[48,7,{},18446744073709551616,[1]]',
        b'[48,7,{},"faults.unfit",[1e999],[]]',
        b'[49,7,{"x":1e999}]',
        b'[6,{"x":1e999},"wamp.close.close_realm"]',
        b"[34,7,1e999]",
        b'[36,7,8,{},[1e999]]',
        b'[48,7,{},"faults.unfit",[1e999]',
        b'[48,7,{},"faults.unfit",[' + b"[" * 5000 + b"]" * 4000,
    ],
)  # fmt: skip
def test_what_breaks_the_grammar_besides_ends_its_session(connect: Connect, message: bytes) -> None:
    session = connect("rs-json")
    session.put(message)
    assert session.aborted() == "wamp.error.protocol_violation"


def test_an_unfit_message_before_hello_is_a_violation(connect: Connect) -> None:
    for message in (b'[48,7,{},"faults.unfit",[1e999]]', b'[1,"realm1",{"roles":1e999}]'):
        session = connect("rs-json", join=False)
        session.put(message)
        assert session.aborted() == "wamp.error.protocol_violation"
