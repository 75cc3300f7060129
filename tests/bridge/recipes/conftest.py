"""The folder of the recipes is where their Python is found, as `wamplite bridge` has it."""

from __future__ import annotations

import pytest

from tests.processes import ROOT


@pytest.fixture(autouse=True)
def _beside_the_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "bridge"))
