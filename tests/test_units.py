"""Times and sizes as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wamplite.units import octets, seconds, size_shown, time_shown


@pytest.mark.parametrize(
    ("text", "number"),
    [("500 ms", 0.5), ("20", 20), (20, 20), (0.25, 0.25), ("2 min", 120), ("2min", 120),
     ("1.5 h", 5400), ("7 d", 604800), ("1 w", 604800), ("3 S", 3), (0, 0)],
)  # fmt: skip
def test_times(text: Any, number: float) -> None:
    assert seconds(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("1 MiB", 1 << 20), ("64K", 65536), ("64 KiB", 65536), ("1 GB", 10**9), ("1 kB", 1000),
     (512, 512), ("512 B", 512), ("1.5 KiB", 1536), ("0", 0)],
)  # fmt: skip
def test_sizes(text: Any, number: int) -> None:
    assert octets(text) == number


@pytest.mark.parametrize(
    "text",
    ["", " ", "ms", "1 parsec", "-1", -1, "1  s", "1 s ", "1e3", "1,5 s", True, None, [], "٣ s",
     float("inf"), float("nan"), "9" * 400],
)  # fmt: skip
def test_what_is_neither(text: Any) -> None:
    assert seconds(text) is None and octets(text) is None


def test_a_size_is_whole() -> None:
    assert octets("0.5 B") is None and octets(1.5) is None


@given(st.integers(0, 10**9))
def test_what_is_shown_is_read_again(number: int) -> None:
    assert seconds(time_shown(number)) == pytest.approx(number, rel=1e-3)
    assert octets(size_shown(number)) in (number, None)  # None: it is shown rounded
