"""One serial device to one topic: a Bridge with one port that adds nothing to the events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..transports import serial_path
from .bridge import Bridge
from .decoding.decoder import DECODERS
from .framing.framing import FRAMINGS
from .settings import BridgeSettings, BufferSettings, PortSettings

if TYPE_CHECKING:
    from ..client.component import Component
    from .counts import Counts

__all__ = ["SerialBridge"]

NAME = "serial"


class SerialBridge:
    """Publishes what a serial device sends, through a Component that it starts and stops.

    Raises UsageError where something else than a serial device stands at the path.
    """

    def __init__(
        self,
        device: str,
        topic: str,
        component: Component,
        *,
        baud: int = 9600,
        framing: str = "lines",
        decode: str = "text",
    ) -> None:
        serial_path.check(device)
        self.device = device
        self.topic = topic
        port = PortSettings(
            name=NAME,
            device=device,
            baudrate=baud,
            framing=FRAMINGS[framing].made(),
            decode=DECODERS[decode].made(),
        )
        buffer = BufferSettings(max_messages=10_000, max_bytes=1 << 24, max_age=0.0)
        settings = BridgeSettings(buffer=buffer, ports=(port,))
        self._bridge = Bridge(settings, component=component, plain=True)
        self._port = self._bridge.ports[NAME]
        self._port.publish_as_is(topic)

    def __enter__(self) -> SerialBridge:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def counts(self) -> Counts:
        """The counts of the device."""
        return self._port.counts

    def start(self) -> None:
        """Begin to read and to publish; return at once."""
        self._bridge.start()

    def stop(self) -> None:
        """Stop reading, publish what waits if the router is there, and leave; within 2 seconds."""
        self._bridge.stop()

    def figures(self) -> str:
        """Return the counts as one line."""
        return self._bridge.figures()
