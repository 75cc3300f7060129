"""Events as a port makes them, for who keeps and publishes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wamplite.bridge import clock
from wamplite.bridge.outbox.queue import WaitingEvent
from wamplite.bridge.shaping import ShapedEvent

TOPIC = "com.example.reading"


def event(value: Any, topic: str = TOPIC, **kwargs: Any) -> ShapedEvent:
    """Return an event with one argument, acknowledged."""
    return ShapedEvent(topic, [value], kwargs, {"acknowledge": True}, clock.now())


def numbers(entries: Iterable[WaitingEvent]) -> list[Any]:
    """Return the arguments of events that waited."""
    return [entry.event()[1][0] for entry in entries]
