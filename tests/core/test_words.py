"""Words: foreign text is short, in one line, and without what a terminal would obey."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.core.words import (
    LONGEST_TEXT,
    LONGEST_VALUE,
    are_missing,
    printable,
    shorten,
    show,
)


@pytest.mark.parametrize("text", ["", "plain: süß", "\\x1b", "x" * LONGEST_TEXT])
def test_a_text_that_is_short_and_printable_stays_as_it_is(text: str) -> None:
    assert shorten(text) == text
    assert printable(text) == text


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shorten("x" * (LONGEST_TEXT + 1)) == "x" * (LONGEST_TEXT - 3) + "..."
    assert shorten("x" * 9, 8) == "xxxxx..."
    assert shorten("x" * 9, 9) == "x" * 9


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("uri\x1b[2J\nnext", r"uri\x1b[2J\nnext"),
        ("é\x9b\u2028\ud800", r"é\x9b\u2028\ud800"),
        ("\r\t\0'", r"\r\t\x00'"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped_and_nothing_else(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert shorten(text) == shown


def test_a_text_however_long_can_be_made_printable_whole() -> None:
    assert printable("\n" * 1000) == r"\n" * 1000


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1, 2], "a list of 2"),
        ({}, "a dict of 0"),
        (b"abc", "a bytes of 3"),
        (10**400, "a huge integer"),
        (7, "7"),
        (True, "True"),
        (None, "None"),
        ("x" * 5000, "'" + "x" * 56 + "..."),
        ("x" * (LONGEST_VALUE - 2), repr("x" * (LONGEST_VALUE - 2))),
        (2**256 - 1, str(2**256 - 1)[: LONGEST_VALUE - 3] + "..."),
        (2**256, "a huge integer"),
        (-(2**256), "a huge integer"),
        (1.5, "1.5"),
    ],
)
def test_a_value_is_shown_in_few_words(value: Any, words: str) -> None:
    assert show(value) == words


def test_what_is_missing_is_named_at_once() -> None:
    assert are_missing(["a"]) == '"a" is missing'
    assert are_missing(["a", "b"]) == '"a" and "b" are missing'
    assert are_missing(["a", "b", "c"]) == '"a", "b" and "c" are missing'
