r"""A bridge from a script, without a file.

    weather = (
        bridge.Port("/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0", 115200, settle=2)
        .lines()
        .regex(r"T=(?P<temp>\S+) H=(?P<hum>\d+)", types={"temp": "float", "hum": "int"})
        .publish("home.weather.{field}", deadband={"temp": 0.2})
        .procedure("home.weather.fan", "FAN {0:d}\n", reply=r"OK FAN=(\d+)")
    )
    bridge.run(weather, url="rs://127.0.0.1:8080", realm="home")

Each keyword is a key of the configuration file, checked in the same way; see docs/bridge-keys.md.
Each kind of framing and of decoder is a step of its name, with _ for -: `idle_gap(0.05)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from ...schema import nearest
from ..decoding.decoder import DECODERS
from ..framing.framing import FRAMINGS
from ..kinds import KindTable
from ..settings import BridgeSettings
from .tables import from_dict

__all__ = ["Port", "make_settings", "run"]


class Port:
    """A device, described step by step; each step returns a new description.

    The framing and the decoder are steps, too: `lines(max_bytes=256)`, `fixed(9, start=b"\\x02")`,
    `csv("temp", "hum")`. Each takes the keys of its kind; the first values need no names.
    """

    def __init__(self, device: str, baudrate: int = 9600, **keys: Any) -> None:
        """Begin with the keys of [[port]]; without `name`, the device's name is used."""
        name = re.sub("[^A-Za-z0-9_-]+", "_", device.rpartition("/")[2])[-64:]
        self.data: dict[str, Any] = {"name": name, "device": device, "baudrate": baudrate} | keys

    def _with(self, **keys: Any) -> Port:
        port = object.__new__(Port)
        port.data = self.data | keys
        return port

    def _and(self, key: str, table: dict[str, Any]) -> Port:
        return self._with(**{key: [*self.data.get(key, ()), table]})

    # ---- framing and decoding

    def __getattr__(self, step: str) -> Callable[..., Port]:
        for key, kinds in (("framing", FRAMINGS), ("decode", DECODERS)):
            kind = kinds.get(step.replace("_", "-"))
            if kind is not None:
                return partial(self._of_kind, key, kind)
        raise AttributeError(f"there is no step {step!r}; {nearest(step, set(dir(self)))}")

    def __dir__(self) -> list[str]:
        kinds = [kind.replace("-", "_") for kind in (*FRAMINGS, *DECODERS) if kind[-1] != ":"]
        return sorted([*(name for name in vars(Port) if name[0] != "_"), *kinds])

    def _of_kind(self, key: str, kind: KindTable, *args: Any, **keys: Any) -> Port:
        return self._with(**{key: kind.of_step(args, keys)})

    def decode(self, function: Callable[[Any], Any]) -> Port:
        """Decode by a function: bytes to a dict (keyword arguments), None, or the only argument."""
        return self._with(decode={"kind": "python:", "function": function})

    # ---- what the bridge does with readings, and asks of the device

    def publish(self, topic: str, **keys: Any) -> Port:
        """Publish readings, in addition to what earlier steps publish."""
        return self._and("publish", {"topic": topic} | keys)

    def procedure(self, uri: str, write: str = "", reply: Any = None, **keys: Any) -> Port:
        """Serve calls: write to the device and, where `reply` is given, wait for its reply."""
        given = {"write": write} if write else {}
        given |= {} if reply is None else {"reply": reply}
        return self._and("procedure", {"uri": uri} | given | keys)

    def subscribe(self, topic: str, write: str = "", **keys: Any) -> Port:
        """Write events to the device."""
        return self._and("subscribe", {"topic": topic} | ({"write": write} if write else {}) | keys)

    def init(self, write: str = "", **keys: Any) -> Port:
        """Write to the device after each opening, behind what earlier steps write then."""
        return self._and("init", ({"write": write} if write else {}) | keys)

    def poll(self, every: float, topic: str, **keys: Any) -> Port:
        """Ask the device each `every` seconds, by `write` and `reply` or `modbus`; publish that."""
        return self._and("poll", {"every": every, "topic": topic} | keys)


def make_settings(
    *ports: Port, buffer: dict[str, Any] | None = None, **session: Any
) -> BridgeSettings:
    """Return the settings of a bridge of these ports; UsageError lists every problem."""
    data: dict[str, Any] = {"port": [port.data for port in ports], "session": session}
    return from_dict(data | ({"buffer": buffer} if buffer else {}))


def run(*ports: Port, buffer: dict[str, Any] | None = None, **session: Any) -> None:
    """Run a bridge of these ports until SIGTERM or Ctrl-C."""
    from ..bridge import Bridge

    Bridge(make_settings(*ports, buffer=buffer, **session)).run_forever()
