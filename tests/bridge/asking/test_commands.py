"""Calls to a device: in turn, each with its own reply or its own error, and never a late one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.bridge.device_world import ECHO, DeviceWorld, echo
from tests.bridge.responder import Lines
from tests.client.scripted import soon
from tests.waiting import until
from wamplite.bridge.asking import commands, device_job
from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.asking.requests import ProcedureSettings, SubscribeSettings
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.core import uris

Make = Callable[..., DeviceWorld]


def test_a_call_is_answered_by_the_reply_which_is_not_published(make: Make, tmp_path: Path) -> None:
    world = make(Lines(tmp_path, lambda line: b"a reading\n" + echo(line) + b"another\n"))
    assert world.echo("hello") == "hello"
    until(lambda: len(world.events) == 1, "the reading after it; the first line is dropped")
    assert world.events[0].args == ["another"]
    figures = world.port.figures()
    assert (figures["replies"], figures["frames"], figures["read"]) == (1, 3, 2)


def test_twenty_callers_at_once_get_their_own_reply(make: Make, tmp_path: Path) -> None:
    busy: list[int] = []

    def answer(line: bytes) -> bytes:
        busy.append(len(world.device.asked))
        time.sleep(0.005)
        return b"noise\n" + echo(line)

    world = make(Lines(tmp_path, answer))
    found: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: world.echo(n)}), name=f"test-{n}")
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == {n: str(n) for n in range(20)}
    assert busy == list(range(1, 21)), "two were asked at once"


def test_twenty_callers_of_a_device_that_forgets_and_is_late_get_their_own_or_an_error(
    make: Make, tmp_path: Path
) -> None:
    timers: list[threading.Timer] = []

    def answer(line: bytes) -> bytes | None:
        number = int(line.split()[1])
        if number % 7 == 3:
            return None
        if number % 7 == 5:  # late, but before the next command may be written
            timers.append(threading.Timer(0.6, world.device.write, (echo(line),)))
            timers[-1].start()
            return None
        return echo(line)

    quick = ProcedureSettings(uri=ECHO.uri, write=ECHO.write, reply=ECHO.reply, timeout=0.5)
    world = make(Lines(tmp_path, answer), procedures=(quick,))
    found: dict[int, Any] = {}

    def call(number: int) -> None:
        try:
            found[number] = world.echo(number)
        except wamplite.ApplicationError as error:
            found[number] = error.error

    threads = [threading.Thread(target=call, args=(n,), name=f"test-{n}") for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for timer in timers:
        timer.join()
    late = {n for n in range(20) if n % 7 in (3, 5)}
    assert found == {n: uris.TIMEOUT if n in late else str(n) for n in range(20)}


def test_a_late_reply_never_answers_the_next_call_and_is_not_published(
    make: Make, tmp_path: Path
) -> None:
    world = make(Lines(tmp_path, lambda line: None))
    began = time.monotonic()
    with pytest.raises(wamplite.CallTimeout, match="no reply"):
        world.echo("first")
    timer = threading.Timer(0.3, world.device.write, (b"ECHO=first\n",))
    timer.start()
    world.device.answer = echo  # type: ignore[attr-defined]
    assert world.echo("second") == "second"
    timer.join()
    assert world.port.figures()["late_replies"] == 1
    assert time.monotonic() - began < 3 * ECHO.timeout, "it need not wait any longer"
    assert not world.events


def test_a_command_is_repeated_and_the_second_reply_is_not_the_next_ones(
    make: Make, tmp_path: Path
) -> None:
    def answer(line: bytes) -> bytes | None:
        if line == b"ECHO first":
            return None if len(world.device.asked) == 1 else echo(line) * 2
        return echo(line)

    patient = ProcedureSettings(
        uri=ECHO.uri, write=ECHO.write, reply=ECHO.reply, timeout=0.3, retries=2
    )
    world = make(Lines(tmp_path, answer), procedures=(patient,))
    assert world.echo("first") == "first"
    assert world.echo("second") == "second"
    assert world.device.asked == [b"ECHO first", b"ECHO first", b"ECHO second"]


def test_a_port_that_is_down_is_unavailable_at_once(make: Make, tmp_path: Path) -> None:
    world = make(Lines(tmp_path, lambda line: None))
    failed: list[BaseException] = []

    def call() -> None:
        try:
            world.echo("cut")
        except wamplite.ApplicationError as error:
            failed.append(error)

    caller = threading.Thread(target=call, name="test-caller")
    caller.start()
    until(lambda: world.device.asked, "asked")
    began = time.monotonic()
    world.port.device.reopen("a test")
    caller.join(5)
    assert time.monotonic() - began < ECHO.timeout
    assert failed[0].error == uris.UNAVAILABLE  # type: ignore[attr-defined]
    world.port.device.stop()
    with pytest.raises(wamplite.ApplicationError, match="wamp.error.unavailable.*stopped"):
        world.echo("down")


def test_arguments_that_do_not_fit_are_refused_before_anything_is_written(
    make: Make, tmp_path: Path
) -> None:
    world = make(Lines(tmp_path, echo))
    with pytest.raises(wamplite.ApplicationError, match="wamp.error.invalid_argument"):
        world.session.call("com.example.echo")
    with pytest.raises(wamplite.ApplicationError, match="wamp.error.invalid_argument"):
        world.echo("two\nlines")
    assert world.echo("fine") == "fine"
    assert world.device.asked == [b"ECHO fine"]


def test_more_than_can_wait_are_refused(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "MOST_WAITING", 2)
    world = make(Lines(tmp_path, lambda line: None))
    refused: list[str] = []

    def call() -> None:
        try:
            world.echo("x")
        except wamplite.ApplicationError as error:
            refused.append(error.error)

    threads = [threading.Thread(target=call, name=f"test-{n}") for n in range(5)]
    threads[0].start()
    until(lambda: world.device.asked, "the first call is on its way: it does not wait any more")
    for thread in threads[1:]:
        thread.start()
    until(lambda: uris.UNAVAILABLE in refused, "refused")
    for thread in threads:
        thread.join(20)
    assert refused.count(uris.UNAVAILABLE) == 2 and refused.count(uris.TIMEOUT) == 3


def test_a_command_that_waited_for_too_long_is_not_written(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_job, "LONGEST_QUEUED", ECHO.timeout / 4)
    world = make(Lines(tmp_path, lambda line: None))
    first = soon(world.echo, "first")
    until(lambda: world.device.asked, "the first call is on its way")
    with pytest.raises(wamplite.CallTimeout, match="not its turn within 0.1 s"):
        world.echo("second")
    with pytest.raises(wamplite.CallTimeout, match="no reply"):
        first.result()
    assert world.device.asked == [b"ECHO first"]


def test_events_are_written_in_order_and_bad_ones_are_only_counted(
    make: Make, tmp_path: Path
) -> None:
    night = SubscribeSettings(topic="home.night", write="LED {0:d}\n")
    world = make(Lines(tmp_path, lambda line: None), subscribes=(night,))
    for value in (True, "not a number", 7, 8):
        world.session.publish("home.night", value)
    until(lambda: len(world.device.asked) == 3, "written")
    assert world.device.asked == [b"LED 1", b"LED 7", b"LED 8"]
    assert world.port.figures()["failed_requests"] == 1


def test_status_stats_write_and_reopen(make: Make, tmp_path: Path) -> None:
    world = make(Lines(tmp_path, lambda line: None))
    told: list[dict[str, Any]] = []
    world.session.subscribe("wamplite.bridge.test.status", lambda **status: told.append(status))
    world.session.call("wamplite.bridge.test.status")
    until(lambda: told, "told on request")
    told.clear()
    assert world.session.call("wamplite.bridge.test.write", "RAW\n") == 4
    assert world.session.call("wamplite.bridge.test.write", b"\x01\n") == 2
    until(lambda: world.device.asked == [b"RAW", b"\x01"], "written")
    with pytest.raises(wamplite.ApplicationError, match="expected text or bytes"):
        world.session.call("wamplite.bridge.test.write", 5)
    world.session.call("wamplite.bridge.test.reopen")
    until(lambda: "closed" in [status["state"] for status in told[:-1]], "told of every change")
    assert [status["state"] for status in told[-2:]] == ["closed", "open"]
    assert "asked to" in told[-2]["why"]
    stats = world.session.call("wamplite.bridge.test.stats")
    assert (stats["state"], stats["reopens"], stats["device"]) == ("open", 1, world.device.path)
    number = len(told)
    assert world.session.call("wamplite.bridge.test.status")["state"] == "open"
    until(lambda: len(told) == number + 1, "told again")


def test_a_poll_waits_for_its_port_but_not_for_its_next_turn(make: Make, tmp_path: Path) -> None:
    poll = PollSettings(
        every=3600,
        topic="com.example.polled",
        write="T?\n",
        reply=DECODERS["text"].made(),
        timeout=0.3,
    )
    world = make(Lines(tmp_path, echo), polls=(poll,), settle=0.7)
    until(lambda: world.device.asked == [b"T?"], "asked soon after the port was ready")


def test_a_poll_is_asked_again_and_again_and_its_reply_published(
    make: Make, tmp_path: Path
) -> None:
    poll = PollSettings(
        every=0.1,
        topic="com.example.polled",
        timestamp=True,
        write="T?\n",
        reply=DECODERS["regex"].made(pattern=r"T=(?P<t>\d+)", types={"t": "int"}),
        timeout=0.3,
    )
    device = Lines(tmp_path, lambda line: b"T=%d\n" % len(device.asked))
    world = make(device, polls=(poll,))
    polled: list[wamplite.Event] = []

    def on_event(event: wamplite.Event) -> None:
        polled.append(event)

    world.session.subscribe("com.example.polled", on_event)
    until(lambda: len(polled) >= 3, "polled")
    values = [event.kwargs["t"] for event in polled]
    assert values == list(range(values[0], values[0] + len(values)))
    assert abs(polled[-1].kwargs["ts"] - time.time()) < 5
    assert not world.events


@pytest.mark.parametrize("word", ["status", "stats", "reopen", "write"])
def test_arguments_that_a_procedure_of_a_port_does_not_take_fill_no_log_and_name_no_code(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture, word: str
) -> None:
    caplog.set_level("INFO")
    world = make(Lines(tmp_path, echo))
    caplog.clear()
    for _ in range(100):
        with pytest.raises(wamplite.ApplicationError) as raised:
            world.session.call(f"wamplite.bridge.test.{word}", 1, 2)
        assert raised.value.error == "wamp.error.invalid_argument"
        taken = "takes no arguments" if word != "write" else "takes one argument"
        (text,) = raised.value.args
        assert taken in text and "Bridge" not in text and "(" not in text
    assert len(caplog.records) <= 10 and "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
