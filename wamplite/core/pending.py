"""What the client's side of a session keeps: requests that wait, and subscriptions."""

from __future__ import annotations

from typing import Any

from .errors import WampliteError
from .messages import Call, Message

Receiver = Any  # what a subscription's events, a registration's invocations are handed to


class Pending:
    """A request that waits. Made by who asks; ended by `settle`, or by `Conversation.abandon`."""

    __slots__ = ("kind", "subject", "match", "receiver", "abandoned")

    def __init__(self, subject: str, receiver: Receiver = None, match: str = "exact") -> None:
        self.kind: type[Message] = Call
        self.subject = subject  # the URI that is asked about
        self.match = match
        self.receiver = receiver
        self.abandoned = False

    def progress(self, result: Message) -> None:
        """Take a RESULT that more will follow."""

    def settle(self, answer: Message | WampliteError) -> None:
        """Take the answer, or the exception that stands for it (an ERROR, the end)."""


class Subscription:
    """What the router knows as one subscription, and who of us gets its events."""

    __slots__ = ("id", "topic", "match", "receivers")

    def __init__(self, number: int, topic: str, match: str) -> None:
        self.id = number
        self.topic = topic
        self.match = match
        self.receivers: list[Receiver] = []
