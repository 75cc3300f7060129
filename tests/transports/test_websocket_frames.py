"""What both sides of a WebSocket share: masks, headers, close frames."""

from __future__ import annotations

import os

import pytest

from wamplite.transports import websocket_frames as frames
from wamplite.transports.websocket_frames import (
    close_payload,
    flaw,
    header,
    header_size,
    payload_size,
)

SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 125, 126, 1019, 1020, 1021, 1024, 5000, 65535, 65536, 100_003]


@pytest.mark.parametrize("compiled", [True, False], ids=["wsaccel", "python"])
def test_a_mask_is_put_on_and_taken_off(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    masker = pytest.importorskip("wsaccel.xormask").XorMaskerSimple if compiled else None
    monkeypatch.setattr(frames, "XorMaskerSimple", masker)
    for size in SIZES:
        key, data = os.urandom(4), os.urandom(size)
        masked = frames.xor(key, data)
        assert masked == bytes(byte ^ key[at % 4] for at, byte in enumerate(data))
        assert frames.xor(key, masked) == data


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "8100"),
        (125, "817d"),
        (126, "817e007e"),
        (65535, "817effff"),
        (65536, "817f0000000000010000"),
    ],
)
def test_a_header_says_the_size_in_the_shortest_form(size: int, expected: str) -> None:
    head = header(0x81, size)
    assert head.hex() == expected
    assert header_size(head[1]) == len(head)
    assert payload_size(head) == size


def test_a_masked_header_is_four_bytes_longer_with_its_key() -> None:
    for size in (5, 500, 500_000):
        head = header(0x82, size, 0x80)
        assert head[1] & 0x80
        assert header_size(head[1]) == len(head) + 4
        assert payload_size(head) == size


def test_a_close_frame_is_cut_to_what_a_control_frame_holds() -> None:
    assert close_payload(1000) == b"\x03\xe8"
    assert close_payload(1005) == b""
    payload = close_payload(1002, "é" * 200)
    assert len(payload) == 124  # not 125: that would be half an é
    assert payload[2:].decode() == "é" * 61


FORMS = {126: (2, (0, 125)), 127: (8, (0, 126, 65535, 1 << 63, (1 << 64) - 1))}


@pytest.mark.parametrize("keyed", [0, 0x80])
@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("deflates", [False, True])
def test_of_all_first_bytes_those_of_the_table_are_right(
    keyed: int, within: bool, deflates: bool
) -> None:
    right = {0x88, 0x89, 0x8A} | ({0x00, 0x80} if within else {0x01, 0x02, 0x81, 0x82})
    if deflates and not within:
        right |= {0x41, 0x42, 0xC1, 0xC2}
    heads = {first: bytes((first, keyed | 5)) for first in range(256)}
    assert {first for first, h in heads.items() if not flaw(h, keyed, within, deflates)} == right
    assert all(flaw(bytes((first, keyed ^ 0x85)), keyed, within, deflates) for first in heads)


@pytest.mark.parametrize("first", [0x82, 0x02])
def test_a_size_stands_in_its_shortest_form(first: int) -> None:
    for form, (octets, wrong) in FORMS.items():
        for size in wrong:
            head = bytes((first, form)) + size.to_bytes(octets, "big")
            assert flaw(head, 0, False, False) == f"a size of {size} in {octets} bytes"
    for size in (0, 125, 126, 65535, 65536, (1 << 63) - 1):
        assert flaw(header(first, size), 0, False, False) == ""


def test_a_control_frame_is_small() -> None:
    assert flaw(header(0x89, 125), 0, True, True) == ""
    assert "over 125 bytes" in flaw(header(0x89, 126), 0, True, True)
    assert "fragmented" in flaw(header(0x09, 1), 0, True, True)
