"""In 64 MB a router lives, ends by name who takes too much, and is small again soon.

A part of what `tools/small_box` does.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.box import MIB, ROWS, SIZE, boxed, run
from tests.router.conftest import eventually
from tests.transports.streams import Certificate

# Megabytes; a router on 3.14 begins with 5 more than one on 3.11, and ends with 47 to 50.
MOST_AFTERWARDS = 45 if sys.version_info < (3, 14) else 54
PART = {"0.9 MB half sent": 30, "8 MB unread": 20, "100,000 elements": 20}
FEW = 50  # sessions of each transport
BY_NAME = "it holds most, and all hold too much"


@pytest.mark.sampled
@pytest.mark.parametrize("what", ROWS)
def test_a_router_lives_in_a_small_box(what: str, tmp_path: Path, certificate: Certificate) -> None:
    with boxed(tmp_path, *certificate) as router:
        outcome = run(router, what, PART.get(what, FEW))
        assert outcome.after < MOST_AFTERWARDS, outcome
        assert outcome.most < SIZE / MIB or router.group is None, outcome
        if what in ("0.9 MB half sent", "8 MB unread"):
            eventually(lambda: BY_NAME in router.stderr())
