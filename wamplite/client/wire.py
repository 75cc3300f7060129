"""A conversation on a channel: one lock, one reading thread, and exactly one end.

    join ── the caller's thread: HELLO ... WELCOME, before a deadline
    wamplite-read-<session>:
        receive ─┬─ messages ──> the conversation, under the lock ──> who waits, events, pool
                 ├─ silence ───> ping; twice as much: lost
                 └─ the end ───> all that waits fails, `lost` is set, the channel closed
    ask, tell ── any thread: a request under the lock, then waits for its answer outside of it

Nothing blocks under the lock: writing never waits, and whoever leaves bytes over flushes outside.
In a forked child the lock is one of the parent's, and lets nobody in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from ..channel import AnyChannel
from ..core.conversation import OPEN, Conversation
from ..core.errors import (
    ApplicationError,
    CallTimeout,
    ProtocolError,
    SessionNotReady,
    TransportLost,
    WampliteError,
)
from ..core.feature import Factory
from ..core.grammar import State
from ..core.handshake import Joiner
from ..core.messages import Args, Call, Cancel, Event, Invocation, Kwargs, Message, name
from ..core.pending import Pending, Receiver
from ..core.uris import ANSWERS_PING, CLOSE_REALM, MAX_MESSAGE_SIZE, TIMEOUT
from ..forks import Elsewhere, OfOneProcess, watch
from .dropped import Dropped
from .hello import shake_hands
from .turn import PATIENCE, PIECES, Turn
from .waiter import Waiter, fresh

FLUSH = 30.0  # seconds for the peer to take what one sender left over


class Wire(OfOneProcess):
    """Who owns a joined channel. `lost` is set at its end, `error` tells why (None: we left)."""

    def __init__(
        self,
        channel: AnyChannel,
        deliver: Callable[[Receiver, Event, str, int], bool],
        serve: Callable[[Receiver, Invocation], None],
        features: Iterable[Factory] = (),
        ping_interval: float | None = 20.0,
    ) -> None:
        self.lost = threading.Event()
        self.on_end: list[Callable[[], None]] = []  # called by the reading thread, last of all
        self.conversation = Conversation(channel.send, self._deliver, serve, features)
        self.conversation.dropped = Dropped().note
        self.reader: threading.Thread | None = None
        self.ineffective: set[tuple[str, str]] = set()  # requests and options
        self._channel = channel
        self._hand_over = deliver
        self._ping_interval = ping_interval or None  # 0 says never, too
        # guards the conversation, the order of what is sent
        self._lock: threading.Lock | Elsewhere = threading.Lock()
        self._turn = Turn()
        self._size = 0  # of the message that the reading thread is handling
        watch(self)

    def disown(self) -> None:
        """Let nobody use it in a forked child."""
        super().disown()
        self._lock = Elsewhere(f"{self.told()}; {self.again} after a fork")
        self._channel.disown()

    @property
    def error(self) -> WampliteError | None:
        """Why the session has ended; None while it has not, or when we left."""
        return self.conversation.error

    def join(self, joiner: Joiner, deadline: float, joined: Callable[[Wire], None]) -> None:
        """Say HELLO, wait for WELCOME, tell `joined`, and read from then on.

        deadline: of `time.monotonic()`. Whatever fails, the channel is closed.
        """
        try:
            welcome, rest = shake_hands(self._channel, joiner, deadline)
            self.conversation.begin(welcome)
        except BaseException as error:
            if not isinstance(error, (ProtocolError, ApplicationError)):
                self._channel.shutdown("the session was not joined")  # no last words to deliver
            self._channel.finish()
            self._channel.close()
            raise
        details = self.conversation.details
        self._channel.watch_over(self._ping_interval, details.get(ANSWERS_PING) is True)
        self._channel.limit_send(details.get(MAX_MESSAGE_SIZE))
        joined(self)
        session = self.conversation.session
        self.reader = threading.Thread(
            target=self._read, args=(rest,), name=f"wamplite-read-{session}", daemon=True
        )
        self.reader.start()

    # ---- the reading thread

    def _read(self, messages: list[Message]) -> None:
        conversation = self.conversation
        self._channel.sizes = [0] * len(messages)
        try:
            self._handle(messages)
            while conversation.state is not State.CLOSED:
                if self._turn.served and self._only_asks():
                    self._turn.rest()
                with self._turn.lock:
                    self._turn.served = False
                    self._handle(self._receive())
        except ProtocolError as error:
            with self._lock:
                conversation.violated(error)
        except WampliteError as error:
            self._close(error)
        except BaseException as error:  # whatever it is, all who wait are told
            self._close(TransportLost(f"the reading thread failed: {error!r}"))
            with suppress(BaseException):
                import logging  # 8 ms that a client without bugs never needs

                logging.getLogger("wamplite.client").exception("the reading thread failed")
        finally:
            self._end()

    def _handle(self, messages: list[Message]) -> None:
        with self._lock:
            for message, size in zip(messages, self._channel.sizes, strict=False):
                self._size = size
                self.conversation.receive(message)

    def _only_asks(self) -> bool:
        """Tell whether nobody depends on the reading thread: all answers are there, no handlers."""
        talk = self.conversation
        busy = talk.pending or talk.subscriptions or talk.registrations
        return not busy and talk.state is OPEN and self._channel.can_wait

    def _receive(self) -> list[Message]:
        """Wait for messages, and for a sign of life at most twice the interval."""
        try:
            return self._channel.receive()
        except TimeoutError:
            if not self._channel.ping():
                return []
        try:
            return self._channel.receive()
        except TimeoutError:
            silence = 2 * (self._ping_interval or 0)
            raise TransportLost(f"{self._channel.peer}: nothing heard for {silence:g} s") from None

    def _close(self, error: WampliteError) -> None:
        with self._lock:
            leaving = self.conversation.state is State.LEAVING
            self.conversation.close(None if leaving else error)

    def _end(self) -> None:
        self.lost.set()
        self._channel.finish()
        for done in self.on_end:
            done()
        with self._turn.lock:
            self._channel.close()

    def _deliver(self, receiver: Receiver, event: Event, topic: str) -> None:
        if not self._hand_over(receiver, event, topic, self._size):
            self.conversation.close(TransportLost("event handlers fell behind"))

    # ---- any thread

    def ask(
        self, seconds: float | None, kind: type[Message], waiter: Waiter, *elements: Any
    ) -> Any:
        """Send a request and wait for its answer; raises what an ERROR stands for."""
        request = None
        try:
            with self._lock:
                request = self._request(kind, waiter, elements)
                left = self._channel.left
            if left:
                self._flush(seconds)
            rest = self._read_own(waiter, seconds) if self._turn.try_take() else seconds
            answered = waiter.settled or waiter.wait(rest)
        except WampliteError:
            raise  # it was not sent, or the session is lost
        except BaseException:  # Ctrl-C
            self._turn.give()
            self.abandon(request, kind)
            raise
        if answered:
            return waiter.answer()
        return self._late(seconds, request, kind, waiter)

    def _read_own(self, waiter: Waiter, seconds: float | None) -> float | None:
        """Have a go at reading the answer; return the seconds that are left to wait for it."""
        patience = PATIENCE if seconds is None else min(PATIENCE, seconds)
        began = time.monotonic()
        try:
            for _ in range(PIECES):
                # whoever had the turn before us may have read it already
                if waiter.settled or not self._channel.wait(patience):
                    break
                self._read_once()
        except WampliteError:
            pass  # the reading thread will find the same
        self._turn.lock.release()
        if waiter.settled and self._only_asks():
            return seconds
        self._turn.want_reader()
        return seconds and max(0.0, seconds - (time.monotonic() - began))

    def _read_once(self) -> None:
        try:
            self._handle(self._channel.receive())
        except WampliteError:
            raise
        except BaseException:  # Ctrl-C: what was read may be lost
            self._channel.shutdown("interrupted while reading")
            raise

    def ask_if(
        self, seconds: float | None, send: Callable[[Waiter], int | None], subject: str
    ) -> None:
        """The same where the conversation decides whether there is anything to ask."""
        waiter = Waiter(subject)
        with self._lock:
            if self.conversation.state is not State.OPEN:
                return
            request = send(waiter)
        if request is None:
            return
        self._turn.want_reader()
        if waiter.wait(seconds):
            waiter.answer()
        else:
            self._late(seconds, request, waiter.kind, waiter)

    def want_reader(self) -> None:
        """Have the reading thread read: somebody waits for what it brings."""
        self._turn.want_reader()

    def tell_more(self, request: int, *elements: Any) -> None:
        """Send a further part of a call, unless it has ended."""
        with self._lock:
            if request not in self.conversation.pending:
                return
            self._channel.send(Call(request, *elements))
            left = self._channel.left
        if left:
            self._flush(FLUSH)

    def tell(self, kind: type[Message], *elements: Any, waiter: Pending | None = None) -> int:
        """Send a request whose answer, if it has one, the caller will see to; return its id."""
        with self._lock:
            request, left = self._request(kind, waiter, elements), self._channel.left
        if left:
            self._flush(FLUSH)
        return request

    def _request(self, kind: type[Message], waiter: Pending | None, elements: Any) -> int:
        if self.conversation.state is not OPEN:
            raise self._over()
        try:
            return self.conversation.request(kind, waiter, *elements)
        except WampliteError:
            raise  # nothing was sent
        except BaseException:  # Ctrl-C: nobody knows whether it was
            self._channel.shutdown("interrupted while sending")
            raise

    def _over(self) -> WampliteError:
        if self.error is not None:
            return fresh(self.error)
        if self.conversation.state is State.JOINING:
            return SessionNotReady("the session has not joined a realm yet")
        return SessionNotReady("the session has left its realm")

    def _late(
        self, seconds: float | None, request: int | None, kind: type[Message], waiter: Waiter
    ) -> Any:
        if not self.abandon(request, kind):
            return waiter.answer()  # it came at the last moment
        text = f"no answer to {name(kind)} of {waiter.subject} within {seconds or 0:g} s"
        raise CallTimeout(TIMEOUT, text)

    def abandon(self, request: int | None, kind: type[Message]) -> bool:
        """Give up waiting; False if the answer is there."""
        with self._lock:
            if request is None or not self.conversation.abandon(request):
                return False
            is_open = self.conversation.state is State.OPEN
            if kind is Call and is_open and self.announced("dealer", "call_canceling"):
                self._channel.send(Cancel(request, {"mode": "killnowait"}))
        return True

    def announced(self, role: str, feature: str) -> bool:
        """Tell whether the router announced a feature."""
        return self.conversation.announced(role, feature)

    def _flush(self, seconds: float | None) -> None:
        """Wait for the kernel to take what is left; beyond the time, the session is lost."""
        seconds = FLUSH if seconds is None else seconds
        try:
            self._channel.flush(seconds)
        except TimeoutError:
            why = f"{self._channel.peer} did not take what was sent in {seconds:g} s"
            self._channel.shutdown(why)
            raise TransportLost(why) from None

    def reply(self, request: int, args: Args, kwargs: Kwargs, *, progress: bool = False) -> None:
        """Answer an invocation with YIELD; progress: more will follow."""
        with self._lock:
            self.conversation.reply(request, args, kwargs, progress=progress)
            left = self._channel.left
        if left:
            self._flush(FLUSH)

    def refuse(self, request: int, error: str, args: Args, kwargs: Kwargs) -> None:
        """Answer an invocation with ERROR."""
        with self._lock:
            self.conversation.refuse(request, error, args, kwargs)
            left = self._channel.left
        if left:
            self._flush(FLUSH)

    def leave(self, reason: str = CLOSE_REALM, seconds: float = 5.0) -> None:
        """Say GOODBYE and wait until the session has ended, or time is up."""
        deadline = time.monotonic() + seconds
        try:
            with self._lock:
                self.conversation.leave(reason)
                left = self._channel.left
            self._turn.want_reader()
            if left:
                with suppress(TransportLost):
                    self._flush(seconds)
            if not self.lost.wait(max(0.0, deadline - time.monotonic())):
                self._channel.shutdown(f"no GOODBYE within {seconds:g} s")
        except BaseException:
            self._channel.shutdown("interrupted while leaving")
            raise
        if self.reader is not None and self.reader is not threading.current_thread():
            self.reader.join(max(1.0, deadline - time.monotonic()))
