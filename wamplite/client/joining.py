"""From a channel to a session: everything is made, HELLO is said, WELCOME waited for."""

from __future__ import annotations

from .. import __version__
from .. import features as by_name
from ..channel import AnyChannel
from ..core.handshake import Joiner
from .options import checked_timeout
from .serving import Serving
from .session import Session
from .terms import Terms
from .wire import Wire


def join_over(channel: AnyChannel, terms: Terms, deadline: float) -> Session:
    """Join a realm over a channel that is connected, before a `time.monotonic()`.

    Whatever fails, the channel is closed.
    """
    try:
        timeout = None if terms.timeout is None else checked_timeout(terms.timeout)
        serving = Serving(terms.max_invocations, terms.default, terms.concurrent)
        features = by_name.for_client(terms.features)
        wire = Wire(channel, serving.deliver, serving.serve, features, terms.ping_interval)
        joiner = Joiner(
            terms.realm,
            wire.conversation.roles,
            authmethods=terms.authmethods,
            authid=terms.authid,
            authrole=terms.authrole,
            authextra=terms.authextra,
            agent=f"wamplite-{__version__}",
        )
    except BaseException:
        channel.shutdown("the session was not joined")
        channel.close()
        raise
    wire.on_end.append(serving.end)
    wire.join(joiner, deadline, serving.begin)
    return Session(wire, serving, wire.conversation.details.get("realm", terms.realm), timeout)
