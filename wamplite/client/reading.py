"""What reads a channel: a thread of its own, or a caller that waits for an answer anyway.

wamplite-read-<session>:
    receive ─┬─ messages ──> handle
             ├─ silence ───> ping; twice as much: lost
             └─ the end ───> close(why), ended(), the channel closed
read_own ── a caller's thread: has a go at reading its own answer, if it is its turn (`waiting`)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from ..channel import Channel, Received
from ..core.errors import TransportLost, WampliteError
from .faults import log
from .waiting import PATIENCE, PIECES, Turn, WaitingRequest


class Reader:
    """Reads a channel to its end.

    may_rest: whether nobody depends on the thread.
    handle: takes what was received, and tells whether there is more to come.
    close: the channel has ended, or is of no use any more. ended: called last, by the thread.
    """

    def __init__(
        self,
        channel: Channel,
        may_rest: Callable[[], bool],
        handle: Callable[[list[Received]], bool],
        close: Callable[[WampliteError], None],
        ended: Callable[[], None],
    ) -> None:
        self.turn = Turn(may_rest)
        self._channel = channel
        self._handle = handle
        self._close = close
        self._ended = ended
        self._goes_on = True  # there is more to read; set by the thread that has the turn
        self._is_impatient = False  # the channel has a caller's timeout; by the same
        self._interval: float | None = None  # seconds of silence, then a ping
        self._thread: threading.Thread | None = None

    def start(self, session: int, received: list[Received], interval: float | None) -> None:
        """Start the thread; `received` is what has come already, and is handled first.

        interval: seconds of silence after which a ping is sent; None: never.
        """
        self._interval = interval
        self._thread = threading.Thread(
            target=self._run, args=(received,), name=f"wamplite-read-{session}", daemon=True
        )
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait until the thread has ended; it does not wait for itself."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _run(self, received: list[Received]) -> None:
        try:
            self._goes_on = self._handle(received)
            while self._goes_on:
                with self.turn.reading():
                    if self._goes_on:  # a caller may have read the end meanwhile
                        self._goes_on = self._handle(self._receive())
        except WampliteError as error:
            self._close(error)
        except BaseException as error:  # of any kind: every thread that waits gets an error
            self._close(TransportLost(f"the reading thread failed: {error!r}"))
            log("ERROR", "the reading thread failed", error)
        finally:
            self._ended()
            with self.turn.reading():
                self._channel.close()

    def _receive(self) -> list[Received]:
        """Wait for messages, and for a sign of life at most twice the interval.

        At first with the patience of the caller that read last: where callers and the thread take
        turns, each change of it would cost a system call.
        """
        if self._is_impatient:
            with suppress(TimeoutError):
                return self._channel.receive()
            self._channel.set_receive_timeout(self._interval)
            self._is_impatient = False
        try:
            return self._channel.receive()
        except TimeoutError:
            if not self._channel.ping():
                return []
        try:
            return self._channel.receive()
        except TimeoutError:
            silence = 2 * (self._interval or 0)
            text = f"{self._channel.peer}: nothing heard for {silence:g} s"
            raise TransportLost(text) from None

    # ---- a caller's thread

    def read_own(self, waiting: WaitingRequest, seconds: float | None) -> float | None:
        """Have a go at reading the answer; return the seconds that are left to wait for it."""
        turn = self.turn.try_read() if self._channel.for_callers else None
        if turn is None:
            return seconds
        patience = PATIENCE if seconds is None else min(PATIENCE, seconds)
        began = time.monotonic()
        with turn:
            try:
                self._is_impatient = True
                self._channel.set_receive_timeout(patience)
                for _ in range(PIECES):
                    if waiting.settled:  # by another thread, which had the turn before
                        break
                    self._read_once()
            except (WampliteError, TimeoutError):
                pass  # the thread will find the same, or wait longer
        if seconds is None or waiting.settled:
            return seconds
        return max(0.0, seconds - (time.monotonic() - began))

    def _read_once(self) -> None:
        try:
            self._goes_on = self._handle(self._channel.receive())
        except (WampliteError, TimeoutError):
            raise
        except BaseException:  # Ctrl-C
            if not self._channel.waits:  # what was read may be lost
                self._channel.shutdown(why := f"{self._channel.peer}: interrupted while reading")
                self._close(TransportLost(why))
            raise
