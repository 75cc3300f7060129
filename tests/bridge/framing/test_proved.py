"""What a proof changes in each framing: where the search goes on, what belongs to a frame."""

from __future__ import annotations

import pytest

from tests.bridge.framing.counted import told
from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.framing.checksums import KINDS, START, Checksum
from wamplite.bridge.framing.cobs import Cobs
from wamplite.bridge.framing.delimiter import Delimited
from wamplite.bridge.framing.fixed import Fixed
from wamplite.bridge.framing.idle_gap import IdleGap
from wamplite.bridge.framing.length import Length, LengthPrefixed
from wamplite.bridge.framing.lines import Lines
from wamplite.bridge.framing.proof import Proof
from wamplite.bridge.framing.slip import Slip
from wamplite.core.errors import UsageError

SUM8, SUM16 = Proof((Checksum("sum8"),)), Proof((Checksum("sum16"),))


def summed(content: bytes) -> bytes:
    return content + bytes([sum(content) & 0xFF])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_the_end_of_a_line_is_no_part_of_what_its_checksum_proves(end: bytes) -> None:
    framing = Lines(proof=SUM8)
    counts = told(framing)
    lines = [summed(b"a:%d" % number) for number in range(1, 4)]
    assert framing.feed(b"".join(line + end for line in lines)) == lines
    assert counts["wrong checksum"] == 0


def test_a_good_frame_within_a_refuted_one_is_found() -> None:
    framing = Fixed(4, b"<", proof=SUM8)
    counts = told(framing)
    assert framing.feed(b"<ab<" + summed(b"efg") + b"<" + summed(b"hij")) == [
        summed(b"efg"), summed(b"hij"),
    ]  # fmt: skip
    assert (counts["wrong checksum"], counts["garbage"], counts["garbage_bytes"]) == (1, 0, 3)


def test_a_pause_ends_a_frame_that_is_none_and_what_is_whole_behind_its_start_is_kept() -> None:
    framing = LengthPrefixed(1, start=b"<", gap=0.1, proof=SUM8)
    counts = told(framing)
    assert framing.feed(b"<\xf0<" + summed(b"\x03ab")) == []
    assert framing.idle() == [summed(b"\x03ab")[1:]]
    assert (counts["garbage"], counts["wrong checksum"], framing.pending) == (1, 0, False)
    unproved = LengthPrefixed(1, start=b"<", gap=0.1)
    counts = told(unproved)
    assert unproved.feed(b"<\xf0<" + summed(b"\x03ab")) == []
    assert unproved.idle() == []
    assert (counts["garbage"], unproved.pending) == (1, False)


def test_a_header_that_is_wrong_makes_nobody_wait() -> None:
    proof = Proof((Checksum("sum8", (0, 1), 1), Checksum("sum8", (2, -1))))
    framing = LengthPrefixed(1, start=b"<", adjust=1, proof=proof, max_bytes=255)
    counts = told(framing)
    good = b"<" + b"\x03\x03" + summed(b"ab")
    assert framing.feed(b"<\xf0\x0f" + good) == [b"\x03" + summed(b"ab")]
    assert counts["wrong checksum"] == 1


def test_without_a_start_two_frames_in_a_row_show_the_way_again() -> None:
    frames = [summed(bytes([number, 2, 3])) for number in range(40, 46)]
    framing = Fixed(4, proof=SUM8)
    counts = told(framing)
    assert framing.feed(frames[0]) == frames[:1]
    assert framing.feed(b"?" + frames[1]) == []
    assert framing.feed(frames[2]) == frames[1:3]
    assert framing.feed(frames[3]) == frames[3:4]
    assert counts["wrong checksum"] == 1
    framing.feed(b"?")
    framing.reset()
    assert counts["cut off"] == 1
    assert framing.feed(frames[4]) == frames[4:5]


def test_a_start_at_the_end_of_a_frame_is_the_next_one_where_that_is_proved() -> None:
    framing = Fixed(3, b"U", gap=0.1, proof=SUM8)
    counts = told(framing)
    lost = b"U" + bytes([0x40, 0x15])  # and the checksum, 55, is the start of the next
    good = b"U" + summed(b"ab")
    assert framing.feed(lost + good) == [summed(b"ab")]
    assert counts["wrong checksum"] == 1
    assert framing.feed(lost + b"U") == []  # it may be the whole frame
    assert framing.idle() == [bytes([0x40, 0x15, 0x55])]


def test_a_fixed_frame_ends_with_its_end_or_is_garbage() -> None:
    framing = Fixed(3, b"<", proof=Proof((), b">"))
    counts = told(framing)
    assert framing.feed(b"<ab><abc<de>") == [b"ab>", b"de>"]
    assert (counts["garbage"], counts["wrong checksum"]) == (1, 0)
    assert not framing.knows_start


def test_a_header_before_the_length_is_kept_by_choice() -> None:
    stream = b"\xb5b" + b"\x01\x07\x02\x00" + b"hi" + b"CK"
    keys = {"start": b"\xb5b", "offset": 2, "adjust": 2}
    assert LengthPrefixed(2, "little", **keys).feed(stream) == [b"hiCK"]  # type: ignore[arg-type]
    kept = LengthPrefixed(2, "little", **keys, keep=True)  # type: ignore[arg-type]
    assert kept.feed(stream * 2) == [stream] * 2


def test_a_mask_takes_the_bits_that_count_and_further_lengths_are_added() -> None:
    assert LengthPrefixed(2, mask=0x7FF).feed(b"\xa0\x03abc") == [b"abc"]
    several = LengthPrefixed(1, more=(Length(2, 1), Length(3, 2)), keep=True)
    assert several.feed(b"\x05x\x02\x00\x01" + b"abcd" + b"rest") == [b"\x05x\x02\x00\x01abcd"]
    too_short = LengthPrefixed(1, start=b"<", more=(Length(2, 1),))
    counts = told(too_short)
    assert too_short.feed(b"<\x01x\x00" + b"<\x02y\x00") == [b"y\x00"]  # 1 < the second's place
    assert (counts["garbage"], counts["overlong"]) == (1, 0)


def test_a_trailer_belongs_to_the_frame_and_is_no_garbage() -> None:
    framing = Delimited(b"!", b"/", trailer=4)
    counts = told(framing)
    assert framing.feed(b"/a!6EE") == []
    assert framing.pending
    assert framing.feed(b"E\r\n/b!FFFF\r\n") == [b"a", b"b"]
    assert counts["garbage"] == 0
    kept = Delimited(b"\n}", trailer=1, keep=True)
    assert kept.feed(b'{\n"a": 1\n}\r{\n\n}\r\n}\r') == [b'{\n"a": 1\n}\r', b"{\n\n}\r"]


def test_a_start_within_a_frame_is_part_of_it_where_the_checksum_says_so() -> None:
    framing = Delimited(b"!", b"/", trailer=2, proof=Proof((Checksum("sum16", (START, -2)),)))
    counts = told(framing)
    body = b"/a/b!"
    right = body + sum(body).to_bytes(2, "big")
    assert framing.feed(right) == [b"a/b"]
    assert framing.feed(b"/lost" + right) == [b"a/b"]
    assert (counts["garbage"], counts["garbage_bytes"]) == (1, 5)
    assert framing.feed(body + b"??" + right) == [b"a/b"]
    assert counts["wrong checksum"] == 1


def test_a_frame_full_of_starts_is_not_tried_at_each() -> None:
    tried = []

    class Counting(Proof):
        def flaw(self, whole: bytes, start: int) -> str:
            tried.append(len(whole))
            return super().flaw(whole, start)

    framing = Delimited(b"!", b"/", trailer=2, proof=Counting((Checksum("sum16"),)))
    counts = told(framing)
    assert framing.feed(b"/" * 2000 + b"!??") == []
    assert len(tried) == 16
    assert max(tried) == 2003  # the first is among them
    assert counts["wrong checksum"] == 1


@pytest.mark.parametrize(
    ("framing", "encode"),
    [
        (Lines(proof=SUM8), lambda content: content + b"\n"),
        (Cobs(proof=SUM8), lambda content: bytes([len(content) + 1]) + content + b"\0"),
        (Slip(proof=SUM8), lambda content: b"\xc0" + content + b"\xc0"),
        (Delimited(b";;", proof=Proof((Checksum("sum8", (0, -3), -3),))), lambda c: c + b";;"),
    ],
)
def test_frames_of_other_kinds_are_proved_too(framing: Lines, encode: object) -> None:
    counts = told(framing)
    assert callable(encode)
    assert framing.knows_start
    good = summed(b"ab")
    assert framing.feed(encode(good) + encode(b"abc") + encode(good)) == [good, good]
    assert (counts["wrong checksum"], counts["garbage_bytes"] >= 3) == (1, True)


def test_what_a_silence_ends_is_proved() -> None:
    framing = IdleGap(0.1, proof=SUM16)
    counts = told(framing)
    framing.feed(b"ab\0\xc3")
    assert framing.idle() == [b"ab\0\xc3"]
    framing.feed(b"abc")
    assert framing.idle() == []
    assert counts["wrong checksum"] == 1


def refused(framing: dict[str, object]) -> str:
    port = {"name": "p", "device": "/dev/x", "framing": framing}
    with pytest.raises(UsageError) as complaint:
        from_dict({"port": [port]})
    return str(complaint.value)


@pytest.mark.parametrize(
    ("framing", "words"),
    [
        ({"kind": "lines", "checksum": "crc16"}, "kind: expected one of sum8"),
        ({"kind": "lines", "checksum": 5}, "checksum: expected a table"),
        ({"kind": "cobs", "checksum": [{"kind": "xor"}, {"at": 2}]}, '2: "kind" is missing'),
        ({"kind": "slip", "checksum": {"kind": "xor", "over": [1]}}, "expected two positions"),
        ({"kind": "lines", "checksum": {"kind": "xor", "over": ["start", -1]}}, 'no "start" that'),
        (
            {"kind": "lines", "checksum": {"kind": "xor", "format": "hex", "at": 0}},
            'over: expected bytes to cover, such as [2, "end"]; [0, 0] are none',
        ),
        (
            {"kind": "lines", "checksum": {"kind": "xor", "at": 0, "over": [3, 0]}},
            'over: expected bytes to cover, such as [1, "end"]; [3, 0] are none',
        ),
        (
            {"kind": "slip", "checksum": {"kind": "xor", "over": [-1, -2]}},
            "over: expected bytes to cover, such as [0, -1]; [-1, -2] are none",
        ),
        (
            {"kind": "lines", "checksum": {"kind": "xor", "at": 0, "over": [3, 4096]}},
            'over: [3, 4096] fits the longest frame alone; expected [3, "end"]',
        ),
        (
            {"kind": "cobs", "max_bytes": 64, "checksum": {"kind": "xor", "over": [3, 65]}},
            "needs 65 bytes, and the longest frame has 64",
        ),
        (
            {"kind": "idle-gap", "checksum": {"kind": "xor", "at": 0, "over": [0, "end"]}},
            'over: [0, "end"] covers the checksum itself, which stands at 0',
        ),
        (
            {"kind": "fixed", "size": 8, "checksum": {"kind": "sum16", "over": [0, -1]}},
            "over: [0, -1] covers the checksum itself, which stands at -2",
        ),
        (
            {"kind": "length", "start": "U", "checksum": {"kind": "xor", "over": ["start", "end"]}},
            'over: ["start", "end"] covers the checksum itself, which stands at -1',
        ),
        (
            {"kind": "delimiter", "delimiter": "\r\n", "checksum": {"kind": "xor", "at": -1}},
            'at: -1 is within the "delimiter"; expected -3, before it',
        ),
        (
            {"kind": "delimiter", "delimiter": "!", "trailer": 1, "checksum": "sum16"},
            'at: -2 is within the "delimiter"; expected -4, before it',
        ),
        (
            {"kind": "fixed", "size": 8, "end": "\r", "checksum": {"kind": "xor", "at": 7}},
            'at: 7 is within the "end"; expected -2, before it',
        ),
        ({"kind": "fixed", "size": 8, "checksum": {"kind": "sum16", "at": 7}}, "needs 9 bytes"),
        ({"kind": "length", "more_lengths": [[2, 3]]}, "expected an array of [position, bytes]"),
        ({"kind": "block", "end": "(", "begin": "^a"}, "end: expected a regular expression"),
        ({"kind": "block", "end": "x", "lines": 3}, 'excludes "end"'),
        (
            {"kind": "delimiter", "start": "~", "delimiter": "~", "trailer": 2},
            "trailer: behind a delimiter that is the start, too, only a checksum tells",
        ),
        ({"kind": "delimiter", "aside": [":", r"\n"]}, r"aside 2: \n is these 2 characters"),
        ({"kind": "delimiter", "aside": [":"]}, "aside: expected what begins it and what ends it"),
        (
            {"kind": "delimiter", "delimiter": "::", "aside": [":", "\n"]},
            "aside: what begins it is part of the start or the delimiter",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_of_a_framing_is_told_before_anything_runs(
    framing: dict[str, object], words: str
) -> None:
    assert words in refused(framing)


@pytest.mark.parametrize(
    ("framing", "sent"),
    [
        ({"kind": "delimiter", "delimiter": "\r\n"}, summed(b"ab") + b"\r\n"),
        ({"kind": "delimiter", "delimiter": "!", "trailer": 1}, summed(b"ab!")),
        ({"kind": "fixed", "size": 4, "start": "U", "end": "\r"}, b"U" + summed(b"ab") + b"\r"),
        ({"kind": "length", "end": "\r"}, summed(b"\x04ab") + b"\r"),
    ],
)
def test_a_checksum_alone_stands_at_the_end_but_for_what_ends_each_frame(
    framing: dict[str, object], sent: bytes
) -> None:
    port = {"name": "p", "device": "/dev/x", "framing": {**framing, "checksum": "sum8"}}
    made = from_dict({"port": [port]}).ports[0].framing.make()
    counts = told(made)
    assert len(made.feed(sent * 2)) == 2
    assert not counts


def test_a_checksum_in_front_covers_all_up_to_the_end() -> None:
    keys = {"kind": "xor", "format": "hex", "at": 0, "over": [3, "end"]}
    port = {"name": "p", "device": "/dev/x", "framing": {"kind": "lines", "checksum": keys}}
    made = from_dict({"port": [port]}).ports[0].framing.make()
    counts = told(made)
    lines = [b"%02X;%s" % (KINDS["xor"].compute(text), text) for text in (b"T=1;H=2", b"T=21.5")]
    assert made.feed(b"\r\n".join([*lines, lines[0][:-1] + b"3", b""])) == lines
    assert counts["wrong checksum"] == 1


def test_what_is_said_of_a_checksum_is_what_is_made() -> None:
    keys = {"kind": "crc16-arc", "over": ["start", -4], "at": -4, "format": "hex"}
    framing = {
        "kind": "delimiter", "start": "/", "delimiter": "!", "trailer": 4, "keep": True,
        "checksum": keys,
    }  # fmt: skip
    port = {"name": "p", "device": "/dev/x", "framing": framing}
    made = from_dict({"port": [port]}).ports[0].framing.make()
    counts = told(made)
    assert made.feed(b"/x!0000\r\n") == []
    assert counts["wrong checksum"] == 1
    right = b"/x!%04X" % KINDS["crc16-arc"].compute(b"/x!")
    assert made.feed(right) == [right]
