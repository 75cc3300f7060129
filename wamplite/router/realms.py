"""How a router gets a realm, and how it loses one while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ..core import uris
from ..core.feature import Factory
from ..core.realm import Clock, Realm
from . import own_procedures, request_log
from .access import Methods
from .routing import Routing
from .shared import Shared

PATIENCE = 5.0  # seconds for all sessions of a realm to be told that it is gone


def begin(
    shared: Shared, name: str, features: Iterable[Factory], strict: bool, methods: Methods | None
) -> Routing:
    """Return a new realm with what routes in it."""
    limits = shared.limits
    make = partial(
        Realm,
        name,
        features=features,
        strict=strict,
        about={uris.MAX_MESSAGE_SIZE: limits.max_message_size, uris.ANSWERS_PING: True},
        max_subscriptions=limits.max_subscriptions,
        max_registrations=limits.max_registrations,
        max_calls=limits.max_calls,
        max_in_realm=limits.max_in_realm,
    )

    def made(clock: Clock) -> Realm:
        realm = request_log.logging_requests(make(clock=clock), shared.count)
        return own_procedures.offer(realm, shared)

    routing = Routing(made, shared.housekeeper.later)
    routing.authmethods = methods
    return routing


def end(routing: Routing) -> None:
    """End a realm that nobody finds any more: GOODBYE to all its sessions; not for who routes."""
    routing.run_and_wait(partial(routing.realm.dismiss_all, uris.CLOSE_REALM), PATIENCE)
    routing.close()
    for feature in routing.realm.features:
        feature.close()
