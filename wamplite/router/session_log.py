"""Who joins, who leaves and why, and who is refused: a line of the log for each, at INFO.

Each tells the same twice: in words, and by names in `record.fields` for a log that is read by
programs. What a peer says of itself is shown short and escaped. The connection's own thread writes
them: of a session that was dismissed when its peer has closed, or `linger` later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from ..core.members import Dismissed, Lost, Violation
from ..core.messages import Abort, Goodbye, Hello
from ..core.words import shorten
from .presence import Presence, SessionCarrier

logger = logging.getLogger("wamplite.router")

Fields = dict[str, Any]
SHORT = 40  # characters of a name that a peer chose


def joined(presence: Presence) -> None:
    """Tell that somebody joins."""
    if not logger.isEnabledFor(logging.INFO):
        return
    place, member = presence.carrier, presence.member
    who = member.identity
    logger.info(
        "%s: %s joins %s: authid %s, authrole %s, by %s, %s%s%s",
        place.name,
        member,
        presence.realm,
        shorten(who.authid, SHORT),
        shorten(who.authrole, SHORT),
        who.authmethod,
        place.transport_name,
        _said(", at %s", place.listener_url),
        _said(", %s", shorten(member.agent, SHORT)),
        extra=_fields(
            "joined",
            place,
            session=member.session,
            realm=presence.realm,
            authid=who.authid,
            authrole=who.authrole,
            authmethod=who.authmethod,
            transport=place.transport_name,
            agent=member.agent,
        ),
    )


def left(presence: Presence) -> None:
    """Tell that somebody has left, and why."""
    if not logger.isEnabledFor(logging.INFO):
        return
    place, member = presence.carrier, presence.member
    seconds = round(time.time() - presence.since, 3)
    came, went = presence.messages
    why = shorten(place.unnamed(why_left(member.parting)))
    logger.info(
        "%s: %s left %s after %.0f s, %d messages in, %d out: %s",
        place.name,
        member,
        presence.realm,
        seconds,
        came,
        went,
        why,
        extra=_fields(
            "left",
            place,
            session=member.session,
            realm=presence.realm,
            authid=member.identity.authid,
            seconds=seconds,
            messages_in=came,
            messages_out=went,
            reason=why,
        ),
    )


def refused(place: SessionCarrier, hello: Hello | None, outcome: Abort | None) -> None:
    """Tell who does not join, what they wished for, and why; None: they gave up."""
    wishes: Fields = {}
    if hello is not None:
        wishes["realm"] = hello.realm
        wishes["authid"] = hello.details.get("authid")
        wishes["authmethods"] = ", ".join(map(str, hello.details.get("authmethods") or ()))
        wishes["agent"] = hello.details.get("agent")
    why = "it gave up"
    if outcome is not None:
        why = shorten(f"{outcome.reason}: {outcome.details.get('message', '')}")
    named = {name: shorten(str(wish), SHORT) for name, wish in wishes.items() if wish}
    wished = ", ".join(f"{name} {wish}" for name, wish in named.items())
    logger.info(
        "%s did not join: %s%s",
        place.name,
        why,
        _said(" (wished for: %s)", wished),
        extra=_fields("refused", place, reason=why, **named),
    )


def _fields(event: str, place: SessionCarrier, **named: Any) -> dict[str, Fields]:
    """Return what a record of the log carries beside its text."""
    where = {"peer": place.name, "address": place.address, "listener": place.listener_url}
    fields = {**named, **where}
    told = {key: said for key, said in fields.items() if said not in ("", None)}
    return {"fields": {"event": event, **told}}


def _said(text: str, word: str) -> str:
    return text % word if word else ""


ENDS: dict[type, Callable[[Any], str]] = {
    Goodbye: lambda goodbye: f"it said GOODBYE, {goodbye.reason}",
    Abort: lambda abort: f"it said ABORT, {abort.reason}",
    Lost: lambda lost: str(lost.text),
    Violation: lambda violation: f"it broke the protocol: {violation.text}",
    Dismissed: lambda dismissed: f"it was sent away, {dismissed.reason}",
}


def why_left(entry: Any) -> str:
    """Return in words what ended a session."""
    return ENDS[type(entry)](entry) if type(entry) in ENDS else "the router ended it"
