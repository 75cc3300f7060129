"""What a realm does, for the log at DEBUG: who subscribes and registers what, and what is refused.

A PUBLISH that wants no answer cannot be told of an option that is not honoured: that is counted,
and told once for each option. Nothing of it lies on the way of calls and events that go well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core import uris
from ..core.feature import Handler, Refused
from ..core.messages import Publish, Register, Subscribe, Unregister, Unsubscribe, name_of
from ..core.words import shorten

if TYPE_CHECKING:
    from ..core.members import Member
    from ..core.realm import Realm

logger = logging.getLogger("wamplite.router")


def logging_requests(realm: Realm, count: Callable[[str], None]) -> Realm:
    """Have a realm tell what happens in it; `count` takes the name of what is counted."""
    for kind in (Subscribe, Unsubscribe, Register, Unregister):
        realm.handlers.wrap(kind, _request)
    realm.refused.append(_refused)
    untold = Untold(realm.uri, count)
    realm.refused.append(untold.refused)
    realm.broker.unheeded.append(untold.unheeded)
    return realm


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


def _request(inner: Handler, member: Member, message: Any) -> None:
    inner(member, message)
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("%s: %s", member, _shown(message))


def _refused(member: Member, refused: Refused, message: Any) -> None:
    if logger.isEnabledFor(logging.DEBUG):
        why = "; ".join(map(str, (refused.error, *refused.args)))
        logger.debug("%s: %s is refused: %s", member, _shown(message), shorten(why))


def _shown(message: Any) -> str:
    """Return a request by its name, id and subject: a URI behind the options, else an id."""
    subject = message[2] if len(message) > 2 else message[1]
    return shorten(f"{name_of(message)} {message.request} of {subject}", 300)
