"""What a router answers a board on its serial port, frame by frame, as docs/serial-line.md says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.router.conftest import Start, eventually
from tests.serial_cable import Cable
from tests.serial_end import End
from wamplite.core.errors import CallTimeout
from wamplite.router import Router
from wamplite.transports.serial_frames import RESET, Frame, encode

BARE_RESET = Frame(RESET, b"")


@pytest.fixture
def router(start: Start, cable: Cable) -> Router:
    router = start(write_timeout=1.0)
    router.listen(f"{cable.host_url}?call_timeout=1")
    return router


@pytest.fixture
def board(router: Router, cable: Cable) -> Iterator[End]:
    with End(cable.device) as board:
        assert board.frame() == BARE_RESET  # the router has opened the port
        yield board


def keep_alive_while(board: End, act: Callable[[], object]) -> None:
    """Do something while the board shows signs of life, and nothing more."""
    ended = threading.Event()

    def live() -> None:
        while not ended.wait(0.3):
            board.keep_alive(0)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        act()
    finally:
        ended.set()
        thread.join()


def test_the_first_byte_is_a_lone_zero(start: Start, cable: Cable) -> None:
    with End(cable.device) as board:
        board.unframer.feed(b"\x05boot noise")
        start().listen(cable.host_url)
        assert board.frame() == BARE_RESET
        assert board.unframer.damaged == 1


def test_hello_is_answered_under_its_number(router: Router, board: End) -> None:
    welcome = board.join(2)
    assert welcome[2]["authid"] == "ttyHOST"
    assert welcome[2]["roles"] == {"broker": {}, "dealer": {}}
    board.send(2, 16, 1, {"acknowledge": True}, "com.example.topic", [1])
    assert board.message(2)[:2] == [17, 1]
    assert router.sessions == 1


def test_a_welcome_carries_the_features_alone_that_the_device_announced(
    start: Start, cable: Cable
) -> None:
    router = start(features=["pattern_based_subscription", "publisher_exclusion"])
    router.listen(cable.host_url)
    roles: dict[str, Any] = {"subscriber": {"features": {"pattern_based_subscription": True}}}
    with End(cable.device) as board:
        assert board.frame() == BARE_RESET
        told = board.join(0, roles)[2]["roles"]
        assert told == {"broker": {"features": {"pattern_based_subscription": True}}, "dealer": {}}
        told = board.join(1, {"subscriber": {}})[2]["roles"]
        assert told == {"broker": {}, "dealer": {}}


def test_a_second_hello_ends_the_first_session(router: Router, board: End) -> None:
    first = board.join(0)[1]
    board.send(0, 64, 1, {}, "com.example.procedure")
    assert board.message(0)[0] == 65
    second = board.join(1)[1]
    assert first != second
    board.send(1, 64, 1, {}, "com.example.procedure")
    assert board.message(1)[0] == 65  # else it would still be registered by the first one
    assert router.sessions == 1


def test_of_many_hellos_the_last_one_counts(router: Router, board: End) -> None:
    board.write(
        b"".join(encode(0x41 | n << 4, b'[1,"realm1",{"roles":{"caller":{}}}]') for n in (0, 1, 2))
    )
    while (frame := board.any_message()) and frame.number != 2:
        assert frame.message.startswith(b"[2,")
    board.send(2, 16, 1, {"acknowledge": True}, "com.example.topic")
    assert board.message(2)[:2] == [17, 1]


def test_frames_of_another_number_or_serializer_are_ignored(router: Router, board: End) -> None:
    board.join(1)
    board.send(0, 16, 1, {"acknowledge": True}, "com.example.topic")
    board.write(encode(0x12, b"\x90"))
    board.send(1, 16, 2, {"acknowledge": True}, "com.example.topic")
    assert board.message(1)[:2] == [17, 2]


def test_without_a_session_anything_is_answered_by_reset_but_once_a_second(
    router: Router, board: End
) -> None:
    began = time.monotonic()
    resets = 0
    for _ in range(25):
        board.keep_alive(3)
        frame = board.frame(0.1)
        resets += frame is not None
        assert frame in (None, BARE_RESET)
    assert 1 <= resets <= 1 + (time.monotonic() - began)


def test_a_reset_alone_ends_the_session_and_is_not_answered(router: Router, board: End) -> None:
    board.join(0)
    board.reset()
    eventually(lambda: router.sessions == 0)
    assert board.frame(0.2) is None
    board.join(1)


def test_a_silent_device_is_lost_after_three_seconds(router: Router, board: End) -> None:
    board.join(0)
    began = time.monotonic()
    alive = 0
    while router.sessions:
        frame = board.frame(0.05)
        alive += frame == Frame(0x80, b"")
        assert time.monotonic() - began < 6
    assert 2.9 < time.monotonic() - began < 5
    assert 2 <= alive <= 3  # one after each second of silence


def test_signs_of_life_keep_a_session(router: Router, board: End) -> None:
    session = board.join(0)[1]
    began = time.monotonic()
    while time.monotonic() - began < 4:
        board.keep_alive(0)
        board.frame(0.5)
    assert session in router.realms["realm1"].realm.members


def test_what_is_no_wamp_ends_the_session_with_abort(router: Router, board: End) -> None:
    board.join(0)
    board.send(0, 99, 1)
    assert board.message(0)[2] == "wamp.error.protocol_violation"
    board.keep_alive(0)
    assert board.any_message() == BARE_RESET
    board.join(1)


def test_a_hello_for_no_realm_is_answered_with_abort(router: Router, board: End) -> None:
    board.send(3, 1, "nowhere", {"roles": {"caller": {}}}, flags=RESET)
    assert board.message(3)[2] == "wamp.error.no_such_realm"
    board.join(0)


def test_goodbye_is_answered_and_the_line_is_free_again(router: Router, board: End) -> None:
    board.join(0)
    board.send(0, 6, {}, "wamp.close.close_realm")
    assert board.message(0) == [6, {}, "wamp.close.goodbye_and_out"]
    board.join(1)


def test_a_router_that_ends_says_goodbye_and_closes_the_port(
    start: Start, router: Router, board: End, cable: Cable
) -> None:
    board.join(0)
    router.close()
    assert board.message(0)[2] == "wamp.close.system_shutdown"
    start().listen(cable.host_url)
    assert board.any_message() == BARE_RESET


def test_an_invocation_that_is_not_answered_is_given_up(router: Router, board: End) -> None:
    board.join(0)
    board.send(0, 64, 1, {}, "com.example.slow")
    board.message(0)
    late = pytest.raises(CallTimeout, match="no answer from the device within 1 s")
    with router.connect() as caller, late:
        keep_alive_while(board, lambda: caller.call("com.example.slow"))


def test_garbage_is_counted_and_survived(router: Router, board: End) -> None:
    for _ in range(50):
        board.write(bytes(range(256)) * 64)
    board.write(b"x" * 100_000 + b"\0")
    board.join(0)
    board.reset()
    eventually(lambda: router.counters.get("serial_frames_damaged", 0) >= 50)
    assert router.counters["serial_frames_overlong"] >= 1


def test_a_device_that_takes_nothing_loses_its_session_and_nobody_else_anything(
    router: Router, board: End, cable: Cable
) -> None:
    board.join(0)
    board.send(0, 32, 1, {}, "com.example.topic")
    board.message(0)
    cable.held = cable.host
    with router.connect() as publisher:

        def publish() -> None:
            while router.sessions > 1:
                publisher.publish("com.example.topic", "x" * 1000, options={"acknowledge": True})
                time.sleep(0.002)

        keep_alive_while(board, publish)
        assert router.counters["slow_consumers"] == 1
    cable.held = ""
    board.join(1)


def test_a_message_too_large_for_the_device_is_refused(router: Router, board: End) -> None:
    board.join(0)
    board.send(0, 64, 1, {}, "com.example.small")
    board.message(0)
    with router.connect() as caller, pytest.raises(Exception, match="payload_size_exceeded"):
        caller.call("com.example.small", "x" * 2048)


def test_a_cable_that_is_pulled_ends_the_session_and_heals(router: Router, cable: Cable) -> None:
    for _ in range(2):
        with End(cable.device) as board:
            eventually(lambda: _joins(board))
            cable.pull(cable.host)
            eventually(lambda: router.sessions == 0)
            cable.plug(cable.host)


def _joins(board: End) -> bool:
    board.hello(0)
    frame = board.any_message(0.3)
    return frame is not None and frame.message.startswith(b"[2,")
