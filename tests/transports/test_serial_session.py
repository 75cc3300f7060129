"""The device's end of a session on a serial line, against a host that is spoken frame by frame."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import wamplite
from tests.serial_cable import Cable
from tests.serial_end import End
from wamplite.core.errors import ConnectTimeout, TransportLost, UsageError
from wamplite.transports.serial_frames import KEEP_ALIVE, RESET, Frame, encode
from wamplite.transports.serial_line import OpenPort, SerialStream
from wamplite.transports.serial_session import DeviceLine
from wamplite.transports.serial_url import Address

WELCOME = [2, 7, {"roles": {"broker": {}, "dealer": {}}}]


@pytest.fixture
def host(cable: Cable) -> Iterator[End]:
    with End(cable.host) as host:
        yield host


class Joining:
    """A client that joins in a thread of its own."""

    def __init__(self, url: str, **options: Any) -> None:
        self.outcome: Any = None
        self._thread = threading.Thread(target=self._join, args=(url, options))
        self._thread.start()

    def _join(self, url: str, options: Any) -> None:
        try:
            self.outcome = wamplite.connect(url, **options)
        except Exception as error:
            self.outcome = error

    def ended(self) -> Any:
        self._thread.join(15)
        return self.outcome


@pytest.fixture
def join(cable: Cable) -> Iterator[Callable[..., Joining]]:
    joinings: list[Joining] = []

    def begin(**options: Any) -> Joining:
        joinings.append(Joining(cable.device_url, **options))
        return joinings[-1]

    yield begin
    for joining in joinings:
        if isinstance(session := joining.ended(), wamplite.Session):
            session.leave(timeout=0.1)


def hello(host: End) -> Frame:
    frame = host.any_message(5)
    assert frame is not None and frame.is_reset and frame.message.startswith(b"[1,"), frame
    return frame


def opened(host: End, join: Callable[..., Joining]) -> tuple[wamplite.Session, int]:
    joining = join()
    number = hello(host).number
    host.send(number, *WELCOME)
    session = joining.ended()
    assert isinstance(session, wamplite.Session), session
    return session, number


def test_hello_is_repeated_under_the_next_number_until_it_is_answered(
    host: End, join: Callable[..., Joining]
) -> None:
    joining = join()
    first = hello(host)
    began = time.monotonic()
    host.send(first.number + 1 & 3, *WELCOME)  # nobody has said HELLO under it yet
    host.reset()
    second = hello(host)
    assert 1.8 < time.monotonic() - began < 3.5
    assert second.number == first.number + 1 & 3
    assert second.message == first.message
    host.send(first.number, 2, 8, {"roles": {}})  # the answer to the first comes late
    host.send(second.number, *WELCOME)
    assert joining.ended().id == 7


def test_hello_is_not_repeated_while_an_answer_is_arriving(
    host: End, join: Callable[..., Joining]
) -> None:
    joining = join()
    number = hello(host).number
    for byte in encode(1 | number << 4, json.dumps(WELCOME).encode()):
        host.write(bytes((byte,)))
        time.sleep(0.06)
    assert joining.ended().id == 7
    assert host.any_message(0.2) is None


def test_nobody_at_the_other_end_is_a_timeout(host: End, join: Callable[..., Joining]) -> None:
    began = time.monotonic()
    assert isinstance(join(connect_timeout=0.5).ended(), ConnectTimeout)
    assert time.monotonic() - began < 5


def test_a_reset_ends_an_open_session(host: End, join: Callable[..., Joining]) -> None:
    session, _ = opened(host, join)
    host.reset()
    assert session.lost.wait(5)
    assert "no session" in str(session.error)
    with pytest.raises(TransportLost):
        session.publish("com.example.topic")


def test_signs_of_life_are_sent_and_silence_is_the_end(
    host: End, join: Callable[..., Joining]
) -> None:
    session, number = opened(host, join)
    began = time.monotonic()
    for _ in range(2):
        assert host.frame(1.8) == Frame(KEEP_ALIVE | number << 4, b"")
    assert session.lost.wait(5)
    assert 2.8 < time.monotonic() - began < 5
    assert "nothing heard for 3" in str(session.error)


def test_a_second_welcome_ends_the_session(host: End, join: Callable[..., Joining]) -> None:
    session, number = opened(host, join)
    host.send(number, *WELCOME)
    assert session.lost.wait(5)
    assert isinstance(session.error, wamplite.ProtocolError)


def test_a_message_the_host_does_not_take_is_refused(
    host: End, join: Callable[..., Joining]
) -> None:
    session, _ = opened(host, join)
    with pytest.raises(UsageError, match="takes at most 1024"):
        session.publish("com.example.topic", "x" * 1024)


@pytest.mark.parametrize(
    ("baud", "size", "seconds"), [(115200, 2048, 3), (9600, 2048, 4.13), (9600, 256, 3)]
)
def test_patience_grows_where_a_large_frame_takes_long(
    cable: Cable, baud: int, size: int, seconds: float
) -> None:
    port = OpenPort(Address(cable.device, baud, max_receive=size))
    stream = SerialStream(port, port.close)
    assert DeviceLine(stream, "json").patience == pytest.approx(seconds, abs=0.01)
    stream.close()


def test_what_is_sent_first_is_hello_with_reset(cable: Cable) -> None:
    port = OpenPort(Address(cable.device))
    stream = SerialStream(port, port.close)
    line = DeviceLine(stream, "msgpack")
    assert line.frame(b"hello") == b"\0" + encode(2 | RESET | line.number << 4, b"hello")
    assert line.frame(b"hello") == encode(2 | line.number << 4, b"hello")
    stream.close()
