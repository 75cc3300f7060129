"""A conversation that several threads share: one lock, and exactly one end.

    the reading thread (`reading`) ── messages ──> the conversation, under the lock
                                   └─ the end ───> all that waits fails, `lost` is set
    ask, tell ── any thread: a request under the lock, then waits for its answer outside of it

Nothing blocks under the lock: what is left over of a write is flushed outside. In a forked child
the lock is one of the parent's, and lets nobody in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from ..channel import Channel, Received
from ..core.conversation import OPEN, Conversation
from ..core.errors import CallTimeout, ProtocolError, SessionNotReady, TransportLost, WampliteError
from ..core.feature import Factory
from ..core.grammar import State
from ..core.messages import Call, Cancel, Event, Invocation, Message, Welcome, name
from ..core.pending import Receiver, Request
from ..core.uris import ANSWERS_PING, CLOSE_REALM, MAX_MESSAGE_SIZE, TIMEOUT
from ..forks import Elsewhere, OfOneProcess, watch
from ..locks import Latch, Lock
from .faults import Dropped
from .reading import Reader
from .waiting import WaitingRequest, fresh

Say = Callable[..., Any]  # returns False where something is left over of what was sent
FLUSH = 30.0  # seconds for the peer to take what one sender left over


class SharedConversation(OfOneProcess):
    """Owns a joined channel. `lost` is set at its end, `error` tells why (None: we left)."""

    def __init__(
        self,
        channel: Channel,
        deliver: Callable[[Receiver, Event, str, int], bool],
        serve: Callable[[Receiver, Invocation], None],
        features: Iterable[Factory] = (),
        ping_interval: float | None = 20.0,
    ) -> None:
        self.lost = Latch()
        self.on_end: list[Callable[[], None]] = []  # called by the reading thread, last of all
        self.logged: set[tuple[str, str]] = set()  # request and option: told once in a session
        self.assumed: frozenset[str] = frozenset()  # what the router has without announcing it
        self._channel = channel
        self._hand_over = deliver
        self._ping_interval = ping_interval or None  # 0 says never, too
        # guards the conversation, the order of what is sent, and the size
        self._lock: Lock | Elsewhere = Lock()
        self._size = 0  # of the message that is being handled
        self._reader = Reader(channel, self._only_asks, self._handle, self._close, self._tell_ended)
        self.conversation = Conversation(channel.send, self._deliver, serve, features)
        self.conversation.dropped = Dropped().note
        watch(self)

    def disown(self) -> None:
        """Let nobody use it in a forked child."""
        super().disown()
        self._lock = Elsewhere(f"{self.whose()}; {self.again} after a fork")
        self._channel.disown()

    @property
    def error(self) -> WampliteError | None:
        """Why the session has ended; None while it has not, or when we left."""
        return self.conversation.error

    def begin(self, welcome: Welcome) -> None:
        """Open the session that WELCOME grants; `read` follows."""
        self.conversation.begin(welcome)
        announced = welcome.details.get(ANSWERS_PING) is True
        self._channel.watch_over(self._ping_interval, announced)
        self._channel.limit_send(welcome.details.get(MAX_MESSAGE_SIZE))

    def read(self, received: list[Received]) -> None:
        """Start the reading thread; `received`: what came with WELCOME, and is handled first."""
        self._reader.start(self.conversation.session, received, self._ping_interval)

    # ---- the thread that reads

    def _handle(self, received: list[Received]) -> bool:
        with self._lock:
            for message, size in received:
                self._size = size
                self.conversation.receive(message)
        return self.conversation.state is not State.CLOSED

    def _only_asks(self) -> bool:
        """Tell whether nobody depends on the reading thread: all answers are there, no handlers."""
        talk = self.conversation
        busy = talk.pending or talk.subscriptions or talk.registrations
        return not busy and talk.state is OPEN

    def _close(self, error: WampliteError) -> None:
        with self._lock:
            if isinstance(error, ProtocolError):
                self.conversation.violated(error)
            else:
                leaving = self.conversation.state is State.LEAVING
                self.conversation.close(None if leaving else error)

    def _tell_ended(self) -> None:
        self.lost.set()
        self._channel.finish()
        for done in self.on_end:
            done()

    def _deliver(self, receiver: Receiver, event: Event, topic: str) -> None:
        if not self._hand_over(receiver, event, topic, self._size):
            self.conversation.close(TransportLost("event handlers fell behind"))

    # ---- any thread

    def say(self, action: Say, *args: Any) -> None:
        """Let the conversation say something, under the lock; wait outside for a slow peer."""
        with self._lock:
            gone = action(*args)
        if gone is False:
            self._flush(FLUSH)

    def _request(self, seconds: float | None, action: Say, *args: Any) -> None:
        """Let it ask for something. If Ctrl-C comes, nobody knows whether it has: it is over."""
        with self._lock:
            try:
                gone = action(*args)
            except WampliteError:
                raise  # nothing was sent
            except BaseException:
                self._channel.shutdown(why := f"{self._channel.peer}: interrupted while sending")
                self.conversation.close(TransportLost(why))
                raise
        if gone is False:
            self._flush(FLUSH if seconds is None else seconds)

    def _flush(self, seconds: float) -> None:
        """Wait for the kernel to take what is left; beyond the time, the session is lost."""
        try:
            self._channel.flush(seconds)
        except TimeoutError:
            why = f"{self._channel.peer} did not take what was sent in {seconds:g} s"
            self._channel.shutdown(why)
            raise TransportLost(why) from None

    def ask(
        self, seconds: float | None, kind: type[Message], waiting: WaitingRequest, *elements: Any
    ) -> Any:
        """Send a request and wait for its answer; raises what an ERROR stands for."""
        try:
            self._request(seconds, self._ask, kind, waiting, elements)
            answered = self._await(waiting, seconds)
        except BaseException:  # Ctrl-C, or it was not sent, or what handles progress raised
            self._give_up(waiting)
            raise
        return waiting.answer() if answered else self._late(seconds, waiting)

    def answer(
        self,
        waiting: WaitingRequest,
        began: float,
        seconds: float | None,
        deadline: float | None,
    ) -> Any:
        """Wait for the answer to what `tell` has sent; raises what an ERROR stands for.

        began, deadline: of `time.monotonic()`. It waits until the deadline, and for `seconds` since
        it began.
        """
        if deadline is not None and (seconds is None or deadline < began + seconds):
            seconds = max(0.0, deadline - began)
        try:
            rest = None if seconds is None else max(0.0, began + seconds - time.monotonic())
            answered = waiting.settled or self._await(waiting, rest)
        except BaseException:
            self._give_up(waiting)
            raise
        return waiting.answer() if answered else self._late(seconds, waiting)

    def _await(self, waiting: WaitingRequest, seconds: float | None) -> bool:
        """Wait for an answer; False when time is up."""
        rest = self._reader.read_own(waiting, seconds)
        return waiting.settled or waiting.wait(rest)

    def _give_up(self, waiting: WaitingRequest) -> None:
        """Give up waiting where an exception has ended it."""
        self._reader.turn.hand_back()
        self.abandon(waiting)

    def ask_if(
        self, seconds: float | None, send: Callable[[WaitingRequest], bool | None], subject: str
    ) -> None:
        """The same where the conversation decides whether there is anything to ask."""
        waiting = WaitingRequest(subject)
        talk = self.conversation
        self._request(seconds, lambda: send(waiting) if talk.state is OPEN else None)
        if not waiting.id:
            return
        if waiting.wait(seconds):  # what is given up stood till now, so the reader does not rest
            waiting.answer()
        else:
            self._late(seconds, waiting)

    def want_reader(self) -> None:
        """Have the reading thread read: somebody waits for what it brings."""
        self._reader.turn.want_reader()

    def tell_more(self, waiting: Request, *elements: Any) -> None:
        """Send a further part of a call, unless it has ended."""
        more = Call(waiting.id, *elements)
        waits = self.conversation.pending
        self._request(FLUSH, lambda: self._channel.send(more) if waiting.id in waits else None)

    def tell(self, kind: type[Message], *elements: Any, waiting: Request | None = None) -> None:
        """Send a request whose answer, if it has one, the caller will see to."""
        self._request(FLUSH, self._ask, kind, waiting, elements)

    def _ask(self, kind: type[Message], waiting: Request | None, elements: Any) -> Any:
        if self.conversation.state is not OPEN:
            raise self._over()
        return self.conversation.request(kind, waiting, *elements)

    def _over(self) -> WampliteError:
        if self.error is not None:
            return fresh(self.error)
        if self.conversation.state is State.JOINING:
            return SessionNotReady("the session has not joined a realm yet")
        return SessionNotReady("the session has left its realm")

    def _late(self, seconds: float | None, waiting: WaitingRequest) -> Any:
        if not self.abandon(waiting):
            return waiting.answer()  # it came at the last moment
        asked = f"{name(waiting.kind)} of {waiting.subject}"
        raise CallTimeout(TIMEOUT, f"no answer to {asked} within {seconds or 0:g} s")

    def abandon(self, waiting: Request) -> bool:
        """Give up waiting; False if the answer is there, or nothing was sent."""
        if not waiting.id:
            return False
        with self._lock:
            if not self.conversation.abandon(waiting):
                return False
            is_open = self.conversation.state is OPEN
            if waiting.kind is Call and is_open and self.announced("dealer", "call_canceling"):
                self._channel.send(Cancel(waiting.id, {"mode": "killnowait"}))
        return True

    def announced(self, role: str, feature: str) -> bool:
        """Tell whether the router announced a feature, or has it as we were told."""
        return feature in self.assumed or self.conversation.announced(role, feature)

    def leave(self, reason: str = CLOSE_REALM, seconds: float = 5.0) -> None:
        """Say GOODBYE and wait until the session has ended, or time is up."""
        deadline = time.monotonic() + seconds
        try:
            self._reader.turn.hand_back()  # the thread reads the answer
            with suppress(TransportLost):
                self._request(seconds, self.conversation.leave, reason)
            if not self.lost.wait(max(0.0, deadline - time.monotonic())):
                self._channel.shutdown(f"no GOODBYE within {seconds:g} s")
        except BaseException:
            self._channel.shutdown("interrupted while leaving")
            raise
        self._reader.join(max(1.0, deadline - time.monotonic()))
