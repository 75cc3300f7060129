"""uwamp_serial.py frame by frame, on CPython."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import uwamp_serial

from tests.micro.test_uwamp import HELLO_ROLES, TICK, WELCOME, Calls, Message
from wamplite.transports import serial_frames


def test_frames_are_those_of_the_transport() -> None:
    numbers = random.Random(7)
    bodies = [bytes(numbers.choices((0, 1, 2, 255), k=size)) for size in range(1, 40)]
    bodies += [b"x" * size for size in range(245, 260)] + [b"x" * size for size in range(500, 520)]
    for body in bodies:
        ours = serial_frames.encode(body[0], body[1:])
        assert uwamp_serial.unstuff(ours[:-1]) == body
        assert serial_frames.decode(uwamp_serial.stuff(body)[:-1]) == (body[0], body[1:])


def test_a_damaged_frame_is_none() -> None:
    frame = uwamp_serial.stuff(b"\x11[36,7,1,{}]")[:-1]
    for at in range(len(frame)):
        for bit in range(8):
            damaged = frame[:at] + bytes((frame[at] ^ 1 << bit,)) + frame[at + 1 :]
            assert uwamp_serial.unstuff(damaged) is None
    assert [uwamp_serial.unstuff(data) for data in (b"", b"\0", b"\5abc", frame[1:])] == [None] * 4


class Line:
    """The host's end of a serial line, and the board's clock."""

    def __init__(self) -> None:
        self.wamp = uwamp_serial.Serial("realm1")
        self.wamp.report = self.said = Calls()
        self.now = 0
        self.unframer = serial_frames.Unframer(1024)
        self.wamp.open(0)

    def step(self, data: bytes = b"", after: int = TICK) -> list[tuple[int, Any]]:
        """Let the board see bytes; what it sends, as (header, message)."""
        self.now += after
        frames = self.unframer.feed(self.wamp.step(data, self.now))
        return [(head, json.loads(text) if text else None) for head, text in frames]

    def say(self, head: int, message: Message | None = None) -> list[tuple[int, Any]]:
        text = b"" if message is None else json.dumps(message).encode()
        return self.step(serial_frames.encode(head, text))


HELLO = [1, "realm1", {"roles": HELLO_ROLES}]


def test_hello_is_said_every_two_seconds_under_the_next_number() -> None:
    line = Line()
    assert line.step() == [(0x51, HELLO)]
    assert line.step(after=1900) == []
    assert line.step(after=200) == [(0x61, HELLO)]
    assert line.say(0x11, WELCOME) == []  # the number before
    assert line.wamp.joined == 0
    line.say(0x21, WELCOME)
    assert line.wamp.joined == WELCOME[1]


def test_a_slow_welcome_is_waited_for() -> None:
    line = Line()
    line.step()
    for _ in range(30):
        assert line.step(b"x", after=100) == []
    assert line.step(after=1100) == [(0x61, HELLO)]


def test_signs_of_life_go_both_ways_and_silence_begins_anew() -> None:
    line = Line()
    line.step()
    line.say(0x11, WELCOME)
    assert line.step(after=1001) == [(0x90, None)]
    assert line.say(0x90) == []
    assert line.step(after=1001) == [(0x90, None)]
    assert line.say(0xA0) == []  # of another session
    assert line.step(after=2001) == [(0x61, HELLO)]
    assert line.said == [(("silence",), {})]


def test_a_reset_begins_anew_at_once() -> None:
    line, done = Line(), Calls()
    line.step()
    assert line.say(0x40) == []  # not while it joins
    line.say(0x11, WELCOME)
    line.wamp.call("com.example.add", done)
    assert line.say(0x40) == [(0x61, HELLO)]
    assert done == [((["RESET"], "wamp.error.canceled"), {})]
    assert line.wamp.lost == ""


def test_after_an_abort_it_waits_ten_seconds() -> None:
    line = Line()
    line.step()
    assert line.say(0x11, [3, {}, "wamp.error.no_such_realm"]) == []
    assert line.step(after=9900) == []
    assert line.step(after=200) == [(0x71, HELLO)]


def test_noise_of_any_length_is_forgotten() -> None:
    line, events = Line(), Calls()
    line.wamp.subscribe("com.example.on", events)
    line.step(b"boot noise\xff")
    line.step(b"x" * 5000)
    line.step(b"\0" + serial_frames.encode(0x11, json.dumps(WELCOME).encode()))
    line.say(0x11, [33, 1, 7])
    event = serial_frames.encode(0x11, b'[36,7,1,{},["right"]]')
    line.step(event[:9] + b"\x55" + event[10:] + event)
    assert events == [(("right",), {})]


def test_a_message_longer_than_the_line_takes_is_refused() -> None:
    line = Line()
    line.step()
    line.say(0x11, WELCOME)
    with pytest.raises(ValueError, match="too long"):
        line.wamp.publish("com.example.on", "x" * 1024)


def test_it_leaves_with_goodbye_and_stays_away_until_it_is_opened() -> None:
    line = Line()
    line.step()
    line.say(0x11, WELCOME)
    line.wamp.leave()
    assert line.step() == [(0x11, [6, {}, "wamp.close.close_realm"])]
    line.say(0x11, [6, {}, "wamp.close.goodbye_and_out"])
    assert line.wamp.lost == "wamp.close.goodbye_and_out"
    assert line.say(0x40) == [] and line.step(after=20000) == []
    line.wamp.open(line.now)
    assert line.step() == [(0x61, HELLO)]


def test_a_goodbye_of_the_router_is_answered_before_it_joins_again() -> None:
    line = Line()
    line.step()
    line.say(0x11, WELCOME)
    bye = [6, {}, "wamp.close.goodbye_and_out"]
    assert line.say(0x11, [6, {}, "wamp.close.system_shutdown"]) == [(0x11, bye), (0x61, HELLO)]
