"""Lines out of bytes, however the bytes come."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.framing.counted import told
from tests.held import held_octets
from wamplite.bridge.framing.lines import Lines


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        (b"one\ntwo\n", [b"one", b"two"]),
        (b"one\r\ntwo\r\nthree\n", [b"one", b"two", b"three"]),
        (b"one\rtwo\r", [b"one", b"two"]),
        (b"\n\r\n \t\n\x00\n", [b"\x00"]),
        (b"no end", []),
    ],
)
def test_lines_end_at_lf_crlf_or_cr(data: bytes, frames: list[bytes]) -> None:
    assert Lines().feed(data) == frames


def test_a_carriage_return_is_a_byte_like_others_once_a_line_feed_has_come() -> None:
    assert Lines().feed(b"first\r\n\x01\r\x02,rest\r\n") == [b"first", b"\x01\r\x02,rest"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_comes_without_its_end_and_none_is_longer_than_the_bound(end: bytes) -> None:
    lines = Lines(8)
    counts = told(lines)
    sent = [b"first", b"\0 2\0", b"12345678", b"123456789", b"last"]
    assert lines.feed(b"".join(line + end for line in sent)) == [*sent[:3], b"last"]
    assert counts["overlong"] == 1


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_an_overlong_line_is_dropped_and_counted_and_the_next_is_whole(end: bytes) -> None:
    lines = Lines(max_bytes=10)
    counts = told(lines)
    data = b"ok" + end + b"x" * 50 + end + b"0123456789" + end + b"fine" + end
    assert [frame.strip() for frame in lines.feed(data)] == [b"ok", b"0123456789", b"fine"]
    assert counts["overlong"] == 1


def test_a_stray_line_feed_does_not_silence_a_device_that_ends_its_lines_with_cr() -> None:
    lines = Lines(max_bytes=20)
    counts = told(lines)
    frames = lines.feed(b"\n" + b"line\r" * 20)
    assert frames[-1] == b"line"
    assert counts["overlong"] == 1
    assert len(frames) >= 10


def test_a_flood_without_any_end_holds_no_more_than_the_bound() -> None:
    lines = Lines(max_bytes=100)
    counts = told(lines)
    for _ in range(1000):
        assert lines.feed(b"\xff" * 997) == []
    assert counts["overlong"] == 1
    assert held_octets(lines) <= 110
    assert lines.feed(b"\nback\n") == [b"back"]


def test_reset_forgets_half_a_line_and_says_so() -> None:
    lines = Lines()
    counts = told(lines)
    lines.feed(b"half a li")
    lines.reset()
    assert counts["cut off"] == 1
    assert lines.feed(b"ne\n") == [b"ne"]
    lines.reset()
    assert counts["cut off"] == 1


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"bc", b"\x00", b" ", b"0123456789"])),
    st.integers(),
)
def test_the_same_frames_come_out_however_the_stream_is_cut(parts: list[bytes], seed: int) -> None:
    data = b"".join(parts)
    whole, cut = Lines(max_bytes=8), Lines(max_bytes=8)
    whole_counts, cut_counts = told(whole), told(cut)
    expected = whole.feed(data)
    cuts = sorted(random.Random(seed).choices(range(len(data) + 1), k=5))
    edges = [0, *cuts, len(data)]
    pieces = [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert [frame for piece in pieces for frame in cut.feed(piece)] == expected
    assert cut_counts == whole_counts
    single = Lines(max_bytes=8)
    frames = [f for n in range(len(data)) for f in single.feed(data[n : n + 1])]
    assert frames == expected
