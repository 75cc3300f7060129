"""A port that polls, without a router."""

from __future__ import annotations

from typing import Any

from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.bridge_port import BridgePort
from wamplite.bridge.clock import BootClock
from wamplite.bridge.settings import PortSettings
from wamplite.bridge.shaping import ShapedEvent


class PolledPort:
    """Keeps what it would publish: topics, and the values of events without names or with."""

    def __init__(
        self,
        device: str,
        polls: tuple[PollSettings, ...],
        kind: type[BridgePort] = BridgePort,
        **more: Any,
    ) -> None:
        self.events: list[tuple[str, Any]] = []
        settings = PortSettings(
            name="test", device=device, polls=polls, **{"baudrate": 115200, **more}
        )
        self.port = kind(
            settings, self._put, lambda topic, status: None, lambda port: 0, BootClock()
        )

    def _put(self, port: str, events: list[ShapedEvent]) -> None:
        self.events += [(event.topic, event.kwargs or event.args[0]) for event in events]
