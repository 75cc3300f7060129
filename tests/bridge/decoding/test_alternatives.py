"""Several decoders on one port, and functions that yield, refuse, and know when a frame began."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.pseudo import PseudoDevice, sentence
from tests.waiting import until
from wamplite import bridge
from wamplite.bridge.bridge_port import BridgePort
from wamplite.bridge.clock import BootClock, Moment
from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.counts import MOST_REASONS, OTHER, Counts
from wamplite.bridge.decoding.readings import Reading
from wamplite.bridge.intake import Intake
from wamplite.bridge.settings import PortSettings
from wamplite.bridge.shaping import ShapedEvent
from wamplite.core.errors import UsageError

MIXED = [
    {"kind": "nmea", "match": r"^\$"},
    "json",
    {"kind": "regex", "pattern": r"T=(?P<t>\d+)", "types": {"t": "int"}, "scale": {"t": 0.1}},
]


def port_of(**keys: Any) -> PortSettings:
    return from_dict({"port": [{"name": "p", "device": "/dev/x", **keys}]}).ports[0]


def taken(data: bytes, *, at: float = 1.0, **keys: Any) -> tuple[list[Reading], Counts]:
    """Return what a port makes of bytes that come in two pieces, a second apart."""
    port, readings, counts = port_of(**keys), list[Reading](), Counts()
    intake = Intake(port.framing.make(), port.decode.decoder(), counts, readings.extend)
    intake.opened()
    intake.received(b"cut off\n", Moment(0.0, 999.0))
    middle = len(data) // 2
    intake.received(data[:middle], Moment(1.0, 1000.0))
    intake.received(data[middle:], Moment(2.0, 1001.0))
    return readings, counts


def values(readings: list[Reading]) -> list[Any]:
    return [reading.kwargs or reading.args for reading in readings]


def test_each_line_is_decoded_by_what_fits_it() -> None:
    lines = sentence(7) + b'{"hum": 40}\nT=215\n'
    readings, counts = taken(lines, decode=MIXED)
    assert values(readings) == [
        {"talker": "GP", "type": "TXT", "fields": ["01", "01", "02", "7"]},
        {"hum": 40},
        {"t": 21.5},
    ]
    assert counts.dropped == {"first line": 1}


def test_a_line_is_refused_by_the_one_that_it_is_meant_for_or_by_all() -> None:
    _, counts = taken(b"$GPTXT,1*00\nnonsense\n", decode=MIXED)
    assert counts.dropped == {"first line": 1, "wrong checksum": 1, "no decoder fits": 1}


def test_match_sees_the_bytes_at_the_ends_of_a_frame_that_is_no_text() -> None:
    framing = {"kind": "fixed", "size": 3, "start": "\xa5", "checksum": "xor"}
    decode = {"kind": "bytes", "match": r"^\x00\x0d"}
    readings, _ = taken(b"\xa5\x00\r\r" * 2, framing=framing, decode=decode)
    assert values(readings) == [[b"\0\r\r"]] * 2


def test_match_holds_for_a_single_decoder_too() -> None:
    readings, counts = taken(b"# T=1\nT=2\r\n", decode={"kind": "text", "match": "^T=[0-9]+$"})
    assert values(readings) == [["T=2"]]
    assert counts.dropped == {"first line": 1, "no match": 1}


def test_mixed_lines_of_a_device_are_published_each_on_its_topic(tmp_path: Path) -> None:
    events: list[tuple[str, Any]] = []

    def put(port: str, new: list[ShapedEvent]) -> None:
        events.extend((event.topic, event.kwargs or event.args[0]) for event in new)

    with PseudoDevice(tmp_path).plug() as device:
        settings = port_of(
            device=device.path,
            decode=MIXED,
            publish=[
                {"topic": "a.gps", "fields": ["type"]},
                {"topic": "a.{field}", "fields": ["hum"]},
            ],
        )
        port = BridgePort(settings, put, lambda topic, status: None, lambda port: 0, BootClock())
        port.start()
        try:
            until(lambda: port.device.is_ready, "open")
            device.write(b"half\n" + sentence(1) + b'{"hum": 40}\n')
            until(lambda: len(events) == 2, "published")
        finally:
            assert port.stop(5)
    assert events == [("a.gps", {"type": "TXT"}), ("a.hum", 40)]


@pytest.mark.parametrize(
    ("decode", "words"),
    [
        ([], "decode: names no decoder"),
        (["json", "jsn"], 'decode 2: kind: unknown kind "jsn"'),
        (["text", "json"], "decode 1: takes every frame"),
        ([{"kind": "text", "match": "("}], "match: expected a regular expression"),
    ],
)
def test_what_cannot_be_is_told_before(decode: Any, words: str) -> None:
    with pytest.raises(UsageError) as told:
        port_of(decode=decode)
    assert words in str(told.value).replace("'", '"')


def test_the_values_of_all_of_them_may_be_published() -> None:
    decode = [{"kind": "csv", "fields": ["a"], "match": "^x"}, {"kind": "csv", "fields": ["b"]}]
    port_of(decode=decode, publish=[{"topic": "t", "fields": ["a", "b"]}])
    with pytest.raises(UsageError, match='no value named "c"'):
        port_of(decode=decode, publish=[{"topic": "t", "fields": ["c"]}])


# ---- functions


def test_a_function_that_yields_has_several_readings_of_a_frame() -> None:
    def decode(frame: bytes) -> Iterator[Any]:
        for number in frame.split():
            yield {"n": int(number)}
        yield None

    table = {"kind": "python:", "function": decode, "scale": {"n": 0.1}}
    readings, counts = taken(b"1 2 3\n4 x 5\n", decode=table)
    assert values(readings) == [{"n": 0.1}, {"n": 0.2}, {"n": 0.3}]
    assert {reading.heard for reading in readings} == {Moment(1.0, 1000.0)}
    assert counts.dropped == {"first line": 1, "python: ValueError": 1}  # all of them or none


def test_a_function_that_returns_a_list_has_one_reading() -> None:
    table = {"kind": "python:", "function": lambda frame: [1, 2]}
    assert values(taken(b"x\n", decode=table)[0]) == [[[1, 2]]]


def test_a_function_that_never_ends_yielding_is_stopped() -> None:
    def decode(frame: bytes) -> Iterator[Any]:
        while True:
            yield 1

    _, counts = taken(b"x\n", decode={"kind": "python:", "function": decode})
    assert counts.dropped == {"first line": 1, "python: more than 1000 readings": 1}


def test_a_function_refuses_with_a_reason_of_its_own_within_a_bound() -> None:
    def decode(frame: bytes) -> None:
        raise bridge.Undecodable(f"reason {frame.decode()}")

    lines = b"".join(b"%d\n" % (number % 150) for number in range(300))
    _, counts = taken(lines, decode={"kind": "python:", "function": decode})
    assert counts.dropped["reason 7"] == 2
    assert len(counts.dropped) == MOST_REASONS + 1
    assert counts.dropped[OTHER] == 2 * (150 - MOST_REASONS + 1)


def test_a_function_knows_when_its_frame_began_and_what_stood_before_it() -> None:
    told: list[tuple[bytes, bytes, float]] = []

    def decode(frame: bytes, told_of_it: Any) -> None:
        told.append((frame, told_of_it.header, told_of_it.begun))

    framing = {"kind": "length", "start": "\x02", "length_offset": 1}
    table = {"kind": "python:", "function": decode}
    taken(b"\x020\x01a\x02A\x02xy\x02B\x02zw", framing=framing, decode=table)
    assert told == [(b"xy", b"\x02A\x02", 1000.0), (b"zw", b"\x02B\x02", 1001.0)]


def test_a_frame_that_came_in_pieces_began_with_the_first() -> None:
    told: list[Any] = []
    table = {"kind": "python:", "function": lambda frame, of_it: told.append(of_it.begun)}
    taken(b"one line\n", decode=table)
    assert told == [1000.0]


def test_a_frame_that_is_published_as_it_is_is_bytes() -> None:
    for decode in ("bytes", {"kind": "python:", "function": lambda frame: {"raw": frame}}):
        (frame,) = port_of(framing={"kind": "length"}).framing.make().feed(b"\x01x")
        reading = port_of(decode=decode).decode.decoder().decode(frame)
        (value,) = reading.args or reading.kwargs.values()
        assert type(value) is bytes and value == b"x"
