"""A device that is asked through its bridge, and a session that asks."""

from __future__ import annotations

import threading
from typing import Any

import wamplite
from tests.bridge.responder import Responder
from tests.waiting import until
from wamplite.bridge import Bridge
from wamplite.bridge.asking.requests import ProcedureSettings
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.device.device import DeviceState
from wamplite.bridge.settings import (
    BridgeSettings,
    PortSettings,
    SessionSettings,
)
from wamplite.bridge.shaping import PublishSettings

ECHO = ProcedureSettings(
    uri="com.example.echo",
    write="ECHO {0}\n",
    reply=DECODERS["regex"].made(pattern=r"ECHO=(.*)"),
    timeout=0.4,
)
TOPIC = "com.example.line"


class DeviceWorld:
    """A device, its bridge, and a session that calls."""

    def __init__(self, url: str, device: Responder, **more: Any) -> None:
        self.device = device
        port = PortSettings(
            name="test",
            device=device.path,
            publish=(PublishSettings(topic=TOPIC),),
            decode=DECODERS["text"].made(),
            **{"procedures": (ECHO,), **more},
        )
        session = SessionSettings(url=url, serializer="msgpack")
        self.bridge = Bridge(BridgeSettings(session=session, ports=(port,)))
        self.port = self.bridge.ports["test"]
        self.session = wamplite.connect(url)
        self.events: list[wamplite.Event] = []
        self.session.subscribe(TOPIC, self._on_event)
        self.registered = threading.Event()
        assert self.bridge.component is not None
        self.bridge.component.on_join(lambda session: self.registered.set())

    def _on_event(self, event: wamplite.Event) -> None:
        self.events.append(event)

    def __enter__(self) -> DeviceWorld:
        self.bridge.start()
        assert self.registered.wait(20)
        until(lambda: self.port.device.state is DeviceState.OPEN, "open")
        return self

    def __exit__(self, *_: object) -> None:
        self.bridge.stop()
        self.session.leave()

    def echo(self, word: object) -> Any:
        return self.session.call("com.example.echo", word)


def echo(line: bytes) -> bytes:
    return line.replace(b" ", b"=", 1) + b"\n"
