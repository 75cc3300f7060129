"""Whether a single command is echoed, where it is not as the others of its port."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.polled_port import PolledPort
from tests.bridge.responder import Lines
from tests.waiting import until
from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.asking.requests import InitSettings
from wamplite.bridge.asking.steps import StepSettings
from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.core.errors import UsageError

Polled = Callable[..., PolledPort]

ANY = DECODERS["text"].made()
SECRET = b"sesame"


def shy(line: bytes) -> bytes:
    """Echo all but the password, and answer."""
    shown = b"" if line == SECRET else line + b"\r\n"
    return shown + b"OK " + line[:1] + b"\r\n"


def asked(**more: Any) -> PollSettings:
    given = {"topic": "t", "write": "A\n", "reply": ANY, "timeout": 5.0, "every": 3600, **more}
    return PollSettings(**given)


def test_a_password_is_not_echoed(polled: Polled, tmp_path: Path) -> None:
    secret = InitSettings(write="sesame\n", reply=ANY, timeout=5.0, echo=False)
    device = Lines(tmp_path, shy)
    world = polled(device, asked(), init=(secret,), echo=True)
    until(lambda: world.events, "polled")
    assert world.events == [("t", "OK A")]
    assert device.asked == [SECRET, b"A"]
    assert not world.port.figures()["failed_requests"]


def test_a_step_is_echoed_or_not_by_itself(polled: Polled, tmp_path: Path) -> None:
    step = StepSettings(write="sesame\n", reply=ANY, timeout=5.0, echo=False)
    last = StepSettings(write="B\n", reply=ANY, timeout=5.0)
    device = Lines(tmp_path, shy)
    world = polled(device, asked(then=(step, last)), echo=True)
    until(lambda: world.events, "polled")
    assert world.events == [("t", "OK B")]


def test_one_command_is_echoed_where_the_port_has_no_echo(polled: Polled, tmp_path: Path) -> None:
    device = Lines(tmp_path, lambda line: (line + b"\r\n") * (line == b"A") + b"OK\r\n")
    world = polled(device, asked(echo=True), asked(write="B\n"))
    until(lambda: len(world.events) == 2, "polled")
    assert world.events == [("t", "OK"), ("t", "OK")]


def test_modbus_has_the_echo_of_its_port_alone() -> None:
    modbus = {"unit": 1, "function": 4, "address": 0}
    for table in (
        {"poll": [{"topic": "a.b", "every": 5, "modbus": modbus, "echo": False}]},
        {"procedure": [{"uri": "a.b", "modbus": {**modbus, "function": 6}, "echo": False}]},
    ):
        with pytest.raises(UsageError, match='echo: excludes "modbus"'):
            from_dict({"port": [{"name": "p", "device": "/dev/x", **table}]})
