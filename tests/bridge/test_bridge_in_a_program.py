"""A Bridge within a program: sinks, what is held back, what is taken by others, what is full."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.bridge.pseudo import PseudoDevice, feed
from tests.processes import RouterProcess
from tests.waiting import until
from wamplite.bridge import Bridge
from wamplite.bridge.asking.requests import ProcedureSettings
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.settings import (
    BridgeSettings,
    BufferSettings,
    PortSettings,
    SessionSettings,
)
from wamplite.bridge.shaping import PublishSettings
from wamplite.core.feature import Feature
from wamplite.core.messages import Publish

NMEA = DECODERS["nmea"].made()


@pytest.fixture
def device(tmp_path: Path) -> Iterator[PseudoDevice]:
    with PseudoDevice(tmp_path) as device:
        yield device.plug()


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


@pytest.mark.parametrize("publish", [(), (PublishSettings(topic="test"),)])
def test_a_port_of_which_nothing_comes_is_logged(
    device: PseudoDevice, publish: tuple[PublishSettings, ...], caplog: pytest.LogCaptureFixture
) -> None:
    with Bridge(settings(device, publish=publish), sink=[].append) as bridge:
        until(lambda: bridge.ports["p0"].device.is_ready, "open")
    told = [text for text in caplog.messages if text.startswith("p0: what it sends is dropped")]
    assert len(told) == (not publish)


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


def test_a_command_that_fails_is_logged_with_its_port(
    device: PseudoDevice, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    procedures = (ProcedureSettings(uri="com.example.set", write="SET {0}\n"),)
    with wamplite.Router() as router, router.connect() as session:
        url = router.listen("tcp://127.0.0.1:0")
        with Bridge(settings(device, url, procedures=procedures)):
            until(lambda: is_refused(session, "com.example.set"), "registered")
    assert (
        "INVOCATION of com.example.set: port p0 raised wamp.error.invalid_argument" in caplog.text
    )


def is_refused(session: wamplite.Session, procedure: str) -> bool:
    try:
        session.call(procedure)
    except wamplite.ApplicationError as error:
        return isinstance(error, wamplite.InvalidArgument)
    return False


def test_a_full_outbox_says_so_in_its_counts(device: PseudoDevice) -> None:
    url = f"unix://{device.path}.absent"
    told = settings(device, url, publish=(PublishSettings(topic="test.p0"),))
    small = BridgeSettings(
        session=told.session, ports=told.ports, buffer=BufferSettings(max_messages=10)
    )
    with Bridge(small) as bridge:
        port = bridge.ports["p0"]
        until(lambda: port.device.is_ready, "open")
        feed(device, range(50))
        until(lambda: port.figures()["dropped"] == {"overflow": 40}, "dropped")
        assert (port.figures()["read"], port.figures()["waiting"]) == (50, 10)


def test_a_bridge_without_marks_and_status_adds_nothing(
    device: PseudoDevice, router_process: RouterProcess
) -> None:
    arrived: list[wamplite.Event] = []

    def on_event(event: wamplite.Event) -> None:
        arrived.append(event)

    port = PortSettings(
        name="p0",
        device=device.path,
        publish=(PublishSettings(topic="com.example.text"),),
        status=False,
    )
    settings = BridgeSettings(
        session=SessionSettings(url=router_process.rs),
        buffer=BufferSettings(marks=False),
        ports=(port,),
    )
    with wamplite.connect(router_process.rs) as session:
        session.subscribe("com.example.text", on_event)
        told = session.subscribe("wamplite.bridge.p0.status", on_event)
        with Bridge(settings):
            until(lambda: arrived or poke(device), "arrived")
            with pytest.raises(wamplite.ApplicationError, match="no_such_procedure"):
                session.call("wamplite.bridge.p0.stats")
        told.unsubscribe()
    assert {tuple(event.args) for event in arrived} == {("21.5 C",)}
    assert [event.kwargs for event in arrived if event.kwargs] == []


def poke(device: PseudoDevice) -> None:
    """Say something: the first line after an opening is dropped."""
    device.write(b"21.5 C\r\n")


# ---- events that are retained


class Retention(Feature):
    """What announces event_retention, and keeps the options of what is published."""

    name = "event_retention"
    roles = ("broker",)

    def __init__(self, published: dict[str, dict[str, Any]]) -> None:
        self.published = published  # options by topic

    def install(self, host: Any) -> None:
        host.broker.published.append(self._note)

    def _note(self, member: object, record: object, publish: Publish) -> None:
        self.published[publish.topic] = publish.options


def test_a_router_that_announces_event_retention_is_asked_to_retain(device: PseudoDevice) -> None:
    published: dict[str, dict[str, Any]] = {}
    with wamplite.Router(features=[lambda: Retention(published)]) as router:
        url = router.listen("tcp://127.0.0.1:0")
        publish = (PublishSettings(topic="test.p0", retain=True),)
        with Bridge(settings(device, url, publish=publish)) as bridge:
            until(lambda: bridge.ports["p0"].device.is_ready, "open")
            feed(device, range(1))
            until(lambda: bridge.counts("p0").published == 1, "published")
            until(lambda: "wamplite.bridge.p0.status" in published, "status")
    assert published["test.p0"] == {"acknowledge": True, "retain": True}
    assert published["wamplite.bridge.p0.status"] == {"retain": True}


def heard(session: wamplite.Session) -> set[str]:
    """Return a set to which the topics of the events are added that come from now on."""
    topics: set[str] = set()

    def on_event(event: wamplite.Event) -> None:
        topics.add(event.topic)

    for topic in ("test.p0", "wamplite.bridge.p0.status"):
        session.subscribe(topic, on_event)
    return topics


@pytest.mark.parametrize("is_wished", [True, False])
def test_that_a_router_lacks_event_retention_is_told_once_and_where_retain_is_set(
    device: PseudoDevice, caplog: pytest.LogCaptureFixture, is_wished: bool
) -> None:
    caplog.set_level("INFO")
    url = f"unix://{device.path}.sock"
    publish = (PublishSettings(topic="test.p0", retain=is_wished),)
    with Bridge(settings(device, url, publish=publish)) as bridge:
        until(lambda: bridge.ports["p0"].device.is_ready, "open")
        for _ in range(2):
            with wamplite.Router(features="basic") as router, router.connect() as session:
                topics = heard(session)
                router.listen(url)
                feed(device, range(1))
                until(partial(topics.issuperset, {"test.p0", "wamplite.bridge.p0.status"}), "heard")
    assert caplog.text.count("does not announce event_retention") == is_wished
    assert "has no effect" not in caplog.text
