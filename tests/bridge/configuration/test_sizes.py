"""What can never work is refused, a record that no frame can be; what does nothing is told."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.framing.framing import FRAMINGS
from wamplite.core.errors import UsageError

FIXED = {"kind": "fixed", "size": 8}
TEN = {"kind": "struct", "format": "<5H"}
EIGHT = {"kind": "struct", "format": "<4H"}


def complaint(port: dict[str, Any]) -> str:
    try:
        from_dict({"port": [{"name": "p", "device": "/dev/x", **port}]})
    except UsageError as refused:
        return str(refused).removeprefix('port "p": ')
    return ""


def asked(**of: Any) -> dict[str, Any]:
    return {"framing": FIXED, "procedure": [{"uri": "a.b", "write": "x", **of}]}


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ({"framing": FIXED, "decode": TEN},
         "decode: wants frames of 10 bytes; those of the framing have 8"),
        ({"framing": FIXED | {"start": "\u00aaU", "keep": True}, "decode": EIGHT},
         "decode: wants frames of 8 bytes; those of the framing have 10"),
        ({"framing": FIXED, "decode": [EIGHT | {"match": "^x"}, TEN]},
         "decode 2: wants frames of 10 bytes"),
        ({"framing": "length", "decode": {"kind": "struct", "format": "<256B"}},
         "decode: wants frames of 256 bytes; those of the framing have 1 to 255"),
        ({"framing": {"kind": "length", "max_bytes": 9}, "decode": TEN}, "decode: wants"),
        ({"framing": {"kind": "length", "length_mask": 7}, "decode": TEN}, "decode: wants"),
        ({"framing": {"kind": "length", "length_adjust": -250}, "decode": TEN}, "decode: wants"),
        (asked(reply=TEN), "procedure 1: reply: wants"),
        (asked(reply="x", error=TEN), "procedure 1: error: wants"),
        (asked(then=[{"write": "y", "reply": TEN}]), "procedure 1: then 1: reply: wants"),
        (asked(reply=TEN, framing=FIXED | {"size": 9}), "procedure 1: reply: wants"),
    ],
)  # fmt: skip
def test_a_record_that_no_frame_can_be_is_refused(port: dict[str, Any], words: str) -> None:
    assert complaint(port).startswith(words)


@pytest.mark.parametrize(
    "port",
    [
        {"framing": FIXED, "decode": EIGHT},
        {"framing": FIXED | {"start": "\u00aaU", "keep": True}, "decode": TEN},
        {"framing": FIXED | {"start": "\u00aaU"}, "decode": EIGHT},
        {"framing": "length", "decode": TEN},
        {"framing": {"kind": "length", "length_mask": 7, "keep": True}, "decode": EIGHT},
        {"framing": {"kind": "length", "length_mask": 7, "more_lengths": [[1, 1]]}, "decode": TEN},
        {"framing": {"kind": "length", "length_adjust": -245}, "decode": TEN},
        {"framing": "lines", "decode": TEN},
        {"framing": "slip", "decode": TEN},
        {"framing": FIXED, "decode": "text"},
        asked(reply=TEN, framing=FIXED | {"size": 10}),
        asked(reply=TEN, lines=2),  # which are decoded as one text
    ],
)
def test_one_that_may_come_is_not(port: dict[str, Any]) -> None:
    assert complaint(port) == ""


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keep": True},
        {"length_offset": 1, "keep": True},
        {"includes_header": True},
        {"includes_header": True, "start": "h", "keep": True},
        {"length_mask": 0x0F},
        {"length_adjust": -2},
        {"length_adjust": 3, "max_bytes": 200},
        {"more_lengths": [[1, 1]]},
        {"more_lengths": [[2, 1]], "length_adjust": 1, "keep": True},
    ],
)
def test_frames_have_the_sizes_that_a_length_can_say(keys: dict[str, Any]) -> None:
    port = {"name": "p", "device": "/dev/x", "framing": {"kind": "length", "gap": 0, **keys}}
    settings = from_dict({"port": [port]}).ports[0].framing
    start = keys.get("start", "").encode()
    found = set()
    for length in (*range(16), *range(190, 206), *range(250, 256)):
        for second in (0, 1, 255):
            head = bytes(keys.get("length_offset", 0)) + bytes([length, second, second])
            found |= {len(frame) for frame in settings.make().feed(start + head + bytes(600))[:1]}
    assert (min(found), max(found)) == (settings.sizes[0], settings.sizes[-1])


def test_the_size_of_every_framing_of_a_fixed_one_is_what_it_cuts() -> None:
    framing = FRAMINGS["fixed"].made(size=struct.calcsize("<4H"), start=b"\xaa", keep=True)
    (frame,) = framing.make().feed(b"\xaa" + bytes(8))
    assert [len(frame)] == [*framing.sizes]


HIGH = FIXED | {"start": "\u00aaU"}
TO_EIGHT = [{"write": "y", "reply": "x", "bytesize": 8}]


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ({"strip_parity": True, "framing": HIGH},
         "framing: start: byte AA never comes: strip_parity = true; expected at most 7F"),
        ({"bytesize": 7, "framing": {"kind": "delimiter", "delimiter": "\u00ff"}},
         "framing: delimiter: byte FF never comes: bytesize = 7; expected at most 7F"),
        ({"bytesize": 5, "framing": FIXED | {"end": "\n!"}},
         "framing: end: byte 21 never comes: bytesize = 5; expected at most 1F"),
        ({"bytesize": 7, "framing": [FIXED | {"start": "A"}, HIGH]}, "framing 2: start: byte AA"),
        ({"strip_parity": True, **asked(reply="x", framing=HIGH)},
         "procedure 1: framing: start: byte AA never comes"),
        ({"strip_parity": True, **asked(reply="x", then=TO_EIGHT), "framing": HIGH},
         "framing: start: byte AA never comes: strip_parity"),
    ],
)  # fmt: skip
def test_a_byte_that_no_line_brings_is_refused(port: dict[str, Any], words: str) -> None:
    assert complaint(port).startswith(words)


@pytest.mark.parametrize(
    "port",
    [
        {"framing": HIGH},
        {"strip_parity": True, "framing": FIXED | {"start": "\u007fU"}},
        {"bytesize": 7, **asked(reply="x", then=TO_EIGHT), "framing": HIGH},
        {"bytesize": 5},
    ],
)
def test_one_that_a_line_brings_is_not(port: dict[str, Any]) -> None:
    assert complaint(port) == ""


def test_a_reply_is_no_refusal() -> None:
    said = complaint(asked(reply="^OK$", error="^OK$"))
    assert said == 'procedure 1: error: is the same as "reply": whatever comes would be a refusal'
    assert complaint(asked(reply="^OK$", error="^ERR$")) == ""
    assert complaint(asked(reply="^OK$", then=[{"write": "x", "reply": "a", "error": "a"}]))


USES = {
    "publish": {"topic": "a.b"},
    "procedure": {"uri": "a.b", "write": "x"},
    "subscribe": {"topic": "a.b", "write": "x"},
    "poll": {"topic": "a.b", "every": 1, "write": "x", "reply": "y"},
}


@pytest.mark.parametrize("key", USES)
def test_a_port_of_which_something_comes_is_not_idle(key: str) -> None:
    port = {"name": "p", "device": "/dev/x"}
    assert from_dict({"port": [port | {key: [USES[key]]}]}).ports[0].idle_because == ""
    assert "no [[port.publish]]" in from_dict({"port": [port]}).ports[0].idle_because


@pytest.mark.parametrize(
    ("silence", "every", "publish", "is_wrong"),
    [
        (5, [5], [], True),
        (5, [60, 5], [], True),
        (5, [60, 4], [], False),
        (0, [60], [], False),
        (5, [60], [{"topic": "a.c"}], False),  # frames come by themselves
    ],
)
def test_a_device_that_speaks_only_when_it_is_asked_is_not_silent_before(
    silence: float, every: list[float], publish: list[Any], is_wrong: bool
) -> None:
    polls = [USES["poll"] | {"every": seconds, "topic": f"a.p{seconds}"} for seconds in every]
    said = complaint({"silence": silence, "poll": polls, "publish": publish})
    assert said.startswith("silence: must be more than the 5 s between") == is_wrong, said
    assert bool(said) == is_wrong
