"""What `import wamplite` offers, and what it costs: names, loaded when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import wamplite
from tests.processes import ROOT

HEAVY = {"dataclasses", "inspect", "logging", "ssl", "concurrent", "asyncio", "typing", "socket"}


def test_every_public_name_can_be_had() -> None:
    for name in wamplite.__all__:
        assert getattr(wamplite, name) is getattr(wamplite, name)
    assert set(wamplite.__all__) <= set(dir(wamplite))


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        wamplite.nothing  # type: ignore[attr-defined]  # noqa: B018


def modules_after(program: str) -> set[str]:
    text = f"import sys; before = set(sys.modules)\n{program}\nprint(*set(sys.modules) - before)"
    command = [sys.executable, "-c", text]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(shown.split())


def test_importing_wamplite_loads_nothing_else() -> None:
    assert modules_after("import wamplite") == {"wamplite"}


def test_a_client_without_tls_and_failures_loads_no_heavy_module() -> None:
    program = "import wamplite; wamplite.connect; wamplite.Component"
    assert not (HEAVY - {"typing", "socket"}) & modules_after(program)
