"""Subscriptions and publications: the broker of the Basic Profile (RFC "Publish and Subscribe").

Law: SUBSCRIBED precedes the first EVENT; one EVENT per subscription and PUBLISH, the same object
for all its subscribers so that it is encoded once; the publisher is left out; a publication has one
id. Moments: `subscribed` and `unsubscribed` once for each session and subscription, as it comes and
goes (a SUBSCRIBE that repeats another is none), `published` after all EVENTs of a PUBLISH.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from . import uris
from .books import Book
from .errors import ProtocolError
from .feature import Refused
from .ids import new_publication
from .members import Member, Post, Subscription
from .messages import (
    Event,
    Publish,
    Published,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)

MANY = 2**53  # no bound: nobody can hold so many


@dataclass(slots=True, eq=False)
class Publication:
    """One PUBLISH on its way: options write here whom it reaches and what its EVENTs tell."""

    publisher: Member
    topic: str
    id: int
    excluded: set[Member]
    filters: list[Callable[[Member], bool]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class SubscribeDraft:
    """One SUBSCRIBE before it is stored."""

    subscriber: Member
    uri: str
    match: str
    post: Post


Told = Callable[[Member, Any, Any], None]


class Broker:
    """The subscriptions of one realm."""

    role = "broker"

    def __init__(self, max_subscriptions: int = 1024, max_in_realm: int = MANY) -> None:
        self.books: dict[str, Book[Subscription]] = {"exact": Book()}
        self.subscriptions: dict[int, Subscription] = {}
        self.publish_options: dict[str, Callable[[Publication, Any], None]] = {}
        self.subscribe_options: dict[str, Callable[[SubscribeDraft, Any], None]] = {
            "_overflow": _overflow
        }
        self.subscribed: list[Told] = []
        self.unsubscribed: list[Told] = []
        self.published: list[Told] = []
        self.passthru = False  # whether a payload may pass through unread
        self.handlers: dict[type, Callable[[Member, Any], None]] = {
            Publish: self.on_publish,
            Subscribe: self.on_subscribe,
            Unsubscribe: self.on_unsubscribe,
        }
        self._max_subscriptions = max_subscriptions
        self._max_in_realm = max_in_realm  # of all sessions' subscriptions
        self._held = 0
        self._ids = count(1)

    def on_subscribe(self, subscriber: Member, subscribe: Subscribe) -> None:
        """Answer SUBSCRIBED; the same id where the session, or another, holds the subscription."""
        match = subscribe.options.get("match", "exact")
        book = find_book(self.books, match, "subscription")
        if not book.is_valid(subscribe.topic):
            raise Refused(uris.INVALID_URI, f"{subscribe.topic!r} is not a valid topic")
        draft = SubscribeDraft(subscriber, subscribe.topic, match, subscriber.post)
        for key, value in subscribe.options.items():
            if key in self.subscribe_options:
                self.subscribe_options[key](draft, value)
        subscription = book.records.get(subscribe.topic)
        repeated = subscription is not None and subscriber in subscription.subscribers
        if not repeated:
            check_room("subscriptions", len(subscriber.subscriptions), self._max_subscriptions)
            check_room("subscriptions", self._held, self._max_in_realm, "the realm")
        if subscription is None:
            subscription = self._new(book, subscribe.topic)
        subscription.subscribers[subscriber] = draft.post
        subscriber.subscriptions[subscription.id] = subscription
        self._held += not repeated
        subscriber.post(Subscribed(subscribe.request, subscription.id))
        if not repeated:
            tell(self.subscribed, subscriber, subscription, draft)

    def on_unsubscribe(self, subscriber: Member, unsubscribe: Unsubscribe) -> None:
        """Answer UNSUBSCRIBED; only who holds a subscription can end it."""
        subscription = subscriber.subscriptions.get(unsubscribe.subscription)
        if subscription is None:
            raise Refused(
                uris.NO_SUCH_SUBSCRIPTION,
                f"the session has no subscription {unsubscribe.subscription}",
            )
        self._remove(subscriber, subscription)
        subscriber.post(Unsubscribed(unsubscribe.request))
        tell(self.unsubscribed, subscriber, subscription, None)

    def on_publish(self, publisher: Member, publish: Publish) -> None:
        """Send an EVENT to whoever listens; PUBLISHED only where `acknowledge` asks for it."""
        publication = self._draft(publisher, publish)
        if publish.options.get("acknowledge"):
            publisher.post(Published(publish.request, publication.id))
        for book in self.books.values():
            for subscription in book.find(publish.topic):
                self._dispatch(publication, subscription, publish)
        tell(self.published, publisher, publish, publication)

    def leave(self, member: Member) -> None:
        """Give up all subscriptions of a session that ends."""
        while member.subscriptions:
            subscription = next(iter(member.subscriptions.values()))
            self._remove(member, subscription)
            tell(self.unsubscribed, member, subscription, None)

    def _draft(self, publisher: Member, publish: Publish) -> Publication:
        topic = publish.topic
        if publish.args is not None and type(publish.args) is not list and not self.passthru:
            raise ProtocolError("PUBLISH: payload passthru mode is not announced")
        if not uris.is_valid(topic) or uris.is_reserved(topic):
            raise Refused(uris.INVALID_URI, f"{topic!r} is not a topic that can be published to")
        publication = Publication(publisher, topic, new_publication(), {publisher})
        for key, value in publish.options.items():
            if key in self.publish_options:
                self.publish_options[key](publication, value)
        return publication

    def _dispatch(self, draft: Publication, subscription: Subscription, publish: Publish) -> None:
        details = draft.details
        if subscription.writers:
            details = details.copy()
            for writer in subscription.writers:
                details.update(writer(draft))
        event = Event(subscription.id, draft.id, details, publish.args, publish.kwargs)
        excluded, filters = draft.excluded, draft.filters
        for subscriber, post in subscription.subscribers.items():
            if subscriber not in excluded and (not filters or all(f(subscriber) for f in filters)):
                post(event)

    def _new(self, book: Book[Subscription], uri: str) -> Subscription:
        subscription = Subscription(next(self._ids), uri, book.match, list(book.writers))
        book.add(uri, subscription)
        self.subscriptions[subscription.id] = subscription
        return subscription

    def _remove(self, subscriber: Member, subscription: Subscription) -> None:
        del subscriber.subscriptions[subscription.id]
        del subscription.subscribers[subscriber]
        self._held -= 1
        if not subscription.subscribers:
            del self.subscriptions[subscription.id]
            self.books[subscription.match].remove(subscription.uri)


def find_book(books: dict[str, Book[Any]], match: str, what: str) -> Book[Any]:
    """Return the book of a match policy, or refuse what is unknown or not installed."""
    book = books.get(match)
    if book is not None:
        return book
    if match in ("prefix", "wildcard"):
        text = f"this router does not match by {match!r}: it lacks the feature pattern_based_"
        raise Refused(uris.FEATURE_NOT_SUPPORTED, text + what)
    raise Refused(uris.INVALID_ARGUMENT, f"match must be exact, prefix or wildcard, not {match!r}")


def check_room(what: str, held: int, most: int, who: str = "a session") -> None:
    """Refuse one more of what `who` holds, once it holds the most that it may."""
    if held >= most:
        raise Refused(uris.LIMIT_REACHED, f"{who} may hold {most} {what}")


def tell(moment: list[Told], member: Member, record: Any, draft: Any) -> None:
    """Tell all who wait for a moment."""
    for told in moment:
        told(member, record, draft)


def _overflow(draft: SubscribeDraft, value: Any) -> None:
    """`_overflow`: what a slow subscriber loses: its oldest events, or (by default) its session."""
    if value == "drop-oldest":
        draft.post = draft.subscriber.post_droppable
    elif value != "disconnect":
        raise Refused(
            uris.INVALID_ARGUMENT, f"_overflow must be drop-oldest or disconnect, not {value!r}"
        )
