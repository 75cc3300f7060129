"""pymodbus's server as the device of a bridge, over TCP and over a serial line (RTU)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.interop.peers import place
from tests.processes import Program, RouterProcess
from tests.serial_cable import Cable
from tests.waiting import until
from wamplite.bridge import Bridge
from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.decoding.decoder import REFUSED

SERVER = Path(__file__).parent / "devices" / "modbus_server.py"
NUMBERS = [
    {"name": "unit", "address": 0},
    {"name": "int16", "address": 1, "type": "int16"},
    {"name": "uint32", "address": 2, "type": "uint32", "scale": 0.001},
    {"name": "int32", "address": 4, "type": "int32"},
    {"name": "float32", "address": 6, "type": "float32"},
    {"name": "uint64", "address": 8, "type": "uint64"},
    {"name": "int64", "address": 12, "type": "int64"},
    {"name": "float64", "address": 16, "type": "float64"},
    {"name": "text", "address": 20, "type": "string", "count": 3},
]
SWITCHES = [{"name": f"s{number}", "address": number, "type": "bit"} for number in range(5)]
# what is written: the procedure, how, and how it is read again
WRITTEN: dict[str, tuple[dict[str, Any], list[Any], dict[str, Any]]] = {
    "coil": ({"function": 5, "address": 3, "type": "bit"}, [True], {"function": 1}),
    "coils": ({"function": 15, "address": 7, "type": "bit"}, [True], {"function": 1}),
    "register": ({"function": 6, "address": 1, "type": "int16"}, [-215], {"function": 3}),
    "uint64": ({"function": 16, "address": 4, "type": "uint64"}, [2**64 - 2], {"function": 3}),
    "int64": ({"function": 16, "address": 8, "type": "int64"}, [-(2**40) - 1], {"function": 3}),
    "float64": ({"function": 16, "address": 12, "type": "float64"}, [0.1], {"function": 3}),
    "swapped": (
        {"function": 16, "address": 16, "type": "float32", "byteorder": "CDAB"},
        [230.5],
        {"function": 3},
    ),
    "text": (
        {"function": 16, "address": 20, "type": "string", "count": 4},
        ["ABCDE"],
        {"function": 3},
    ),
}


def poll(topic: str, modbus: dict[str, Any]) -> dict[str, Any]:
    return {"topic": topic, "every": 0.2, "timeout": 5, "modbus": modbus}


def port_of(device: str, framing: str, prefix: str) -> dict[str, Any]:
    polls = [
        poll(f"{prefix}.numbers", {"unit": 2, "function": 4, "values": NUMBERS}),
        poll(f"{prefix}.switches", {"unit": 1, "function": 2, "values": SWITCHES}),
    ]
    procedures = [{"uri": f"{prefix}.none", "modbus": {"function": 6, "address": 999}}]
    for name, (write, _, read) in WRITTEN.items():
        procedures.append({"uri": f"{prefix}.write_{name}", "timeout": 5, "modbus": write})
        polls.append(poll(f"{prefix}.{name}", {**write, **read}))
    return {
        "name": "modbus", "device": device, "baudrate": 115200, "modbus_framing": framing,
        "poll": polls, "procedure": procedures,
    }  # fmt: skip


class Device:
    """A bridge on pymodbus's server, and the session that asks it."""

    def __init__(self, session: wamplite.Session, prefix: str) -> None:
        self.session = session
        self._prefix = prefix
        self.values: dict[str, Any] = {}  # the last one of each topic

    def watch(self, topic: str) -> None:
        def on_event(event: wamplite.Event) -> None:
            values = dict(event.kwargs)
            values.pop("seq")
            self.values[topic] = values or event.args[0]

        self.session.subscribe(f"{self._prefix}.{topic}", on_event)

    def call(self, name: str, *args: Any) -> Any:
        return self.session.call(f"{self._prefix}.{name}", *args)

    def has(self, name: str) -> bool:
        return self.session.call("wamp.registration.lookup", f"{self._prefix}.{name}") is not None


@pytest.fixture(params=["tcp", "rtu"])
def device(
    request: pytest.FixtureRequest, tmp_path: Path, router: RouterProcess
) -> Iterator[Device]:
    way, prefix = request.param, f"com.example.modbus.{request.param}"
    python = str(place("pymodbus") / "venv/bin/python")
    with ExitStack() as stack:
        cable = stack.enter_context(Cable(tmp_path))
        server = Program(python, "-B", str(SERVER), way, cable.device)
        stack.callback(server.stop)
        number = int(server.line().split()[1])
        address = f"socket://127.0.0.1:{number}" if way == "tcp" else cable.host
        session = stack.enter_context(wamplite.connect(router.rs))
        found = Device(session, prefix)
        for topic in ("numbers", "switches", *WRITTEN):
            found.watch(topic)
        settings = {"url": router.rs}
        bridge = Bridge(from_dict({"session": settings, "port": [port_of(address, way, prefix)]}))
        bridge.start()
        stack.callback(bridge.stop)
        until(lambda: found.has("write_text"), "the procedures")
        yield found


def test_pymodbus_is_read_and_written_by_a_bridge(device: Device) -> None:
    until(lambda: len(device.values) == 2 + len(WRITTEN), "all is polled")
    assert device.values["numbers"] == {
        "unit": 2, "int16": -2, "uint32": 2301, "int32": -70_000, "float32": 230.5,
        "uint64": 2**63 + 2, "int64": -(2**40), "float64": 0.1, "text": "SDM630",
    }  # fmt: skip
    assert list(device.values["switches"].values()) == [True, False, False, True, True]
    for name, (_, values, _) in WRITTEN.items():
        assert device.values[name] in (0, False, ""), name
        device.call(f"write_{name}", *values)

    def written() -> bool:
        return all(device.values[name] == values[0] for name, (_, values, _) in WRITTEN.items())

    until(written, lambda: f"read again: {device.values}")
    with pytest.raises(wamplite.ApplicationError) as refused:
        device.call("none", 1)
    assert refused.value.error == REFUSED
