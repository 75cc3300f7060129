"""Recipes asked over a line that returns the request: that is neither a value nor a refusal."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.polled_port import PolledPort
from tests.bridge.responder import Responder
from tests.processes import ROOT
from tests.waiting import until
from wamplite.bridge.configuration.tables import from_file

FOLDER = ROOT / "examples" / "bridge"
POLLED = [
    path.name
    for path in sorted(FOLDER.glob("*.toml"))
    if "[[port.poll]]" in path.read_text() and 'modbus_framing = "tcp"' not in path.read_text()
]


class Echoing(Responder):
    """A line whose far end hears each byte, and returns it."""

    def heard(self, data: bytes) -> None:
        self.asked.append(data)
        self.write(data)


def hurried(asked: Any) -> Any:
    """Return a command that does not wait long for a reply, and is written once."""
    return replace(asked, timeout=0.3, retries=0)


@pytest.mark.parametrize("recipe", POLLED)
def test_the_echo_of_a_request_is_no_reading(
    tmp_path: Path, recipe: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "wamplite.bridge")
    with Echoing(tmp_path) as device:
        text = (FOLDER / recipe).read_text()
        (tmp_path / recipe).write_text(
            re.sub("(?m)^device = .*", f'device = "{device.path}"', text)
        )
        (read,) = from_file(tmp_path / recipe).ports
        keys = ("framing", "decode", "publish", "baudrate", "pause", "echo")
        more = {key: getattr(read, key) for key in keys}
        more["init"] = tuple(replace(init, timeout=0.3, pause=0) for init in read.init)
        world = PolledPort(device.path, tuple(map(hurried, read.polls)), **more)
        world.port.start()
        try:
            number = len(read.polls) + any(init.reply is not None for init in read.init)
            until(lambda: world.port.counts.apart["failed_requests"] >= number, "each has failed")
        finally:
            assert world.port.stop(5)
    assert device.asked
    assert world.events == []
    assert world.port.counts.published == 0
    assert "refused" not in caplog.text
