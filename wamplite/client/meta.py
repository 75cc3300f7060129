"""`session.meta`: what a router tells of sessions, registrations and subscriptions, as methods.

They call the procedures of the meta APIs (RFC "Session Meta API", "Registration Meta API",
"Subscriptions Meta API", "Event History"), so a router that lacks one answers NoSuchProcedure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["Meta", "meta"]


def meta(session: Any) -> Meta:
    """Return the meta APIs as a session reaches them."""
    return Meta(session)


class Meta:
    """The meta APIs. Ids are integers; dicts have the specification's keys."""

    def __init__(self, session: Any) -> None:
        self._session = session

    # ---- sessions

    def count_sessions(self, authroles: Iterable[str] | None = None) -> int:
        """Return how many sessions there are, of these authroles or in all."""
        number: int = self._call("wamp.session.count", *_roles(authroles))
        return number

    def sessions(self, authroles: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Return what is told of each session that is there, of these authroles or of all."""
        ids = self._call("wamp.session.list", *_roles(authroles))
        return self._each("wamp.session.get", ids, "wamp.error.no_such_session")

    def session(self, number: int) -> dict[str, Any]:
        """Return what is told of a session: session, authid, authrole, authmethod, transport..."""
        told: dict[str, Any] = self._call("wamp.session.get", number)
        return told

    def kill(self, number: int, reason: str | None = None, message: str | None = None) -> None:
        """End a session with GOODBYE, for a reason (a URI) and with a message for people."""
        self._call("wamp.session.kill", number, **_words(reason=reason, message=message))

    def kill_by_authid(
        self, authid: str, reason: str | None = None, message: str | None = None
    ) -> list[int]:
        """End all sessions of an authid but our own; return their ids."""
        words = _words(reason=reason, message=message)
        ids: list[int] = self._call("wamp.session.kill_by_authid", authid, **words)
        return ids

    def kill_by_authrole(
        self, authrole: str, reason: str | None = None, message: str | None = None
    ) -> int:
        """End all sessions of an authrole but our own; return how many."""
        words = _words(reason=reason, message=message)
        number: int = self._call("wamp.session.kill_by_authrole", authrole, **words)
        return number

    def kill_all(self, reason: str | None = None, message: str | None = None) -> int:
        """End all sessions but our own; return how many."""
        number: int = self._call("wamp.session.kill_all", **_words(reason=reason, message=message))
        return number

    # ---- registrations and subscriptions

    def registrations(self) -> list[dict[str, Any]]:
        """Return all registrations: id, created, uri, match, invoke, and the ids of the callees."""
        return self._records("registration", "callees")

    def subscriptions(self) -> list[dict[str, Any]]:
        """Return all subscriptions: id, created, uri, match, and the ids of the subscribers."""
        return self._records("subscription", "subscribers")

    def registration_of(self, procedure: str) -> int | None:
        """Return the id of the registration that a call of the procedure would go to."""
        number: int | None = self._call("wamp.registration.match", procedure)
        return number

    def subscriptions_of(self, topic: str) -> list[int]:
        """Return the ids of all subscriptions that an event of the topic would reach."""
        ids: list[int] | None = self._call("wamp.subscription.match", topic)
        return ids or []

    # ---- history

    def history(self, topic: str, *, match: str = "exact", **filters: Any) -> list[dict[str, Any]]:
        """Return the events that the router has kept of a topic or a pattern, in order.

        All of them, or `limit`, however many the router tells at a time. filters: limit, reverse,
        from_time, after_time, before_time, until_time (RFC 3339), topic, from_publication,
        after_publication, before_publication, until_publication. An event has timestamp,
        publication, details, and args and kwargs where there are any.
        """
        subscription = self._session.subscribe(topic, _nothing, options={"match": match})
        try:
            return self.events(subscription.id, **filters)
        finally:
            subscription.unsubscribe()

    def events(self, subscription: int, **filters: Any) -> list[dict[str, Any]]:
        """Return the events that the router has kept of a subscription: its id; see `history`."""
        from .past_events import past_events

        return past_events(self._session, subscription, filters)

    def _call(self, procedure: str, *args: Any, **kwargs: Any) -> Any:
        return self._session.call(procedure, *args, **kwargs)

    def _records(self, kind: str, who: str) -> list[dict[str, Any]]:
        by_policy = self._call(f"wamp.{kind}.list")
        ids = sorted(number for numbers in by_policy.values() for number in numbers)
        gone = f"wamp.error.no_such_{kind}"
        found = self._each(f"wamp.{kind}.get", ids, gone)
        for record in found:
            listed = self._each(f"wamp.{kind}.list_{who}", [record["id"]], gone)
            record[who] = listed[0] if listed else []
        return found

    def _each(self, procedure: str, ids: Iterable[int], gone: str) -> list[Any]:
        """Ask about each, but for those that have gone meanwhile."""
        from ..core.errors import ApplicationError

        found = []
        for number in ids:
            try:
                found.append(self._call(procedure, number))
            except ApplicationError as error:
                if error.error != gone:
                    raise
        return found


def _roles(authroles: Iterable[str] | None) -> list[list[str]]:
    return [] if authroles is None else [list(authroles)]


def _words(**words: str | None) -> dict[str, str]:
    return {name: word for name, word in words.items() if word is not None}


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Take an event that nobody asked for: the subscription is there for its history."""
