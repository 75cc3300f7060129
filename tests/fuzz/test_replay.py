"""What fuzzing kept is read without a fault, and so are a few thousand changes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.amounts import some
from tests.fuzz.mutations import mutations
from tests.fuzz.targets import TARGETS, corpus_of
from wamplite.bridge.matching.worker import end_all

CHANGES = some(3000)  # of each target
LARGEST = 8192  # bytes of a file that is kept


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """End the processes that patterns needed."""
    yield
    end_all()


KEPT = [
    pytest.param(name, path, id=f"{name}-{path.name}")
    for name in TARGETS
    for path in corpus_of(name)
]


@pytest.mark.parametrize(("name", "path"), KEPT)
def test_what_is_kept_is_read_without_a_fault(name: str, path: Path) -> None:
    assert path.stat().st_size <= LARGEST
    TARGETS[name](path.read_bytes())


@pytest.mark.sampled
@pytest.mark.parametrize("name", TARGETS)
def test_changes_of_it_are_read_without_a_fault(name: str) -> None:
    seeds = [path.read_bytes() for path in corpus_of(name)]
    for data in mutations(seeds, CHANGES, seed=len(name)):
        try:
            TARGETS[name](data)
        except Exception as error:
            raise AssertionError(f"{name}: {data!r}") from error
