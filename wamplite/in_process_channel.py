"""Two ends in one process that are each other's peer: no bytes, and nothing mutable shared."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from .channel import Received
from .core.errors import ProtocolError, TransportLost, UsageError
from .core.messages import CODES, NAMES, Message
from .locks import Condition
from .serializers import check_payload, copy_checked, copy_payload

MOST_WAITING = 4096  # messages on their way to an end in the same process


class Lent(NamedTuple):
    """A message whose payload was checked, and that nobody changes: who takes it copies that."""

    message: Any


class LocalChannel:
    """One of two ends in the same process. What is sent is checked and copied, nothing shared."""

    tls: Any = None  # nobody reads along

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.for_callers = True
        self.waits = False  # `take` does, or was interrupted while it did: all is still there
        self.other = self
        self.lost: str | None = None  # why there is nothing more to come
        self._changed = Condition()  # guards the inbox, and what ends it
        self._inbox: deque[Message | Lent] = deque()
        self._seconds: float | None = None
        self._alive = False  # asked for a sign of life: the other end is here

    def send(self, message: Message) -> bool:
        """Hand a checked copy over; False when the other end has fallen far behind."""
        return self.other.put(_copied(message))

    def lend(self, message: Any) -> bool:
        """Do the same with a message of another end or transport; its payload is copied there."""
        payload = {"args": message.args, "kwargs": message.kwargs}
        rest = _copied(message._replace(args=None, kwargs=None))
        return self.other.put(Lent(rest._replace(**payload)))

    def put(self, message: Message | Lent) -> bool:
        """Take a message in; ignored once this end is over."""
        with self._changed:
            if self.lost is None:
                self._inbox.append(message)
                self._changed.notify_all()
            return len(self._inbox) <= MOST_WAITING

    def watch_over(self, interval: float | None, announced: bool) -> None:
        """Let a later `receive` raise TimeoutError after so much silence."""
        self._seconds = interval

    def limit_send(self, size: Any) -> None:
        """Within a process sizes are not counted."""

    def flush(self, seconds: float) -> None:
        """Wait until the other end has caught up."""
        self.other.wait_room(seconds)

    def wait_room(self, seconds: float) -> None:
        """Wait until the inbox is within its bound."""
        with self._changed:
            room = self._changed.wait_for(self._has_room, seconds)
        if self.lost is not None:
            raise TransportLost(f"{self.peer}: {self.lost}")
        if not room:
            raise TimeoutError(f"{self.peer}: {MOST_WAITING} messages not taken in {seconds:g} s")

    def _has_room(self) -> bool:
        return self.lost is not None or len(self._inbox) <= MOST_WAITING

    def receive(self) -> list[Received]:
        """Wait for messages and take all that are there; within a process their size is 0."""
        return [(message, 0) for message in self.take()]

    def take(self) -> list[Message]:
        """Wait for messages and take all that are there."""
        self.waits = True
        with self._changed:
            if not self._changed.wait_for(self._has_news, self._seconds):
                raise TimeoutError(f"{self.peer}: nothing received in time")
            self.waits = False
            if self.lost is not None and not self._inbox:
                raise TransportLost(f"{self.peer}: {self.lost}")
            self._alive = False
            taken: list[Any] = list(self._inbox)
            self._inbox.clear()
            self._changed.notify_all()
        return [_own(one.message) if type(one) is Lent else one for one in taken]

    def _has_news(self) -> bool:
        return bool(self._inbox) or self._alive or self.lost is not None

    def set_receive_timeout(self, seconds: float | None) -> None:
        """Let a later `receive` raise TimeoutError after so much silence."""
        self._seconds = seconds

    def ping(self) -> bool:
        """Let the next `receive` return at once: in one process the other end is alive."""
        self._alive = True
        return True

    def finish(self) -> None:
        """End both ways; what has been sent still arrives."""
        self.end("closed", keep=True)
        self.other.end("the other end closed", keep=True)

    def shutdown(self, why: str) -> None:
        """End both ways now."""
        self.end(why, keep=False)
        self.other.end(why, keep=False)

    def end(self, why: str, keep: bool) -> None:
        """Take nothing more in, and wake all that wait."""
        with self._changed:
            self.lost = self.lost or why
            if not keep:
                self._inbox.clear()
            self._changed.notify_all()

    def close(self) -> None:
        """End both ways; neither end keeps the other."""
        self.shutdown("closed")
        self.other.other = self.other = NOWHERE

    def disown(self) -> None:
        """Nothing is held."""


NOWHERE = LocalChannel("nowhere")  # the other end of one that was closed
NOWHERE.lost = "closed"


def pair() -> tuple[LocalChannel, LocalChannel]:
    """Return two ends that are each other's peer, in one process and without bytes."""
    one, two = LocalChannel("in process"), LocalChannel("in process")
    one.other, two.other = two, one
    return one, two


def _own(message: Any) -> Message:
    payload = copy_checked(message.args), copy_checked(message.kwargs)
    own: Message = message._replace(args=payload[0], kwargs=payload[1])
    return own


def _copied(message: Any) -> Message:
    fields = message._asdict()
    try:
        if "args" in fields:
            check_payload(fields["args"], fields["kwargs"])
        shared = {key: value for key, value in fields.items() if isinstance(value, (list, dict))}
        copy: Message = message._replace(**{key: copy_payload(shared[key]) for key in shared})
    except ProtocolError as error:
        raise UsageError(f"{NAMES[CODES[type(message)]]} cannot be sent: {error}") from error
    return copy
