"""A write that fails is told to whoever asked for it: nothing is done that was not written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.bridge.device_world import ECHO, DeviceWorld
from tests.bridge.pseudo import PseudoDevice
from tests.client.scripted import soon
from tests.waiting import until
from wamplite.bridge.asking.requests import ProcedureSettings, SubscribeSettings
from wamplite.core import uris

Make = Callable[..., DeviceWorld]
SETTINGS: dict[str, Any] = {
    "procedures": (ECHO, ProcedureSettings(uri="com.example.set", write="SET {0}\n")),
    "subscribes": (SubscribeSettings(topic="com.example.led", write="LED {0}\n"),),
}
CALLS = {
    "without a reply": ("com.example.set", "x"),
    "with a reply": ("com.example.echo", "x"),
    "as it is": ("wamplite.bridge.test.write", "x"),
}


@pytest.fixture
def device(tmp_path: Path) -> PseudoDevice:
    """Give a device that reads nothing by itself."""
    return PseudoDevice(tmp_path).plug()


def failure(call: Callable[[], Any]) -> wamplite.ApplicationError:
    with pytest.raises(wamplite.ApplicationError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("how", CALLS)
def test_a_device_that_takes_nothing_fails_the_call(
    make: Make, device: PseudoDevice, how: str
) -> None:
    world = make(device, write_timeout=0.3, **SETTINGS)
    device.clog()
    error = failure(lambda: world.session.call(*CALLS[how]))
    assert error.error == uris.TIMEOUT
    assert device.path in str(error) and "not taken in 0.3 s" in str(error)
    assert world.port.figures()["failed_requests"] == 1


@pytest.mark.parametrize("how", CALLS)
def test_a_device_that_is_pulled_fails_who_writes_and_who_waits_for_a_turn(
    make: Make, device: PseudoDevice, how: str
) -> None:
    world = make(device, write_timeout=20.0, **SETTINGS)
    device.clog()
    commands = world.port.commands
    writing = soon(world.session.call, *CALLS[how])
    until(lambda: commands._thread and not commands._queue, "the write is stuck")
    waiting = [soon(world.session.call, "com.example.set", n) for n in range(3)]
    until(lambda: len(commands._queue) == 3, "the others wait for their turn")
    device.pull()
    for call in (writing, *waiting):
        assert failure(call.result).error == uris.UNAVAILABLE


def test_an_event_that_could_not_be_written_is_counted_and_the_next_one_is_written(
    make: Make, device: PseudoDevice
) -> None:
    world = make(device, write_timeout=0.3, **SETTINGS)
    device.clog()
    world.session.publish("com.example.led", 1)
    until(lambda: world.port.figures()["failed_requests"] == 1, "counted")
    while device.unheard():
        device.read()
    world.session.publish("com.example.led", 2)
    assert device.read() == b"LED 2\n"
    assert world.port.figures()["failed_requests"] == 1
