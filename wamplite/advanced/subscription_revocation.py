"""UNSUBSCRIBED with request 0: a subscription is taken away (RFC "Subscription Revocation").

Announced by broker and subscriber; a subscriber that did not announce it is not told.
Whoever may call it revokes by `wamp.subscription.remove_subscriber`, with the ids of subscription
and session and a keyword `reason`; the text does not name that procedure, Crossbar has it.
"""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.feature import Feature, Handler, Host, Refused, claim
from ..core.messages import Call, Result, Unsubscribed
from ..core.meta import argument, keyword, result


class ForRouter(Feature):
    name = "subscription_revocation"
    status = "alpha"
    roles = ("broker",)

    def install(self, host: Host) -> None:
        self.realm = host
        host.broker.revoked.append(self.on_revoked)
        claim(host.procedures, "wamp.subscription.remove_subscriber", self.remove)

    def on_revoked(self, member: Any, subscriber: Any, reason: str) -> None:
        if member.announced("subscriber", self.name):
            details = {"subscription": subscriber.subscription.id, "reason": reason}
            member.post(Unsubscribed(0, details))

    def remove(self, caller: Any, call: Call) -> Result:
        """wamp.subscription.remove_subscriber"""
        number, session = argument(call, 0, int), argument(call, 1, int)
        member = self.realm.members.get(session)
        subscriber = member.subscriptions.get(number) if member else None
        if subscriber is None:
            text = f"session {session} has no subscription {number}"
            raise Refused(uris.NO_SUCH_SUBSCRIPTION, text)
        self.realm.broker.revoke(subscriber, keyword(call, "reason", str, "revoked"))
        return result(call)


class ForClient(Feature):
    name = "subscription_revocation"
    roles = ("subscriber",)

    def install(self, host: Host) -> None:
        host.handlers.wrap(Unsubscribed, self.on_message)

    def on_message(self, inner: Handler, conversation: Any, message: Unsubscribed) -> None:
        """Give up what the router has taken away, and tell whose it was."""
        if message.request:
            return inner(conversation, message)
        details = message.details or {}
        number = details.get("subscription")
        subscription = conversation.subscriptions.pop(number, None)
        receivers = [] if subscription is None else subscription.receivers
        why = details.get("reason") or "no reason was given"
        conversation.revoked(receivers, f"the router has revoked subscription {number}: {why}")
        return None
