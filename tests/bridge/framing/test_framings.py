"""Frames of all kinds but lines: whole, in pieces, spoilt, too long, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.framing.counted import told
from tests.held import held_octets
from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.framing.block import Block
from wamplite.bridge.framing.checksums import Checksum
from wamplite.bridge.framing.cobs import Cobs
from wamplite.bridge.framing.delimiter import Delimited
from wamplite.bridge.framing.fixed import Fixed
from wamplite.bridge.framing.framing import FRAMINGS, Framing
from wamplite.bridge.framing.hdlc import Hdlc
from wamplite.bridge.framing.idle_gap import IdleGap
from wamplite.bridge.framing.length import LengthPrefixed
from wamplite.bridge.framing.lines import Lines
from wamplite.bridge.framing.mixed import Mixed
from wamplite.bridge.framing.proof import Proof
from wamplite.bridge.framing.slip import Slip
from wamplite.core.errors import UsageError


def cobs(data: bytes) -> bytes:
    """Encode as the paper describes it, one block at a time."""
    out = bytearray()
    for part in data.split(b"\0"):
        while len(part) >= 254:
            out += b"\xff" + part[:254]
            part = part[254:]
        out += bytes([len(part) + 1]) + part
    return bytes(out) + b"\0"


def slip(data: bytes) -> bytes:
    escaped = data.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + escaped + b"\xc0"


def hdlc(data: bytes) -> bytes:
    escaped = data.replace(b"}", b"}]").replace(b"~", b"}^").replace(b"\x11", b"}1")
    return b"~" + escaped + b"~"


def between_flags(data: bytes) -> bytes:
    return b"|" + (data.replace(b"|", b"").strip(b"\r\n") or b"-") + b"|"


def with_asides(data: bytes) -> bytes:
    middle = len(data) // 2
    whole = between(data[:middle])[:-2] + b":A4F1\n" + between(data[middle:])[2:]
    return b"<:A1\n" + whole[1:-1] + b":\n>" + bytes([sum(between(data)[2:]) & 0xFF])


def length(data: bytes) -> bytes:
    return b"\xaa\x55" + len(data).to_bytes(2, "little") + data


def between(data: bytes) -> bytes:
    return b"<<" + data.replace(b"<", b"").replace(b">", b"") + b">>"


def proved(data: bytes) -> bytes:
    whole = between(data)
    return whole + bytes([sum(whole[2:]) & 0xFF])


def proved_fixed(data: bytes) -> bytes:
    content = data[:3].ljust(3)
    return content + bytes([sum(content) & 0xFF])


SUM8 = Proof((Checksum("sum8"),))
MAKERS: dict[str, tuple[Callable[[], Framing], Callable[[bytes], bytes]]] = {
    "proved": (lambda: Delimited(b">>", b"<<", 600, trailer=1, proof=SUM8), proved),
    "proved fixed": (
        lambda: Fixed(4, b"\x02", proof=SUM8),
        lambda data: b"\x02" + proved_fixed(data),
    ),
    "proved without a start": (lambda: Fixed(4, proof=SUM8), proved_fixed),
    "proved length": (
        lambda: LengthPrefixed(2, start=b"\xaa", proof=SUM8, max_bytes=600),
        lambda data: (
            b"\xaa"
            + (len(data) + 1).to_bytes(2, "big")
            + data
            + bytes([sum(data) + sum((len(data) + 1).to_bytes(2, "big")) & 0xFF])
        ),
    ),
    "cobs": (lambda: Cobs(600), cobs),
    "slip": (lambda: Slip(600), slip),
    "hdlc": (lambda: Hdlc(600), hdlc),
    "flags": (lambda: Delimited(b"|", b"|", 600), between_flags),
    "mixed": (
        lambda: Mixed(
            [
                Delimited(b">>", b"<<", 600, trailer=1, proof=SUM8),
                LengthPrefixed(2, start=b"\xaa", proof=SUM8, max_bytes=600),
                LengthPrefixed(2, "little", start=b"\xaa\x55", max_bytes=600),
                Delimited(b"|", b"|", 600),
            ]
        ),
        lambda data: proved(data) + length(data) + between_flags(data),
    ),
    "asides": (
        lambda: Delimited(b">>", b"<<", 600, trailer=1, aside=(b":", b"\n"), proof=SUM8),
        with_asides,
    ),
    "length": (lambda: LengthPrefixed(2, "little", start=b"\xaa\x55", max_bytes=600), length),
    "delimiter": (lambda: Delimited(b">>", b"<<", 600), between),
    "fixed": (lambda: Fixed(4, b"\x02"), lambda data: b"\x02" + data[:4].ljust(4)),
}
PAYLOADS = st.lists(st.binary(min_size=1, max_size=300), max_size=5)


@pytest.mark.parametrize("kind", MAKERS)
@given(payloads=PAYLOADS, cuts=st.lists(st.integers(0, 1500), max_size=8))
def test_frames_are_the_same_however_they_come(
    kind: str, payloads: list[bytes], cuts: list[int]
) -> None:
    make, encode = MAKERS[kind]
    stream = b"".join(map(encode, payloads))
    whole = make()
    counts = told(whole)
    frames = whole.feed(stream)
    in_pieces = make()
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert [frame for piece in pieces for frame in in_pieces.feed(piece)] == frames
    if kind in ("cobs", "slip", "hdlc", "length"):
        assert frames == payloads
        assert (counts["garbage"], counts["overlong"]) == (0, 0)


NOISE = st.text("<>\0\x02\xaaU\xc0\xdbx\n", max_size=30).map(lambda text: text.encode("latin-1"))


@pytest.mark.parametrize("kind", MAKERS)
@given(noise=st.lists(NOISE, max_size=8), payloads=PAYLOADS)
def test_noise_makes_the_same_frames_in_one_piece_and_byte_by_byte(
    kind: str, noise: list[bytes], payloads: list[bytes]
) -> None:
    make, encode = MAKERS[kind]
    frames = [encode(payload) for payload in payloads]
    stream = b"".join(a + b for a, b in zip(noise, [*frames, *([b""] * 8)], strict=False))
    at_once, slowly = make(), make()
    at_once_counts, slowly_counts = told(at_once), told(slowly)
    got = at_once.feed(stream)
    assert [f for byte in stream for f in slowly.feed(bytes([byte]))] == got
    assert slowly_counts == at_once_counts


@pytest.mark.parametrize("kind", MAKERS)
@given(data=st.lists(st.binary(max_size=50)))
def test_any_bytes_are_taken_and_what_is_kept_is_bounded(kind: str, data: list[bytes]) -> None:
    framing = MAKERS[kind][0]()
    for piece in data:
        assert all(framing.feed(piece * 20))
    framing.idle()
    framing.reset()
    assert not framing.pending
    assert framing.feed(b"") == []


@pytest.mark.parametrize("kind", ["cobs", "slip", "hdlc", "length", "delimiter"])
@given(before=st.binary(min_size=1, max_size=40))
def test_one_frame_after_garbage_the_way_is_found_back(kind: str, before: bytes) -> None:
    make, encode = MAKERS[kind]
    framing = make()
    framing.feed(before)
    ends = b"\0" * 700 + b">>" + b"\xc0" + b"~"  # whatever was begun ends here
    framing.feed(ends if kind != "slip" else b"\xc0")
    assert framing.feed(encode(b"whole") + encode(b"again"))[-1] == b"again"


def test_a_delimiter_may_be_cut_in_two() -> None:
    framing = Delimited(b"\r\n.\r\n")
    pieces = [b"one\r", b"\n.", b"\r\ntwo\r\n.\r\n\r\n.\r", b"\n"]
    assert [framing.feed(piece) for piece in pieces] == [[], [], [b"one", b"two"], []]


def test_what_stands_before_a_start_is_garbage_and_line_ends_are_not() -> None:
    framing = Delimited(b"\x03", b"\x02")
    counts = told(framing)
    assert framing.knows_start
    assert framing.feed(b"boot...\x02one\x03\r\n\x02two\x03") == [b"one", b"two"]
    assert counts["garbage"] == 1
    assert framing.feed(b"xx") == framing.feed(b"yy") == []
    assert counts["garbage"] == 2


def test_a_second_start_means_that_an_end_was_lost() -> None:
    framing = Delimited(b"\x03", b"\x02")
    counts = told(framing)
    assert framing.feed(b"\x02half\x02whole\x03") == [b"whole"]
    assert counts["garbage"] == 1


@pytest.mark.parametrize("start", [b"", b"<"])
def test_a_delimited_frame_has_a_bound_in_one_piece_and_in_many(start: bytes) -> None:
    stream = start + b"x" * 9 + b">" + start + b"y" * 8 + b">"
    for pieces in ([stream], [bytes([byte]) for byte in stream]):
        framing = Delimited(b">", start, 8)
        counts = told(framing)
        assert [frame for piece in pieces for frame in framing.feed(piece)] == [b"y" * 8]
        assert (counts["overlong"], counts["garbage"]) == (1, 0)


def test_a_start_behind_a_frame_that_is_too_long_counts_the_same_in_one_piece_and_in_many() -> None:
    stream = b"\x02" + b"a" * 66 + b"\x02b\x03"
    for pieces in ([stream], [bytes([byte]) for byte in stream]):
        framing = Delimited(b"\x03", b"\x02", 64)
        counts = told(framing)
        assert [frame for piece in pieces for frame in framing.feed(piece)] == [b"b"]
        assert (counts["overlong"], counts["garbage"]) == (1, 0)


def test_a_line_that_never_ends_keeps_no_memory_and_counts_once() -> None:
    framing = Delimited(b"END", max_bytes=10)
    counts = told(framing)
    for _ in range(100):
        assert framing.feed(b"EN" * 10) == []
    assert counts["overlong"] == 1
    assert not framing.pending
    assert held_octets(framing) < 30
    assert framing.feed(b"END" + b"fine" + b"END") == [b"fine"]


def test_cobs_that_nobody_can_have_sent_is_garbage() -> None:
    framing = Cobs()
    counts = told(framing)
    assert framing.feed(b"\x05ab\0" + cobs(b"a\0b")) == [b"a\0b"]
    assert counts["garbage"] == 1


@pytest.mark.parametrize(
    ("plain", "encoded"),
    [
        (b"\0", b"\x01\x01\0"),
        (b"\0\0", b"\x01\x01\x01\0"),
        (b"\x11\x22\0\x33", b"\x03\x11\x22\x02\x33\0"),
        (b"\x11\0\0\0", b"\x02\x11\x01\x01\x01\0"),
        (bytes(range(1, 255)), b"\xff" + bytes(range(1, 255)) + b"\0"),
        (bytes(range(1, 256)), b"\xff" + bytes(range(1, 255)) + b"\x02\xff\0"),
        (bytes(range(256)), b"\x01\xff" + bytes(range(1, 255)) + b"\x02\xff\0"),
    ],
)
def test_cobs_as_its_examples_have_it(plain: bytes, encoded: bytes) -> None:
    assert Cobs().feed(encoded) == [plain]


def test_slip_escapes_and_counts_what_is_none() -> None:
    framing = Slip(8)
    counts = told(framing)
    assert framing.feed(b"\xc0\xdb\xdc\xdb\xdd\xc0") == [b"\xc0\xdb"]
    assert framing.feed(b"a\xdbb\xc0a\xdb\xc0") == []
    assert counts["garbage"] == 2
    assert framing.feed(slip(b"x" * 9)) == []
    assert framing.feed(slip(b"\xc0" * 8)) == [b"\xc0" * 8]
    assert counts["overlong"] == 1


def test_hdlc_takes_an_escape_for_any_byte_and_none_before_a_flag() -> None:
    framing = Hdlc(8)
    counts = told(framing)
    assert framing.knows_start
    assert framing.feed(b"half~}^}]}1}\x5e~}]~") == [b"~}\x11~", b"}"]
    assert (counts["garbage"], counts["garbage_bytes"]) == (1, 4)
    assert framing.feed(b"ab}~cd~") == [b"cd"]
    assert counts["garbage"] == 2
    assert framing.feed(b"\n~" + hdlc(b"x" * 9) + hdlc(b"~" * 8)) == [b"\n", b"~" * 8]
    assert counts["overlong"] == 1
    assert not framing.pending


def without(parts: list[bytes], place: int) -> bytes:
    """Return the parts with a flag before, behind and between them, but for one."""
    return b"".join(
        (b"" if number == place else b"~") + part for number, part in enumerate([*parts, b""])
    )


BODIES = st.lists(st.binary(min_size=1, max_size=20), min_size=2, max_size=8)


@pytest.mark.parametrize("make", [lambda: Delimited(b"~", b"~"), Hdlc])
@given(bodies=BODIES, place=st.integers(0, 16))
def test_a_flag_that_is_lost_costs_no_more_than_the_frames_beside_it(
    make: Callable[[], Framing], bodies: list[bytes], place: int
) -> None:
    bodies = [b"#" + body.translate(None, b"~}") for body in bodies]
    assert make().feed(without(bodies, -1)) == bodies
    at = place % (len(bodies) + 1)
    joined = [bodies[at - 1] + bodies[at]] if 0 < at < len(bodies) else []
    assert make().feed(without(bodies, at)) == bodies[: max(0, at - 1)] + joined + bodies[at + 1 :]
    doubled = [part for body in bodies for part in (body, b"")][:-1]
    at = place % (len(doubled) + 1)
    lost = slice(1 if at == 0 else 0, -1 if at == len(doubled) else None)
    assert make().feed(without(doubled, at)) == bodies[lost]


def test_line_ends_between_two_flags_are_no_frame_and_a_damaged_frame_is_one() -> None:
    framing = Delimited(b"|", b"|", proof=Proof((Checksum("xor", (0, -2), -2),)))
    counts = told(framing)
    good = b"|" + b"ab" + bytes([ord("a") ^ ord("b")]) + b"|"
    assert framing.feed(good + b"\r\n" + good + b"\r\n|ax?" + good) == [good[1:-1]] * 3
    assert framing.feed(b"\r\n" + good) == [good[1:-1]]
    assert (counts["wrong checksum"], counts["garbage"]) == (1, 0)
    framing.reset()
    assert counts["cut off"] == 0


def test_an_aside_that_has_begun_before_a_delimiter_has_ended_goes_before_it() -> None:
    for pieces in ([b"1xab!2ab3ab"], [bytes([byte]) for byte in b"1xab!2ab3ab"]):
        framing = Delimited(b"ab", aside=(b"xa", b"!"))
        assert [frame for piece in pieces for frame in framing.feed(piece)] == [b"12", b"3"]


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        (b"a:" + b"x" * 510 + b"\n|", [b"a"]),
        (b"a:" + b"x" * 511 + b"\n|", [b"a:" + b"x" * 511 + b"\n"]),
        (b"a:x\x7f\n|", [b"a:x\x7f\n"]),
        (b"a:b:c\n|", [b"a"]),
        (b":b\na|", [b"a"]),
        (b"|:b\na|b:\n|", [b"a", b"b"]),
        (b"a:\r:c\nd|", [b"a:\rd"]),
    ],
)
def test_an_aside_is_printable_and_has_a_bound(text: bytes, frames: list[bytes]) -> None:
    for pieces in ([text], [text[at : at + 1] for at in range(len(text))]):
        framing = Delimited(b"|", aside=(b":", b"\n"))
        assert [frame for piece in pieces for frame in framing.feed(piece)] == frames


def test_a_fixed_frame_without_a_start_is_voided_by_a_pause() -> None:
    framing = Fixed(3, gap=0.1)
    counts = told(framing)
    assert not framing.knows_start
    assert framing.feed(b"abcde") == [b"abc"]
    assert framing.pending
    assert framing.idle() == []
    assert (counts["garbage"], framing.pending) == (1, False)
    assert framing.feed(b"fgh") == [b"fgh"]
    framing.idle()
    assert counts["garbage"] == 1


def test_a_fixed_frame_with_a_start_skips_what_is_before_it() -> None:
    framing = Fixed(2, b"\xaa\x55")
    counts = told(framing)
    assert framing.feed(b"\x01\xaa\x02\xaa") == []
    assert framing.feed(b"\x55hi\xaa\x55yo..") == [b"hi", b"yo"]
    assert counts["garbage"] == 2


@pytest.mark.parametrize(
    ("framing", "stream"),
    [
        (LengthPrefixed(1), b"\x03abc"),
        (LengthPrefixed(2, "big"), b"\x00\x03abc"),
        (LengthPrefixed(2, "little"), b"\x03\x00abc"),
        (LengthPrefixed(4, "big"), b"\0\0\0\x03abc"),
        (LengthPrefixed(2, "big", True), b"\x00\x05abc"),
        (LengthPrefixed(1, "big", True, start=b"!!"), b"!!\x06abc"),
    ],
)
def test_a_length_may_have_several_shapes(framing: LengthPrefixed, stream: bytes) -> None:
    assert framing.feed(stream * 2) == [b"abc", b"abc"]


def test_a_length_that_cannot_be_is_passed_over() -> None:
    framing = LengthPrefixed(2, start=b"\xaa", max_bytes=16)
    counts = told(framing)
    assert framing.feed(b"\xaa\xff\xff\xaa\x00\x02hi") == [b"hi"]
    assert (counts["overlong"], counts["garbage"]) == (1, 0)
    shorter_than_its_header = LengthPrefixed(1, includes_header=True)
    counts = told(shorter_than_its_header)
    assert shorter_than_its_header.feed(b"\x00\x03hi") == [b"hi"]
    assert (counts["overlong"], counts["garbage"]) == (0, 1)


def test_a_frame_of_length_0_is_none_and_costs_neither_garbage_nor_the_next() -> None:
    framing = LengthPrefixed(1, start=b"\xaa")
    counts = told(framing)
    assert framing.feed(b"\xaa\x00\xaa\x02hi\xaa\x00") == [b"hi"]
    assert (counts["overlong"], counts["garbage"], framing.pending) == (0, 0, False)


def test_an_idle_gap_ends_a_frame() -> None:
    framing = IdleGap(0.05, max_bytes=8)
    counts = told(framing)
    assert framing.feed(b"one", 10.0) == []
    assert framing.feed(b"+", 10.01) == []
    assert framing.feed(b"two", 10.2) == [b"one+"]
    assert framing.pending
    assert framing.idle() == [b"two"]
    assert framing.feed(b"123456", 11) == framing.feed(b"789", 11.01) == []
    assert counts["overlong"] == 1
    assert framing.idle() == []
    assert framing.feed(b"next") == []
    framing.reset()
    assert counts["cut off"] == 1
    assert framing.idle() == []


def test_a_cut_frame_is_noticed_and_forgotten() -> None:
    for framing in (Delimited(b";"), Cobs(), Fixed(9), LengthPrefixed(1), IdleGap(1)):
        counts = told(framing)
        framing.feed(b"\x09ab")
        assert framing.pending
        framing.reset()
        assert counts["cut off"] == 1
        framing.reset()
        assert counts["cut off"] == 1


MADE: dict[str, tuple[dict[str, Any], type]] = {
    "block": ({}, Block),
    "cobs": ({}, Cobs),
    "delimiter": ({"delimiter": b";"}, Delimited),
    "fixed": ({"size": 9}, Fixed),
    "hdlc": ({}, Hdlc),
    "idle-gap": ({}, IdleGap),
    "length": ({}, LengthPrefixed),
    "lines": ({}, Lines),
    "slip": ({}, Slip),
}


@pytest.mark.parametrize("kind", FRAMINGS)
def test_each_kind_is_made_by_its_name(kind: str) -> None:
    keys, made = MADE[kind]
    framing = FRAMINGS[kind].made(**keys).make()
    assert type(framing) is made
    framing.feed(b"~\x02a")
    assert framing.pending
    framing.idle()
    framing.reset()
    assert not framing.pending


@pytest.mark.parametrize(
    ("said", "found", "meant"),
    [
        (r"\xaa", r"\xaa is these 4", r"\u00aa"),
        (r"U\xAAU", r"\xAA is these 4", r"\u00AA"),
        (r"\r\n", r"\r is these 2", r"\r"),
        (r"\u0002", r"\u0002 is these 6", r"\u0002"),
        (r"\002", r"\002 is these 4", r"\u0002"),
        (r"\0", r"\0 is these 2", r"\u0000"),
    ],
)
def test_an_escape_that_stands_as_its_characters_is_told(said: str, found: str, meant: str) -> None:
    port = {"name": "p", "device": "/dev/x", "framing": {"kind": "delimiter", "delimiter": said}}
    with pytest.raises(UsageError) as refused:
        from_dict({"port": [port]})
    assert str(refused.value).endswith(
        f"delimiter: {found} characters: single quotes take escapes as they stand; use double"
        f' quotes, "{meant}"'
    )


def test_a_frame_of_no_bytes_is_none_and_costs_nothing() -> None:
    framing = LengthPrefixed(2)
    counts = told(framing)
    large = b"x" * 256  # its length begins where a length read one byte too early ends
    assert framing.feed(b"\0\0\1\0" + large + b"\0\0\0\0\0\1c") == [large, b"c"]
    assert (counts["garbage"], counts["overlong"], framing.pending) == (0, 0, False)
