"""What a permission tells of a call or a publication, and what hangs on the rights of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..core import uris
from ..core.feature import Refused
from ..core.messages import Call
from .permissions import Permission
from .wanted import Wanted

Held = tuple[Any, Wanted, Callable[[], None]]  # a member, what it holds, and what closes that


def tell(permission: Permission, member: Any, record: Any, request: Any) -> None:
    """Write into a draft what a permission says of it."""
    if type(request) is Call:
        role, disclose = "caller", permission.disclose_caller
    else:
        role, disclose = "publisher", permission.disclose_publisher
    if disclose == "always":
        record.details.update(member.disclosed(role))
    elif disclose == "never":
        if request.options.get("disclose_me"):
            text = f"who is the {role} of {request[2]!r} is not disclosed"
            raise Refused(uris.DISCLOSE_ME_DISALLOWED, text)
        record.notes["undisclosed"] = True  # to a callee that asks for it of all
    if permission.trustlevel is not None:
        record.details["trustlevel"] = permission.trustlevel


def holds(realm: Any, member: Any, uri: str, match: str) -> bool:
    """Tell whether a session itself has subscribed to, or registered, just this URI or pattern."""
    pairs = (realm.broker, member.subscriptions), (realm.dealer, member.registrations)
    for side, held in pairs:
        record = side.matches[match].records.get(uri) if match in side.matches else None
        if record is not None and record.id in held:
            return True
    return False


def all_held(realm: Any) -> list[Held]:
    """Return what all sessions hold, subscriptions to meta events first: they tell of the rest."""
    members = list(realm.members.values())
    return sorted((each for member in members for each in held_by(realm, member)), key=_place)


def _place(held: Held) -> bool:
    _, (action, uri, _), _ = held
    return not (action == "subscribe" and uris.is_reserved(uri))


def held_by(realm: Any, member: Any) -> Iterator[Held]:
    """Yield what a session holds by its rights: subscriptions, registrations, calls in flight."""
    why = uris.NOT_AUTHORIZED
    for part in member.subscriptions.values():
        wanted = Wanted("subscribe", part.subscription.uri, part.subscription.match)
        yield member, wanted, partial(realm.broker.revoke, part, why)
    for part in member.registrations.values():
        wanted = Wanted("register", part.registration.uri, part.registration.match)
        yield member, wanted, partial(realm.dealer.revoke, part, why)
    for pending in member.calls.values():
        wanted = Wanted("call", pending.procedure)
        yield member, wanted, partial(_end_call, realm.dealer, pending)


def _end_call(dealer: Any, pending: Any) -> None:
    dealer.interrupt(pending, "killnowait")
    text = f"role {pending.caller.identity.authrole!r} may not call {pending.procedure!r} now"
    dealer.fail(pending, uris.NOT_AUTHORIZED, text)
