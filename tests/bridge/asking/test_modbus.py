"""Polls of a Modbus slave: what is read, what is refused, and what stays mute."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.device_world import DeviceWorld
from tests.bridge.modbus_slave import RtuSlave
from tests.bridge.responder import ModbusSlave
from tests.waiting import until
from wamplite.bridge.asking.modbus import ModbusSettings
from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.asking.registers import NamedRegisterSettings

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
        ({"type": "uint16", "address": 40, "unit": 254}, 1),  # a reserved one, which some have
    ],
)
def test_a_modbus_register_is_polled(
    make: Make, tmp_path: Path, told: dict[str, Any], value: object
) -> None:
    slave = ModbusSlave(tmp_path)
    slave.registers = {10: FLOAT[0], 11: FLOAT[1], 20: 0xFFFE, 30: 1, 31: 2, 40: 1}
    slave.mute = 1
    slave.unit = told.get("unit", 1)
    poll = PollSettings(
        every=0.05,
        topic="com.example.meter",
        modbus=ModbusSettings(**told, name="value"),
        timeout=0.5,
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
            timeout=0.5,
        )
        for unit, address in ((1, 99), (2, 10), (1, 10))
    )
    world = make(slave, polls=polls, procedures=())
    polled: list[Any] = []
    world.session.subscribe("com.example.meter", lambda value, seq: polled.append(value))
    until(lambda: len(polled) >= 3, "polled")
    assert set(polled) == {7}
    assert caplog.text.count("asked again and again") == 2


def test_several_values_are_read_by_one_request_and_published_as_one_event(
    make: Make, tmp_path: Path
) -> None:
    slave = RtuSlave(tmp_path, {1: {4: FLOAT[1], 5: FLOAT[0], 6: 2301, 7: 0x8001}})
    values = (
        NamedRegisterSettings(name="volts", address=4, type="float32", byteorder="CDAB"),
        NamedRegisterSettings(name="mean", address=6, scale=0.1),
        NamedRegisterSettings(name="alarm", address=7, mask=0x8000),
        NamedRegisterSettings(name="state", address=7, mask=0x0003),
    )
    poll = PollSettings(
        every=0.05, topic="com.example.meter", modbus=ModbusSettings(function=4, values=values)
    )
    world = make(slave, polls=(poll,), procedures=())
    polled: list[dict[str, Any]] = []
    world.session.subscribe("com.example.meter", lambda seq, **values: polled.append(values))
    until(lambda: polled, "polled")
    assert slave.asked[0][:-2].hex(" ", 2) == "0104 0004 0004"
    assert polled[0] == {"volts": 230.5, "mean": 230.1, "alarm": True, "state": 1}
