"""Recipes for Modbus on a line: SDM meters, of either order of registers; Senseair."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bridge.modbus_slave import RtuSlave, floats
from tests.bridge.polled_port import PolledPort
from tests.processes import ROOT
from tests.waiting import until
from wamplite.bridge.configuration.tables import from_file

RECIPE = ROOT / "examples" / "bridge" / "sdm_meter.toml"
HELD = {0: 230.5, 2: 0.0, 4: 0.0, 6: 4.75, 8: 0.0, 10: 0.0, 12: 1094.0, 342: 1234.5}


@pytest.mark.parametrize("order", ["ABCD", "CDAB"])
def test_a_meter_is_read_in_the_order_that_it_has(tmp_path: Path, order: str) -> None:
    cells = floats(HELD)
    text = RECIPE.read_text()
    if order == "CDAB":
        cells = {address ^ 1: word for address, word in cells.items()}
        text = text.replace('type = "float32"', 'type = "float32", byteorder = "CDAB"')
    (tmp_path / "meter.toml").write_text(text)
    polls = from_file(tmp_path / "meter.toml").ports[0].polls
    with RtuSlave(tmp_path, {1: cells}) as slave:
        world = PolledPort(slave.path, polls)
        world.port.start()
        try:
            until(lambda: len(world.events) >= 2, "polled")
        finally:
            assert world.port.stop(5)
    assert sorted(world.events[:2]) == [
        ("home.meter", {"volts": 230.5, "amps": 4.75, "watts": 1094.0}),
        ("home.meter.kwh", 1234.5),
    ]


def test_a_sensor_is_asked_by_the_address_that_each_answers_to(tmp_path: Path) -> None:
    polls = from_file(RECIPE.with_name("senseair.toml")).ports[0].polls
    with RtuSlave(tmp_path, {254: {0: 0, 1: 0, 2: 0, 3: 608}}) as slave:
        world = PolledPort(slave.path, polls)
        world.port.start()
        try:
            until(lambda: len(world.events) >= 2, "polled")
        finally:
            assert world.port.stop(5)
    assert sorted(world.events[:2]) == [("home.air.co2", 608), ("home.air.status", 0)]
