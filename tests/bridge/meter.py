"""A meter that is read over Modbus: what its registers hold, who asks for it, what is right."""

from __future__ import annotations

import os
from typing import Any

from tests.bridge.modbus_slave import floats
from wamplite.bridge.asking.modbus import ModbusSettings
from wamplite.bridge.asking.polls import PollSettings

REQUESTS = int(os.environ.get("WAMPLITE_MODBUS_REQUESTS", "60"))
TIMEOUT = 0.06
LATE = 0.09  # seconds until a late answer: past the timeout
VALUES = {"volt": 230.5, "amp": 4.75, "watt": 1094.0, "hertz": 50.0}
ADDRESSES = {name: 2 * number for number, name in enumerate(VALUES)}
CELLS = floats({ADDRESSES[name]: value for name, value in VALUES.items()})


def poll(
    name: str, unit: int = 1, every: float = 0.05, retries: int = 0, timeout: float = TIMEOUT
) -> PollSettings:
    return PollSettings(
        every=every,
        topic=f"t.{name}",
        modbus=ModbusSettings(unit=unit, function=4, address=ADDRESSES[name], type="float32"),
        timeout=timeout,
        retries=retries,
    )


def right(events: list[tuple[str, Any]]) -> bool:
    return all(value == VALUES[topic.removeprefix("t.")] for topic, value in events)
