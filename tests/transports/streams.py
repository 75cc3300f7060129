"""Connected sockets and certificates for the tests of streams."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from wamplite.core.errors import TransportLost
from wamplite.transports.socket_stream import SocketStream
from wamplite.transports.stream import Stream
from wamplite.transports.tcp import tune

PATIENCE = 20.0  # seconds; longer than anything here takes


@contextmanager
def files_left(number: int) -> Iterator[None]:
    """Let this process open so many files, and no further one, while the block runs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def tcp_pair(host: str = "127.0.0.1") -> tuple[socket.socket, socket.socket]:
    """Return both ends of a TCP connection; each gives up after PATIENCE."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        ours = socket.create_connection(listener.getsockname()[:2])
        theirs, _ = listener.accept()
    tune(ours)
    tune(theirs)
    theirs.settimeout(PATIENCE)
    return ours, theirs


@contextmanager
def stream_and_socket() -> Iterator[tuple[Stream, socket.socket]]:
    """Yield a stream and the bare socket at its other end."""
    ours, theirs = tcp_pair()
    stream = SocketStream(ours)
    stream.set_receive_timeout(PATIENCE)
    try:
        with theirs:
            yield stream, theirs
    finally:
        stream.close()


@contextmanager
def stream_pair() -> Iterator[tuple[Stream, Stream]]:
    """Yield two streams, connected."""
    ours, theirs = tcp_pair()
    streams = SocketStream(ours), SocketStream(theirs)
    for stream in streams:
        stream.set_receive_timeout(PATIENCE)
    try:
        yield streams
    finally:
        for stream in streams:
            stream.close()


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    """Return `size` bytes, or what came before the end."""
    data = bytearray()
    while len(data) < size and (part := sock.recv(size - len(data))):
        data += part
    return bytes(data)


def receive_all(source: socket.socket | Stream) -> bytes:
    """Return all that comes until the end."""
    data = bytearray()
    while part := source.recv(65536):
        data += part
    return bytes(data)


def reset(sock: socket.socket) -> None:
    """Close with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def fill(stream: Stream, entry: bytes, droppable: bool = False) -> int:
    """Write `entry` until the kernel takes no more; return how often."""
    count = 1
    while stream.write([entry], droppable):
        count += 1
    return count


def reason(stream: Stream) -> str:
    """Return the text of the error that receiving ends in."""
    with pytest.raises(TransportLost) as caught:
        while stream.recv():
            pass
        raise stream.ended()
    return str(caught.value)


class Certificate(NamedTuple):
    """Files of a certificate that signs itself, for localhost and 127.0.0.1."""

    cert: str
    key: str


def make_certificate(directory: Path, name: str = "localhost") -> Certificate:
    """Make a certificate with the `openssl` command."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is not here")
    files = Certificate(str(directory / f"{name}.crt"), str(directory / f"{name}.key"))
    names = f"subjectAltName=DNS:{name}" + (",IP:127.0.0.1" if name == "localhost" else "")
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    subprocess.run(
        [*command.split(), "-keyout", files.key, "-out", files.cert, "-subj", f"/CN={name}"]
        + ["-addext", names],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    return files
