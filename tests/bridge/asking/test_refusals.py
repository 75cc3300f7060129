"""A device that says no, and what is written to it after each opening."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.bridge.device_world import ECHO, DeviceWorld, echo
from tests.bridge.polled_port import PolledPort
from tests.bridge.responder import Lines
from tests.waiting import until
from wamplite.bridge.asking.commands import SOON
from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.asking.requests import InitSettings
from wamplite.bridge.bridge_port import BridgePort
from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.decoding.decoder import DECODERS, REFUSED
from wamplite.bridge.decoding.readings import Undecodable
from wamplite.bridge.decoding.regex import RegexSettings
from wamplite.bridge.intake import Intake
from wamplite.bridge.shaping import PublishSettings
from wamplite.core.errors import UsageError

Make = Callable[..., DeviceWorld]

NO = DECODERS["regex"].made(pattern=r"ERR (?P<code>\d+): (.*)")
STRICT = replace(ECHO, timeout=5.0, retries=3, error=NO)


def no_or_echo(line: bytes) -> bytes:
    return b"ERR 5: out of range\n" if line.endswith(b"99") else echo(line)


def test_a_device_that_refuses_fails_the_call_at_once_with_its_words(
    make: Make, tmp_path: Path
) -> None:
    world = make(Lines(tmp_path, no_or_echo), procedures=(STRICT,))
    with pytest.raises(wamplite.ApplicationError) as refused:
        world.echo(99)
    assert (refused.value.error, refused.value.args) == (REFUSED, ("out of range",))
    assert refused.value.kwargs == {"code": "5"}
    assert world.echo(1) == "1"
    assert world.device.asked == [b"ECHO 99", b"ECHO 1"]  # neither again nor after a wait
    assert not world.events


def test_a_refusal_that_is_late_answers_nobody(make: Make, tmp_path: Path) -> None:
    waiting: list[bytes] = []

    def late(line: bytes) -> bytes | None:
        waiting.append(line)
        return None if line.endswith(b"99") else echo(line)

    world = make(Lines(tmp_path, late), procedures=(replace(STRICT, timeout=0.2, retries=0),))
    with pytest.raises(wamplite.CallTimeout):
        world.echo(99)
    world.device.write(b"ERR 5: too late\n")
    assert world.echo(1) == "1"
    assert world.port.figures()["late_replies"] == 1


def test_a_poll_that_is_refused_publishes_nothing(make: Make, tmp_path: Path) -> None:
    poll = PollSettings(
        every=0.05, topic="com.example.polled", write="READ 99\n", error=NO, timeout=5.0,
        reply=DECODERS["regex"].made(pattern="(.+)"),
    )  # fmt: skip
    world = make(Lines(tmp_path, no_or_echo), polls=(poll,))
    until(lambda: len(world.device.asked) >= 3, "asked again")
    assert world.port.figures()["failed_requests"] >= 2
    assert world.port.figures()["published"] == 0


WAKE = InitSettings(write="WAKE\n", pause=0.01)
MODE = InitSettings(
    write="MODE 7\n", reply=DECODERS["regex"].made(pattern="MODE=7"), error=NO, timeout=0.3
)
ASKED = PollSettings(
    every=0.02, topic="com.example.polled", write="T?\n", timeout=5.0,
    reply=DECODERS["regex"].made(pattern="T=(.+)"),
)  # fmt: skip


def test_what_comes_first_comes_first_after_each_opening(make: Make, tmp_path: Path) -> None:
    def answer(line: bytes) -> bytes | None:
        return {b"WAKE": None, b"MODE 7": b"MODE=7\n", b"T?": b"T=21\n"}[line]

    world = make(Lines(tmp_path, answer), init=(WAKE, MODE), polls=(ASKED,))
    until(lambda: b"T?" in world.device.asked, "polled")
    assert world.device.asked[:3] == [b"WAKE", b"MODE 7", b"T?"]
    before = len(world.device.asked)
    world.port.device.reopen()
    until(lambda: world.device.asked[before:].count(b"WAKE") == 1, "again")
    until(lambda: b"T?" in world.device.asked[world.device.asked.index(b"WAKE", before) :], "on")
    again = world.device.asked[world.device.asked.index(b"WAKE", before) :]
    assert again[:3] == [b"WAKE", b"MODE 7", b"T?"]


def test_no_poll_slips_in_before_what_comes_first(tmp_path: Path) -> None:
    """The device's thread may be held up between being ready and saying so."""

    class HeldUpIntake(Intake):
        def opened(self) -> None:
            threading.Event().wait(2 * SOON)
            super().opened()

    class HeldUpPort(BridgePort):
        def _make_intake(self, *parts: Any) -> Intake:
            return HeldUpIntake(*parts)

    with Lines(tmp_path, lambda line: None) as device:
        world = PolledPort(device.path, (ASKED,), kind=HeldUpPort, init=(WAKE,))
        world.port.start()
        try:
            until(lambda: len(device.asked) >= 2, "asked")
        finally:
            assert world.port.stop(5)
    assert device.asked[:2] == [b"WAKE", b"T?"]


def test_an_init_that_is_not_answered_is_told_and_the_rest_left_out(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = make(Lines(tmp_path, lambda line: None), init=(MODE, WAKE), procedures=())
    until(lambda: "init 1: no reply" in caplog.text, "told")
    assert world.device.asked == [b"MODE 7"]
    world.session.call("wamplite.bridge.test.write", "HELLO\n")
    until(lambda: world.device.asked == [b"MODE 7", b"HELLO"], "calls are served all the same")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"init": [{"write": "MODE {0}\n"}]}, "init 1: write: there are no arguments to fill in"),
        ({"procedure": [{"uri": "a.b", "write": "x", "error": "no"}]}, 'error: needs "reply"'),
    ],
)
def test_what_cannot_be_is_told_before(table: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as told:
        from_dict({"port": [{"name": "p", "device": "/dev/x", **table}]})
    assert words in str(told.value)


# ---- what is waited for, and is none


def fails(frame: bytes) -> Any:
    raise Undecodable("battery low")


LOW = PollSettings(
    topic="com.example.polled", write="T?\n", timeout=0.2, every=3600,
    reply=DECODERS["python:"].made(function=fails),
)  # fmt: skip
DAMP = replace(LOW, reply=DECODERS["regex"].made(pattern="^T="))
READINGS = (PublishSettings(topic="com.example.line"),)


@pytest.mark.parametrize(
    ("poll", "port", "said", "dropped"),
    [
        (LOW, {}, b"\xff\xfe\n", {"battery low": 1}),
        (LOW, {}, b"low\n", {"battery low": 1}),
        (DAMP, {}, b"H=40\n", {"no match": 1}),
        (DAMP, {}, b"T=\xff\n", {"not UTF-8": 1}),
        (LOW, {"publish": READINGS}, b"\xff\xfe\n", {"battery low": 1}),
        (
            DAMP,
            {"publish": READINGS, "decode": DECODERS["json"].made()},
            b"{\n",
            {"no JSON for WAMP": 1},
        ),
    ],
)
def test_what_is_no_reply_is_counted_by_what_refused_it(
    polled: Callable[..., PolledPort],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    poll: PollSettings,
    port: dict[str, Any],
    said: bytes,
    dropped: dict[str, int],
) -> None:
    device = Lines(tmp_path, lambda line: b"first line\n" + said)
    world = polled(device, replace(poll, every=3600), **port)
    until(lambda: world.port.figures()["failed_requests"] == 1, "given up")
    assert world.port.figures()["dropped"] == {"first line": 1, **dropped}
    (reason,) = dropped
    assert f"dropped ({reason})" in caplog.text
    told = "battery low" if poll is LOW else "no match" if b"\xff" not in said else "not UTF-8"
    assert f"within 0.2 s; what came was none: {told}" in caplog.text


def test_a_reading_that_is_no_reply_is_published_all_the_same(
    polled: Callable[..., PolledPort], tmp_path: Path
) -> None:
    device = Lines(tmp_path, lambda line: b"first line\nH=40\n")
    world = polled(device, LOW, publish=READINGS, decode=DECODERS["text"].made())
    until(lambda: world.port.figures()["failed_requests"] == 1, "given up")
    assert world.events == [("com.example.line", "H=40")]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            {"reply": "json"},
            'reply: a text is a pattern here: the kind is {kind = "json"}, the pattern'
            ' {pattern = "json"}',
        ),
        (
            {"reply": "python:values:decode"},
            '{kind = "python:values:decode"}, the pattern {pattern = "python:values:decode"}',
        ),
        ({"reply": "OK", "error": "text"}, "error: a text is a pattern here"),
        ({"then": [{"reply": "bytes"}]}, "reply: a text is a pattern here"),
    ],
)
def test_a_decoder_that_stands_where_a_pattern_does_is_told(
    table: dict[str, object], words: str
) -> None:
    procedure = {"uri": "a.b", "write": "x", "reply": "y", **table}
    with pytest.raises(UsageError) as told:
        from_dict({"port": [{"name": "p", "device": "/dev/x", "procedure": [procedure]}]})
    assert words in str(told.value)


def test_a_pattern_that_is_called_as_a_decoder_can_be_meant() -> None:
    procedure = {"uri": "a.b", "write": "x", "reply": {"pattern": "json"}}
    table = {"port": [{"name": "p", "device": "/dev/x", "procedure": [procedure]}]}
    (port,) = from_dict(table).ports
    assert isinstance(port.procedures[0].reply, RegexSettings)
