"""Results hold what they were made of."""

from __future__ import annotations

from wamplite import Result


def test_a_result_holds_values_names_and_details() -> None:
    result = Result((1, 2), {"unit": "C"}, {"progress": True})
    assert (result.args, result.kwargs, result.details) == (
        [1, 2],
        {"unit": "C"},
        {"progress": True},
    )


def test_a_result_of_nothing_is_empty_and_its_own() -> None:
    one, other = Result(), Result()
    assert (one.args, one.kwargs, one.details) == ([], {}, {})
    one.args.append(1)
    one.kwargs["k"] = one.details["d"] = 1
    assert (other.args, other.kwargs, other.details) == ([], {}, {})


def test_details_that_were_given_are_those_that_are_had() -> None:
    details: dict[str, object] = {}
    assert Result(details=details).details is details
