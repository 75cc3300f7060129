"""Subscriptions as topics and procedures (RFC "Subscriptions Meta API").

Announced by the broker. `wamp.subscription.on_create`, `on_subscribe`, `on_unsubscribe`,
`on_delete` tell of them, `list`, `lookup`, `match`, `get`, `list_subscribers`, `count_subscribers`
answer. Subscriptions to the router's own topics are not told of.
"""

from __future__ import annotations

from ..core import uris
from ..core.feature import Feature, Host
from ..core.meta import Records


class ForRouter(Feature):
    name = "subscription_meta_api"
    status = "beta"
    roles = ("broker",)

    def install(self, host: Host) -> None:
        broker = host.broker
        api = Records(
            host,
            "subscription",
            broker.matches,
            broker.subscriptions,
            lambda subscription: subscription.subscribers,
            ("on_subscribe", "on_unsubscribe"),
            "subscribers",
            uris.NO_SUCH_SUBSCRIPTION,
        )
        broker.subscribed.append(lambda member, part, _: api.joined(member, part.subscription))
        broker.unsubscribed.append(lambda member, part, _: api.left(member, part.subscription))
