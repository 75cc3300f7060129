"""What a realm does, for the log at DEBUG: who subscribes and registers what, and what is refused.

Nothing of it lies on the way of calls and events that go well.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..core.feature import Handler, Refused
from ..core.messages import Register, Subscribe, Unregister, Unsubscribe, name_of
from ..core.words import shorten

if TYPE_CHECKING:
    from ..core.members import Member
    from ..core.realm import Realm

logger = logging.getLogger("wamplite.router")


def logging_requests(realm: Realm) -> Realm:
    """Have a realm tell what happens in it."""
    for kind in (Subscribe, Unsubscribe, Register, Unregister):
        realm.handlers.wrap(kind, _request)
    realm.refused.append(_refused)
    return realm


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
