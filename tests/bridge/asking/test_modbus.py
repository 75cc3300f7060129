"""Polls of a Modbus slave: what is read, what is refused, and what stays mute."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.device_world import DeviceWorld
from tests.bridge.responder import ModbusSlave
from tests.waiting import until
from wamplite.bridge.asking.modbus import ModbusSettings
from wamplite.bridge.asking.polls import PollSettings

Make = Callable[..., DeviceWorld]

FLOAT = struct.unpack(">2H", struct.pack(">f", 230.5))


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ({"type": "float32", "function": 4, "address": 10}, 230.5),
        ({"type": "int16", "function": 3, "address": 20, "scale": 0.5}, -1.0),
        ({"type": "uint16", "function": 3, "address": 20}, 65534),
        ({"type": "uint32", "function": 3, "address": 30}, 65538),
        ({"type": "bit", "function": 1, "address": 40}, 1),
    ],
)
def test_a_modbus_register_is_polled(
    make: Make, tmp_path: Path, told: dict[str, Any], value: object
) -> None:
    slave = ModbusSlave(tmp_path)
    slave.registers = {10: FLOAT[0], 11: FLOAT[1], 20: 0xFFFE, 30: 1, 31: 2, 40: 1}
    slave.mute = 1
    poll = PollSettings(
        every=0.05,
        topic="com.example.meter",
        modbus=ModbusSettings(**told, name="value"),
        timeout=0.2,
        retries=1,
    )
    world = make(slave, polls=(poll,), procedures=())
    polled: list[Any] = []
    world.session.subscribe("com.example.meter", lambda value, seq: polled.append(value))
    until(lambda: len(polled) >= 2, "polled")
    assert polled[:2] == [value, value]
    assert world.port.figures()["failed_requests"] == 0


def test_a_slave_that_refuses_or_is_mute_is_told_once_and_harms_nothing(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    slave = ModbusSlave(tmp_path)
    slave.registers = {10: 7}
    polls = tuple(
        PollSettings(
            every=0.05,
            topic="com.example.meter",
            modbus=ModbusSettings(unit=unit, address=address),
            timeout=0.1,
        )
        for unit, address in ((1, 99), (2, 10), (1, 10))
    )
    world = make(slave, polls=polls, procedures=())
    polled: list[Any] = []
    world.session.subscribe("com.example.meter", lambda value, seq: polled.append(value))
    until(lambda: len(polled) >= 3, "polled")
    assert set(polled) == {7}
    assert caplog.text.count("asked again and again") == 2
