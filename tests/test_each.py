"""Cases of one test: each is checked, and each that fails is told."""

from __future__ import annotations

import pytest

from tests.each import for_each


def check(number: int, word: str) -> None:
    with pytest.raises(ZeroDivisionError):
        _ = 1 / number
    assert word == "right"


def test_every_case_is_checked_and_all_that_fail_are_told() -> None:
    for_each([(0, "right"), (0, "right")], check)
    with pytest.raises(AssertionError) as caught:
        for_each([(0, "right"), (7, "right"), (0, "wrong"), ("x", "right")], check)
    first, second, *_, last = str(caught.value).splitlines()
    assert first.startswith("(7, 'right'): Failed: DID NOT RAISE")
    assert second.startswith("(0, 'wrong'): AssertionError: ")
    assert last.startswith("('x', 'right'): TypeError: ")
    assert caught.value.__cause__ is not None


def test_no_case_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="there is no case"):
        for_each([], check)


def test_the_end_of_its_time_and_a_skip_end_it() -> None:
    def end(how: str) -> None:
        (pytest.skip if how == "skip" else pytest.fail)(f"{how} from pytest-timeout.")

    for how, kind in (("Timeout", pytest.fail.Exception), ("skip", pytest.skip.Exception)):
        with pytest.raises(kind, match="from pytest-timeout"):
            for_each([(how,), ("not reached",)], end)
