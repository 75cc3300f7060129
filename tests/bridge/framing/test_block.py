"""Blocks of lines: begun and ended by patterns, by a blank line, or by their number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.framing.counted import told
from wamplite.bridge.framing.block import Block
from wamplite.bridge.framing.checksums import Checksum
from wamplite.bridge.framing.proof import Proof

TELEGRAM = b"/ISk5\r\n\r\n1-0:1.7.0(00.244*kW)\r\n!6EEE\r\n"


def test_a_block_has_its_bytes_as_they_came_but_for_the_last_line_end() -> None:
    block = Block("^/", "^!")
    counts = told(block)
    assert block.knows_start
    assert block.feed(b"half of one\r\n!\r\n" + TELEGRAM * 2) == [TELEGRAM[:-2]] * 2
    assert (counts["garbage"], counts["garbage_bytes"], counts["overlong"]) == (1, 16, 0)


def test_a_blank_line_ends_a_block_where_nothing_else_is_said() -> None:
    block = Block()
    counts = told(block)
    assert not block.knows_start
    assert block.feed(b"\r\n \r\na=1\r\nb=2\r\n\t\r\n\r\nc=3\n\n") == [b"a=1\r\nb=2\r\n\t", b"c=3"]
    assert counts["garbage"] == 0


@pytest.mark.parametrize("begin", ["", "^T"])
def test_a_number_of_lines_makes_a_block(begin: str) -> None:
    block = Block(begin, lines=2)
    counts = told(block)
    assert block.feed(b"T 1\nH 2\nT 3\nH 4\nT 5\n") == [b"T 1\nH 2", b"T 3\nH 4"]
    assert block.pending
    block.reset()
    assert counts["cut off"] == 1
    block.reset()
    assert counts["cut off"] == 1


def test_where_a_block_begins_anew_the_first_has_lost_its_end() -> None:
    block = Block("^/", "^!")
    counts = told(block)
    assert block.feed(b"/one\nlost\n/two\n!\n") == [b"/two\n!"]
    assert (counts["garbage"], counts["garbage_bytes"]) == (1, 10)


def test_a_pause_drops_what_has_not_ended() -> None:
    block = Block("^/", "^!", gap=0.5)
    counts = told(block)
    assert block.feed(b"/one\nhalf a li") == []
    assert block.idle() == []
    assert (counts["garbage"], counts["garbage_bytes"], block.pending) == (1, 14, False)
    assert block.feed(b"ne\n!\n/two\n!\n") == [b"/two\n!"]
    block.idle()
    assert counts["garbage"] == 2


@pytest.mark.parametrize("step", [1, 1000])
def test_a_block_and_a_line_have_a_bound(step: int) -> None:
    block = Block("^/", "^!", max_bytes=20)
    counts = told(block)
    long_block = b"/a\n" + b"b234\n" * 9 + b"!\n"
    long_line = b"/" + b"x" * 90 + b"/\n!\n"
    stream = long_block + b"/ok\n!\n" + long_line + b"/123456789012345678\n!\n/fine\n!\n"
    frames = []
    for at in range(0, len(stream), step):
        frames += block.feed(stream[at : at + step])
    assert frames == [b"/ok\n!", b"/fine\n!"]
    assert counts["overlong"] == 3


def test_a_block_may_be_proved() -> None:
    block = Block("^/", "^!", proof=Proof((Checksum("xor", (0, -2), in_hex=True),)))
    counts = told(block)
    right = b"/a\n!" + b"%02X" % (ord("/") ^ ord("a") ^ ord("\n") ^ ord("!"))
    assert block.feed(right + b"\n" + right[:-1] + b"?\n" + right + b"\n") == [right, right]
    assert (counts["wrong checksum"], counts["garbage"]) == (1, 0)


LINES = st.sampled_from([b"/a", b"!", b"", b"x", b"  ", b"\r", b"long line of many characters"])


@pytest.mark.parametrize(
    "make", [lambda: Block("^/", "^!", max_bytes=12), lambda: Block(lines=2), Block]
)
@given(lines=st.lists(LINES, max_size=20), cuts=st.lists(st.integers(0, 200), max_size=6))
def test_blocks_are_the_same_however_they_come(
    make: type[Block], lines: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    whole, cut = make(), make()
    whole_counts, cut_counts = told(whole), told(cut)
    frames = whole.feed(stream)
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert [frame for piece in pieces for frame in cut.feed(piece)] == frames
    assert cut_counts == whole_counts
