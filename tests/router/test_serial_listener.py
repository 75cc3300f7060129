"""A router that listens on a serial port, and a client at the other end of the cable."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

import wamplite
from tests.router.conftest import Start, eventually
from tests.serial_cable import Cable
from wamplite.core.errors import ApplicationError, JoinRefused, TransportLost, UsageError
from wamplite.router import Router


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    with Cable(tmp_path) as cable:
        yield cable


@pytest.fixture
def router(start: Start, cable: Cable) -> Router:
    router = start()
    assert router.listen(cable.host_url) == f"{cable.host_url}?baud=115200"
    return router


def device(cable: Cable, **options: object) -> wamplite.Session:
    return wamplite.connect(cable.device_url, timeout=10, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_a_device_joins_calls_serves_publishes_and_subscribes(
    router: Router, cable: Cable, serializer: str
) -> None:
    events: queue.Queue[object] = queue.Queue()
    with router.connect() as local, device(cable, serializer=serializer) as session:
        assert (session.authid, session.authrole) == ("ttyHOST", "device")
        local.register("com.example.twice", lambda number: 2 * number)
        session.register("com.example.thrice", lambda number: 3 * number)
        assert session.call("com.example.twice", 21) == 42
        assert local.call("com.example.thrice", 14) == 42
        local.subscribe("com.example.from_device", events.put)
        session.subscribe("com.example.to_device", events.put)
        session.publish("com.example.from_device", "up")
        assert events.get(timeout=10) == "up"
        local.publish("com.example.to_device", "down\0" * 40)
        assert events.get(timeout=10) == "down\0" * 40
        with pytest.raises(ApplicationError, match="no_such_procedure"):
            session.call("com.example.nothing")
    eventually(lambda: router.sessions == 0)


def test_the_url_tells_who_the_device_is(start: Start, cable: Cable) -> None:
    router = start(realms=["realm1", "realm2"])
    router.listen(f"{cable.host_url}?authid=thermostat&authrole=sensor&realm=realm2")
    with pytest.raises(JoinRefused, match="no_such_realm"):
        device(cable)
    with device(cable, realm="realm2", authid="somebody_else") as session:
        assert (session.authid, session.authrole) == ("thermostat", "sensor")


@pytest.mark.parametrize("query", ["bauds=9600", "baud=fast", "realm=nowhere", "rtscts=yes"])
def test_a_url_that_cannot_be_meant_is_refused(start: Start, cable: Cable, query: str) -> None:
    with pytest.raises(UsageError):
        start().listen(f"{cable.host_url}?{query}")


def test_two_programs_on_a_port_are_refused(router: Router, cable: Cable) -> None:
    with device(cable), pytest.raises(TransportLost, match="in use by another program"):
        device(cable)
