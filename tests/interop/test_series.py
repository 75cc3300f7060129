"""Other people's sessions that follow each other over one transport."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tests.interop.peers import place, python
from tests.interop.scenario import SECONDS, told
from tests.processes import ROOT

ROUNDS = 3


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
@pytest.mark.parametrize("transport", ["ws", "rs"])
def test_autobahn_joins_again_over_the_transport_it_has(
    transport: str, serializer: str, url_of: Callable[[str], str]
) -> None:
    command = python("series_autobahn.py")(place("autobahn"))
    done = subprocess.run(
        [*command, url_of(transport), "realm1", serializer],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    *rounds, end = told(done.stdout) or [{}]
    assert [one["answer"] for one in rounds] == list(range(ROUNDS)), done.stderr[-2000:]
    assert len({one["session"] for one in rounds}) == ROUNDS
    assert len({one["transport"] for one in rounds}) == 1
    assert end == {"reason": "wamp.close.goodbye_and_out"}
