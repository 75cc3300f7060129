"""Modbus/TCP: polls and writes of a server that is late, mute, talks nonsense, or goes away.

WAMPLITE_MODBUS_REQUESTS=10000 asks so often in the first test: minutes (--timeout 3600).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from tests.bridge.meter import CELLS, LATE, REQUESTS, VALUES, poll, right
from tests.bridge.modbus_server import ModbusServer
from tests.bridge.polled_port import PolledPort
from tests.waiting import until
from wamplite.bridge.asking.modbus import ModbusSettings
from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.asking.requests import ProcedureSettings, SubscribeSettings
from wamplite.bridge.decoding.decoder import REFUSED
from wamplite.bridge.device.device import DeviceState
from wamplite.client.results import Event, Invocation
from wamplite.core import uris
from wamplite.core.errors import ApplicationError, CallTimeout, Unavailable

URI = "com.example.write"

Polled = Callable[..., PolledPort]


@pytest.fixture
def polled() -> Iterator[Polled]:
    """Give `polled(server, *polls, **port)`: a running port."""
    with ExitStack() as stack:

        def make(server: ModbusServer, *polls: PollSettings, **more: Any) -> PolledPort:
            stack.enter_context(server)
            port = PolledPort(server.device, polls, modbus_framing="tcp", **more)
            stack.callback(lambda: port.port.stop(5))
            port.port.start()
            return port

        yield make


def writing(function: int, unit: int = 1, timeout: float = 5.0) -> ProcedureSettings:
    kind = "bit" if function in (5, 15) else "uint16"
    modbus = ModbusSettings(unit=unit, function=function, address=8, type=kind)
    return ProcedureSettings(uri=URI, modbus=modbus, timeout=timeout)


def call(world: PolledPort, *args: Any) -> Any:
    until(lambda: world.port.device.state is DeviceState.OPEN, "connected")
    return world.port.procedures[URI](Invocation(URI, list(args), {}, {}, 1, 1))


@pytest.mark.parametrize("retries", [0, 1])
def test_one_reply_in_ten_is_late_and_no_value_has_another_ones_name(
    polled: Polled, retries: int
) -> None:
    server = ModbusServer({1: CELLS}, lambda n: "late" if n % 10 == 3 else "", LATE)
    world = polled(server, *(poll(name, retries=retries) for name in VALUES))
    until(lambda: len(server.asked) >= REQUESTS, "asked", max(60.0, REQUESTS * 0.5))
    assert world.events and right(world.events)
    assert world.port.figures()["late_replies"] >= REQUESTS // 10 - 1


@pytest.mark.parametrize("trouble", ["silent", "unit", "function", "stray", "garbage", "close"])
def test_whatever_one_reply_in_ten_is_no_value_is_wrong(polled: Polled, trouble: str) -> None:
    server = ModbusServer({1: CELLS, 0: CELLS}, lambda n: trouble if n % 10 == 3 else "")
    world = polled(server, *(poll(name, retries=1) for name in VALUES))
    until(lambda: len(server.asked) >= 25 and len(world.events) >= 15, "polled", 60)
    assert right(world.events)


def test_a_late_reply_holds_up_nobody(polled: Polled) -> None:
    """RTU would wait for what it is owed until three times the timeout after the request."""
    server = ModbusServer({1: CELLS}, lambda n: "silent" if n == 0 else "")
    polls = [replace(poll(name, every=3600), timeout=2.0) for name in ("volt", "amp")]
    world = polled(server, *polls)
    until(lambda: len(world.events) == 1, "the second one")
    assert server.times[1] - server.times[0] < 3 * 2.0
    assert world.port.figures()["failed_requests"] == 1


def test_a_reply_may_come_in_pieces(polled: Polled) -> None:
    server = ModbusServer({1: CELLS}, lambda n: "pieces")
    world = polled(server, poll("volt", every=0.1, retries=3))
    until(lambda: len(world.events) >= 2, "polled")
    assert right(world.events)


def test_a_reply_of_another_unit_is_told(polled: Polled, caplog: pytest.LogCaptureFixture) -> None:
    world = polled(ModbusServer({6: CELLS}, lambda n: "unit"), poll("volt", unit=6))
    until(lambda: world.port.figures()["failed_requests"] >= 1, "failed")
    assert "unit 7 has answered a request to unit 6" in caplog.text
    assert world.events == []


@pytest.mark.parametrize("unit", [0, 1, 247, 255])
def test_every_unit_can_be_polled_and_written(polled: Polled, unit: int) -> None:
    server = ModbusServer({unit: {**CELLS, 8: 0}})
    world = polled(server, poll("volt", unit=unit), procedures=(writing(6, unit),))
    assert call(world, 7) is None
    assert server.registers.units[unit][8] == 7
    until(lambda: len(world.events) >= 2, "polled")
    assert right(world.events)


@pytest.mark.parametrize(
    ("function", "args", "cells", "pdu"),
    [
        (5, [True], {8: 1, 9: 7}, "05 0008 ff00"),
        (6, [215], {8: 215, 9: 7}, "06 0008 00d7"),
        (15, [1, 0], {8: 1, 9: 0}, "0f 0008 0002 01 01"),
        (16, [1, 2], {8: 1, 9: 2}, "10 0008 0002 04 0001 0002"),
    ],
)
def test_a_call_writes(
    polled: Polled, function: int, args: list[Any], cells: dict[int, int], pdu: str
) -> None:
    server = ModbusServer({9: {8: 7, 9: 7}})
    world = polled(server, procedures=(writing(function, 9),))
    assert call(world, *args) is None
    assert server.registers.units[9] == cells
    assert [request[6:].hex() for request in server.asked] == ["09" + pdu.replace(" ", "")]


def test_an_event_writes(polled: Polled) -> None:
    server = ModbusServer({1: {8: 0}})
    modbus = ModbusSettings(function=5, address=8, type="bit")
    world = polled(
        server, subscribes=(SubscribeSettings(topic="com.example.night", modbus=modbus),)
    )
    until(lambda: world.port.device.state is DeviceState.OPEN, "connected")
    [(_, on_event)] = world.port.topics
    on_event(Event("com.example.night", [True], {}, {}, 1, 1))
    until(lambda: server.registers.units[1] == {8: 1}, "written")


def test_what_fails_is_told_by_its_kind(polled: Polled) -> None:
    server = ModbusServer({1: {}})
    world = polled(server, procedures=(writing(6, timeout=0.1),))
    with pytest.raises(ApplicationError, match="address 8: Slave reported illegal data") as caught:
        call(world, 1)
    assert caught.value.error == REFUSED
    server.registers.units.clear()
    with pytest.raises(CallTimeout) as silent:
        call(world, 1)
    assert silent.value.error == uris.TIMEOUT


def test_a_unit_that_is_switched_off_is_asked_once_and_then_as_before(polled: Polled) -> None:
    server = ModbusServer({})
    world = polled(server, poll("volt", every=0.1, retries=3))
    until(lambda: world.port.figures()["failed_requests"] >= 3, "failed")
    assert len(server.asked) <= 3 + world.port.figures()["failed_requests"] + 1
    assert world.port.commands.raw.is_mute(1)
    server.registers.units[1] = CELLS
    until(lambda: world.events, "polled")
    assert right(world.events) and not world.port.commands.raw.is_mute(1)


def test_after_a_loss_it_connects_again_and_goes_on(polled: Polled) -> None:
    server = ModbusServer({1: CELLS}, lambda n: "close" if n in (2, 4) else "")
    world = polled(server, poll("volt"))
    until(lambda: len(world.events) >= 6, "polled")
    assert len(server.connections) == 3 and right(world.events)


def test_a_call_fails_at_once_when_the_connection_is_lost(polled: Polled) -> None:
    server = ModbusServer({1: {8: 0}}, lambda n: "close")
    world = polled(server, procedures=(writing(6, timeout=60.0),))
    with pytest.raises(Unavailable):
        call(world, 1)


def test_a_stop_ends_the_wait_for_a_reply(polled: Polled) -> None:
    world = polled(ModbusServer({}), poll("volt"))
    until(lambda: world.port.figures()["failed_requests"] >= 1, "asked")
    assert world.port.commands.stop(5)
    with pytest.raises(Unavailable):
        world.port.commands.raw.exchange(bytes.fromhex("010400020002d00b"), 60.0)


def test_who_is_no_modbus_server_is_told_and_tried_less_and_less_often(
    polled: Polled, caplog: pytest.LogCaptureFixture
) -> None:
    server = ModbusServer({1: CELLS}, lambda n: "garbage")
    world = polled(server, poll("volt"))
    until(lambda: len(server.connections) >= 4, "tried again")
    assert "not Modbus/TCP: 32 32 30 20 77 65 6c" in caplog.text
    assert server.connections[3] - server.connections[2] > 0.3  # 0.1, 0.2, 0.4 ... seconds
    assert world.events == []


def test_what_a_hand_written_request_brings_is_nobodys(polled: Polled) -> None:
    server = ModbusServer({1: CELLS})
    world = polled(server, poll("volt", every=0.2))
    until(lambda: len(world.events) == 1, "polled")
    uri, request = "wamplite.bridge.test.write", bytes.fromhex("0002000000060104 00020002")
    world.port.procedures[uri](Invocation(uri, [request], {}, {}, 1, 1))
    until(lambda: len(world.events) >= 4, "polled on")
    assert right(world.events)
    assert world.port.figures()["late_replies"] == 1
    numbers = [int.from_bytes(request[:2], "big") for request in server.asked]
    assert len(set(numbers)) == len(numbers)


def test_between_a_reply_and_the_next_request_is_a_pause(polled: Polled) -> None:
    server = ModbusServer({1: CELLS})
    world = polled(server, *(poll(name) for name in VALUES), pause=0.1)
    until(lambda: len(world.events) >= 5, "polled")
    times = server.times
    assert all(later - earlier >= 0.1 for earlier, later in zip(times, times[1:], strict=False))


def test_a_call_to_a_server_that_is_not_there_fails_and_says_why(polled: Polled) -> None:
    server = ModbusServer({1: CELLS})
    with socket.create_server(("127.0.0.1", 0)) as gone:
        server.device = f"socket://127.0.0.1:{gone.getsockname()[1]}"
    world = polled(server, procedures=(writing(6),))
    until(lambda: world.port.device.why, "refused")
    with pytest.raises(Unavailable, match="Connection refused"):
        world.port.procedures[URI](Invocation(URI, [1], {}, {}, 1, 1))
