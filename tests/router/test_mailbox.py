"""From posts to bytes: encoded once, gathered, in order, and never above what the peer takes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.transports.streams import receive_exactly, stream_and_socket
from wamplite import serializers
from wamplite.core.messages import Event, Publish, Published, Result
from wamplite.core.parsing import to_array
from wamplite.router.event_writer import EventWriter
from wamplite.router.large import LargePlace, Places
from wamplite.router.mailbox import MANY, Encoder, FrameMailbox
from wamplite.router.routing import Routing
from wamplite.transports.base import MOST
from wamplite.transports.rawsocket import RawSocket
from wamplite.transports.stream import Stream

from .conftest import made_routing


class Post:
    """A mailbox over a real connection, and what arrives at its other end."""

    def __init__(self, stream: Stream, peer: socket.socket, routing: Routing, most: int) -> None:
        self.counted: list[str] = []
        self.ended: list[bool] = []
        self.stream, self.peer = stream, peer
        self.transport = RawSocket(stream, "msgpack", max_send=most, limit=MOST)
        self.mailbox = FrameMailbox(
            routing, self.transport, self.counted.append, lambda: self.ended.append(True)
        )

    def take(self, count: int) -> list[Any]:
        """Return the next messages."""
        loads, found = serializers.get("msgpack").loads, []
        for _ in range(count):
            size = int.from_bytes(receive_exactly(self.peer, 4), "big")
            found.append(loads(receive_exactly(self.peer, size)))
        return found

    def nothing_came(self) -> bool:
        self.peer.setblocking(False)
        try:
            self.peer.recv(1)
        except BlockingIOError:
            return True
        finally:
            self.peer.settimeout(20)
        return False


@pytest.fixture
def routing() -> Iterator[Routing]:
    made = made_routing()
    yield made
    made.close()


@pytest.fixture
def post(routing: Routing) -> Iterator[Post]:
    with stream_and_socket() as (stream, peer):
        yield Post(stream, peer, routing, MOST)


def event(number: int, *args: Any) -> Event:
    return Event(1, number, {}, list(args))


def test_what_is_posted_waits_for_the_delivery(routing: Routing, post: Post) -> None:
    first, second = event(1, "one"), Published(2, 3)
    assert post.mailbox.post(first) and post.mailbox.post(second)
    assert routing.touched == [post.mailbox]
    assert post.nothing_came()
    post.mailbox.deliver()
    assert post.take(2) == [to_array(first), to_array(second)]
    post.mailbox.deliver()
    assert post.nothing_came()


def test_very_much_in_one_round_does_not_wait_for_its_end(post: Post) -> None:
    for number in range(1, MANY + 2):
        post.mailbox.post(event(number))
    assert [array[2] for array in post.take(MANY)] == list(range(1, MANY + 1))
    assert post.nothing_came()
    post.mailbox.deliver()
    assert post.take(1)[0][2] == MANY + 1


def test_one_message_for_many_is_encoded_once(routing: Routing, post: Post) -> None:
    with stream_and_socket() as (stream, peer):
        other = Post(stream, peer, routing, MOST)
        message = event(1, "for all")
        encoder = routing.encoders.find(post.transport)
        post.mailbox.post(message)
        once = encoder.frame
        other.mailbox.post(message)
        assert encoder.frame is once
        post.mailbox.post(event(1, "for all"))  # equal, and yet another
        assert encoder.frame is not once


def test_what_the_peer_does_not_take_is_refused_and_counted(routing: Routing) -> None:
    with stream_and_socket() as (stream, peer):
        post = Post(stream, peer, routing, 512)
        assert not post.mailbox.post(event(1, "x" * 600))
        assert not post.mailbox.post_droppable(event(2, "x" * 600))
        assert not post.mailbox.post(Result(1, {}, ["x" * 600]))
        assert post.mailbox.post(event(3, "x" * 400))
        assert post.mailbox.post(Result(2, {}, ["x" * 400]))
        post.mailbox.deliver()
        assert [array[0] for array in post.take(2)] == [36, 50]
        assert post.counted == ["messages_above_the_peers_limit"] * 3


def test_an_event_for_peers_of_other_limits_is_kept_whatever_is_posted_between(
    routing: Routing, post: Post
) -> None:
    with stream_and_socket() as (stream, peer):
        narrow = Post(stream, peer, routing, 512)
        encoder = routing.encoders.find(post.transport)
        for one, other in ((post, narrow), (narrow, post)):
            large, small = event(1, "x" * 600), event(2)
            assert one.mailbox.post(large) is (one is post)
            once = encoder.frame
            assert one.mailbox.post(Published(2, 3))
            assert other.mailbox.post(large) is (other is post)
            assert encoder.frame is once
            assert one.mailbox.post_droppable(small) and other.mailbox.post_droppable(small)
        assert narrow.counted == ["messages_above_the_peers_limit"] * 2
        post.mailbox.deliver()
        assert [array[0] for array in post.take(5)] == [36, 17, 36, 36, 36]


def test_the_size_that_is_told_is_that_of_the_message_that_is_posted(
    routing: Routing, post: Post
) -> None:
    with stream_and_socket() as (stream, peer):
        other, told = Post(stream, peer, routing, 512), []
        for each in (post, other):
            each.mailbox.tell(lambda message, size: told.append((type(message), size)))
        small, large, answer = event(1), event(2, "x" * 600), Published(2, 3)
        sizes = [len(serializers.get("msgpack").dumps(to_array(m))) for m in (small, large, answer)]
        for message in (small, large):
            assert post.mailbox.post(message) and post.mailbox.post(answer)
            assert other.mailbox.post(message) is (message is small)
        assert [size for kind, size in told if kind is Event] == [sizes[0]] * 2 + [sizes[1]] * 2
        assert [size for kind, size in told if kind is Published] == [sizes[2]] * 2
        post.mailbox.deliver()
        assert [array[0] for array in post.take(4)] == [36, 17, 36, 17]


def test_what_no_transport_carries_is_refused_and_harms_nobody(post: Post) -> None:
    small = event(1, "small")
    assert post.mailbox.post(small)
    assert not post.mailbox.post(event(2, "x" * MOST))  # larger in MsgPack than it was in JSON
    assert post.mailbox.post(small)
    post.mailbox.deliver()
    assert [array[2] for array in post.take(2)] == [1, 1]


def test_what_a_large_receive_brought_is_not_written_again_whatever_went_before(
    routing: Routing, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    serializer, lengths = serializers.get("cbor"), []
    dumps = serializer.dumps

    def noted(array: list[Any]) -> bytes:
        lengths.append(len(array))
        return dumps(array)

    monkeypatch.setattr(serializer, "dumps", noted)
    encoder = Encoder(serializer, EventWriter(serializer), routing)
    rows = [[number] * 1000 for number in range(2)]
    routing.place = LargePlace(Places(1))
    routing.place.write([Publish(1, {}, "com.topic", args) for args in rows], ["cbor"])
    for number, args in enumerate([["x" * 600], *rows, *rows]):
        message = Event(1, number, {}, args)
        encoder.encode(message, post.transport)
        assert encoder.frame[4:] == dumps(to_array(message))
    assert lengths == [5]  # the first: before all others, which have been written


def test_which_serializers_are_read_is_known_while_they_are(routing: Routing) -> None:
    with stream_and_socket() as (stream, _):
        transport = RawSocket(stream, "cbor", max_send=MOST, limit=MOST)
        assert routing.encoders.names() == set()
        one, other = (routing.encoders.find(transport) for _ in range(2))
        assert one is other and routing.encoders.names() == {"cbor"}
        del one
        assert routing.encoders.names() == {"cbor"}
        del other
        assert routing.encoders.names() == set()


def test_an_encoder_that_failed_still_knows_its_last_message(routing: Routing, post: Post) -> None:
    transport = post.transport
    serializer = serializers.get("msgpack")
    encoder = Encoder(serializer, EventWriter(serializer), routing)
    small = event(1)
    encoder.encode(small, transport)
    kept = encoder.frame, encoder.size
    with pytest.raises(Exception, match="set"):
        encoder.encode(event(2, {1, 2}), transport)
    assert encoder.last is small and (encoder.frame, encoder.size) == kept
    assert routing.encoding == [encoder]
    encoder.forget()
    assert encoder.last is None and not encoder.frame


def test_what_may_be_dropped_keeps_its_place(post: Post) -> None:
    post.mailbox.post(event(1))
    post.mailbox.post_droppable(event(2))
    post.mailbox.post(event(3))
    droppable = event(4)
    post.mailbox.post(droppable)
    post.mailbox.post_droppable(droppable)
    assert [array[2] for array in post.take(5)] == [1, 2, 3, 4, 4]


def test_the_end_comes_after_all_that_was_posted(post: Post) -> None:
    post.mailbox.post(event(1))
    post.mailbox.end()
    assert [array[2] for array in post.take(1)] == [1]
    assert post.peer.recv(1) == b"" and post.ended == [True]
    post.mailbox.post(event(2))
    post.mailbox.deliver()  # ignored
    assert post.peer.recv(1) == b""
