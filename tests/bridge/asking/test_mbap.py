"""Telegrams of Modbus/TCP, cut from a stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wamplite.bridge.asking.mbap import NoTelegram, Telegram, Telegrams

# From the MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3: read holding register 4
BOOK = bytes.fromhex("1501 0000 0006 ff 03 0004 0001")

TELEGRAMS = st.lists(
    st.builds(
        Telegram,
        st.integers(0, 0xFFFF),
        st.integers(0, 255),
        st.binary(min_size=2, max_size=253),
    ),
    max_size=5,
)


def test_a_request_has_the_bytes_that_the_guide_shows() -> None:
    assert Telegram(0x1501, 0xFF, bytes.fromhex("0300040001")).encoded() == BOOK
    assert Telegrams().feed(BOOK) == [Telegram(0x1501, 0xFF, bytes.fromhex("0300040001"))]


@given(TELEGRAMS, st.integers(1, 9))
def test_in_whatever_pieces_they_come_the_telegrams_are_the_same(
    telegrams: list[Telegram], size: int
) -> None:
    stream = b"".join(telegram.encoded() for telegram in telegrams)
    cutter = Telegrams()
    found = []
    for at in range(0, len(stream), size):
        found += cutter.feed(stream[at : at + size])
    assert found == telegrams


@pytest.mark.parametrize(
    "data", ["0001 0001 0006 01", "0001 0000 0002 01", "0001 0000 00ff 01", "3232 3020 7765 6c"]
)
def test_what_is_no_header_ends_the_stream(data: str) -> None:
    with pytest.raises(NoTelegram, match="not Modbus/TCP: "):
        Telegrams().feed(bytes.fromhex(data))


def test_a_new_connection_begins_anew() -> None:
    cutter = Telegrams()
    assert cutter.feed(BOOK[:9]) == []
    cutter.reset()
    assert cutter.feed(BOOK) == [Telegram(0x1501, 0xFF, BOOK[7:])]
