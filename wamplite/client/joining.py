"""From a channel to a session: HELLO to WELCOME, before a deadline.

join ── the caller's thread: HELLO ... WELCOME ──> the reading thread is started ──> Session
"""

from __future__ import annotations

import time

from .. import features as by_name
from ..channel import Channel, Received
from ..core.errors import ApplicationError, ConnectTimeout, ProtocolError
from ..core.handshake import ClientMethod, Joiner
from ..core.messages import Abort, Welcome
from ..version import __version__
from .options import checked_timeout
from .serving import Serving
from .session import Session
from .shared_conversation import SharedConversation
from .terms import Terms


def join(channel: Channel, terms: Terms, deadline: float) -> Session:
    """Join a realm over a channel that is connected.

    deadline: of `time.monotonic()`. Whatever fails, the channel is closed.
    """
    is_read = False
    try:
        timeout = None if terms.timeout is None else checked_timeout(terms.timeout)
        serving = Serving(terms.max_invocations, terms.default, terms.concurrent, terms.ppt_schemes)
        features = by_name.for_client(terms.features)
        shared = SharedConversation(
            channel, serving.deliver, serving.serve, features, terms.ping_interval
        )
        shared.assumed = frozenset(terms.assume_features)
        joiner = Joiner(
            terms.realm,
            shared.conversation.roles,
            authmethods=authmethods(terms, channel),
            authid=terms.authid,
            authrole=terms.authrole,
            authextra=terms.authextra,
            agent=f"wamplite-{__version__}",
        )
        welcome, received = shake_hands(channel, joiner, deadline)
        shared.begin(welcome)
        serving.begin(shared)
        session = Session(shared, serving, welcome.details.get("realm", terms.realm), timeout)
        is_read = True
        shared.read(received)
        return session
    except BaseException as error:
        if not isinstance(error, (ProtocolError, ApplicationError)):
            channel.shutdown("the session was not joined")  # no last words to deliver
        if not is_read:  # else by the reading thread, which finds the end
            channel.finish()
            channel.close()
        raise


def authmethods(terms: Terms, channel: Channel) -> dict[str, ClientMethod]:
    """Return the ways to say who one is, the best first, for one session."""
    methods: dict[str, ClientMethod] = {}
    for auth in terms.auth or ():
        methods |= auth.methods(channel.tls)
    return methods | dict(terms.authmethods or {})


def shake_hands(
    channel: Channel, joiner: Joiner, deadline: float
) -> tuple[Welcome, list[Received]]:
    """Say HELLO; return WELCOME, and what came after it in the same recv.

    deadline: of `time.monotonic()`, then ConnectTimeout.
    """
    channel.send(joiner.hello)
    while True:
        try:
            received = _receive_by(channel, deadline)
        except ProtocolError as error:
            channel.send(joiner.refuse(error))
            raise
        for at, (message, _) in enumerate(received, 1):
            answer = joiner.on_message(message)
            if type(answer) is Welcome:
                return answer, received[at:]
            channel.send(answer)
            if type(answer) is Abort:
                raise joiner.error


def _receive_by(channel: Channel, deadline: float) -> list[Received]:
    late = ConnectTimeout(f"{channel.peer}: no WELCOME in time")
    rest = deadline - time.monotonic()
    if rest <= 0:
        raise late
    channel.set_receive_timeout(rest)
    try:
        return channel.receive()
    except TimeoutError:
        raise late from None
