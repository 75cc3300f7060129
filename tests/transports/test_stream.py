"""Streams: what one thread reads, and what any thread writes without waiting."""

from __future__ import annotations

import signal
import socket
import threading
import time

import pytest

from tests.transports.streams import (
    PATIENCE,
    fill,
    reason,
    receive_all,
    receive_exactly,
    reset,
    stream_and_socket,
    stream_pair,
    tcp_pair,
)
from wamplite.core.errors import TransportLost
from wamplite.transports.socket_stream import SocketStream
from wamplite.transports.stream import FIRST_RECEIVE, INTERRUPTED, MOST_RECEIVE, Stream

# Names and options


def test_a_peer_is_named_by_its_address() -> None:
    ours, theirs = tcp_pair()
    with ours, theirs:
        host, port = ours.getpeername()
        assert SocketStream(ours).peer == f"{host}:{port}"


def test_a_peer_on_ipv6_is_named_in_brackets() -> None:
    try:
        ours, theirs = tcp_pair("::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with ours, theirs:
        assert SocketStream(ours).peer == f"[::1]:{ours.getpeername()[1]}"


def test_a_peer_that_has_gone_still_has_a_name() -> None:
    with socket.socket() as sock:
        assert SocketStream(sock).peer == "unknown peer"


def test_a_peer_on_a_unix_socket_is_called_unix() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert SocketStream(ours).peer == "unix"


def test_a_socket_with_a_timeout_is_made_to_block() -> None:
    for seconds in (0.0, 5.0, None):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(seconds)
            SocketStream(ours)
            assert ours.gettimeout() is None


# Reading


def test_bytes_are_received_as_they_come() -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(b"one")
        assert stream.recv() == b"one"


def test_where_it_may_not_wait_nothing_is_told_at_once() -> None:
    with stream_and_socket() as (stream, peer):
        for _ in range(2):
            stream.may_wait(False)
            with pytest.raises(TimeoutError, match="nothing received in time"):
                stream.recv()
            peer.sendall(b"one")
            stream.may_wait(True)
            assert stream.recv() == b"one"
        assert stream.lost is None


def test_the_end_is_no_bytes_and_its_error_names_the_peer() -> None:
    with stream_and_socket() as (stream, peer):
        peer.close()
        assert stream.recv() == b""
        assert str(stream.ended()) == f"{stream.peer}: the peer closed the connection"


def test_a_reset_is_the_same_kind_of_error() -> None:
    with stream_and_socket() as (stream, peer):
        reset(peer)
        with pytest.raises(TransportLost, match=f"{stream.peer}: Connection reset by peer"):
            stream.recv()
        assert stream.recv() == b""
        assert stream.lost == "Connection reset by peer"


def test_a_shutdown_wakes_a_blocked_reader() -> None:
    with stream_and_socket() as (stream, _):
        received: list[bytes] = []
        reader = threading.Thread(target=lambda: received.append(stream.recv()))
        reader.start()
        stream.shutdown("it was slow")
        reader.join(PATIENCE)
        assert received == [b""]
        assert reason(stream) == f"{stream.peer}: it was slow"


def test_the_first_reason_wins() -> None:
    with stream_and_socket() as (stream, _):
        stream.shutdown("first")
        stream.shutdown("second")
        assert stream.lost == "first"


def test_a_peer_that_goes_on_sending_cannot_keep_an_ended_stream_alive() -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(b"x" * 100_000)
        stream.shutdown("enough")
        assert stream.recv() == b""


def test_a_receive_timeout_is_told_from_a_loss() -> None:
    with stream_and_socket() as (stream, peer):
        stream.set_receive_timeout(0.01)
        with pytest.raises(TimeoutError, match=stream.peer):
            stream.recv()
        stream.set_receive_timeout(None)
        timer = threading.Timer(0.05, peer.sendall, [b"late"])
        timer.start()
        assert stream.recv() == b"late"
        timer.join()


def test_a_timeout_of_next_to_nothing_is_not_for_ever() -> None:
    with stream_and_socket() as (stream, _):
        stream.set_receive_timeout(1e-9)
        with pytest.raises(TimeoutError):
            stream.recv()


def test_a_deadline_that_has_passed_waits_for_nothing() -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(b"there")
        assert stream.recv_by(time.monotonic() + PATIENCE) == b"there"
        with pytest.raises(TimeoutError):
            stream.recv_by(time.monotonic())


def test_the_receive_buffer_starts_small_grows_and_shrinks() -> None:
    with stream_and_socket() as (stream, peer):
        size = 4 * MOST_RECEIVE
        sender = threading.Thread(target=peer.sendall, args=[b"x" * size])
        sender.start()
        sizes = [len(stream.recv())]
        while sum(sizes) < size:
            sizes.append(len(stream.recv()))
        sender.join(PATIENCE)
        assert sizes[0] <= FIRST_RECEIVE < max(sizes) <= MOST_RECEIVE
        for _ in range(8):
            peer.sendall(b"x")
            stream.recv()
        peer.sendall(b"x" * size)
        assert len(stream.recv()) <= FIRST_RECEIVE


def test_a_reader_may_ask_for_less() -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(b"abcdefghij")
        assert stream.recv(2) == b"ab"
        assert stream.recv() == b"cdefghij"


# Writing


def test_what_the_kernel_takes_is_not_left_over() -> None:
    with stream_and_socket() as (stream, peer):
        assert stream.write([b"one", b"two"]) is True
        assert (stream.left, stream.waiting) == (0, 0)
        assert receive_exactly(peer, 6) == b"onetwo"


def test_what_is_left_over_is_counted_to_the_byte_and_lost_never() -> None:
    with stream_and_socket() as (stream, peer):
        entries = [bytes([number % 251]) * 10_000 for number in range(1000)]
        for entry in entries:
            stream.write([entry])
        whole = b"".join(entries)
        taken = len(whole) - stream.left
        assert 0 < stream.waiting <= 1 + stream.left // 10_000
        assert receive_exactly(peer, taken) == whole[:taken]
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.recv(1)  # nobody drained: that was all
        peer.settimeout(PATIENCE)
        rest: list[bytes] = []
        reader = threading.Thread(
            target=lambda: rest.append(receive_exactly(peer, len(whole) - taken))
        )
        reader.start()
        assert stream.flush(PATIENCE) is True
        reader.join(PATIENCE)
        assert rest == [whole[taken:]]
        assert (stream.left, stream.waiting) == (0, 0)


def test_a_peer_that_does_not_read_delays_nobody() -> None:
    with stream_and_socket() as (stream, _):
        began = time.monotonic()
        fill(stream, b"x" * 65536)
        for _ in range(1000):
            assert stream.write([b"x" * 1000]) is False
        assert time.monotonic() - began < 5
        assert stream.waiting >= 1000


def test_each_write_that_leaves_something_over_says_so() -> None:
    with stream_and_socket() as (stream, _):
        told: list[tuple[Stream, bool]] = []
        stream.on_left = lambda who: told.append((who, stream.lock.locked()))
        stream.write([b"x"])
        assert told == []
        fill(stream, b"x" * 65536)
        stream.write([b"x"])
        assert told == [(stream, False)] * 2


def test_more_than_a_chunk_is_written_in_order() -> None:
    with stream_and_socket() as (stream, peer):
        entries = [bytes([number]) * 70_000 for number in range(9)] + [b"z" * 3 * stream.chunk]
        stream.write(entries)
        stream.finish()
        reader = threading.Thread(target=lambda: stream.flush(PATIENCE))
        reader.start()
        assert receive_all(peer) == b"".join(entries)
        reader.join(PATIENCE)


def test_four_threads_write_large_messages_and_none_is_torn() -> None:
    with stream_and_socket() as (stream, peer):
        size, rounds = 300_000, 5

        def write(letter: bytes) -> None:
            for _ in range(rounds):
                stream.write([letter * size])
                stream.flush(PATIENCE)

        threads = [threading.Thread(target=write, args=[letter]) for letter in (b"a", b"b", b"c")]
        threads.append(threading.Thread(target=write, args=[b"d"]))
        for thread in threads:
            thread.start()
        messages = [receive_exactly(peer, size) for _ in range(rounds * len(threads))]
        for thread in threads:
            thread.join(PATIENCE)
        assert all(message == message[:1] * size for message in messages)
        assert sorted(message[:1] for message in messages) == sorted([b"a", b"b", b"c", b"d"] * 5)


def test_a_write_after_the_end_is_ignored() -> None:
    with stream_and_socket() as (stream, _):
        fill(stream, b"x" * 65536)
        stream.shutdown("over")
        assert (stream.left, stream.waiting) == (0, 0)
        assert stream.write([b"more"]) is True
        assert stream.drain() is True
        assert stream.left == 0


def test_writing_to_a_peer_that_reset_raises_nothing_and_wakes_the_reader() -> None:
    with stream_and_socket() as (stream, peer):
        reset(peer)
        deadline = time.monotonic() + PATIENCE
        while stream.lost is None and time.monotonic() < deadline:
            stream.write([b"x"])
        assert stream.lost in ("Connection reset by peer", "Broken pipe")
        assert stream.recv() == b""


def framed(number: int) -> bytes:
    """Return an entry of 1000 bytes that tells its number."""
    return number.to_bytes(4, "big") + b"." * 996


class Interrupted(BaseException):
    """What a signal's handler raises."""


def flush_much(stream: Stream) -> None:
    """Wait where much is left. Apart: in CPython 3.14 an `if` that ends a loop slips a `try`."""
    if stream.left > 50_000:
        stream.flush(PATIENCE)


def interrupted_writes(stream: Stream, seconds: float) -> int:
    """Write numbered entries until the process has worked for `seconds`; return how many."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before, count = signal.signal(signal.SIGVTALRM, interrupt), 0
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        while True:
            stream.write([framed(count)])
            count += 1
            flush_much(stream)
    except Interrupted:
        return count
    finally:
        signal.signal(signal.SIGVTALRM, before)


def lost_by_interruption(seconds: float) -> str | None:
    """Interrupt a stream's writer; nothing may be torn unless the stream was ended."""
    received: list[bytes] = []
    with stream_and_socket() as (stream, peer):
        reader = threading.Thread(target=lambda: received.append(receive_all(peer)))
        reader.start()
        count = interrupted_writes(stream, seconds)
        lost = stream.lost
        stream.finish()
        stream.flush(PATIENCE)
        reader.join(PATIENCE)
    assert b"".join(map(framed, range(count + 1))).startswith(received[0])
    if lost is None:
        assert len(received[0]) in (1000 * count, 1000 * (count + 1))
    return lost


def test_an_interrupted_write_tears_nothing_unless_it_ends_the_stream() -> None:
    reasons = {lost_by_interruption(0.001 + number / 10_000) for number in range(30)}
    assert {INTERRUPTED} <= reasons <= {INTERRUPTED, None}


# Flushing


def test_flushing_gives_up_when_time_is_up() -> None:
    with stream_and_socket() as (stream, _):
        fill(stream, b"x" * 65536)
        with pytest.raises(TimeoutError, match=f"{stream.peer}: {stream.left} bytes not taken"):
            stream.flush(0.01)


def test_flushing_ends_when_the_stream_does() -> None:
    with stream_and_socket() as (stream, _):
        fill(stream, b"x" * 65536)
        timer = threading.Timer(0.05, stream.shutdown, ["over"])
        timer.start()
        assert stream.flush(PATIENCE) is False
        timer.join()


def test_flushing_a_closed_stream_waits_for_nothing() -> None:
    with stream_and_socket() as (stream, _):
        fill(stream, b"x" * 65536)
        stream.close()
        assert stream.flush(PATIENCE) is False


# Dropping


def test_the_oldest_are_dropped_but_never_a_half_written_one() -> None:
    with stream_and_socket() as (stream, peer):
        written = 0
        while stream.write([framed(written)], droppable=True):
            written += 1
        for _ in range(100):
            written += 1
            stream.write([framed(written)], droppable=True)
        left, waiting = stream.left, stream.waiting
        dropped = stream.drop_oldest(50_000)
        half = left % 1000
        assert stream.left == left - 1000 * dropped <= 50_000 < stream.left + 1000
        assert stream.waiting == waiting - dropped
        reader = threading.Thread(target=stream.flush, args=[PATIENCE])
        stream.finish()
        reader.start()
        data = receive_all(peer)
        reader.join(PATIENCE)
        assert len(data) % 1000 == 0, f"a torn entry, {half} bytes were left of it"
        numbers = [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 1000)]
        assert len(numbers) == written + 1 - dropped
        assert numbers == sorted(set(numbers))
        assert numbers[-1] == written


def test_entries_are_dropped_until_few_enough_wait() -> None:
    with stream_and_socket() as (stream, _):
        fill(stream, b"-" * 65536)
        for _ in range(10):
            stream.write([b"x"], droppable=True)
        assert stream.drop_oldest(stream.left, waiting=stream.waiting - 3) == 3
        assert stream.drop_oldest(stream.left, waiting=stream.waiting) == 0


def test_what_may_not_be_dropped_stays_in_its_place() -> None:
    with stream_and_socket() as (stream, peer):
        filler = fill(stream, b"-" * 1000)
        for number in range(10):
            stream.write([b"keep%d" % number], droppable=False)
            stream.write([b"drop%d" % number], droppable=True)
        assert stream.drop_oldest(0) == 10
        stream.finish()
        reader = threading.Thread(target=stream.flush, args=[PATIENCE])
        reader.start()
        data = receive_all(peer)
        reader.join(PATIENCE)
        kept = b"".join(b"keep%d" % number for number in range(10))
        assert data == b"-" * 1000 * filler + kept


# Ending


def test_finishing_comes_after_all_that_was_written() -> None:
    with stream_and_socket() as (stream, peer):
        count = fill(stream, b"x" * 65536)
        stream.finish()
        assert stream.write([b"too late"]) is False
        reader = threading.Thread(target=stream.flush, args=[PATIENCE])
        reader.start()
        assert receive_all(peer) == b"x" * 65536 * count
        reader.join(PATIENCE)


def test_nobody_writes_while_a_stream_finishes() -> None:
    told: list[bool] = []

    class Telling(socket.socket):
        def shutdown(self, how: int) -> None:
            told.append(stream.lock.locked())
            super().shutdown(how)

    ours, theirs = tcp_pair()
    stream = SocketStream(Telling(fileno=ours.detach()))
    stream.finish()
    assert told == [True] and theirs.recv(1) == b""
    stream.close()
    theirs.close()


def test_finishing_with_nothing_left_is_seen_at_once_and_reading_goes_on() -> None:
    with stream_pair() as (stream, peer):
        stream.write([b"question"])
        stream.finish()
        assert receive_all(peer) == b"question"
        peer.write([b"answer"])
        assert stream.recv() == b"answer"


def test_dropping_the_last_that_is_left_lets_the_stream_finish() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # nothing is halved
    stream = SocketStream(ours)
    with theirs:
        count = fill(stream, b"x" * 1000, droppable=True)
        stream.finish()
        assert stream.drop_oldest(0) == 1
        stream.drain()
        received = [theirs.recv(2000) for _ in range(count)]
        assert received == [b"x" * 1000] * (count - 1) + [b""]
        stream.close()


def test_lingering_saves_the_last_words_from_a_reset() -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(b"x" * 100_000)  # unread by the stream: closing now would reset
        stream.write([b"last words"])
        stream.finish()
        closer = threading.Thread(target=lambda: (stream.linger(PATIENCE), stream.close()))
        closer.start()
        assert receive_all(peer) == b"last words"
        peer.close()
        closer.join(PATIENCE)
        assert stream.fileno() == -1


def test_a_peer_that_closed_its_half_still_gets_all_that_is_left() -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(b"question")
        peer.shutdown(socket.SHUT_WR)
        assert stream.recv() == b"question"
        count = fill(stream, b"x" * 65536)
        assert stream.recv() == b""
        stream.finish()
        closer = threading.Thread(target=lambda: (stream.linger(PATIENCE), stream.close()))
        closer.start()
        assert receive_all(peer) == b"x" * 65536 * count
        closer.join(PATIENCE)


def test_lingering_has_an_end_though_the_peer_has_none() -> None:
    with stream_and_socket() as (stream, peer):
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.005):
                peer.send(b"x")

        dripper = threading.Thread(target=drip)
        dripper.start()
        began = time.monotonic()
        stream.linger(0.05)
        assert time.monotonic() - began < 5
        stop.set()
        dripper.join(PATIENCE)


def test_who_has_closed_its_half_sees_the_end_when_we_close() -> None:
    with stream_and_socket() as (stream, peer):
        peer.shutdown(socket.SHUT_WR)
        assert stream.recv() == b""
        stream.write([b"last words"])
        stream.close()
        assert receive_all(peer) == b"last words"
        assert (stream.lost, stream.left) == ("closed", 0)
        assert stream.write([b"too late"])


def test_closing_twice_is_closing_once() -> None:
    with stream_and_socket() as (stream, peer):
        stream.close()
        stream.close()
        stream.finish()
        stream.shutdown("late")
        assert stream.lost == "closed"
        assert stream.fileno() == -1
        assert peer.recv(1) == b""
