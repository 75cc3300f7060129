"""What a realm does, for the log at DEBUG: who subscribes and registers what, and what is refused.

A PUBLISH that wants no answer cannot be told of an option that is not honoured: that is counted,
and told once for each option. Nothing of it lies on the way of calls and events that go well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..core import uris
from ..core.feature import Handler, Refused
from ..core.messages import Call, Publish, Register, Subscribe, Unregister, Unsubscribe, name_of
from ..core.words import shorten

if TYPE_CHECKING:
    from ..core.members import Member
    from ..core.realm import Realm

logger = logging.getLogger("wamplite.router")

BOUNDS = {  # a request, and how a bound answers it -> what is counted
    (Subscribe, uris.LIMIT_REACHED): "subscriptions_refused",
    (Register, uris.LIMIT_REACHED): "registrations_refused",
    (Call, uris.UNAVAILABLE): "calls_refused",
}


def logging_requests(realm: Realm, count: Callable[[str], None]) -> Realm:
    """Have a realm tell what happens in it; `count` takes the name of what is counted."""
    told = ToldRequests(realm.uri)
    for kind in (Subscribe, Unsubscribe, Register, Unregister):
        realm.handlers.wrap(kind, told.request)
    realm.refused.append(told.refused)
    realm.refused.append(partial(_count_bound, count))
    untold = Untold(realm.uri, count)
    realm.refused.append(untold.refused)
    realm.broker.unheeded.append(untold.unheeded)
    return realm


class ToldRequests:
    """What is told at DEBUG of each request of these kinds, and of each that is refused."""

    def __init__(self, realm: str) -> None:
        self._realm = realm

    def request(self, inner: Handler, member: Member, message: Any) -> None:
        """It went well."""
        inner(member, message)
        if logger.isEnabledFor(logging.DEBUG):
            fields = self._fields("request", member, message)
            logger.debug("%s: %s", member, _shown(message), extra=fields)

    def refused(self, member: Member, refused: Refused, message: Any) -> None:
        """It was answered with ERROR."""
        if logger.isEnabledFor(logging.DEBUG):
            why = shorten("; ".join(map(str, (refused.error, *refused.args))))
            fields = self._fields("request_refused", member, message, why)
            logger.debug("%s: %s is refused: %s", member, _shown(message), why, extra=fields)

    def _fields(self, event: str, member: Member, message: Any, why: str = "") -> dict[str, Any]:
        fields = {"event": event, "realm": self._realm, "session": member.session}
        fields |= {"request": name_of(message), "id": message.request}
        fields |= {"uri": shorten(str(_subject(message)), 300)}
        return {"fields": fields | ({"reason": why} if why else {})}


class Untold:
    """What nobody can be answered: options of a PUBLISH whose features are not installed."""

    def __init__(self, realm: str, count: Callable[[str], None]) -> None:
        self._realm, self._count = realm, count
        self._told: set[str] = set()  # texts, of which there is one for each option

    def refused(self, member: Member, refused: Refused, message: Any) -> None:
        """The event was not published."""
        lacks = refused.error == uris.FEATURE_NOT_SUPPORTED and type(message) is Publish
        if lacks and not message.options.get("acknowledge"):
            self._tell("events_not_published", "did not publish an event", member, refused)

    def unheeded(self, member: Member, lack: Refused, publish: Publish) -> None:
        """The event was published, without what the option asks for."""
        self._tell("options_unheeded", "published an event without it", member, lack)

    def _tell(self, counter: str, what: str, member: Member, refused: Refused) -> None:
        self._count(counter)
        text = str(refused.args[0])
        if text not in self._told:
            self._told.add(text)
            logger.warning("%s, first for %s: %s; it %s", self._realm, member, text, what)


def _count_bound(
    count: Callable[[str], None], member: Member, refused: Refused, message: Any
) -> None:
    """Count a request that a bound has refused."""
    name = BOUNDS.get((type(message), refused.error))
    if name is not None:
        count(name)


def _shown(message: Any) -> str:
    """Return a request by its name, id and subject."""
    return shorten(f"{name_of(message)} {message.request} of {_subject(message)}", 300)


def _subject(message: Any) -> Any:
    """Return a URI, which stands behind the options, else an id."""
    return message[2] if len(message) > 2 else message[1]
