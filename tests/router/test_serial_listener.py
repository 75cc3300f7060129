"""A router that listens on a serial port, and a client at the other end of the cable."""

from __future__ import annotations

import queue
from contextlib import suppress

import pytest

import wamplite
from tests.conftest import open_files
from tests.router.conftest import Start, eventually
from tests.serial_cable import Cable
from wamplite.core.errors import ApplicationError, JoinRefused, TransportLost, UsageError
from wamplite.router import Router


@pytest.fixture
def router(start: Start, cable: Cable) -> Router:
    router = start()
    assert router.listen(cable.host_url) == f"{cable.host_url}?baud=115200"
    return router


def device(cable: Cable, **options: object) -> wamplite.Session:
    return wamplite.connect(cable.device_url, timeout=10, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
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


def test_a_port_that_is_not_there_yet_is_opened_when_it_comes(
    start: Start, cable: Cable, caplog: pytest.LogCaptureFixture
) -> None:
    cable.pull(cable.host)
    start().listen(cable.host_url)
    eventually(lambda: "not there; trying again until it works" in caplog.text)
    cable.plug(cable.host)
    with device(cable) as session:
        assert session.authid == "ttyHOST"


def test_a_port_that_another_program_has_is_opened_once_it_is_free(
    start: Start, router: Router, cable: Cable, caplog: pytest.LogCaptureFixture
) -> None:
    second = start()
    with device(cable):  # the first router has the port
        second.listen(cable.host_url)
        eventually(lambda: "in use by another program" in caplog.text)
    router.close()
    with device(cable):
        eventually(lambda: second.sessions == 1)


def test_no_descriptor_is_left_however_often_the_cable_is_pulled(
    router: Router, cable: Cable
) -> None:
    def is_served() -> bool:
        with suppress(TransportLost), device(cable, connect_timeout=1):
            return True
        return False

    def replug() -> None:
        cable.pull(cable.host)
        cable.plug(cable.host)
        eventually(is_served)

    replug()  # what is opened once, as by an import, is open then
    before: list[int] = []

    def is_settled() -> bool:  # the session has left, and the port waits for the next
        before.append(len(open_files()))
        return before[-20:] == 20 * before[-1:]

    eventually(is_settled)
    for _ in range(3):
        replug()
    eventually(lambda: len(open_files()) <= before[-1])


def test_two_programs_on_a_port_are_refused(router: Router, cable: Cable) -> None:
    with device(cable), pytest.raises(TransportLost, match="in use by another program"):
        device(cable)
