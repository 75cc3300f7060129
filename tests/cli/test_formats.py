"""`wamplite sub -F`: lines made of an event's values."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from wamplite.cli.formats import Format


def line(text: str, *args: Any, **kwargs: Any) -> str:
    return Format(text)(
        {"topic": "com.example.t", "args": list(args), "kwargs": kwargs, "details": {"x": 1}}
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{topic}: {0} {unit}", "com.example.t: 21.55 C"),
        ("{0:.1f}", "21.6"),
        ("{args} {kwargs} {details}", '[21.55,"a b"] {"unit":"C"} {"x":1}'),
        ("{1}|{2}|{missing}|", "a b|||"),
        ("{1:.1f}", "a b"),
        ("{0!r:>6}", " 21.55"),
        ("{{}}", "{}"),
        ("{0.real}{unit.__class__}", ""),
    ],
)
def test_a_format_is_filled(text: str, expected: str) -> None:
    assert line(text, 21.55, "a b", unit="C") == expected


def test_a_keyword_argument_does_not_hide_the_topic() -> None:
    assert line("{topic}", topic="other") == "com.example.t"


@pytest.mark.parametrize("text", ["{", "}", "{0!x}", "{} {0}"])
def test_a_broken_format_is_refused_before_anything_happens(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        Format(text)
