"""The recipe for Modbus/TCP, asked of a server."""

from __future__ import annotations

from dataclasses import replace

from tests.bridge.modbus_server import ModbusServer
from tests.bridge.polled_port import PolledPort
from tests.processes import ROOT
from tests.waiting import until
from wamplite.bridge.configuration.tables import from_file
from wamplite.client.results import Invocation

RECIPE = ROOT / "examples" / "bridge" / "modbus_tcp.toml"
URI = "home.inverter.limit"


def test_an_inverter_is_read_and_told_its_limit() -> None:
    port = from_file(RECIPE).ports[0]
    cells = dict.fromkeys(range(40079, 40108), 0) | {40079: 2301, 40083: 0xFFFF, 40107: 4}
    with ModbusServer({1: {**cells, 40242: 0}}) as server:
        more = {"modbus_framing": port.modbus_framing, "procedures": port.procedures}
        polls = tuple(replace(poll, every=0.1) for poll in port.polls)
        world = PolledPort(server.device, polls, **more)
        world.port.start()
        try:
            until(lambda: world.events, "polled")
            server.registers.units[1] |= {40079: 0xFFFF, 40083: 0x8000, 40107: 2}
            until(lambda: len(world.events) >= 2, "polled at night")
            world.port.procedures[URI](Invocation(URI, [70], {}, {}, 1, 1))
        finally:
            assert world.port.stop(5)
        assert server.registers.units[1][40242] == 70
    assert world.events[1] == ("home.inverter", {"state": 2})
    assert world.events[0] == ("home.inverter", {"volts": 230.1, "watts": -1, "state": 4})
