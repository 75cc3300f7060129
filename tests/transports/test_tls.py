"""TLS streams: several threads at once, endings of every kind, and who is trusted."""

from __future__ import annotations

import gc
import os
import queue
import socket
import ssl
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.transports.streams import (
    PATIENCE,
    Certificate,
    fill,
    make_certificate,
    receive_all,
    tcp_pair,
)
from wamplite.core.errors import TransportLost, UsageError
from wamplite.transports import rawsocket, tls
from wamplite.transports.certificates import fingerprints
from wamplite.transports.stream import Stream
from wamplite.transports.tls import TlsOptions, TlsStream

MIB = 1 << 20


@pytest.fixture(params=["TLSv1_2", "TLSv1_3"])
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    return ssl.TLSVersion[request.param]


@pytest.fixture
def context(certificate: Certificate) -> ssl.SSLContext:
    return tls.server_context(*certificate)


@pytest.fixture
def trusting(certificate: Certificate) -> ssl.SSLContext:
    return tls.client_context(certificate.cert)


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@contextmanager
def shaken(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> Iterator[tuple[TlsStream, TlsStream]]:
    """Yield the client's and the server's stream after their handshake."""
    ours, theirs = tcp_pair()
    client = TlsStream(ours, trusting, hostname="localhost")
    server = TlsStream(theirs, context, server_side=True)
    for stream in (client, server):
        stream.set_receive_timeout(PATIENCE)
    try:
        thread = in_thread(server.handshake)
        client.handshake()
        thread.join(PATIENCE)
        yield client, server
    finally:
        client.close()
        server.close()


@contextmanager
def server_and_socket(context: ssl.SSLContext) -> Iterator[tuple[TlsStream, socket.socket]]:
    """Yield a server's stream before its handshake, and the bare socket of its peer."""
    ours, theirs = tcp_pair()
    server = TlsStream(ours, context, server_side=True)
    server.set_receive_timeout(PATIENCE)
    try:
        with theirs:
            yield server, theirs
    finally:
        server.close()


@contextmanager
def server_and_library(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> Iterator[tuple[TlsStream, ssl.SSLSocket]]:
    """Yield a server's stream after its handshake with the SSLSocket of the standard library."""
    with server_and_socket(context) as (server, peer):
        thread = in_thread(server.handshake)
        with trusting.wrap_socket(
            peer, server_hostname="localhost", suppress_ragged_eofs=False
        ) as wrapped:
            thread.join(PATIENCE)
            yield server, wrapped


def test_facts_are_told_while_nobody_else_is_in_openssl(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with shaken(context, trusting) as (_, server):
        told: queue.SimpleQueue[str] = queue.SimpleQueue()
        with server.lock:
            thread = in_thread(lambda: told.put(server.tls.version))
            with pytest.raises(queue.Empty):
                told.get(timeout=0.05)
        assert told.get(timeout=PATIENCE).startswith("TLSv1.")
        thread.join(PATIENCE)


# Bytes both ways


def test_bytes_go_both_ways(
    context: ssl.SSLContext, trusting: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    context.maximum_version = version
    with shaken(context, trusting) as (client, server):
        assert client.write([b"one", b"two"]) is True
        assert server.recv() == b"onetwo"
        server.write([b"x" * 100_000])
        server.finish()
        flusher = in_thread(lambda: server.flush(PATIENCE))
        assert receive_all(client) == b"x" * 100_000
        flusher.join(PATIENCE)


def test_nothing_below_tls_1_2_is_spoken(context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    assert context.minimum_version == trusting.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_what_came_with_the_handshakes_last_flight_is_read(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    """A relay holds the client's Finished back until the first message stands behind it."""
    ours, relay_client = tcp_pair()
    relay_server, theirs = tcp_pair()
    client = TlsStream(ours, trusting, hostname="localhost")
    server = TlsStream(theirs, context, server_side=True)
    server.set_receive_timeout(PATIENCE)
    written = threading.Event()

    def speak() -> None:
        client.handshake()
        client.write([b"hello"])
        written.set()

    threads = in_thread(speak), in_thread(server.handshake)
    try:
        relay_server.sendall(relay_client.recv(65536))
        while not written.is_set():
            relay_server.settimeout(0.01)
            try:
                relay_client.sendall(relay_server.recv(65536))
            except TimeoutError:
                continue
        relay_server.settimeout(None)
        relay_server.sendall(relay_client.recv(65536))  # Finished and hello in one segment
        for thread in threads:
            thread.join(PATIENCE)
        assert server.recv() == b"hello"
    finally:
        for closable in (client, server, relay_client, relay_server):
            closable.close()


def test_a_slow_reader_loses_nothing(context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with shaken(context, trusting) as (client, server):
        entries = [bytes([number % 251]) * 10_000 for number in range(1000)]
        told: list[Stream] = []
        server.on_left = told.append
        for entry in entries:
            server.write([entry])
        assert 0 < server.left < 1.01 * sum(map(len, entries))
        assert 0 < server.waiting < 1000
        assert told and set(told) == {server}
        server.finish()
        flusher = in_thread(lambda: server.flush(PATIENCE))
        assert receive_all(client) == b"".join(entries)
        flusher.join(PATIENCE)
        assert (server.left, server.waiting) == (0, 0)


def test_what_is_left_over_is_counted_to_the_byte(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with shaken(context, trusting) as (client, server):
        fill(server, b"x" * 1000)
        cipher, waiting = server.left, server.waiting
        server.write([b"y" * 1000] * 3)
        assert (server.left, server.waiting) == (cipher + 3000, waiting + 3)


def test_entries_behind_what_the_kernel_did_not_take_can_be_dropped(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with shaken(context, trusting) as (client, server):
        written = fill(server, b"x" * 1000)
        cipher = server.left
        for number in range(100):
            server.write([b"%04d" % number], droppable=True)
        assert server.drop_oldest(cipher + 200) == 50
        assert server.left == cipher + 200
        server.finish()
        flusher = in_thread(lambda: server.flush(PATIENCE))
        rest = b"".join(b"%04d" % number for number in range(50, 100))
        assert receive_all(client) == b"x" * 1000 * written + rest
        flusher.join(PATIENCE)


def test_a_large_entry_is_encrypted_in_chunks(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with shaken(context, trusting) as (client, server):
        server.write([b"x" * 16 * MIB], droppable=True)
        assert 0 < server.left < 16 * MIB
        assert server.drop_oldest(0) == 0  # it has begun
        server.shutdown("over")
        assert (server.left, server.waiting) == (0, 0)


# Endings


def test_finishing_says_close_notify_and_the_answer_still_comes(
    context: ssl.SSLContext, trusting: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    context.maximum_version = version
    with shaken(context, trusting) as (client, server):
        client.write([b"question"])
        client.finish()
        assert receive_all(server) == b"question"
        server.write([b"answer"])
        server.finish()
        assert receive_all(client) == b"answer"
        assert client.lost is server.lost is None


def test_the_standard_library_sees_a_proper_end(
    context: ssl.SSLContext, trusting: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    context.maximum_version = version
    with server_and_library(context, trusting) as (server, peer):
        peer.sendall(b"question")
        assert server.recv() == b"question"
        server.write([b"answer"])
        server.finish()
        assert peer.recv(100) == b"answer"
        assert peer.recv(100) == b""  # SSLEOFError, were it not proper


def test_a_closed_stream_holds_nothing_of_openssl(
    context: ssl.SSLContext, certificate: Certificate
) -> None:
    def buffers() -> int:
        return sum(type(each) is ssl.MemoryBIO for each in gc.get_objects())

    gc.collect()
    before, trusting = buffers(), tls.client_context(certificate.cert)
    with shaken(context, trusting) as (client, server):
        of_openssl = [weakref.ref(each) for each in (trusting, client._tls, server._tls)]
        del trusting
        assert buffers() == before + 4 and all(each() for each in of_openssl)
    assert buffers() == before and not any(each() for each in of_openssl)
    client.close()  # once more
    assert client.write([b"nobody reads it"])


def test_an_end_without_close_notify_is_an_end(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with server_and_library(context, trusting) as (server, peer):
        peer.sendall(b"last")
        peer.shutdown(socket.SHUT_RDWR)
        assert server.recv() == b"last"
        assert server.recv() == b""
        assert str(server.ended()) == f"{server.peer}: the peer closed the connection"


def test_plain_text_to_tls_is_refused_and_named(context: ssl.SSLContext) -> None:
    with server_and_socket(context) as (server, peer):
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(TransportLost, match=f"{server.peer}: plain HTTP on a TLS port"):
            server.handshake()
        assert b"HTTP/1.1 400 Bad Request" in peer.recv(4096)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (b"\x7f\xf1\0\0", "RawSocket without TLS on a TLS port: is it rss://"),
        (b"\x80\x2e\x01\0\x02", "no TLS on a TLS port: it begins with 80 2e 01 00 02"),
    ],
)
def test_other_plain_bytes_to_tls_are_refused_and_named(
    context: ssl.SSLContext, said: bytes, text: str
) -> None:
    with server_and_socket(context) as (server, peer):
        peer.sendall(said)
        with pytest.raises(TransportLost, match=text):
            server.handshake()


def test_plain_text_from_a_server_is_refused_and_named(trusting: ssl.SSLContext) -> None:
    ours, theirs = tcp_pair()
    client = TlsStream(ours, trusting, hostname="localhost")
    with theirs:
        theirs.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(
            TransportLost, match="wrong version number: .* is it ws://|record layer"
        ):
            client.handshake()
        client.close()


GARBAGE = "(bad record mac|record layer failure)"  # in the words of OpenSSL 3.0, and of 3.5


def test_garbage_after_the_handshake_ends_that_stream_with_an_alert(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with shaken(context, trusting) as (client, server):
        os.write(client.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(TransportLost, match=f"{server.peer}: TLS: .*{GARBAGE}"):
            server.recv()
        with pytest.raises(TransportLost, match=f"{client.peer}: TLS: .*alert bad record mac"):
            client.recv()
        assert server.write([b"ignored"]) is True


def test_a_peer_that_leaves_in_the_handshake_is_lost(context: ssl.SSLContext) -> None:
    with server_and_socket(context) as (server, peer):
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(TransportLost, match="during the TLS handshake"):
            server.handshake()


def test_a_silent_peer_runs_into_the_deadline(context: ssl.SSLContext) -> None:
    with server_and_socket(context) as (server, _), pytest.raises(TimeoutError):
        server.handshake(time.monotonic() + 0.05)


def test_a_shutdown_wakes_a_handshake(context: ssl.SSLContext) -> None:
    with server_and_socket(context) as (server, _):
        timer = threading.Timer(0.05, server.shutdown, ["a deadline was missed"])
        timer.start()
        with pytest.raises(TransportLost, match=f"{server.peer}: a deadline was missed"):
            server.handshake()
        timer.join()


def test_a_shutdown_wakes_a_reader(context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with shaken(context, trusting) as (_, server):
        timer = threading.Timer(0.05, server.shutdown, ["over"])
        timer.start()
        assert server.recv() == b""
        assert server.recv() == b""
        timer.join()


# Trust


def refusal(context: ssl.SSLContext, trusting: ssl.SSLContext, hostname: str) -> str:
    """Return why a client refuses the server."""
    with server_and_socket(context) as (server, peer):
        client = TlsStream(peer.dup(), trusting, hostname=hostname)

        def serve() -> None:
            with pytest.raises(TransportLost):
                server.handshake()
                server.recv()  # TLS 1.3: the client refuses after our part is done
                raise server.ended()

        thread = in_thread(serve)
        try:
            with pytest.raises(TransportLost) as caught:
                client.handshake()
        finally:
            client.close()
            thread.join(PATIENCE)
        return str(caught.value)


def test_a_certificate_of_a_stranger_is_refused(context: ssl.SSLContext) -> None:
    assert "self-signed certificate" in refusal(context, tls.client_context(), "localhost")


def test_a_certificate_for_another_name_is_refused(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    assert "not valid for 'elsewhere.example'" in refusal(context, trusting, "elsewhere.example")


def test_verification_can_be_switched_off(context: ssl.SSLContext) -> None:
    with shaken(context, tls.client_context(*TlsOptions(verify=False))) as (client, server):
        client.write([b"trusting"])
        assert server.recv() == b"trusting"


def test_a_client_may_show_a_certificate(certificate: Certificate) -> None:
    context = tls.server_context(*certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate.cert)
    options = TlsOptions(certificate.cert, True, *certificate)
    with shaken(context, tls.client_context(*options)) as (client, server):
        client.write([b"it is me"])
        assert server.recv() == b"it is me"


def known_by(
    context: ssl.SSLContext, options: TlsOptions, version: ssl.TLSVersion, hostname: str = "x.y"
) -> bytes:
    """Return what reaches the server of a client that knows it by a fingerprint."""
    trusting = tls.client_context(*options)
    trusting.maximum_version = version
    with server_and_socket(context) as (server, peer):
        client = TlsStream(peer.dup(), trusting, hostname=hostname, fingerprint=options.fingerprint)
        came = bytearray()

        def serve() -> None:
            with suppress(TransportLost):
                server.handshake()
                came.extend(receive_all(server))

        thread = in_thread(serve)
        try:
            client.handshake()
            client.write([b"hello"])
        finally:
            client.finish()
            client.close()
            peer.close()
            thread.join(PATIENCE)
        return bytes(came)


def test_a_server_is_known_by_the_fingerprint_of_its_certificate_or_key(
    certificate: Certificate, context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    assert isinstance(context, tls.ServerContext) and context.certificate
    for fingerprint in fingerprints(context.certificate):
        options = TlsOptions(fingerprint=fingerprint)
        assert known_by(context, options, version) == b"hello"  # whatever its name is
        both = TlsOptions(certificate.cert, fingerprint=fingerprint.upper())
        assert known_by(context, both, version, "localhost") == b"hello"
        with pytest.raises(TransportLost, match="not valid for 'x.y'"):
            known_by(context, both, version)


def test_another_fingerprint_ends_it_before_anything_is_sent(
    context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    text = "its certificate has the fingerprint [0-9a-f]{64}, its key [0-9a-f]{64}, expected 0000"
    with pytest.raises(TransportLost, match=text):
        known_by(context, TlsOptions(fingerprint="0" * 64), version)


def test_who_we_are_is_not_shown_to_another_server(
    certificate: Certificate, context: ssl.SSLContext
) -> None:
    """In TLS 1.3 the certificate of a client goes out last: the fingerprint comes before that."""
    trusting = tls.client_context(None, True, *certificate, fingerprint="0" * 64)
    ends: list[str] = []

    def serve(server: TlsStream) -> None:
        try:
            server.handshake()
        except TransportLost as error:
            ends.append(str(error))

    with server_and_socket(context) as (server, peer):
        client = TlsStream(peer.dup(), trusting, hostname="localhost", fingerprint="0" * 64)
        thread = in_thread(lambda: serve(server))
        with pytest.raises(TransportLost, match="expected 0000"):
            client.handshake()
        client.close()
        peer.close()
        thread.join(PATIENCE)
    assert ends == [f"{server.peer}: the peer closed the connection during the TLS handshake"]


def test_files_that_cannot_be_loaded_are_our_callers_fault(
    certificate: Certificate, tmp_path: Path
) -> None:
    other = make_certificate(tmp_path, "other")
    with pytest.raises(UsageError, match="missing.pem"):
        tls.server_context("missing.pem")
    with pytest.raises(UsageError, match=f"{certificate.cert} and {other.key}"):
        tls.server_context(certificate.cert, other.key)
    with pytest.raises(UsageError, match="missing.pem"):
        tls.client_context("missing.pem")
    with pytest.raises(UsageError, match="missing.pem"):
        tls.client_context(certfile="missing.pem")


# Several threads at once


@pytest.mark.sampled
def test_many_threads_write_ping_and_read_at_once(
    context: ssl.SSLContext, trusting: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    """What destroyed every shared SSLSocket within seconds: two writers, pings, a reader."""
    context.maximum_version = version
    seconds, writers = 2.0, 3
    with shaken(context, trusting) as (client, server):
        made: list[rawsocket.RawSocket] = []
        options = {"serializers": ("json",), "max_message_size": MIB}
        thread = in_thread(lambda: made.append(rawsocket.accept(server, b"", **options)))
        made.insert(0, rawsocket.connect(client, "json", max_message_size=MIB))
        thread.join(PATIENCE)
        made[-1].limit_receive(MIB)
        received: list[list[bytes]] = [[], []]
        sent: Counter[tuple[int, int]] = Counter()
        stop = time.monotonic() + seconds

        def write(side: int, writer: int) -> None:
            transport = made[side]
            while time.monotonic() < stop:
                number = sent[side, writer]
                payload = b"%d %d " % (writer, number) + b"." * (number * 37 % 9000)
                transport.stream.write([transport.frame(payload)])
                transport.ping()
                transport.stream.flush(PATIENCE)
                sent[side, writer] += 1

        def read(side: int) -> None:
            with pytest.raises(TransportLost, match="the peer closed the connection"):
                while True:
                    received[side] += made[side].receive()

        readers = [in_thread(lambda side=side: read(side)) for side in (0, 1)]  # type: ignore[misc]
        threads = [
            in_thread(lambda side=side, writer=writer: write(side, writer))  # type: ignore[misc]
            for side in (0, 1)
            for writer in range(writers)
        ]
        for thread in threads:
            thread.join(PATIENCE)
        for transport in made:
            transport.finish()
        for reader in readers:
            reader.join(PATIENCE)
        for side in (0, 1):
            for writer in range(writers):
                numbers = [
                    int(payload.split()[1])
                    for payload in received[1 - side]
                    if payload.startswith(b"%d " % writer)
                ]
                assert numbers == list(range(sent[side, writer]))
        assert min(sent.values()) > 10
