"""Features by name, for each side."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from wamplite import features
from wamplite.core.errors import UsageError

NAME, OTHER, *_ = features.names()


def test_every_feature_has_a_part_for_the_router_named_as_its_file() -> None:
    names = features.names()
    assert names
    assert [factory().name for factory in features.for_router(names)] == names


def test_a_class_or_a_function_is_passed_through() -> None:
    [factory] = features.for_router([NAME])
    assert features.for_router([factory]) == [factory]
    assert features.for_client([factory])[0] is factory
    assert factory() is not factory()


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match=f"two features {NAME!r}"):
        features.for_client([NAME, NAME])


def test_what_there_is_not_is_refused_with_what_there_is() -> None:
    with pytest.raises(UsageError, match=rf"no feature 'sharks'; there are: {NAME}, {OTHER}"):
        features.for_router(["sharks"])


def test_a_feature_without_a_part_for_one_side_says_so() -> None:
    told = {}
    for name in features.names():
        try:
            features.for_client([name])
        except UsageError as error:
            told[name] = str(error)
    lacking = {name: text for name, text in told.items() if "has no part" in text}
    assert lacking, told
    for name, text in lacking.items():
        assert text == f"feature {name!r} has no part for the client"


def test_one_text_where_several_are_meant_is_refused() -> None:
    from wamplite import Router

    for wrong in ({"realms": "realm1"}, {"features": NAME}, {"realms": b"a"}):
        with pytest.raises(UsageError, match=r"must be a list, \[") as refused:
            Router(**wrong)
        assert next(iter(wrong)) in str(refused.value)
    with pytest.raises(UsageError, match=r"features must be a list, \['x'\], not 'x'"):
        features.for_client("x")


def test_a_client_has_its_part_of_each_standard_feature_that_has_one() -> None:
    there = set(features.STANDARD) & set(features.names())
    homes = {name: import_module(f"wamplite.advanced.{name}") for name in sorted(there)}
    wanted = [name for name, home in homes.items() if hasattr(home, "ForClient")]
    assert [factory().name for factory in features.for_client("standard")] == wanted


def test_a_client_does_not_load_what_is_of_the_router_alone() -> None:
    program = "import sys; from wamplite import features; features.for_client('standard'); "
    program += "print(*(name for name in sys.modules if name.startswith('wamplite.')))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "wamplite.features" in loaded
    router_alone = {f"wamplite.advanced.{name}" for name in features.OF_THE_ROUTER}
    assert not {*router_alone, "wamplite.storage", "wamplite.core.records"} & set(loaded)
