"""Frames on a serial line: the vectors of the documentation, and what noise may do (pure)."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.held import held_octets
from tests.processes import ROOT
from wamplite.transports.serial_frames import (
    KEEP_ALIVE,
    RESET,
    Frame,
    Unframer,
    encode,
    header,
    longest,
    stuff,
    unstuff,
)

PAGE = (ROOT / "docs" / "serial-line.md").read_text()
LIMIT = 1024
some_messages = st.lists(st.binary(max_size=600), min_size=1, max_size=8)
biased = st.lists(st.sampled_from([0, 0, 1, 255]), max_size=600).map(bytes)


def vectors(kind: str) -> list[list[str]]:
    block = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert block, kind
    return [line.split("#")[0].split("|") for line in block[1].splitlines()]


def octets(text: str) -> bytes:
    """Read `ff 78*249 -` as the page means it."""
    parts = [word.partition("*") for word in text.split() if word != "-"]
    return b"".join(bytes.fromhex(what) * int(times or 1) for what, _, times in parts)


@pytest.mark.parametrize(("head", "message", "frame"), vectors("frames"))
def test_the_documented_frames_are_what_is_sent(head: str, message: str, frame: str) -> None:
    assert encode(octets(head)[0], octets(message)).hex() == octets(frame).hex()
    assert Unframer(LIMIT).feed(octets(frame)) == [Frame(octets(head)[0], octets(message))]


@pytest.mark.parametrize(("bytes_in", "frame"), vectors("arrivals"))
def test_the_documented_arrivals_are_read_so(bytes_in: str, frame: str) -> None:
    expected = octets(frame)
    frames = Unframer(LIMIT).feed(octets(bytes_in))
    assert frames == ([Frame(expected[0], expected[1:])] if expected else [])


def test_the_page_tells_the_longest_frames() -> None:
    assert f"{longest(1024)} and\n{longest(2048)} bytes" in PAGE


def test_a_header_tells_serializer_number_and_flags() -> None:
    frame = Frame(header("msgpack", 3) | RESET, b"")
    assert (frame.serializer, frame.number, frame.is_reset) == (2, 3, True)
    assert not Frame(KEEP_ALIVE, b"").is_reset


@given(st.binary(max_size=1500) | biased)
def test_stuffed_bytes_have_no_zero_and_come_back(data: bytes) -> None:
    stuffed = stuff(data)
    assert 0 not in stuffed
    assert unstuff(stuffed) == data
    assert len(stuffed) <= len(data) + len(data) // 254 + 1


@given(some_messages, st.data())
def test_frames_may_be_cut_anywhere(messages: list[bytes], data: st.DataObject) -> None:
    line = b"".join(encode(0x11, message) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(line)), max_size=20)))
    unframer, frames = Unframer(LIMIT), []
    for start, stop in zip([0, *cuts], [*cuts, len(line)], strict=True):
        frames += unframer.feed(line[start:stop])
    assert frames == [Frame(0x11, message) for message in messages]
    assert (unframer.damaged, unframer.overlong) == (0, 0)


@given(st.binary(max_size=4000))
def test_any_bytes_are_survived_and_the_next_frame_is_read(noise: bytes) -> None:
    unframer = Unframer(200)
    unframer.feed(noise + b"\0")
    assert unframer.feed(encode(0x11, b"after")) == [Frame(0x11, b"after")]


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_noise_never_makes_a_wrong_frame_and_costs_two_frames_an_error(seed: int) -> None:
    noise = random.Random(seed)
    sent = [b"%d:" % number + noise.randbytes(noise.randrange(80)) for number in range(50)]
    line, errors = bytearray(), 0
    for byte in b"".join(encode(0x11, message) for message in sent):
        kind = noise.random() * 1000
        errors += kind < 3
        if kind < 1:
            line.append(byte ^ 1 << noise.randrange(8))
        elif kind < 2:
            line += bytes((byte, noise.randrange(256)))
        elif kind >= 3:
            line.append(byte)
    frames = Unframer(LIMIT).feed(bytes(line))
    received = [frame.message for frame in frames]
    rest = iter(sent)
    assert all(message in rest for message in received), "something came that was not sent so"
    assert len(received) >= len(sent) - 2 * errors


def test_a_message_of_the_limit_passes_and_one_byte_more_is_counted() -> None:
    for message in (bytes(LIMIT), b"x" * LIMIT):
        unframer = Unframer(LIMIT)
        assert unframer.feed(encode(0x11, message)) == [Frame(0x11, message)]
        assert unframer.feed(encode(0x11, message + message[:1])) == []
        assert unframer.overlong == 1


def test_a_flood_without_an_end_is_forgotten_as_it_comes() -> None:
    unframer = Unframer(LIMIT)
    for _ in range(1000):
        unframer.feed(b"x" * 4096)
    assert unframer.overlong == 1
    assert held_octets(unframer) == 0
    assert unframer.feed(b"\0" + encode(0x40)) == [Frame(0x40, b"")]
