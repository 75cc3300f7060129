"""How long a text may be for a pattern, and which patterns can take for ever."""

from __future__ import annotations

import re

import pytest

from wamplite.bridge.matching.cost import LONGEST, is_exponential, longest_text, steps

MOST = 1e6


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(\w+\s?)+:(?P<v>\d+)$", "(a+)+b", "(a|a)*b", "(.*,)*", "(?:x+x+)+y", r"(\d+\.?)+$",
        "((a|b)+c?)+d", r"(\s*\w+\s*;?)*$", "(a*)*b", "((?:ab)?a?b?)*c", "(?:(a?)(b?))*c",
    ],
)  # fmt: skip
def test_what_repeats_a_choice_is_known(pattern: str) -> None:
    assert is_exponential(re.compile(pattern))
    assert longest_text(re.compile(pattern), MOST) < 8


@pytest.mark.parametrize(
    ("pattern", "least"),
    [
        (r"T=(?P<temp>-?\d+\.\d) H=(?P<hum>\d+)", 500),
        (r"OK FAN=(\d+)", 500),
        (r'^([+-]?\d+),"(.*)"$', LONGEST),
        (r"^([^,]*),([^,]*),([^,]*),([^,]*)$", LONGEST),
        (r"(\d+,)*x", 90),
        (r"(\w+=\d+;)+", 70),
        (r"(?:OK|ERR)+x", 90),
        (r'"((?:[^"\\]|\\.)*)"', 90),
        (r"(?i)^(error|warning): (.+)$", LONGEST),
        (r"^(\d{2}):(\d{2})$", LONGEST),
        ("", LONGEST),
    ],
)
def test_patterns_as_devices_need_them_are_for_texts_as_devices_send_them(
    pattern: str, least: int
) -> None:
    compiled = re.compile(pattern)
    assert not is_exponential(compiled)
    assert longest_text(compiled, MOST) >= least


@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        ("(.*);(.*);(.*);x", 30),
        ("(?s)a.*b.*c.*d", 30),
        ("(a?){30}a{30}", 12),
        (r"1*(?=1*\.*?a)(?=.[ab]*(\d))!", 100),  # a look ahead at each place
        (r"([a-z]+)\1x", 150),
        ("(?m)^.*x", 1000),
    ],
)
def test_patterns_that_go_back_often_are_for_short_texts(pattern: str, most: int) -> None:
    compiled = re.compile(pattern)
    assert not is_exponential(compiled)
    assert longest_text(compiled, MOST) <= most


def test_what_is_not_known_is_for_no_text_and_no_reason_to_complain() -> None:
    compiled = re.compile("(a)?(?(1)b|c)")
    assert steps(compiled, 10) == float("inf")
    assert (longest_text(compiled, MOST), is_exponential(compiled)) == (0, False)


@pytest.mark.parametrize("pattern", [r"\d+(?=,)", "[^a]+a", r"\D+\d", r"(?i)k+\u212a", r"\W+\w"])
def test_the_bound_grows_with_the_text(pattern: str) -> None:
    compiled = re.compile(pattern)
    found = [steps(compiled, length) for length in (1, 2, 10, 100, 1000)]
    assert found == sorted(found) and found[-1] > found[0]


def test_letters_that_are_one_without_case_are_not_apart() -> None:
    assert longest_text(re.compile("(?i)k+\u212ax"), MOST) < longest_text(re.compile("k+x"), MOST)
