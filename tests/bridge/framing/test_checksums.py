"""Checksums as the catalogue of CRCs and the devices themselves have them."""

from __future__ import annotations

import pytest

from wamplite.bridge.framing.checksums import END, KINDS, START, WRONG, Checksum, WrongChecksum
from wamplite.bridge.framing.proof import GARBAGE, Proof

CHECK = b"123456789"


VALUES = {
    "sum8": 0xDD,
    "sum8-negated": 0x23,
    "lrc": 0x23,
    "sum8-inverted": 0x22,
    "sum6": 0x3D,
    "sum16": 0x01DD,
    "sum16-negated": 0xFE23,
    "xor": 0x31,
    "fletcher8": 0xDD15,
    "crc8": 0xF4,
    "crc16-modbus": 0x4B37,
    "crc16-arc": 0xBB3D,
    "crc16-x25": 0x906E,
    "crc16-ccitt": 0x29B1,
    "crc16-xmodem": 0x31C3,
    "crc16-voltronic": 0x31C3,
    "crc32": 0xCBF43926,
}


def test_no_kind_is_left_out() -> None:
    assert set(VALUES) == set(KINDS)


@pytest.mark.parametrize("kind", VALUES)
def test_each_kind_has_its_check_value(kind: str) -> None:
    value = VALUES[kind]
    assert KINDS[kind].compute(CHECK) == value
    size = KINDS[kind].width
    for order in ("big", "little"):
        told = value.to_bytes(size, order)  # type: ignore[arg-type]
        proof = Proof((Checksum(kind, byteorder=order),))  # type: ignore[arg-type]
        assert proof.flaw(CHECK + told, 0) == ""
        assert proof.flaw(CHECK + bytes([told[0] ^ 1]) + told[1:], 0) == WRONG
    text = Checksum(kind, in_hex=True)
    assert not text.flaw(CHECK + b"%0*X" % (2 * size, value), 0)
    assert not text.flaw(CHECK + b"%0*x" % (2 * size, value), 0)
    assert text.flaw(CHECK + b"+" + b"%0*x" % (2 * size, value), 0)


def test_positions_count_from_behind_the_start_and_from_the_end() -> None:
    whole = b"\xaa\xc0" + bytes([1, 2, 3, 4, 5, 6, 21]) + b"\xab"
    assert not Checksum("sum8", (0, 6), 6).flaw(whole, 2)
    assert not Checksum("sum8", (0, -2), -2).flaw(whole, 2)
    assert not Checksum("sum8", behind=1).flaw(whole, 2)
    assert Checksum("sum8", (1, 6), 6).flaw(whole, 2)
    with_start = whole[:-2] + bytes([(21 + 0xAA + 0xC0) & 0xFF]) + b"\xab"
    assert not Checksum("sum8", (START, -2), -2).flaw(with_start, 2)
    in_front = b"\xaa" + bytes([6]) + bytes([1, 2, 3])
    assert not Checksum("sum8", (1, END), 0).flaw(in_front, 1)
    assert Checksum("sum8", (1, END), 0).flaw(in_front + b"\1", 1)


@pytest.mark.parametrize(
    ("checksum", "frame", "told"),
    [
        (Checksum("sum8"), b"ab\xc4", "sum8: found C4, computed C3"),
        (Checksum("crc16-arc"), CHECK + b"\x3d\xbb", "crc16-arc: found 3D BB, computed BB 3D"),
        (
            Checksum("crc16-arc", in_hex=True),
            CHECK + b"BB3E",
            "crc16-arc: found BB3E, computed BB3D",
        ),
        (Checksum("sum8", in_hex=True), b"ab\r\x01", r"sum8: found \r\x01, computed C3"),
        (Checksum("sum8", (0, 9), 9), CHECK, "sum8: the frame is too short for it"),
    ],
)
def test_a_wrong_checksum_tells_what_was_found_and_computed(
    checksum: Checksum, frame: bytes, told: str
) -> None:
    flaw = Proof((checksum,)).flaw(frame, 0)
    assert isinstance(flaw, WrongChecksum)
    assert (flaw, flaw.told) == (WRONG, told)


@pytest.mark.parametrize(
    "checksum",
    [
        Checksum("crc16-arc", (0, 9), 9),  # one byte is there, two are needed
        Checksum("sum8", (0, 20), 9),
        Checksum("sum8", (-20, 4), 9),
        Checksum("sum8", (0, 4), -20),
        Checksum("sum8", (6, 4), 9),
    ],
)
def test_what_a_frame_is_too_short_for_does_not_fit(checksum: Checksum) -> None:
    assert checksum.flaw(bytes(10), 0)


def test_a_proof_wants_all_checksums_and_the_end() -> None:
    header, rest = Checksum("sum8", (0, 2), 2), Checksum("xor", (3, -2), -2)
    proof = Proof((header, rest), b"\x16")
    whole = b"\x68" + bytes([1, 2, 3, 7, 7 ^ 0, 7]) + b"\x16"
    assert proof.flaw(whole[:6] + bytes([7 ^ 7]) + b"\x16", 1) == ""
    assert proof.flaw(whole[:6] + bytes([7 ^ 7]) + b"\x17", 1) == GARBAGE
    assert proof.flaw(whole[:6] + bytes([1]) + b"\x16", 1) == WRONG


def test_a_header_may_refute_a_frame_before_the_rest_has_come() -> None:
    proof = Proof((Checksum("sum8", (0, 2), 2), Checksum("crc8")))
    assert not proof.early_flaw(b"\x55\x01\x02", 1)
    assert not proof.early_flaw(b"\x55\x01\x02\x03", 1)
    assert proof.early_flaw(b"\x55\x01\x02\x04", 1) == WRONG
    assert Checksum("crc8").needs is None
    assert Checksum("sum8", (1, END), 0).needs is None
    assert Checksum("sum8", (-3, 2), 2).needs is None


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"POP02", 0xE20B), (b"48", 0x7E0B), (b"140", 0x0E97), (b"QPIGS", 0xB7A9), (b"(ACK", 0x3920)],
)
def test_a_byte_that_means_more_to_an_inverter_is_raised_by_one(text: bytes, value: int) -> None:
    assert KINDS["crc16-voltronic"].compute(text) == value
