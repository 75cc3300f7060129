"""Kinds of framings and decoders: found by their names, loaded when they are named."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import ROOT
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.framing.framing import FRAMINGS

PROGRAM = """
import sys
from wamplite import bridge
assert not [name for name in sys.modules if name.startswith("wamplite.bridge.")]
settings = bridge.make_settings(bridge.Port("/dev/x"){steps})
bridge.Bridge(settings)
print(*sorted(
    name.removeprefix("wamplite.bridge.") for name, module in sys.modules.items()
    if name.startswith("wamplite.bridge.") and hasattr(module, "KIND")
))
"""


@pytest.mark.parametrize(
    ("steps", "loaded"),
    [
        ("", "decoding.text framing.lines"),
        (".fixed(9).csv('a')", "decoding.csv framing.fixed"),
        (
            ".procedure('a.b', 'x', reply='y').json()",
            "decoding.json decoding.regex framing.lines",
        ),
    ],
)
def test_only_kinds_that_are_configured_are_loaded(steps: str, loaded: str) -> None:
    program = PROGRAM.format(steps=steps)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == loaded


@pytest.mark.parametrize("kinds", [FRAMINGS, DECODERS], ids=["framing", "decode"])
def test_each_kind_is_found_by_its_own_name(kinds: dict[str, object]) -> None:
    assert len(kinds) == len(set(kinds)) > 5
    for name in kinds:
        assert name in kinds
    for name in ("", "framing", "readings", "counted", "idle_gap", "text:", "__init__", "no.where"):
        assert name not in kinds
