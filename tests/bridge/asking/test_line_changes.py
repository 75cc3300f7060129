"""A line that is set otherwise within an exchange: its speed, its bits, its parity."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bridge.polled_port import PolledPort
from tests.bridge.rfc2217_server import Rfc2217Server
from tests.waiting import until
from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.asking.steps import StepSettings
from wamplite.bridge.decoding.decoder import DECODERS

SEVEN_EVEN = (300, 7, "E")
TEXT = DECODERS["text"].made()


@pytest.mark.filterwarnings("ignore:set:DeprecationWarning")  # setDaemon, setName in pyserial
@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"bytesize": 8, "parity": "N", "baudrate": 9600}, (9600, 8, "N")),
        ({"bytesize": 8, "parity": "N"}, (300, 8, "N")),
        ({"parity": "O"}, (300, 7, "O")),
    ],
)
def test_a_step_sets_the_line_and_the_end_of_the_exchange_sets_it_back(
    change: dict[str, Any], changed: tuple[int, int, str]
) -> None:
    server = Rfc2217Server()
    with server as url:
        ask = {"topic": "a.b", "every": 3600, "timeout": 5, "reply": TEXT}
        step = StepSettings(write="two\n", reply=TEXT, timeout=5.0, **change)
        poll = PollSettings(write="one\n", then=(step,), **ask)
        line = {"baudrate": 300, "bytesize": 7, "parity": "E"}
        world = PolledPort(url, (poll,), **line)
        world.port.start()
        try:
            until(lambda: world.events, "asked")
            until(lambda: server.modes[-1] == SEVEN_EVEN and changed in server.modes, "set back")
            assert world.port.device.mode == SEVEN_EVEN
        finally:
            assert world.port.stop(5)
    assert world.events == [("a.b", "two")]
