"""A Bridge within a program: sinks, what is held back, what is taken by others, what is full."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.bridge.pseudo import PseudoDevice, sentence
from tests.processes import RouterProcess
from tests.waiting import until
from wamplite.bridge import Bridge, SerialBridge
from wamplite.bridge.settings import (
    BridgeSettings,
    BufferSettings,
    DecodeSettings,
    PortSettings,
    ProcedureSettings,
    PublishSettings,
    SessionSettings,
)

NMEA = DecodeSettings(kind="nmea")


@pytest.fixture
def device(tmp_path: Path) -> Iterator[PseudoDevice]:
    with PseudoDevice(tmp_path) as device:
        yield device.plug()


def feed(device: PseudoDevice, numbers: range) -> None:
    device.write(b"".join(map(sentence, numbers)))


def settings(device: PseudoDevice, url: str = "", **more: Any) -> BridgeSettings:
    port = PortSettings(name="p0", device=device.path, decode=NMEA, **more)
    return BridgeSettings(session=SessionSettings(url=url), ports=(port,))


def test_a_sink_takes_the_place_of_a_router(device: PseudoDevice) -> None:
    found: list[tuple[str, list[Any], dict[str, Any]]] = []
    publish = (PublishSettings(topic="test.{port}", fields=("type",)),)
    with Bridge(settings(device, publish=publish), sink=found.extend) as bridge:
        until(lambda: bridge.ports["p0"].device.is_ready, "open")
        feed(device, range(2))
        until(lambda: len(found) == 2, "handed over")
    assert found == [("test.p0", [], {"type": "TXT"})] * 2


def test_what_is_held_back_goes_when_it_is_time_or_the_device_goes(device: PseudoDevice) -> None:
    found: list[tuple[str, list[Any], dict[str, Any]]] = []
    publish = (PublishSettings(topic="test", min_interval=0.3),)
    with Bridge(settings(device, publish=publish), sink=found.extend) as bridge:
        port = bridge.ports["p0"]
        until(lambda: port.device.is_ready, "open")
        feed(device, range(5))
        until(lambda: len(found) == 2, "the first, and in time the last")
        feed(device, range(5, 8))
        until(lambda: port.figures()["waiting"] == 1, "held back")
        device.pull()
        until(lambda: len(found) == 3, "nothing stays behind")
        figures = port.figures()
    assert [events[2]["fields"][3] for events in found] == ["0", "4", "7"]
    assert figures["read"] == 8 == figures["published"] + sum(figures["dropped"].values())


def test_a_procedure_that_somebody_else_has_is_asked_for_again_and_stops_nothing(
    device: PseudoDevice, router_process: RouterProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wamplite.bridge.bridge.AGAIN", 0.1)
    procedures = (ProcedureSettings(uri="com.example.taken", write="X\n"),)
    publish = (PublishSettings(topic="test.p0"),)
    told = settings(device, router_process.rs, publish=publish, procedures=procedures)
    arrived: list[str] = []
    session = wamplite.connect(router_process.rs)
    session.subscribe("test.p0", lambda text, **more: arrived.append(more["fields"][3]))
    taken = session.register("com.example.taken", lambda: "mine")
    with Bridge(told) as bridge:
        until(lambda: bridge.ports["p0"].device.is_ready, "open")
        feed(device, range(3))
        until(lambda: arrived == ["0", "1", "2"], "published all the same")
        taken.unregister()
        until(lambda: succeeds(session), "registered after all")
        assert device.read() == b"X\n"
    session.leave()


def succeeds(session: wamplite.Session) -> bool:
    try:
        session.call("com.example.taken")
    except wamplite.ApplicationError:
        return False
    return True


def test_a_full_outbox_says_so_in_its_books(device: PseudoDevice) -> None:
    url = f"unix://{device.path}.absent"
    told = settings(device, url, publish=(PublishSettings(topic="test.p0"),))
    small = BridgeSettings(
        session=told.session, ports=told.ports, buffer=BufferSettings(max_messages=10)
    )
    with Bridge(small) as bridge:
        port = bridge.ports["p0"]
        until(lambda: port.device.is_ready, "open")
        feed(device, range(50))
        until(lambda: port.figures()["read"] == 50, "read")
        figures = port.figures()
    assert (figures["waiting"], figures["dropped"]) == (10, {"overflow": 40})


def test_a_serial_bridge_that_is_told_no_more_publishes_lines_of_text(
    device: PseudoDevice, router_process: RouterProcess
) -> None:
    arrived: list[wamplite.Event] = []

    def on_event(event: wamplite.Event) -> None:
        arrived.append(event)

    component = wamplite.Component(router_process.rs)
    with wamplite.connect(router_process.rs) as session:
        session.subscribe("com.example.text", on_event)
        with SerialBridge(device.path, "com.example.text", component) as bridge:
            until(lambda: bridge.counts.snapshot()["published"] or poke(device), "published")
            assert [event.args for event in arrived[-1:]] == [["21.5 C"]]
            assert arrived[-1].kwargs == {}


def poke(device: PseudoDevice) -> None:
    """Say something: the first line after an opening is dropped."""
    device.write(b"21.5 C\r\n")
