"""A line that is set otherwise within an exchange: its speed, its bits, its parity, its end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bridge.polled_port import PolledPort
from tests.bridge.rfc2217_server import Rfc2217Server
from tests.waiting import until
from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.asking.steps import StepSettings
from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.core.errors import UsageError

SEVEN_EVEN = (300, 7, "E", 1)
TEXT = DECODERS["text"].made()


@pytest.mark.filterwarnings("ignore:set:DeprecationWarning")  # setDaemon, setName in pyserial
@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"bytesize": 8, "parity": "N", "baudrate": 9600}, (9600, 8, "N", 1)),
        ({"bytesize": 8, "parity": "N"}, (300, 8, "N", 1)),
        ({"bytesize": 8, "parity": "N", "stopbits": 2}, (300, 8, "N", 2)),
        ({"parity": "O"}, (300, 7, "O", 1)),
    ],
)
def test_a_step_sets_the_line_and_the_end_of_the_exchange_sets_it_back(
    change: dict[str, Any], changed: tuple[int, int, str, float]
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


@pytest.mark.parametrize(
    ("stopbits", "is_right"), [(1, True), (1.5, True), (2, True), (1.2, False)]
)
def test_there_are_one_one_and_a_half_or_two_stop_bits(stopbits: float, is_right: bool) -> None:
    step = {"write": "x", "stopbits": stopbits}
    procedure = {"uri": "a.b", "write": "x", "reply": "OK", "then": [step]}
    table = {"port": [{"name": "p", "device": "/dev/x", "procedure": [procedure]}]}
    if stopbits != 1.2:
        from_dict(table)
        return
    with pytest.raises(UsageError, match="then 1: stopbits: expected 1, 1.5 or 2, not 1.2"):
        from_dict(table)
