"""Devices that echo, that have a prompt, that answer in several lines, that want a pause."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.bridge.device_world import DeviceWorld
from tests.bridge.responder import Lines, Responder
from tests.waiting import until
from wamplite.bridge.asking import text_line
from wamplite.bridge.asking.polls import PollSettings
from wamplite.bridge.asking.requests import InitSettings, ProcedureSettings, SubscribeSettings
from wamplite.bridge.asking.text_line import WRONG_REPLY
from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.decoding.decoder import DECODERS, REFUSED
from wamplite.bridge.framing.framing import FRAMINGS
from wamplite.core.errors import UsageError

Make = Callable[..., DeviceWorld]
URI = "com.example.ask"
ANY = DECODERS["text"].made()


def regex(pattern: str) -> Any:
    return DECODERS["regex"].made(pattern=pattern)


def asking(**keys: Any) -> tuple[ProcedureSettings, ...]:
    given = {"uri": URI, "write": "{0}\n", "reply": ANY, "timeout": 5.0, **keys}
    return (ProcedureSettings(**given),)


def call(world: DeviceWorld, *args: Any) -> Any:
    return world.session.call(URI, *args)


class Shell(Responder):
    """A device with a prompt: it echoes each line, answers it, and says the prompt again."""

    prompt = b"> "
    echoes = True
    hears = True

    def __init__(self, folder: Path, answer: Callable[[bytes], bytes | None]) -> None:
        super().__init__(folder)
        self.answer = answer
        self._rest = b""

    def heard(self, data: bytes) -> None:
        *lines, self._rest = re.split(rb"[\r\n]", self._rest + data)
        for line in lines if self.hears else ():
            self.asked.append(line)
            if self.echoes:
                self.write(line + b"\r\n")
            self.write(self.answer(line) or b"")
            self.write(self.prompt)


def pages(line: bytes) -> bytes:
    return b"".join(b"%s %d\r\n" % (line, number) for number in range(int(line[-1:])))


WAKE = InitSettings(write="\r", prompt="")


# ---- echo


def test_an_echo_is_no_reply_and_no_reading(make: Make, tmp_path: Path) -> None:
    device = Lines(tmp_path, lambda line: line + b"\r\nOK " + line + b"\r\nT=21\r\n")
    world = make(device, procedures=asking(), echo=True)
    assert [call(world, word) for word in ("one", "two")] == ["OK one", "OK two"]
    until(lambda: len(world.events) == 2, "the readings")
    assert [event.args for event in world.events] == [["T=21"], ["T=21"]]


def test_a_reply_that_comes_before_the_echo_is_none(make: Make, tmp_path: Path) -> None:
    world = make(
        Lines(tmp_path, lambda line: b"T=20\n" + line + b"\nT=21\n"), procedures=asking(), echo=True
    )
    assert call(world, "T?") == "T=21"


def test_an_echo_without_a_reply_is_no_reply(make: Make, tmp_path: Path) -> None:
    world = make(
        Lines(tmp_path, lambda line: line + b"\n"), procedures=asking(timeout=1.0), echo=True
    )
    with pytest.raises(wamplite.CallTimeout, match="no reply"):
        call(world, "T?")
    assert not world.events


def test_an_echo_that_is_missing_is_told(make: Make, tmp_path: Path) -> None:
    world = make(Lines(tmp_path, lambda line: b"OK\n"), procedures=asking(timeout=0.2), echo=True)
    with pytest.raises(wamplite.CallTimeout, match="no echo"):
        call(world, "T?")


def test_the_echo_of_an_event_is_no_reading(make: Make, tmp_path: Path) -> None:
    night = SubscribeSettings(topic="home.night", write="LED {0:d}\n")
    device = Lines(tmp_path, lambda line: line + b"\n" + b"T=21\n")
    world = make(device, subscribes=(night,), echo=True)
    for value in range(3):
        world.session.publish("home.night", value)
    until(lambda: len(world.events) == 2, "the readings; the first line is dropped")
    assert {tuple(event.args) for event in world.events} == {("T=21",)}


# ---- several lines


@pytest.mark.parametrize(
    ("keys", "reply"),
    [
        ({"until": "^OK$"}, "a=1\nb=2\nOK"),
        ({"lines": 2}, "a=1\nb=2"),
        ({"begin": "^b", "until": "^OK$"}, "b=2\nOK"),
        ({"begin": "^b", "lines": 2}, "b=2\nOK"),
    ],
)
def test_a_reply_of_several_lines_is_one_text(
    make: Make, tmp_path: Path, keys: dict[str, Any], reply: str
) -> None:
    device = Lines(tmp_path, lambda line: b"a=1\r\nb=2\r\nOK\r\nT=21\r\n")
    world = make(device, procedures=asking(**keys))
    assert call(world, "LIST") == reply
    until(lambda: world.events and world.events[-1].args == ["T=21"], "the reading behind it")
    published = {event.args[0] for event in world.events}
    assert published.isdisjoint(reply.split("\n")), "a line of the reply was published"


@pytest.mark.parametrize("whose", ["the port's", "the reply's"])
def test_a_reply_of_several_frames_that_are_no_lines_has_every_byte(
    make: Make, tmp_path: Path, whose: str
) -> None:
    frames = b"\xa5\x00\x0d\x0a" + b"\xa5\x0a\x00\x00" + b"\xa5\x01\x0d\x0d"
    device = Lines(tmp_path, lambda line: frames)
    framing = FRAMINGS["fixed"].made(size=3, start=b"\xa5", keep=True)
    keys: dict[str, Any] = {"reply": DECODERS["bytes"].made(), "lines": 3}
    if whose == "the port's":
        world = make(device, framing=framing, procedures=asking(**keys))
    else:
        world = make(device, procedures=asking(**keys, framing=framing))
    assert call(world, "LIST") == frames


def test_a_refusal_ends_a_reply_of_several_lines(make: Make, tmp_path: Path) -> None:
    device = Lines(tmp_path, lambda line: b"a=1\r\n+CME ERROR: 10\r\n")
    world = make(device, procedures=asking(until="^OK$", error=regex(r"^\+CME ERROR: (\d+)")))
    with pytest.raises(wamplite.ApplicationError) as refused:
        call(world, "LIST")
    assert (refused.value.error, refused.value.args) == (REFUSED, ("10",))


def test_lines_that_are_no_reply_fail_the_call_at_once(make: Make, tmp_path: Path) -> None:
    device = Lines(tmp_path, lambda line: b"nonsense\nOK\n")
    world = make(device, procedures=asking(until="^OK$", reply=regex("a=(.)"), retries=1))
    with pytest.raises(wamplite.ApplicationError, match=f"{WRONG_REPLY}.*no match"):
        call(world, "LIST")
    assert world.device.asked == [b"LIST", b"LIST"]


def test_a_late_reply_of_several_lines_answers_nobody(make: Make, tmp_path: Path) -> None:
    device = Lines(tmp_path, lambda line: b"first 1\n")
    world = make(device, procedures=asking(until="^OK$", timeout=1.0))
    with pytest.raises(wamplite.CallTimeout):
        call(world, "one")
    device.write(b"first 2\nOK\n")
    device.answer = lambda line: b"second\nOK\n"
    assert call(world, "two") == "second\nOK"
    assert world.port.figures()["late_replies"] == 1
    assert not world.events


def test_a_reply_without_an_end_is_bounded(make: Make, tmp_path: Path) -> None:
    device = Lines(tmp_path, lambda line: (b"x" * 999 + b"\n") * 70)
    world = make(device, procedures=asking(until="^OK$"))
    with pytest.raises(wamplite.ApplicationError, match="longer than 65536 bytes"):
        call(world, "LIST")


# ---- prompts


@pytest.mark.parametrize("echoes", [True, False])
def test_a_command_waits_for_the_prompt_which_is_no_reply(
    make: Make, tmp_path: Path, echoes: bool
) -> None:
    device = Shell(tmp_path, lambda line: b"OK " + line + b"\r\n" if line else b"")
    device.echoes = echoes
    world = make(device, procedures=asking(), prompt="^> $", echo=echoes, init=(WAKE,))
    assert [call(world, word) for word in ("one", "two", "three")] == [
        "OK one",
        "OK two",
        "OK three",
    ]
    assert device.asked == [b"", b"one", b"two", b"three"]
    assert not world.events


@pytest.mark.parametrize("echoes", [True, False])
def test_all_lines_up_to_the_prompt_are_a_reply(make: Make, tmp_path: Path, echoes: bool) -> None:
    device = Shell(tmp_path, lambda line: pages(line) if line else b"")
    device.echoes = echoes
    keys = {"reply": regex("(?s)^(.*)$"), "until_prompt": True}
    world = make(device, procedures=asking(**keys), prompt="^> $", echo=echoes, init=(WAKE,))
    assert call(world, "p3") == "p3 0\np3 1\np3 2"
    assert call(world, "p0") == ""
    assert not world.events


def test_a_command_without_output_is_over_with_the_prompt(make: Make, tmp_path: Path) -> None:
    device = Shell(tmp_path, lambda line: b"")
    procedures = asking(reply=None, until_prompt=True)
    world = make(device, procedures=procedures, prompt="^> $", echo=True, init=(WAKE,))
    assert call(world, "set 1") is None
    assert call(world, "set 2") is None
    assert device.asked == [b"", b"set 1", b"set 2"]


def test_what_goes_on_behind_a_prompt_was_none(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that comes in pieces and looks like a prompt for a moment ends no reply."""
    monkeypatch.setattr(text_line, "QUIET", 1.0)  # the machine may be busy between two pieces

    class Slow(Shell):
        def write(self, data: bytes) -> None:
            for piece in re.findall(rb"> |.", data, re.S):
                super().write(piece)

    device = Slow(tmp_path, lambda line: b"a> b\r\nc\r\n" if line else b"")
    keys = {"reply": regex("(?s)^(.*)$"), "until_prompt": True}
    world = make(device, procedures=asking(**keys), prompt="> $", echo=True, init=(WAKE,))
    assert call(world, "x") == "a> b\nc"


def test_nothing_is_written_without_the_prompt_and_init_is_done_again(
    make: Make, tmp_path: Path
) -> None:
    class Sleepy(Shell):
        @property
        def prompt(self) -> bytes:  # type: ignore[override]
            return b"> " if len(self.asked) > 1 else b""

    device = Sleepy(tmp_path, lambda line: b"OK\r\n" if line else b"")
    world = make(device, procedures=asking(timeout=1.0), prompt="^> $", init=(WAKE,), echo=True)
    until(lambda: device.asked == [b""], "woken")
    with pytest.raises(wamplite.CallTimeout, match="not written: no prompt '\\^> \\$'"):
        call(world, "one")
    until(lambda: device.asked == [b"", b""], "woken again")
    assert call(world, "two") == "OK"
    assert device.asked == [b"", b"", b"two"]


def test_a_login_has_a_prompt_of_its_own_for_each_answer(make: Make, tmp_path: Path) -> None:
    states: Iterator[bytes] = iter([b"login: ", b"Password: ", b"welcome\r\n$ "])

    class Login(Shell):
        def heard(self, data: bytes) -> None:
            self.asked.append(data)
            self.write(data.replace(b"\n", b"\r\n") if b"secret" not in data else b"\r\n")
            self.write(next(states, b"up 3 days\r\n$ "))

    init = (
        InitSettings(write="\n", prompt=""),
        InitSettings(write="root\n", prompt="login: $"),
        InitSettings(write="secret\n", prompt="Password: $", reply=regex("welcome"), timeout=5.0),
    )
    device = Login(tmp_path, lambda line: None)
    keys = {"reply": regex("up (.*)"), "until_prompt": True}
    world = make(device, procedures=asking(**keys), prompt=r"^\$ $", init=init)
    assert call(world, "uptime") == "3 days"
    assert device.asked == [b"\n", b"root\n", b"secret\n", b"uptime\n"]


# ---- pause


def test_two_commands_have_a_pause_between_them(make: Make, tmp_path: Path) -> None:
    device = Lines(tmp_path, lambda line: b"OK\n" if line == b"A" else None)
    night = SubscribeSettings(topic="home.night", write="LED {0:d}\n")
    world = make(device, procedures=asking(), subscribes=(night,), pause=0.2)
    began = time.monotonic()
    for _ in range(2):
        call(world, "A")
    assert time.monotonic() - began >= 0.2
    for value in range(2):
        world.session.publish("home.night", value)
    until(lambda: len(device.asked) == 4, "written")
    assert time.monotonic() - began >= 0.6


# ---- bytes


def test_bytes_are_written_and_polled_in_hexadecimal(make: Make, tmp_path: Path) -> None:
    class Sensor(Responder):
        def heard(self, data: bytes) -> None:
            self.asked.append(data)
            self.write(b"\xff\x86\x02\x60\x47\0\0\0\xd1")

    framing = from_dict(
        {"port": [{"name": "p", "device": "/dev/x", "framing": {
            "kind": "fixed", "start": "\xff", "size": 8, "checksum": "sum8-negated"
        }}]}
    ).ports[0].framing  # fmt: skip
    reply = DECODERS["struct"].made(format=">BHB4x", fields=("", "co2", "t"))
    poll = PollSettings(
        every=3600, topic="a.b", reply=reply, timeout=5.0,
        write_hex="FF 01 86 00 00 00 00 00 {sum8-negated:1}",
    )  # fmt: skip
    ranging = ProcedureSettings(uri=URI, write_hex="ff0199 00 00 00 {0:H} {sum8-negated:1}")
    world = make(Sensor(tmp_path), polls=(poll,), procedures=(ranging,), framing=framing)
    until(lambda: world.port.figures()["published"] == 1, "polled")
    call(world, 5000)
    until(lambda: len(world.device.asked) == 2, "written")
    assert world.device.asked == [
        bytes.fromhex("FF 01 86 00 00 00 00 00 79"),
        bytes.fromhex("FF 01 99 00 00 00 13 88 CB"),
    ]
    with pytest.raises(wamplite.ApplicationError, match="invalid_argument.*70000 does not fit"):
        call(world, 70000)


def test_bytes_of_an_event_go_with_their_number_and_checksum(make: Make, tmp_path: Path) -> None:
    shown = SubscribeSettings(topic="home.sign", write_hex="AA {0:#} {0:s} {sum8:1} 0A")
    device = Lines(tmp_path, lambda line: None)
    world = make(device, subscribes=(shown,))
    world.session.publish("home.sign", "no digits")
    world.session.publish("home.sign", "01 0207")
    until(lambda: device.asked, "written")
    assert device.asked == [bytes.fromhex("AA 03 01 02 07 0D")]
    assert world.port.figures()["failed_requests"] == 1


# ---- what cannot be


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"procedure": [{"uri": "a.b", "write": "x", "until": "OK"}]}, 'until: needs "reply"'),
        ({"procedure": [{"uri": "a.b", "write": "x", "reply": "y", "begin": "z"}]}, "begin: needs"),
        (
            {"procedure": [{"uri": "a.b", "write": "x", "reply": "y", "until": "z", "lines": 2}]},
            'until: excludes "lines"',
        ),
        (
            {"procedure": [{"uri": "a.b", "write": "x", "until_prompt": True}]},
            'until_prompt: there is no "prompt"',
        ),
        ({"prompt": "("}, "prompt: expected a regular expression"),
        (
            {"prompt": "> $", "framing": "cobs", "init": [{"write": "x"}]},
            'init 1: prompt: is for the framings "lines" and "delimiter"',
        ),
        ({"init": [{"timeout": 3}]}, 'expected "write" or "write_hex"'),
        ({"init": [{"write": "x", "write_hex": "00"}]}, 'write: excludes "write_hex"'),
        ({"init": [{"write_hex": "0g"}]}, "two hexadecimal digits for each byte"),
        ({"init": [{"write_hex": "00 {0}"}]}, "write_hex: there are no arguments to fill in"),
        ({"init": [{"write": "\xff\x01\x86"}]}, "write: 'ÿ' is written as C3 BF in UTF-8"),
        ({"init": [{"write": r"\xff"}]}, r"write: \xff is written as these 4 characters"),
        ({"init": [{"write": r"AT\n"}]}, r"write: \n is written as these 2 characters"),
    ],
)
def test_what_cannot_be_is_told_before(table: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as told:
        from_dict({"port": [{"name": "p", "device": "/dev/x", **table}]})
    assert words in str(told.value)


def test_an_encoding_that_is_said_is_meant() -> None:
    for encoding in ("utf-8", "latin-1"):
        table = {"init": [{"write": "21 °C\n", "encoding": encoding}]}
        from_dict({"port": [{"name": "p", "device": "/dev/x", **table}]})
