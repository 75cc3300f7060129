"""Whatever can be closed can be closed twice: the second time closes nobody's descriptor."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest
import serial

import wamplite
from tests.router.conftest import parts
from tests.serial_cable import Cable
from tests.transports.streams import tcp_pair
from wamplite.bridge.device.carrier import DescriptorCarrier, QueueCarrier
from wamplite.bridge.outbox.outbox import Outbox
from wamplite.bridge.settings import BufferSettings
from wamplite.in_process_channel import pair
from wamplite.router import Router
from wamplite.router.housekeeper import Housekeeper
from wamplite.router.limits import Counters, Limits
from wamplite.router.logins import Logins
from wamplite.router.longpoll import Gateway, Pages
from wamplite.router.reader import SharedReader
from wamplite.router.readers import SharedReaders
from wamplite.router.turning_away import TurningAway
from wamplite.router.waking_selector import WakingSelector
from wamplite.storage.events import SCHEMA, StoredEvents
from wamplite.storage.journal import Journal
from wamplite.transports.serial_line import Descriptor, OpenPort, SerialStream
from wamplite.transports.serial_url import Address
from wamplite.transports.socket_stream import SocketStream
from wamplite.transports.stream import Stream

MANY = 40  # descriptors that are opened after a close: more than it can have closed


class Surroundings(NamedTuple):
    """What a closable thing may need; `stack` ends at the end of the test."""

    stack: ExitStack
    folder: Path


def stream(world: Surroundings) -> Stream:
    ours, theirs = tcp_pair()
    world.stack.callback(theirs.close)
    return SocketStream(ours)


def port(world: Surroundings) -> OpenPort:
    return OpenPort(Address(world.stack.enter_context(Cable(world.folder)).device))


def descriptor(world: Surroundings) -> Descriptor:
    opened = port(world)
    world.stack.callback(opened.close)
    return Descriptor(opened)


def serial_stream(world: Surroundings) -> SerialStream:
    opened = port(world)
    return SerialStream(opened, opened.close)


def descriptor_carrier(world: Surroundings) -> DescriptorCarrier:
    ours, theirs = tcp_pair()
    world.stack.callback(theirs.close)
    ours.setblocking(False)
    return DescriptorCarrier(ours.fileno(), ours, is_stream=True)


def router(world: Surroundings) -> Router:
    made = Router()
    made.listen("rs://127.0.0.1:0")
    return made


def serial_router(world: Surroundings) -> Router:
    made = Router()
    made.listen(world.stack.enter_context(Cable(world.folder)).host_url)
    return made


def readers(world: Surroundings) -> SharedReaders:
    made = Router(readers="shared")
    world.stack.callback(made.close)
    wamplite.connect(made.listen("rs://127.0.0.1:0")).leave()  # begins its thread
    return parts(made).readers


def shared_reader(world: Surroundings) -> SharedReader:
    return readers(world).small


def gateway(world: Surroundings) -> Gateway:
    router = world.stack.enter_context(Router())
    return Gateway(Nowhere(), parts(router), ["json"], Pages(frozenset(), frozenset()))


class Nowhere:
    """A listener that nobody comes to."""

    url = "tcp://127.0.0.1:1"

    def acceptor(self, connection: Any) -> Any:
        raise AssertionError(connection)


MAKERS: dict[str, Callable[[Surroundings], Any]] = {
    "Stream": stream,
    "OpenPort": port,
    "Descriptor": descriptor,
    "SerialStream": serial_stream,
    "DescriptorCarrier": descriptor_carrier,
    "QueueCarrier": lambda world: QueueCarrier(serial.serial_for_url("loop://")),
    "Outbox": lambda world: Outbox(BufferSettings(), lambda port, reason, number: None),
    "Housekeeper": lambda world: Housekeeper(Limits(), Counters()),
    "LocalChannel": lambda world: pair()[0],
    "Logins": lambda world: Logins(Limits(), lambda name, who: None),
    "SharedReaders": readers,
    "SharedReader": shared_reader,
    "TurningAway": lambda world: TurningAway(),
    "WakingSelector": lambda world: WakingSelector(),
    "Gateway": gateway,
    "Journal": lambda world: Journal(str(world.folder / "journal"), SCHEMA),
    "StoredEvents": lambda world: StoredEvents(
        str(world.folder / "events"), lambda seconds, run: run(), list
    ),
    "Router": router,
    "SerialListener": serial_router,
}
WITHIN = {  # closed by one of these, which are tried
    "Accepting", "ByteChannel", "Connections", "Crew", "Listener", "Routing",
    "HandshakeSocket", "SerialShim",  # leave the descriptor to their owner
    "Conversation",  # says GOODBYE: no descriptor
    "Shared",  # by its router, once
    "OutboxFile",  # closed by its outbox, once, with a number
    "Feature", "ForRouter",  # closed by their realm, once
    "Chronicle", "Shelf",  # by their feature, once
}  # fmt: skip


@pytest.mark.parametrize("name", MAKERS)
def test_closing_twice_is_closing_once(name: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        made = MAKERS[name](Surroundings(stack, tmp_path))
        made.close()
        others = [os.open("/dev/null", os.O_RDONLY) for _ in range(MANY)]
        try:
            made.close()
        finally:
            closed = [other for other in others if not is_open(other)]
            for other in set(others) - set(closed):
                os.close(other)
        assert closed == []


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_every_class_that_can_be_closed_is_tried() -> None:
    assert closable() == set(MAKERS) | WITHIN


def closable() -> set[str]:
    """Return the names of the classes that have a close() of their own."""
    found = set()
    for module in pkgutil.walk_packages(wamplite.__path__, "wamplite."):
        if module.name != "wamplite.__main__" and not module.name.startswith("wamplite.micro."):
            members = inspect.getmembers(importlib.import_module(module.name), is_closable)
            found |= {name for name, kind in members if kind.__module__ == module.name}
    return found


def is_closable(kind: object) -> bool:
    return inspect.isclass(kind) and callable(vars(kind).get("close")) and not is_protocol(kind)


def is_protocol(kind: type) -> bool:
    return Protocol in kind.__bases__
