"""permessage-deflate: what is agreed on, and what messages become of it."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest

from wamplite.core.errors import ProtocolError
from wamplite.transports.deflate import (
    LARGEST,
    OFFER,
    SMALLEST,
    TAIL,
    Deflate,
    TooMuch,
    agreed,
    choose,
    longest,
)

TEXT = b'{"temperature": 21.5, "unit": "C"}, ' * 100
ANSWER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def packed(message: bytes, bits: int = 15, final: bool = False) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, -bits)
    data = machine.compress(message)
    return data + machine.flush() if final else (data + machine.flush(zlib.Z_SYNC_FLUSH))[:-4]


@pytest.mark.parametrize("bits", [9, 12, 15])
def test_a_message_comes_back_as_it_was(bits: int) -> None:
    small = Deflate(bits).pack(TEXT)
    assert small is not None and len(small) < len(TEXT) / 5
    assert Deflate().unpack(small, len(TEXT)) == TEXT


def test_what_another_deflated_is_inflated_whatever_its_window() -> None:
    for bits in range(9, 16):
        assert Deflate().unpack(packed(TEXT, bits), len(TEXT)) == TEXT
    assert Deflate().unpack(packed(b""), 0) == b""
    assert Deflate().unpack(b"\x00", 0) == b""  # section 7.2.3.6


@pytest.mark.parametrize("behind", [b"", b"\x00"])
def test_a_last_block_may_end_a_message(behind: bytes) -> None:
    assert Deflate().unpack(packed(TEXT, final=True) + behind, len(TEXT)) == TEXT


def test_what_stands_behind_a_last_block_is_refused() -> None:
    with pytest.raises(ProtocolError, match="goes on behind its last block"):
        Deflate().unpack(packed(TEXT, final=True) + packed(TEXT), 2 * len(TEXT))


def test_what_cannot_be_inflated_is_refused() -> None:
    with pytest.raises(ProtocolError, match="a message that cannot be inflated"):
        Deflate().unpack(b"\xff\xff\xff", 100_000)


def test_a_message_that_was_cut_anywhere_is_refused() -> None:
    whole = packed(TEXT)
    for end in range(1, len(whole) - 1):
        with pytest.raises(ProtocolError, match=r"within a block|cannot be inflated|last block"):
            Deflate().unpack(whole[:end], 100_000)


def test_a_message_is_inflated_up_to_its_bound_and_no_octet_further() -> None:
    small = packed(TEXT)
    assert Deflate().unpack(small, len(TEXT)) == TEXT
    with pytest.raises(TooMuch, match=f"inflates to over {len(TEXT) - 1} bytes"):
        Deflate().unpack(small, len(TEXT) - 1)


def test_a_bomb_costs_no_more_than_the_bound() -> None:
    bomb = packed(bytes(100_000_000))
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(TooMuch):
            Deflate().unpack(bomb, 100_000)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_what_would_not_become_smaller_goes_as_it_is() -> None:
    noise = bytes(value * value * 7919 % 251 ^ value >> 3 & 0xFF for value in range(1000))
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    random = machine.compress(noise * 50) + machine.flush()  # deflated once, it has no pattern
    assert Deflate().pack(random[:500]) is None
    assert Deflate().pack(b"a" * (SMALLEST - 1)) is None
    assert Deflate().pack(b"a" * SMALLEST) is not None
    assert Deflate().pack(b"a" * LARGEST) is not None
    assert Deflate().pack(b"a" * (LARGEST + 1)) is None


def test_noise_of_the_largest_size_fits_when_it_is_deflated() -> None:
    import random

    for size in (1, 1000, 65536, 1_000_000):
        noise = random.Random(size).randbytes(size)
        assert len(packed(noise)) <= longest(size)


# What is agreed on


@pytest.mark.parametrize(
    ("offer", "answer", "bits"),
    [
        ("permessage-deflate", ANSWER, 15),
        ("PERMESSAGE-DEFLATE ; client_max_window_bits", ANSWER, 15),
        ("permessage-deflate; client_max_window_bits=8", ANSWER, 15),
        ("permessage-deflate; client_max_window_bits=15; client_no_context_takeover", ANSWER, 15),
        (
            "permessage-deflate;server_max_window_bits=10",
            f"{ANSWER}; server_max_window_bits=10",
            10,
        ),
        (
            'permessage-deflate; server_max_window_bits="9"',
            f"{ANSWER}; server_max_window_bits=9",
            9,
        ),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", ANSWER, 15),
        ("x-webkit-deflate-frame, permessage-deflate; server_no_context_takeover", ANSWER, 15),
        (OFFER, ANSWER, 15),
    ],
)
def test_the_first_offer_that_can_be_kept_is_taken(offer: str, answer: str, bits: int) -> None:
    assert choose([offer]) == (Deflate(bits), answer)
    assert choose(["foo; bar", offer]) == (Deflate(bits), answer)


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "permessage-bzip2",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=ten",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; mystery",
        "permessage-deflate;",
    ],
)
def test_an_offer_that_cannot_be_kept_is_declined(offer: str) -> None:
    assert choose([offer]) is None


@pytest.mark.parametrize(
    "answer", [ANSWER, OFFER, "permessage-deflate; server_no_context_takeover",
               f"{ANSWER}; server_max_window_bits=8"],
)  # fmt: skip
def test_a_servers_answer_is_held_against_what_was_offered(answer: str) -> None:
    assert agreed(answer) == Deflate()


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "permessage-deflate",
        "permessage-bzip2; server_no_context_takeover",
        f"{ANSWER}; client_max_window_bits=10",
        f"{ANSWER}; server_max_window_bits=16",
        f"{ANSWER}; {TAIL!r}",
        f"{ANSWER}, {ANSWER}",
        "permessage-deflate; server_no_context_takeover=x",
    ],
)
def test_an_answer_that_was_not_offered_is_refused(answer: str) -> None:
    with pytest.raises(ProtocolError, match="expected the extension permessage-deflate; server"):
        agreed(answer)
