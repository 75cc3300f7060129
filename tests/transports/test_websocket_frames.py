"""What both sides of a WebSocket share: masks, headers, close frames."""

from __future__ import annotations

import os

import pytest

from wamplite.transports import websocket_frames as frames
from wamplite.transports.websocket_frames import close_payload, header, header_size, payload_size

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
