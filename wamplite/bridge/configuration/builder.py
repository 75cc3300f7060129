r"""A bridge from a script, without a file.

    weather = (
        bridge.Port("/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0", 115200, settle=2)
        .lines()
        .regex(r"T=(?P<temp>\S+) H=(?P<hum>\d+)", types={"temp": "float", "hum": "int"})
        .publish("home.weather.{field}", deadband={"temp": 0.2})
        .procedure("home.weather.fan", "FAN {0:d}\n", reply=r"OK FAN=(\d+)")
    )
    bridge.run(weather, url="rs://127.0.0.1:8080", realm="home")

Each keyword is a key of the configuration file, checked in the same way; see docs/bridge.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..settings import BridgeSettings
from .tables import from_dict

__all__ = ["Port", "make_settings", "run"]


class Port:
    """A device, described step by step; each step returns a new description."""

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

    # ---- framing

    def lines(self, **keys: Any) -> Port:
        """Frames are lines: the default."""
        return self._with(framing={"kind": "lines"} | keys)

    def delimited(self, delimiter: str | bytes, **keys: Any) -> Port:
        """Frames end at a delimiter, and may begin at a `start`."""
        return self._with(framing={"kind": "delimiter", "delimiter": delimiter} | keys)

    def fixed(self, size: int, **keys: Any) -> Port:
        """Frames have a fixed size, after an optional `start`."""
        return self._with(framing={"kind": "fixed", "size": size} | keys)

    def length_prefixed(self, length_bytes: int = 1, **keys: Any) -> Port:
        """Frames begin with their length."""
        return self._with(framing={"kind": "length", "length_bytes": length_bytes} | keys)

    def idle_gap(self, gap: float, **keys: Any) -> Port:
        """Frames have `gap` seconds of silence between them."""
        return self._with(framing={"kind": "idle-gap", "gap": gap} | keys)

    def cobs(self, **keys: Any) -> Port:
        """Frames are encoded in COBS and end at a zero byte."""
        return self._with(framing={"kind": "cobs"} | keys)

    def slip(self, **keys: Any) -> Port:
        """Frames are encoded in SLIP."""
        return self._with(framing={"kind": "slip"} | keys)

    # ---- decoding

    def text(self, encoding: str = "utf-8") -> Port:
        """Decode text, the only argument of the event: the default."""
        return self._with(decode={"kind": "text", "encoding": encoding})

    def bytes(self) -> Port:
        """Take frames as they are: bytes, the only argument of the event."""
        return self._with(decode={"kind": "bytes"})

    def json(self) -> Port:
        """Decode JSON."""
        return self._with(decode={"kind": "json"})

    def csv(self, *fields: str, **keys: Any) -> Port:
        """Decode comma-separated values; `fields` names them in order."""
        return self._with(decode={"kind": "csv", "fields": fields} | keys)

    def regex(self, pattern: str, **keys: Any) -> Port:
        """Decode what a pattern finds in the text."""
        return self._with(decode={"kind": "regex", "pattern": pattern} | keys)

    def struct(self, format: str, *fields: str) -> Port:
        """Decode a binary record; `fields` names its values in order."""
        return self._with(decode={"kind": "struct", "format": format, "fields": fields})

    def nmea(self, **keys: Any) -> Port:
        """Decode NMEA 0183."""
        return self._with(decode={"kind": "nmea"} | keys)

    def decode(self, function: Callable[[Any], Any]) -> Port:
        """Decode by a function: bytes to a dict (keyword arguments), None, or the only argument."""
        return self._with(decode={"kind": "python:", "function": function})

    # ---- what the bridge does with readings, and asks of the device

    def publish(self, topic: str, **keys: Any) -> Port:
        """Publish readings, in addition to what earlier steps publish."""
        return self._and("publish", {"topic": topic} | keys)

    def procedure(self, uri: str, write: str, reply: Any = None, **keys: Any) -> Port:
        """Serve calls: write to the device and, where `reply` is given, wait for its reply."""
        answer = {} if reply is None else {"reply": reply}
        return self._and("procedure", {"uri": uri, "write": write} | answer | keys)

    def subscribe(self, topic: str, write: str, **keys: Any) -> Port:
        """Write events to the device."""
        return self._and("subscribe", {"topic": topic, "write": write} | keys)

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
