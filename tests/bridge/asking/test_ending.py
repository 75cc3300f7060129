"""The end of a port whose device has not answered yet: nothing is wrong with that."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.bridge.polled_port import PolledPort
from tests.bridge.responder import Lines, ModbusSlave
from tests.waiting import until
from wamplite.bridge.asking.modbus import ModbusSettings
from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.asking.requests import InitSettings
from wamplite.bridge.decoding.regex import RegexSettings
from wamplite.bridge.device.device import DeviceState

TOPIC = "com.example.polled"
REPLY = RegexSettings(pattern="(.+)")
TEXT = PollSettings(every=1, topic=TOPIC, write="T?\n", reply=REPLY, timeout=60, retries=2)
MODBUS = PollSettings(every=1, topic=TOPIC, modbus=ModbusSettings(), timeout=60, retries=2)
INIT = InitSettings(write="RUN\n", reply=REPLY, timeout=60, retries=2)


@pytest.mark.parametrize("asked", ["poll", "modbus", "init"])
def test_what_the_end_cuts_short_is_no_warning(
    tmp_path: Path, asked: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "wamplite.bridge")
    if asked == "modbus":
        pytest.importorskip("minimalmodbus")
    mute = ModbusSlave(tmp_path) if asked == "modbus" else Lines(tmp_path, lambda line: None)
    if isinstance(mute, ModbusSlave):
        mute.mute = 9
    with mute as device:
        polls = {"poll": (TEXT,), "modbus": (MODBUS,), "init": ()}[asked]
        world = PolledPort(device.path, polls, init=(INIT,) if asked == "init" else ())
        world.port.start()
        until(lambda: device.asked, "asked")
        assert world.port.device.state is DeviceState.OPEN
        assert world.port.stop(5)
    assert "the bridge is ending" in caplog.text
    assert [one.message for one in caplog.records if one.levelno >= logging.WARNING] == []
