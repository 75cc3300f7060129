"""A listening socket, and how connections to it are accepted, whoever takes the steps for that.

    accept -> it is served elsewhere -> accept
    accept fails -> counted, a pause -> accept

The shared reader accepts those whose connections it may read; else `wamplite-accept-URL` does.
Nothing that a peer does, or does not do, keeps either from the next accept: TLS, HTTP and RawSocket
handshakes are steps of the connection's own flow.
"""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from ..locks import Latch
from .crew import serve
from .faults import guarded, log_fault
from .served import SMALL, Gather
from .shared import Shared
from .waits import RECEIVE, Flow, Pause

logger = logging.getLogger("wamplite.router")

PAUSE = 0.05  # seconds, when accept fails: the file limit is reached
QUIET = 10.0  # seconds between two warnings of that
CLOSING = 5.0  # seconds for it to end

Serve = Callable[[socket.socket, Any], None]  # a socket, and the address at its other end


class Accepting:
    """A listening socket from start to close; `name`: its URL. may_be_shared: see Served."""

    is_ready = False
    weight = SMALL
    received = 0

    def __init__(
        self, sock: socket.socket, url: str, serve: Serve, shared: Shared, may_be_shared: bool
    ) -> None:
        self.name = url
        self.may_be_shared = may_be_shared
        self._socket = sock
        self._serve = serve
        self._shared = shared
        self._closing, self._ended = Latch(), Latch()
        self._ended.set()  # nobody accepts yet
        self._warned_at = float("-inf")

    def start(self) -> None:
        """Begin to accept."""
        self._ended.clear()
        if not self._shared.readers.take(self, self.flow(), RECEIVE):
            name = f"wamplite-accept-{self.name}"
            threading.Thread(target=serve, args=(self,), name=name, daemon=True).start()

    def close(self) -> None:
        """Accept no more; returns when the socket is closed. Nothing if that was done before."""
        self._closing.set()
        try:
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept
        except OSError as error:
            logger.debug("%s: %s", self.name, error)
        self._ended.wait(CLOSING)
        self._socket.close()

    def disown(self) -> None:
        """Let the port go in a forked child."""
        with suppress(OSError):
            self._socket.close()

    def be_read(self, gather: Gather | None, may_wait: bool) -> None:
        """Wait for the next who connects, or not, from now on, see Served."""
        self._socket.setblocking(may_wait)

    def fileno(self) -> int:
        """Return the descriptor of the listening socket."""
        return self._socket.fileno()

    def shutdown(self, why: str) -> None:
        """Go on: there may be a thread for it later."""

    def conclude(self) -> None:
        """Tell `close` that nobody accepts any more."""
        self._ended.set()

    def flow(self) -> Flow:
        """Accept until it is closed."""
        while not self._closing.is_set():
            try:
                yield RECEIVE
                self._accept_one()
                continue
            except GeneratorExit:
                raise
            except BlockingIOError:  # who was there has gone, or another process has it
                continue
            except OSError as error:
                failed = partial(self._tell, error)
                guarded(logger, failed, "%s: accepting goes on", self.name)
            except BaseException:  # out of memory: nothing may end this
                log_fault(logger, "%s: accepting goes on", self.name)
            yield Pause(0.0 if self._closing.is_set() else PAUSE)

    def _accept_one(self) -> None:
        sock, address = self._socket.accept()
        try:
            self._serve(sock, address)
        except BaseException:
            log_fault(logger, "%s: a connection could not be served", self.name)
            sock.close()

    def _tell(self, error: OSError) -> None:
        """Tell that accept fails: file descriptors or memory may be had again later."""
        if self._closing.is_set() or error.errno == errno.ECONNABORTED:
            return
        self._shared.count("accepts_failed")
        now = time.monotonic()
        if now - self._warned_at > QUIET:
            self._warned_at = now
            logger.warning("%s: accept failed, trying again: %s", self.name, error)
