"""Subscriptions and publications: the broker of the Basic Profile (RFC "Publish and Subscribe").

Law: SUBSCRIBED precedes the first EVENT; one EVENT per subscription and PUBLISH, the same object
for all its subscribers so that it is encoded once; the publisher is left out; a publication has one
id. Moments, each `(member, record, message)`: `subscribed` and `unsubscribed` once for each session
and subscription, as it comes and goes (a SUBSCRIBE that repeats another is `repeated`; the message
is None where the session ends or the subscription is revoked), `revoked` before the latter with the
reason in place of a message, `published` after all EVENTs of a
PUBLISH (the member is None where the router publishes), `unheeded` with the reason in place of a
record where a PUBLISH that wants no answer goes out without what an option asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from . import uris
from .feature import Observer, Refused, Unread, notify
from .ids import new_publication
from .matching import Matches, find_match
from .members import Bounds, Member, check_room
from .messages import (
    Event,
    Publish,
    Published,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    build,
)
from .options import MATCH, Unheeded
from .records import Publication, Subscriber, Subscription

FEW = 4  # subscribers; of more it is asked once, not of each, whether any is excluded


class Broker:
    """The subscriptions of one realm.

    unread: makes a payload that is no list one argument; it refuses, or raises ProtocolError.
    """

    role = "broker"

    def __init__(self, bounds: Bounds, unread: Unread) -> None:
        self.matches: Matches[Subscription] = Matches()
        self.subscriptions: dict[int, Subscription] = {}
        self.publish_options: dict[str, Callable[[Publication, Any], None]] = {}
        self.subscribe_options: dict[str, Callable[[Subscriber, Any], None]] = {
            "_overflow": _overflow
        }
        self.drafted: list[Observer] = []  # asked of each SUBSCRIBE and PUBLISH; may refuse
        # Who may see the events of a topic, where they come by a pattern or were kept
        self.may_see: list[Callable[[Member, str], bool]] = []
        self.subscribed: list[Observer] = []
        self.repeated: list[Observer] = []
        self.unsubscribed: list[Observer] = []
        self.revoked: list[Observer] = []
        self.published: list[Observer] = []
        self.unheeded: list[Observer] = []
        self.bounds = bounds
        self._unread = unread
        self.held = 0  # subscribers of all subscriptions
        self._unheard: set[str] = set()  # topics of the router's, until the next subscription
        self._ids = count(1)

    def handlers(self) -> dict[type, Callable[[Member, Any], None]]:
        """Return what handles the messages that a broker hears."""
        return {
            Publish: self.on_publish,
            Subscribe: self.on_subscribe,
            Unsubscribe: self.on_unsubscribe,
        }

    def on_subscribe(self, member: Member, subscribe: Subscribe) -> None:
        """Answer SUBSCRIBED; the same id where the session, or another, holds the subscription."""
        policy = subscribe.options.get("match", "exact")
        match = find_match(self.matches, policy, MATCH[Subscribe])
        if not match.is_valid(subscribe.topic):
            raise Refused(uris.INVALID_URI, f"{subscribe.topic!r} is not a valid topic")
        subscription = match.records.get(subscribe.topic)
        if subscription is None:
            subscription = Subscription(subscribe.topic, policy, list(match.writers))
        subscriber = Subscriber(member, subscription, member.post)
        for key, value in subscribe.options.items():
            if key in self.subscribe_options:
                self.subscribe_options[key](subscriber, value)
        notify(self.drafted, member, subscriber, subscribe)
        repeated = member in subscription.subscribers
        if not repeated:
            check_room("subscriptions", len(member.subscriptions), self.bounds.subscriptions)
            check_room("subscriptions", self.held, self.bounds.in_realm, "the realm")
        if not subscription.id:
            subscription.id = next(self._ids)
            match.add(subscription.uri, subscription)
            self.subscriptions[subscription.id] = subscription
            self._unheard.clear()
        subscription.subscribers[member] = subscriber
        member.subscriptions[subscription.id] = subscriber
        self.held += not repeated
        member.post(Subscribed(subscribe.request, subscription.id))
        notify(self.repeated if repeated else self.subscribed, member, subscriber, subscribe)

    def on_unsubscribe(self, member: Member, unsubscribe: Unsubscribe) -> None:
        """Answer UNSUBSCRIBED; only who holds a subscription can end it."""
        subscriber = member.subscriptions.get(unsubscribe.subscription)
        if subscriber is None:
            raise Refused(
                uris.NO_SUCH_SUBSCRIPTION,
                f"the session has no subscription {unsubscribe.subscription}",
            )
        self._remove(subscriber)
        member.post(Unsubscribed(unsubscribe.request))
        notify(self.unsubscribed, member, subscriber, unsubscribe)

    def on_publish(self, publisher: Member, publish: Publish) -> None:
        """Send an EVENT to whoever listens; PUBLISHED only if `acknowledge` asks for it."""
        if publish.args is not None and type(publish.args) is not list:
            publish = self._unread(publisher, publish)
        publication = self.draft(publisher, publish)
        if publish.options.get("acknowledge"):
            if publication.holds:
                publication.notes["request"] = publish.request
            else:
                publisher.post(build(Published, (publish.request, publication.id)))
        self.publish(publication, publish)

    def publish(self, publication: Publication, publish: Publish) -> None:
        """Send the EVENTs of a publication, with the payload of `publish`."""
        for match in self.matches.values():
            if match.records:
                for subscription in match.find(publication.topic):
                    self._dispatch(publication, subscription, publish)
        if publication.ends:
            notify(publication.ends, publication.publisher, publication, publish)
        if self.published:
            notify(self.published, publication.publisher, publication, publish)

    def release(self, publication: Publication) -> None:
        """Acknowledge a publication once all have stored it that wrote into its `holds`."""
        publication.holds -= 1
        if publication.holds == 0 and publication.publisher is not None:
            publication.publisher.post(Published(publication.notes["request"], publication.id))

    def announce(
        self,
        topic: str,
        *args: Any,
        kwargs: dict[str, Any] | None = None,
        excluded: Iterable[Member] = (),
        filters: Iterable[Callable[[Member], bool]] = (),
    ) -> None:
        """Publish in the router's name, as meta events are; `excluded` do not get it.

        filters: all of them must let a subscriber through.
        """
        if not self.is_heard(topic):
            return  # most of them
        publication = Publication(None, topic, new_publication(), set(excluded), list(filters), {})
        self.publish(publication, Publish(0, {}, topic, list(args) or None, kwargs))

    def is_heard(self, topic: str) -> bool:
        """Tell whether anybody gets, or keeps, what the router publishes to one of its topics."""
        if self.published:
            return True
        if topic in self._unheard:
            return False
        books = [match for match in self.matches.values() if match.records]
        if any(subscription for match in books for subscription in match.find(topic)):
            return True
        self._unheard.add(topic)
        return False

    def may_get(self, member: Member, topic: str, limits: dict[str, Any]) -> bool:
        """Tell whether a member may have an event that was kept with these options of its PUBLISH.

        False where they belong to a feature that is not there any more.
        """
        if not all(may(member, topic) for may in self.may_see):
            return False
        publication = Publication(None, topic, 0, set(), [], {})
        try:
            for key, value in limits.items():
                if key in self.publish_options:
                    self.publish_options[key](publication, value)
        except Refused:
            return False
        return all(may(member) for may in publication.filters)

    def revoke(self, subscriber: Subscriber, reason: str) -> None:
        """Take a subscription away from a session."""
        member = subscriber.member
        if member.subscriptions.get(subscriber.subscription.id) is not subscriber:
            return
        self._remove(subscriber)
        notify(self.revoked, member, subscriber, reason)
        notify(self.unsubscribed, member, subscriber, None)

    def leave(self, member: Member) -> None:
        """Give up all subscriptions of a session that ends."""
        gone = list(member.subscriptions.values())
        for subscriber in gone:
            self._remove(subscriber)
        for subscriber in gone:  # it gets no event any more of what is told of it
            notify(self.unsubscribed, member, subscriber, None)

    def draft(self, publisher: Member, publish: Publish) -> Publication:
        """Return what a PUBLISH would become, or refuse it; nothing has happened yet."""
        topic = publish.topic
        if not uris.is_valid(topic) or uris.is_reserved(topic):
            raise Refused(uris.INVALID_URI, f"{topic!r} is not a topic that can be published to")
        publication = Publication(publisher, topic, new_publication(), {publisher}, [], {})
        if publish.options:
            self._handle_options(publication, publish)
        if self.drafted:
            notify(self.drafted, publisher, publication, publish)
        return publication

    def _handle_options(self, publication: Publication, publish: Publish) -> None:
        handlers, options = self.publish_options, publish.options
        for key in options:
            if key in handlers:
                try:
                    handlers[key](publication, options[key])
                except Unheeded as lack:
                    if options.get("acknowledge"):
                        raise
                    notify(self.unheeded, publication.publisher, lack, publish)

    def _dispatch(
        self, publication: Publication, subscription: Subscription, publish: Publish
    ) -> None:
        details = publication.details
        if subscription.writers:
            details = details.copy()
            for writer in subscription.writers:
                details.update(writer(publication))
        content = (subscription.id, publication.id, details, publish.args, publish.kwargs)
        event = build(Event, content)
        excluded, subscribers = publication.excluded, subscription.subscribers
        for may_get in publication.filters:
            excluded = excluded | {member for member in subscribers if not may_get(member)}
        if self.may_see and subscription.match != "exact":
            topic = publication.topic
            for may_see in self.may_see:
                excluded = excluded | {m for m in subscribers if not may_see(m, topic)}
        if len(subscribers) > FEW and subscribers.keys().isdisjoint(excluded):
            for subscriber in subscribers.values():
                subscriber.post(event)
            return
        for member, subscriber in subscribers.items():
            if member not in excluded:
                subscriber.post(event)

    def _remove(self, subscriber: Subscriber) -> None:
        subscription = subscriber.subscription
        del subscriber.member.subscriptions[subscription.id]
        del subscription.subscribers[subscriber.member]
        self.held -= 1
        if not subscription.subscribers:
            del self.subscriptions[subscription.id]
            self.matches[subscription.match].remove(subscription.uri)


def _overflow(subscriber: Subscriber, value: Any) -> None:
    """`_overflow`: what a slow subscriber loses: its oldest events, or (by default) its session."""
    if value == "drop-oldest":
        subscriber.post = subscriber.member.post_droppable
    elif value != "disconnect":
        raise Refused(
            uris.INVALID_ARGUMENT, f"_overflow must be drop-oldest or disconnect, not {value!r}"
        )
