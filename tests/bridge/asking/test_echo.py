"""The echo of a command is taken out of what a device sends, in whatever pieces it comes."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wamplite.bridge.asking.echo import Echo


def sifted(
    data: bytes, *written: bytes, is_text: bool = True, cuts: set[int] | None = None
) -> bytes:
    echo = Echo()
    for one in written:
        echo.expect(one, is_text, 10.0)
    edges = [0, *sorted(cuts or ()), len(data)]
    pieces = [echo.sift(data[a:b], 1.0) for a, b in zip(edges, edges[1:], strict=False)]
    return b"".join(chain.from_iterable(pieces))


@pytest.mark.parametrize(
    ("written", "came", "left"),
    [
        (b"GET\r", b"GET\rOK\r\n", b"OK\r\n"),  # an adapter: the very bytes
        (b"GET\r", b"GET\r\nOK\r\n", b"\nOK\r\n"),  # a device with line ends of its own
        (b"GET\n", b"GET\r\nOK\r\n", b"\nOK\r\n"),
        (b"A\nB\n", b"A\n1\nB\n2\n", b"1\n2\n"),
        (b"T\n", b"T=21\nT\nT=22\n", b"T=21\nT=22\n"),  # a reading is no echo
        (b"?", b"?21\n", b"21\n"),
        (b"Hello\x1a", b"Hello\r\nOK\r\n", b"\r\nOK\r\n"),
        (b"\x02T?\x03", b"\x02T?\x03\x02T=21\x03", b"\x02\x03\x02T=21\x03"),
        (b"\r", b"\r\nOK\n", b"\r\nOK\n"),
        (b"GET\r", b"OK\r\n", b"OK\r\n"),
    ],
)
def test_the_echo_is_taken_out_and_nothing_else(written: bytes, came: bytes, left: bytes) -> None:
    for cut in range(len(came)):
        assert sifted(came, written, cuts={cut}) == left, cut
    assert sifted(came, written, cuts=set(range(len(came)))) == left


def test_the_echo_of_bytes_are_these_bytes() -> None:
    assert sifted(b"\x01\n\x02\n\x03", b"\x01\n\x02", is_text=False) == b"\n\x03"


def test_echoes_of_several_commands_come_in_their_order() -> None:
    assert sifted(b"A\r\n1\r\nB\r\n2\r\n", b"A\r", b"B\r") == b"\n1\r\n\n2\r\n"


def test_an_echo_that_does_not_come_in_time_is_not_waited_for() -> None:
    echo = Echo()
    echo.expect(b"GET\n", True, 10.0)
    assert list(echo.sift(b"x\nGE", 9.0)) == [b"x\n"]
    assert list(echo.sift(b"NOA\n", 10.0)) == [b"GENOA\n"]
    assert not echo.is_owed
    echo.expect(b"GET\n", True, 20.0)
    echo.forget()
    assert list(echo.sift(b"GET\n", 11.0)) == [b"GET\n"]


def test_what_comes_before_an_echo_is_handed_over_while_it_is_owed() -> None:
    echo = Echo()
    echo.expect(b"T?\n", True, 10.0)
    told = [(piece, echo.is_owed) for piece in echo.sift(b"T=20\nT?\nT=21\n", 1.0)]
    assert told == [(b"T=20\n", True), (b"T=21\n", False)]


@given(st.binary(max_size=40), st.text("AB\r\n", max_size=5), st.sets(st.integers(0, 40)))
def test_what_is_left_does_not_depend_on_the_pieces(came: bytes, text: str, cuts: set[int]) -> None:
    written = text.encode()
    end = b"\x00" * 8  # what was held back as the beginning of an echo goes on
    pieces = {cut for cut in cuts if cut <= len(came)}
    assert sifted(came + end, written, cuts=pieces) == sifted(came + end, written)
