"""uwamp.py message by message and frame by frame, on CPython."""

from __future__ import annotations

import ast
import inspect
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.micro.conftest import UWAMP
from wamplite.micro import uwamp
from wamplite.transports import serial_frames

TICK = 10  # ms
HELLO_ROLES = {"caller": {}, "callee": {}, "publisher": {}, "subscriber": {}}
WELCOME = [2, 9007199254740992, {"roles": {"broker": {}, "dealer": {}}}]
Message = list[Any]


class BoardWire:
    """The other end of a RawSocket, and the board's clock."""

    def __init__(self, wamp: uwamp.Client) -> None:
        self.wamp = wamp
        self.now = 0x1FFFFF00  # the counter wraps soon
        self.unread = b""
        wamp.open(self.now)

    def step(self, data: bytes | None = None, after: int = TICK) -> None:
        self.now = (self.now + after) & 0x1FFFFFFF
        self.unread += self.wamp.step(data, self.now)

    def say(self, *messages: Message) -> None:
        """Send messages to the board in one piece."""
        self.step(b"".join(frame(json.dumps(message).encode()) for message in messages))

    def take(self) -> list[Message]:
        """What the board has sent since, as messages."""
        self.step()
        messages = []
        while self.unread:
            size = int.from_bytes(self.unread[:4], "big")
            messages.append(json.loads(self.unread[4 : size + 4]))
            self.unread = self.unread[size + 4 :]
        return messages


def frame(payload: bytes, kind: int = 0) -> bytes:
    return bytes((kind,)) + len(payload).to_bytes(3, "big") + payload


def connected(wamp: uwamp.Client) -> BoardWire:
    """Answer the handshake."""
    wire = BoardWire(wamp)
    wire.step()
    assert wire.unread == b"\x7f\x21\0\0"  # JSON, at most 2048 bytes
    wire.unread = b""
    wire.step(b"\x7f\xf1\0\0")
    return wire


def joined(wamp: uwamp.Client | None = None) -> BoardWire:
    wire = connected(wamp or uwamp.RawSocket("realm1"))
    assert wire.take() == [[1, "realm1", {"roles": HELLO_ROLES}]]
    wire.say(WELCOME)
    assert wire.wamp.joined == WELCOME[1]
    return wire


class Calls(list[Any]):
    """A handler that remembers."""

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        self.append((args, kwargs))


def test_it_answers_a_challenge_with_its_ticket() -> None:
    wamp = uwamp.RawSocket("realm1", authid="board", authmethods=["ticket"])
    wamp.ticket = "secret"
    wire = connected(wamp)
    (hello,) = wire.take()
    assert hello[2]["authid"] == "board" and hello[2]["roles"] == HELLO_ROLES
    wire.say([4, "ticket", {}])
    assert wire.take() == [[5, "secret", {}]]
    wire.say(WELCOME)
    assert wamp.joined


def test_wishes_are_made_again_in_each_session() -> None:
    wamp = uwamp.RawSocket("realm1")
    events = Calls()
    wamp.subscribe("com.example.on", events)
    wire = joined(wamp)
    assert wire.take() == [[32, 1, {}, "com.example.on"]]
    wamp.register("com.example.add", lambda a, b=0: a + b)
    assert wire.take() == [[64, 2, {}, "com.example.add"]]
    wamp.open(wire.now)
    assert wamp.joined == 0
    wire.step()
    wire.unread = b""
    wire.step(b"\x7f\xf1\0\0")
    wire.say(WELCOME)
    asked = [[32, 1, {}, "com.example.on"], [64, 2, {}, "com.example.add"]]
    assert wire.take()[1:] == asked
    wire.say([33, 1, 77], [65, 2, 77], [36, 77, 5, {}, [1], {"b": 2}], [36, 77, 6, {}])
    assert events == [((1,), {"b": 2}), ((), {})]
    wire.say([68, 30, 77, {}, [2], {"b": 3}])
    assert wire.take() == [[70, 30, {}, [5]]]


def test_each_handler_of_a_topic_gets_its_events_whatever_others_raise() -> None:
    wire = joined()
    said, events = Calls(), Calls()
    wire.wamp.report = said
    wire.wamp.subscribe("com.example.on", lambda: 1 // 0)
    wire.wamp.subscribe("com.example.on", events)
    wire.say([33, 1, 7], [33, 2, 7], [36, 7, 1, {}])
    assert events == [((), {})]
    assert "ZeroDivisionError" in said[0][0][0]


@pytest.mark.parametrize(
    ("tail", "result"),
    [
        ([], None),
        ([[]], None),
        ([[4]], 4),
        ([[4, 5]], ([4, 5], {})),
        ([[], {"a": 1}], ([], {"a": 1})),
    ],
)
def test_a_result_is_one_value_or_all_of_it(tail: list[Any], result: object) -> None:
    wire, done = joined(), Calls()
    assert wire.wamp.call("com.example.add", done, 2, b=3)
    assert wire.take() == [[48, 1, {}, "com.example.add", [2], {"b": 3}]]
    wire.say([50, 1, {}, *tail])
    assert done == [((result, None), {})]


def test_an_error_comes_with_its_uri_and_arguments() -> None:
    wire, done = joined(), Calls()
    wire.wamp.call("com.example.add", done)
    wire.say([8, 48, 1, {}, "com.example.error", ["why"]])
    assert done == [((["why"], "com.example.error"), {})]


def test_a_call_without_an_answer_times_out_and_a_late_answer_is_ignored() -> None:
    wire, done = joined(), Calls()
    wire.wamp.call("com.example.add", done)
    wire.step(after=5000)
    assert done == []
    wire.step(after=TICK)
    assert done == [(([], "wamp.error.timeout"), {})]
    wire.say([50, 1, {}, [5]])
    assert len(done) == 1 and wire.wamp.joined


def test_calls_fail_with_their_session() -> None:
    wire, done = joined(), Calls()
    wire.wamp.call("com.example.add", done)
    wire.say([6, {}, "wamp.close.system_shutdown"])
    assert done == [((["wamp.close.system_shutdown"], "wamp.error.canceled"), {})]
    assert (wire.wamp.joined, wire.wamp.lost) == (0, "wamp.close.system_shutdown")
    assert not wire.wamp.call("com.example.add", done) and not wire.wamp.publish("com.example.on")


def test_a_procedure_that_raises_answers_with_an_error() -> None:
    wire = joined()
    wire.wamp.report = Calls()

    def fail() -> None:
        raise ValueError("too hot")

    wire.wamp.register("com.example.fail", fail)
    wire.wamp.register("com.example.nan", lambda: float("nan"))
    wire.say([65, 1, 5], [65, 2, 6], [68, 8, 5, {}], [68, 9, 6, {}])
    answers = wire.take()[2:]
    assert answers[0] == [8, 68, 8, {}, "wamp.error.runtime_error", ["too hot"]]
    assert [answer[:3] for answer in answers[1:]] == [[8, 68, 9]]


def test_an_invocation_whose_registered_was_lost_ends_the_session() -> None:
    wire = joined()
    wire.wamp.register("com.example.add", lambda: None)
    wire.say([68, 8, 99, {}])  # the order is REGISTERED, then INVOCATION: a line has dropped one
    assert wire.wamp.lost.startswith("not WAMP: KeyError")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, {"a": float("-inf")}]])
def test_what_json_cannot_carry_is_refused_before_it_is_sent(value: object) -> None:
    wire = joined()
    with pytest.raises(ValueError, match="nan or inf"):
        wire.wamp.publish("com.example.on", value)
    assert wire.wamp.publish("com.example.on", [True, None, {"a": 1.5}])
    assert wire.take() == [[16, 1, {}, "com.example.on", [[True, None, {"a": 1.5}]], {}]]


def test_no_more_waits_than_there_is_room_for() -> None:
    wire = joined()
    published = 0
    while wire.wamp.publish("com.example.on", "x" * 400):
        published += 1
        assert published < 10
    assert len(wire.take()) == published == 5
    assert wire.wamp.publish("com.example.on")


def test_no_more_than_32_requests_wait_for_their_answers() -> None:
    wire, done = joined(), Calls()
    while wire.wamp.call("com.example.add", done):
        wire.take()
    wire.say([50, 1, {}])
    assert wire.wamp.call("com.example.add", done)


def test_a_message_longer_than_the_router_takes_is_refused() -> None:
    wire = BoardWire(uwamp.RawSocket("realm1"))
    wire.step(b"\x7f\x01\0\0")  # 512 bytes
    wire.say(WELCOME)
    with pytest.raises(ValueError, match="too long"):
        wire.wamp.publish("com.example.on", "x" * 600)


def test_frames_may_come_in_any_pieces() -> None:
    wire, done = connected(uwamp.RawSocket("realm1")), Calls()
    data = b"".join(frame(json.dumps(message).encode()) for message in (WELCOME, [33, 1, 7]))
    wire.wamp.subscribe("com.example.on", done)
    for byte in data + frame(b'[36,7,1,{},["\xc3\xa9"]]'):
        wire.step(bytes((byte,)), after=0)
    assert done == [(("é",), {})]


def test_a_ping_is_answered_and_silence_is_asked_about_before_it_ends_the_session() -> None:
    wire = joined()
    wire.take()
    wire.step(frame(b"hi", 1))
    assert wire.unread == frame(b"hi", 2)
    wire.unread = b""
    wire.step(after=5001)
    assert wire.unread == frame(b"", 1)
    wire.step(frame(b"", 2), after=5001)
    wire.step(after=9999)
    assert wire.wamp.lost == ""
    wire.step(after=5002)
    assert wire.wamp.lost == "silence"


def test_a_router_that_does_not_let_it_join_is_given_up() -> None:
    wire = connected(uwamp.RawSocket("realm1"))
    wire.step(after=10001)
    assert wire.wamp.lost == "silence"


@pytest.mark.parametrize(
    "data",
    [b"HTTP/1.1 400 Bad", b"\x7f\x10\0\0", b"\x7f\xf2\0\0", b"\x7f\xf1\0\0\0\0\x08\x01"],
    ids=["http", "refusal", "msgpack", "too long"],
)
def test_what_is_no_rawsocket_for_json_ends_it(data: bytes) -> None:
    wire = BoardWire(uwamp.RawSocket("realm1"))
    wire.step(data)
    assert wire.wamp.lost.startswith("unexpected")


@pytest.mark.parametrize(
    "payload", [b"{", b"[]", b"[36]", b"7", b'"x"', b"\xff", b"[99,1,2]", b"[33,8,1]"]
)
def test_what_is_no_wamp_ends_it(payload: bytes) -> None:
    wire = joined()
    wire.step(frame(payload))
    assert wire.wamp.lost and not wire.wamp.joined


def test_a_refused_wish_is_told_and_one_without_an_answer_ends_the_session() -> None:
    wire, said = joined(), Calls()
    wire.wamp.report = said
    wire.wamp.register("com.example.taken", Calls())
    wire.wamp.subscribe("com.example.on", Calls())
    wire.say([8, 64, 1, {}, "wamp.error.procedure_already_exists"])
    assert said == [(("com.example.taken", "wamp.error.procedure_already_exists"), {})]
    wire.step(after=5001)
    assert wire.wamp.lost == "no answer to com.example.on"


# The serial line


def test_frames_are_those_of_the_transport() -> None:
    numbers = random.Random(7)
    bodies = [bytes(numbers.choices((0, 1, 2, 255), k=size)) for size in range(1, 40)]
    bodies += [b"x" * size for size in range(245, 260)] + [b"x" * size for size in range(500, 520)]
    for body in bodies:
        ours = serial_frames.encode(body[0], body[1:])
        assert uwamp.unstuff(ours[:-1]) == body
        assert serial_frames.decode(uwamp.stuff(body)[:-1]) == (body[0], body[1:])


def test_a_damaged_frame_is_none() -> None:
    frame = uwamp.stuff(b"\x11[36,7,1,{}]")[:-1]
    for at in range(len(frame)):
        for bit in range(8):
            damaged = frame[:at] + bytes((frame[at] ^ 1 << bit,)) + frame[at + 1 :]
            assert uwamp.unstuff(damaged) is None
    assert [uwamp.unstuff(data) for data in (b"", b"\0", b"\5abc", frame[1:])] == [None] * 4


class Line:
    """The host's end of a serial line, and the board's clock."""

    def __init__(self) -> None:
        self.wamp = uwamp.Serial("realm1")
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


# The file


def test_it_imports_what_every_board_has() -> None:
    tree = ast.parse(UWAMP.read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert {ast.unparse(node) for node in imports} == {
        "import json",
        "from binascii import crc32",
    }


def test_its_types_are_those_of_the_stub() -> None:
    stub = ast.parse(UWAMP.with_suffix(".pyi").read_text())
    functions = {node.name: node for node in ast.walk(stub) if isinstance(node, ast.FunctionDef)}
    for name, node in functions.items():
        own: Callable[..., object] = getattr(uwamp.Client, name, None) or getattr(uwamp, name)
        told = node.args
        names = [one.arg for one in (*told.args, told.vararg, told.kwarg) if one]
        assert names == list(inspect.signature(own).parameters), name
