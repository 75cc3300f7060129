"""uwamp.py message by message and frame by frame, on CPython."""

from __future__ import annotations

import json
from typing import Any

import pytest
import uwamp

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


def test_an_invocation_of_what_is_not_registered_is_answered_with_an_error() -> None:
    wire = joined()
    wire.wamp.report = Calls()
    wire.wamp.register("com.example.add", lambda: None)
    wire.say([68, 8, 99, {}])  # REGISTERED comes before it; a line may have dropped that
    assert wire.take()[1][:5] == [8, 68, 8, {}, "wamp.error.no_such_procedure"]
    assert wire.wamp.joined


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), [1, {"a": float("-inf")}], object(), {1}]
)
def test_what_json_cannot_carry_is_refused_before_it_is_sent(value: object) -> None:
    wire = joined()
    with pytest.raises(ValueError, match="not for JSON"):
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


# Options, acknowledgements, what is undone, bytes, the end


def test_options_go_with_each_request_and_details_come_back() -> None:
    wire, seen = joined(), []
    wamp = wire.wamp
    wamp.subscribe("com.example.", lambda: seen.append(wamp.details), {"match": "prefix"})
    wamp.register("com.example.add", lambda: seen.append(wamp.details), {"invoke": "random"})
    wamp.publish("com.example.on", 1, options={"exclude_me": False})
    wamp.call("com.example.of", lambda *_: seen.append(wamp.details), options={"timeout": 9})
    assert wire.take() == [
        [32, 1, {"match": "prefix"}, "com.example."],
        [64, 2, {"invoke": "random"}, "com.example.add"],
        [16, 3, {"exclude_me": False}, "com.example.on", [1], {}],
        [48, 4, {"timeout": 9}, "com.example.of", [], {}],
    ]
    wire.say([33, 1, 7], [65, 2, 7], [36, 7, 5, {"topic": "com.example.on"}])
    wire.say([68, 9, 7, {"caller": 3}], [50, 4, {"last": True}])
    assert seen == [{"topic": "com.example.on"}, {"caller": 3}, {"last": True}]


def test_a_publication_is_acknowledged_for_whoever_asks() -> None:
    wire, done = joined(), Calls()
    options = {"retain": True}
    wire.wamp.publish("com.example.on", 1, then=done, options=options)
    assert wire.take() == [
        [16, 1, {"retain": True, "acknowledge": True}, "com.example.on", [1], {}]
    ]
    assert options == {"retain": True}
    wire.say([17, 1, 99])
    assert done == [((None, None), {})]


def test_a_publication_that_is_refused_or_not_acknowledged_in_time_is_told() -> None:
    wire, done = joined(), Calls()
    wire.wamp.publish("com.example.on", then=done)
    wire.wamp.publish("com.example.on", then=done)
    wire.say([8, 16, 1, {}, "wamp.error.not_authorized"])
    assert done.pop() == (([], "wamp.error.not_authorized"), {})
    wire.step(after=5001)
    assert done == [(([], "wamp.error.timeout"), {})]
    assert wire.wamp.joined and not wire.wamp.lost


def test_what_is_unsubscribed_gets_no_events_and_is_not_subscribed_again() -> None:
    wire, events = joined(), Calls()
    for _ in range(2):
        wire.wamp.subscribe("com.example.on", events)
    wire.wamp.subscribe("com.example.off", events)
    wire.say([33, 1, 7], [33, 2, 7], [33, 3, 8])
    wire.take()
    wire.wamp.unsubscribe("com.example.on")
    assert wire.take() == [[34, 4, 7]]
    wire.say([36, 7, 1, {}], [35, 4], [36, 8, 2, {}, ["off"]])
    assert events == [(("off",), {})]
    wire.wamp.unsubscribe("com.example.on")
    assert wire.take() == []
    again = joined_again(wire)
    assert again == [[32, 1, {}, "com.example.off"]]


def joined_again(wire: BoardWire) -> list[Message]:
    """Have the board join on a new connection; what it asks for."""
    wire.wamp.open(wire.now)
    wire.step()
    wire.unread = b""
    wire.step(b"\x7f\xf1\0\0")
    wire.say(WELCOME)
    return wire.take()[1:]


def test_what_is_unregistered_is_not_served_any_more() -> None:
    wire = joined()
    wire.wamp.report = Calls()
    wire.wamp.register("com.example.add", lambda: 5)
    wire.wamp.subscribe("com.example.add", Calls())
    wire.say([65, 1, 7], [33, 2, 7])
    wire.take()
    wire.wamp.unregister("com.example.add")
    wire.say([68, 8, 7, {}], [67, 3])  # the call was on its way
    assert wire.take()[0] == [66, 3, 7]
    assert wire.wamp.joined
    assert joined_again(wire) == [[32, 1, {}, "com.example.add"]]


def test_what_is_undone_before_it_was_answered_is_undone_with_the_answer() -> None:
    wire = joined()
    wire.wamp.subscribe("com.example.on", Calls())
    wire.wamp.unsubscribe("com.example.on")
    wire.wamp.register("com.example.add", Calls())
    wire.wamp.unregister("com.example.add")
    assert [message[0] for message in wire.take()] == [32, 64]
    wire.say([33, 1, 7], [65, 2, 9])
    assert wire.take() == [[34, 3, 7], [66, 4, 9]]


def test_what_is_undone_and_done_again_meanwhile_stays() -> None:
    wire, events = joined(), Calls()
    wire.wamp.report = Calls()
    wire.wamp.subscribe("com.example.on", events)
    wire.wamp.unsubscribe("com.example.on")
    wire.wamp.subscribe("com.example.on", events)
    wire.wamp.register("com.example.add", lambda: 5)
    wire.wamp.unregister("com.example.add")
    wire.wamp.register("com.example.add", lambda: 6)
    wire.take()
    wire.say([33, 1, 7], [33, 2, 7], [65, 3, 9])
    wire.say([8, 64, 4, {}, "wamp.error.procedure_already_exists"])
    wire.say([36, 7, 1, {}], [68, 30, 9, {}])
    assert events == [((), {})]
    assert wire.take() == [[70, 30, {}, [6]]]


def test_bytes_travel_as_the_specification_has_them_in_json() -> None:
    wire, events = joined(), Calls()
    wire.wamp.subscribe("com.example.on", events)
    wire.wamp.publish("com.example.up", b"\x10\xff", [bytearray(b"a")], raw={"of": b""})
    assert wire.take()[1][4:] == [["\0EP8=", ["\0YQ=="]], {"raw": {"of": "\0"}}]
    wire.say([33, 1, 7], [36, 7, 1, {}, ["\0EP8=", "EP8="], {"raw": {"of": ["\0"]}}])
    assert events == [((b"\x10\xff", "EP8="), {"raw": {"of": [b""]}})]


def test_it_leaves_with_goodbye_and_takes_nothing_else_until_it_is_answered() -> None:
    wire, events, done = joined(), Calls(), Calls()
    wire.wamp.subscribe("com.example.on", events)
    wire.say([33, 1, 7])
    wire.wamp.call("com.example.add", done)
    wire.take()
    wire.wamp.leave()
    assert wire.take() == [[6, {}, "wamp.close.close_realm"]]
    assert not wire.wamp.publish("com.example.on")
    wire.say([36, 7, 1, {}])
    assert (events, wire.wamp.lost) == ([], "")
    wire.say([6, {}, "wamp.close.goodbye_and_out"])
    assert (wire.wamp.lost, wire.unread) == ("wamp.close.goodbye_and_out", b"")
    assert done[0][0][1] == "wamp.error.canceled"


def test_a_goodbye_without_an_answer_ends_in_time() -> None:
    wire = joined()
    wire.wamp.report = Calls()
    wire.wamp.leave()
    wire.step(after=5001)
    assert wire.wamp.lost == "no answer to GOODBYE"


def test_one_that_has_not_joined_leaves_at_once() -> None:
    wire = connected(uwamp.RawSocket("realm1"))
    wire.wamp.leave()
    assert (wire.wamp.lost, wire.wamp.left) == ("left", True)


def test_a_goodbye_of_the_router_is_answered() -> None:
    wire = joined()
    wire.wamp.publish("com.example.on")
    wire.say([6, {}, "wamp.close.system_shutdown"])
    assert wire.take() == [
        [16, 1, {}, "com.example.on", [], {}],
        [6, {}, "wamp.close.goodbye_and_out"],
    ]
    assert wire.wamp.lost == "wamp.close.system_shutdown"


def test_no_more_bytes_are_returned_than_there_is_room_for() -> None:
    wire = joined()
    wire.wamp.publish("com.example.on", "x" * 50)
    first = wire.wamp.step(None, wire.now, 10)
    assert (len(first), wire.wamp.step(None, wire.now, 0)) == (10, b"")
    wire.unread += first
    assert wire.take() == [[16, 1, {}, "com.example.on", ["x" * 50], {}]]


def test_a_connection_that_has_gone_is_told_to_the_client() -> None:
    wire, done = joined(), Calls()
    wire.wamp.call("com.example.add", done)
    wire.wamp.clear("pulled")
    assert (wire.wamp.joined, wire.wamp.lost) == (0, "pulled")
    assert done == [((["pulled"], "wamp.error.canceled"), {})]
