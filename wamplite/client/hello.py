"""From HELLO to WELCOME over a channel, before a deadline; `core.handshake` judges what comes."""

from __future__ import annotations

import time

from ..channel import AnyChannel
from ..core.errors import ConnectTimeout, ProtocolError
from ..core.handshake import Joiner
from ..core.messages import Abort, Message, Welcome


def shake_hands(
    channel: AnyChannel, joiner: Joiner, deadline: float
) -> tuple[Welcome, list[Message]]:
    """Say HELLO; return WELCOME, and what came after it in the same recv.

    deadline: of `time.monotonic()`, then ConnectTimeout.
    """
    channel.send(joiner.hello)
    while True:
        try:
            messages = _receive_by(channel, deadline)
        except ProtocolError as error:
            channel.send(joiner.refuse(error))
            raise
        for at, message in enumerate(messages, 1):
            answer = joiner.on_message(message)
            if type(answer) is Welcome:
                return answer, messages[at:]
            channel.send(answer)
            if type(answer) is Abort:
                raise joiner.error


def _receive_by(channel: AnyChannel, deadline: float) -> list[Message]:
    late = ConnectTimeout(f"{channel.peer}: no WELCOME in time")
    rest = deadline - time.monotonic()
    if rest <= 0:
        raise late
    channel.set_receive_timeout(rest)
    try:
        return channel.receive()
    except TimeoutError:
        raise late from None
