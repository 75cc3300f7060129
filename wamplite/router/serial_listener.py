"""A serial port that a router listens on: its device is one more connection.

    wamplite-serial-PORT:  open -> RESET -> wait for HELLO -> a connection in a thread of its own,
                           which reads the port -> its end -> wait for HELLO -> ...
                           cannot open, cable pulled -> wait, longer each time -> open

The device is who the URL says it is: the cable vouches for it. It is told of the router's features
those that it announced itself, since WELCOME is to fit into a small memory.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from .. import serializers
from ..core.errors import TransportLost, UsageError
from ..core.handshake import Acceptor
from ..core.members import Identity
from ..locks import Latch, Lock
from ..transports import serial_path, serial_url
from .faults import guarded, log_fault
from .serial_connection import SerialConnection
from .shared import Shared
from .socket_connection import Opening, SocketConnection

if TYPE_CHECKING:
    from ..transports.serial_line import OpenPort, SerialStream
    from ..transports.serial_session import HostLine

logger = logging.getLogger("wamplite.router")

FIRST_WAIT = 0.1  # seconds until the port is opened again
LONGEST_WAIT = 2.0
CLOSING = 5.0  # seconds for the thread to end


class SerialListener:
    """One port, its thread, and one connection after the other."""

    may_share = False

    def __init__(self, url: str, shared: Shared) -> None:
        address = serial_url.parse(url, listening=True)
        serial_path.check(address.device)
        self.address = address
        self.url = address.url
        if address.realm and address.realm not in shared.realms:
            raise UsageError(f"{url}: there is no realm {address.realm!r} here")
        self._shared = shared
        self._serializers = serializers.available()
        self._closing = Latch()
        self._lock = Lock()  # guards the next two
        self._port: OpenPort | None = None
        self._idle: SerialStream | None = None  # what this thread reads from, between connections
        self._line: HostLine | None = None  # of the one connection that there may be
        self._said = ""
        self._wait = FIRST_WAIT
        self._thread = threading.Thread(
            target=self._run, name=f"wamplite-serial-{address.name}", daemon=True
        )

    def start(self) -> None:
        """Begin to open the port."""
        self._thread.start()

    def close(self) -> None:
        """Accept no more. A connection that is there goes on, and the port ends with it."""
        self._closing.set()
        with self._lock:
            idle = self._idle
        if idle is not None:
            idle.shutdown("the router has ended")
        if self._line is None and self._thread.is_alive():
            self._thread.join(CLOSING)

    def disown(self) -> None:
        """Leave the port as it is in a forked child: its lock is shared with the parent."""

    def open(self, connection: SocketConnection) -> Opening:
        """Return what a device's HELLO has begun."""
        yield from ()
        assert self._line is not None and self._line.stream is connection.stream
        return self._line

    def acceptor(self, connection: SocketConnection) -> Acceptor:
        """Return what judges the device's HELLO: the cable vouches for who it is."""
        realm, realms = self.address.realm, self._shared.realms
        allowed = {realm: realms[realm]} if realm else realms
        name = self.address.authid or self.address.name
        trusted = Identity(name, self.address.authrole, "anonymous", "serial")
        return Acceptor(allowed, trusted=trusted, listener=self.url)

    # The port's thread

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._serve()
            except TransportLost as lost:
                self._tell(str(lost))
            except BaseException:  # nothing may end this thread
                log_fault(logger, "%s: the port is opened again", self.address.device)
            finally:
                self._line = None
                guarded(logger, self._close_port, "%s: closing", self.address.device)
            self._closing.wait(self._wait)
            self._wait = min(2 * self._wait, LONGEST_WAIT)

    def _serve(self) -> None:
        """Serve one device after the other until the port is gone."""
        from ..transports import serial_line, serial_session  # with the first port only

        most = min(self.address.max_receive, self._shared.limits.max_message_size)
        port = serial_line.OpenPort(self.address._replace(max_receive=most))
        with self._lock:
            self._port = port
        self._said = ""
        logger.info("%s: open at %d baud", self.address.device, self.address.baud)
        first = [serial_session.BARE_RESET]
        ended = Latch()
        while not self._closing.is_set():
            ended.clear()
            stream = serial_line.SerialStream(port, ended.set)
            try:
                stream.write(first)
                first = []
                self._line = self._await_hello(stream)
            except BaseException:
                stream.close()
                raise
            self._wait = FIRST_WAIT
            stream.on_close = lambda: self._end(ended)
            timeout = self.address.call_timeout
            self._shared.admit(SerialConnection(self._shared, stream, self, timeout))
            ended.wait()
            self._line = None
            if stream.dropped:
                self._shared.count("events_dropped", stream.dropped)
            self._tally(port)

    def _await_hello(self, stream: SerialStream) -> HostLine:
        from ..transports import serial_session

        with self._lock:
            self._idle = stream
        if self._closing.is_set():
            stream.shutdown("the router has ended")
        try:
            return serial_session.await_hello(stream, self._serializers)
        finally:
            with self._lock:
                self._idle = None

    def _end(self, ended: Latch) -> None:
        """Notice that a connection has ended (its own thread)."""
        if self._closing.is_set():
            self._close_port()
        ended.set()

    def _close_port(self) -> None:
        with self._lock:
            port, self._port = self._port, None
        if port is not None:
            self._tally(port)
            port.close()

    def _tally(self, port: OpenPort) -> None:
        """Count the frames that were none (while nobody reads the port)."""
        unframer = port.unframer
        for name in ("damaged", "overlong"):
            if number := getattr(unframer, name):
                self._shared.count(f"serial_frames_{name}", number)
                setattr(unframer, name, 0)

    def _tell(self, text: str) -> None:
        """Log why the port is closed, once for each reason."""
        if text != self._said and not self._closing.is_set():
            self._said = text
            logger.warning("%s; trying again until it works", text)
