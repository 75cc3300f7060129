"""Coils and registers that are written by calls and events, and what the slave says to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.bridge.device_world import DeviceWorld
from tests.bridge.modbus_slave import RtuSlave
from tests.waiting import until
from wamplite.bridge.asking.modbus import ModbusSettings
from wamplite.bridge.asking.requests import ProcedureSettings, SubscribeSettings
from wamplite.bridge.decoding.decoder import REFUSED
from wamplite.core import uris

Make = Callable[..., DeviceWorld]
URI = "com.example.write"


def world_of(make: Make, slave: RtuSlave, told: dict[str, Any], **more: Any) -> DeviceWorld:
    procedure = ProcedureSettings(uri=URI, modbus=ModbusSettings(**told), timeout=5, **more)
    return make(slave, procedures=(procedure,))


@pytest.mark.parametrize(
    ("told", "args", "cells", "request_"),
    [
        ({"function": 5, "type": "bit"}, [True], {8: 1}, "01 05 0008 ff00"),
        ({"function": 5, "type": "bit"}, [False], {8: 0}, "01 05 0008 0000"),
        ({"function": 15, "type": "bit"}, [1, 0, 1], {8: 1, 9: 0, 10: 1}, "01 0f 0008 0003 01 05"),
        ({"function": 6, "scale": 0.1}, [21.5], {8: 215}, "01 06 0008 00d7"),
        ({"function": 6, "type": "int16"}, [-2], {8: 0xFFFE}, "01 06 0008 fffe"),
        ({"function": 16}, [1, 2, 3], {8: 1, 9: 2, 10: 3}, "01 10 0008 0003 06 0001 0002 0003"),
        (
            {"function": 16, "type": "float32", "byteorder": "CDAB"},
            [230.5],
            {8: 0x8000, 9: 0x4366},
            "01 10 0008 0002 04 8000 4366",
        ),
    ],
)
def test_a_call_writes_and_returns_when_the_slave_has_confirmed(
    make: Make,
    tmp_path: Path,
    told: dict[str, Any],
    args: list[Any],
    cells: dict[int, int],
    request_: str,
) -> None:
    slave = RtuSlave(tmp_path, {1: dict.fromkeys(range(8, 12), 7)})
    world = world_of(make, slave, {"address": 8, **told})
    assert world.session.call(URI, *args) is None
    assert slave.registers.units[1] == {8: 7, 9: 7, 10: 7, 11: 7} | cells
    assert [request[:-2].hex() for request in slave.asked] == [request_.replace(" ", "")]


def test_what_cannot_be_written_is_the_callers_error_and_reaches_no_slave(
    make: Make, tmp_path: Path
) -> None:
    slave = RtuSlave(tmp_path, {1: {8: 7}})
    world = world_of(make, slave, {"address": 8, "function": 6})
    for args, text in (
        ((65536,), "out of range: uint16 holds 0 to 65535"),
        ((), "expected one value to write, not 0"),
        ((1, 2), "expected one value to write, not 2"),
    ):
        with pytest.raises(wamplite.ApplicationError, match=text) as caught:
            world.session.call(URI, *args)
        assert caught.value.error == uris.INVALID_ARGUMENT
    assert not slave.asked


def test_the_exception_of_a_slave_is_told_in_words_and_nothing_is_repeated(
    make: Make, tmp_path: Path
) -> None:
    slave = RtuSlave(tmp_path, {1: {}})
    world = world_of(make, slave, {"address": 8, "function": 6}, retries=3)
    with pytest.raises(wamplite.ApplicationError, match="illegal data address") as caught:
        world.session.call(URI, 1)
    assert caught.value.error == REFUSED
    assert "unit 1, function 6, address 8" in str(caught.value)
    assert len(slave.asked) == 1


def test_an_event_is_written_and_a_failure_logged(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    slave = RtuSlave(tmp_path, {1: {8: 7}})
    topics = [
        SubscribeSettings(
            topic=f"com.example.{name}",
            modbus=ModbusSettings(address=address, function=6, name="value"),
        )
        for name, address in (("right", 8), ("wrong", 99))
    ]
    world = make(slave, procedures=(), subscribes=tuple(topics))
    acknowledge = wamplite.PublishOptions(acknowledge=True)
    world.session.publish("com.example.wrong", value=3, options=acknowledge)
    world.session.publish("com.example.right", value=3, options=acknowledge)
    until(lambda: slave.registers.units[1] == {8: 3}, "written")
    assert "com.example.wrong: not written" in caplog.text
    assert "illegal data address" in caplog.text
    world.session.publish("com.example.right", 3, options=acknowledge)
    until(lambda: "keyword argument value is missing" in caplog.text, "logged")
