"""How a line is set: what changes, and the flags of a terminal for it."""

from __future__ import annotations

import termios

import pytest

from wamplite.bridge.device.line_mode import BITS, LineMode, control_flags

SEVEN_EVEN, EIGHT_NONE = LineMode(300, 7, "E", 1), LineMode(9600, 8, "N", 2)
OTHERS = termios.CREAD | termios.CLOCAL | termios.HUPCL | termios.CSTOPB
STICKY = 0o10000000000


def test_a_change_leaves_the_rest_as_it_is() -> None:
    assert SEVEN_EVEN.changed(LineMode(9600)) == (9600, 7, "E", 1)
    assert SEVEN_EVEN.changed(LineMode(0, 8, "N")) == (300, 8, "N", 1)
    assert SEVEN_EVEN.changed(LineMode(stopbits=2)) == (300, 7, "E", 2)


def test_what_leads_from_one_mode_to_another_names_what_differs_alone() -> None:
    assert SEVEN_EVEN.change_to(EIGHT_NONE) == EIGHT_NONE
    assert LineMode(9600, 7, "E", 1).change_to(SEVEN_EVEN) == (300, 0, "", 0)
    assert LineMode(300, 8, "N", 1.5).change_to(SEVEN_EVEN) == (0, 7, "E", 1)
    assert not any(SEVEN_EVEN.change_to(SEVEN_EVEN))


def test_a_mode_is_told_in_words() -> None:
    assert str(SEVEN_EVEN) == "300 baud, 7 bits, parity E, stop bits 1"
    assert str(LineMode(0, 0, "N")) == "parity N"


@pytest.mark.parametrize(
    ("parity", "flags"),
    [
        ("N", 0),
        ("E", termios.PARENB),
        ("O", termios.PARENB | termios.PARODD),
        ("M", termios.PARENB | termios.PARODD | STICKY),
        ("S", termios.PARENB | STICKY),
    ],
)
@pytest.mark.parametrize("before", ["N", "M"])
def test_a_parity_has_its_flags_and_no_others_change(parity: str, flags: int, before: str) -> None:
    was = control_flags(OTHERS | termios.CS7, 0, before)
    assert control_flags(was, 0, parity) == OTHERS | termios.CS7 | flags


@pytest.mark.parametrize("size", [5, 6, 7, 8])
def test_bytes_have_their_size_and_nothing_else_changes(size: int) -> None:
    was = OTHERS | termios.CS7 | termios.PARENB
    assert control_flags(was, size, "") == OTHERS | BITS[size] | termios.PARENB
    assert BITS[size] == getattr(termios, f"CS{size}")


@pytest.mark.parametrize(("stop", "flag"), [(1, 0), (1.5, termios.CSTOPB), (2, termios.CSTOPB)])
@pytest.mark.parametrize("before", [0, termios.CSTOPB])
def test_stop_bits_have_their_flag_and_nothing_else_changes(
    stop: float, flag: int, before: int
) -> None:
    was = OTHERS & ~termios.CSTOPB | termios.CS7 | termios.PARENB
    assert control_flags(was | before, 0, "", stop) == was | flag
    assert control_flags(was | before, 0, "") == was | before
