"""Who may call, register, publish and subscribe: the feature of a realm (RFC "Authorization").

    Router(features=["standard", partial(Authorization, roles)])

Deny by default: a request that no permission of the session's role allows is refused with
`wamp.error.not_authorized`; a PUBLISH that wants no answer is dropped, and both are counted. Who
has a role that there is not cannot join. A session of the program that has the router in it may do
everything, unless there is a role `trusted`.

By no way round: of what a pattern, the retained events or the history of a topic would bring, each
session gets what it could subscribe to; a testament must be allowed when it is made and when it is
published; the meta APIs tell a session of the URIs only for which its role allows anything. The
rest are calls of the router's procedures, which need a permission like any other. What comes of a
call that was allowed is not asked about: further parts of its arguments, its CANCEL, its answers.

`revise` replaces the roles, with the routing role: what hangs on a right that is gone is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..core import uris
from ..core.feature import Feature, Floor, Handler, Host, Refused
from ..core.members import Join
from ..core.messages import Call, Publish, Register, Subscribe
from .permissions import ACTIONS, Permission, Rights, Role, Roles

ACTION = {Call: "call", Register: "register", Publish: "publish", Subscribe: "subscribe"}
WORDS = {"publish": "publish to", "subscribe": "subscribe to"}
OURS = "internal"  # the authmethod of sessions in the router's own program
EVERYTHING = (Permission("", "prefix", ACTIONS),)


class Authorization(Feature):
    """The permissions of one realm."""

    name = "authorization"
    comes_last = True

    def __init__(self, roles: Iterable[Role]) -> None:
        self.authroles = Roles(roles)
        self.rights_of: dict[Any, Rights] = {}  # by member
        self.is_watching = False  # what is drafted
        self.refused = 0
        self.dropped = 0

    def install(self, host: Host) -> None:
        self.realm, self.broker, self.dealer = host, host.broker, host.dealer
        self.implied = host.implied
        wrap = host.handlers.wrap
        wrap(Join, self.on_join, Floor.AUTHORIZATION)
        wrap(Call, self.on_call, Floor.AUTHORIZATION)
        wrap(Publish, self.on_publish, Floor.AUTHORIZATION)
        for kind in (Register, Subscribe):
            wrap(kind, self.on_request, Floor.AUTHORIZATION)
        self.broker.may_see.append(self.may_see)
        host.may_know.append(self.may_know)
        host.left.append(self.on_left)
        self._watch()

    def counters(self) -> dict[str, int]:
        counted = {"not_authorized": self.refused, "events_not_authorized": self.dropped}
        return {name: number for name, number in counted.items() if number}

    # ---- who

    def rights(self, member: Any) -> Rights:
        """Return what a session may do."""
        rights = self.rights_of.get(member)
        if rights is None:
            identity = member.identity
            is_ours = identity.authmethod == OURS and identity.authrole not in self.authroles
            roles = Roles([Role(identity.authrole, EVERYTHING)]) if is_ours else self.authroles
            rights = roles.rights(identity)
            if member.open:
                self.rights_of[member] = rights
        return rights

    def on_join(self, inner: Handler, member: Any, join: Join) -> None:
        if not self._has_role(member):
            raise Refused(uris.NO_SUCH_ROLE, _no_role(member))
        inner(member, join)

    def on_left(self, member: Any, *_: Any) -> None:
        self.rights_of.pop(member, None)

    def _has_role(self, member: Any) -> bool:
        identity = member.identity
        return identity.authrole in self.authroles or identity.authmethod == OURS

    # ---- what is asked for

    def on_call(self, inner: Handler, member: Any, call: Call) -> None:
        """Let a CALL pass by one look-up; what that does not allow is looked at again."""
        rights = self.rights_of.get(member)
        if rights is not None:
            procedure = call.procedure
            permission = rights.known.get(procedure)
            if (
                permission is not None
                and "call" in permission.allow
                and procedure not in self.implied
            ):
                return inner(member, call)
        return self.on_request(inner, member, call)

    def on_publish(self, inner: Handler, member: Any, publish: Publish) -> None:
        """Let a PUBLISH pass by one look-up; what that does not allow is looked at again."""
        rights = self.rights_of.get(member)
        if rights is not None:
            permission = rights.known.get(publish.topic)
            if permission is not None and "publish" in permission.allow:
                return inner(member, publish)
        return self.on_request(inner, member, publish)

    def on_request(self, inner: Handler, member: Any, request: Any) -> None:
        """Let a request pass, or refuse it."""
        if type(request) is Call and self._goes_on(member, request):
            return inner(member, request)
        for each in self._wanted(request):
            if not self.rights(member).decide(*each).allowed:
                raise self._refusal(member, request, *each)
        return inner(member, request)

    def _wanted(self, request: Any) -> Iterator[tuple[str, str, str]]:
        """Yield all that a request needs a permission for: action, URI, match."""
        action, uri = ACTION[type(request)], request[2]
        yield action, uri, _match(request)
        if action == "call" and uri in self.implied:
            implied = self.implied[uri](request)
            if implied is not None:
                yield ACTION[implied[0]], implied[1], "exact"

    def _goes_on(self, member: Any, call: Call) -> bool:
        """Tell whether a CALL belongs to one that is in flight, or was: that was allowed."""
        continuation = self.dealer.continuation
        return call.request in member.calls or (
            continuation is not None and continuation.takes(member, call)
        )

    def _refusal(self, member: Any, request: Any, action: str, uri: str, match: str) -> Refused:
        self.refused += 1
        if type(request) is Publish and not request.options.get("acknowledge"):
            self.dropped += 1
        what = uri if match == "exact" else f"{uri} by match {match}"
        role = member.identity.authrole
        text = f"role {role!r} may not {WORDS.get(action, action)} {what!r}"
        return Refused(uris.NOT_AUTHORIZED, text)

    # ---- what is told

    def may_see(self, member: Any, topic: str) -> bool:
        """Tell whether a session may have the events of a topic."""
        permission = self.rights(member).find(topic)
        return permission is not None and "subscribe" in permission.allow

    def may_know(self, member: Any, uri: str, match: str) -> bool:
        """Tell whether a session may be told that there is something with a URI."""
        return self.rights(member).may_know(uri, match)

    def on_drafted(self, member: Any, record: Any, request: Any) -> None:
        """Disclose who calls or publishes, or not, and how far it is trusted, as permitted."""
        kind = type(request)
        if not member.session or (kind is not Call and kind is not Publish):
            return
        permission = self.rights(member).find(request[2])
        if permission is not None and permission.says_more:
            _tell(permission, member, record, request)

    # ---- roles that change

    def revise(self, roles: Iterable[Role]) -> None:
        """Put other roles in their place, and close what they do not allow; with the routing role.

        Sessions whose role is gone are dismissed; of the others what is not allowed any more ends:
        subscriptions and registrations are revoked, calls in flight fail.
        """
        self.authroles = Roles(roles)
        self.rights_of.clear()
        self._watch()
        members = list(self.realm.members.values())
        subscribers = [part for member in members for part in member.subscriptions.values()]
        subscribers.sort(key=lambda part: not uris.is_reserved(part.subscription.uri))
        for part in subscribers:  # those of meta events first: nobody is told by them of the rest
            subscription = part.subscription
            if not self._allows(part.member, "subscribe", subscription.uri, subscription.match):
                self.broker.revoke(part, uris.NOT_AUTHORIZED)
        for member in members:
            self._close_forbidden(member)
        for member in members:
            if not self._has_role(member):
                self.realm.dismiss(member, uris.NO_SUCH_ROLE, _no_role(member))

    def _allows(self, member: Any, action: str, uri: str, match: str = "exact") -> bool:
        return self.rights(member).decide(action, uri, match).allowed

    def _close_forbidden(self, member: Any) -> None:
        for callee in list(member.registrations.values()):
            registration = callee.registration
            if not self._allows(member, "register", registration.uri, registration.match):
                self.dealer.revoke(callee, uris.NOT_AUTHORIZED)
        for pending in list(member.calls.values()):
            if not self._allows(member, "call", pending.procedure):
                self.dealer.interrupt(pending, "killnowait")
                text = f"role {member.identity.authrole!r} may not call {pending.procedure!r} now"
                self.dealer.fail(pending, uris.NOT_AUTHORIZED, text)

    def _watch(self) -> None:
        """Look at all that is drafted, from when on a permission says what is to be told of it."""
        permissions = (permission for role in self.authroles for permission in role.permissions)
        if not self.is_watching and any(permission.says_more for permission in permissions):
            self.is_watching = True
            self.dealer.drafted.append(self.on_drafted)
            self.broker.drafted.append(self.on_drafted)


def _tell(permission: Permission, member: Any, record: Any, request: Any) -> None:
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


def _match(request: Any) -> str:
    """Return by what a request matches URIs: a word for SUBSCRIBE and REGISTER alone."""
    match: str = "exact"
    if type(request) in (Subscribe, Register):
        match = request.options.get("match", match)
    return match


def _no_role(member: Any) -> str:
    return f"there is no role {member.identity.authrole!r} in this realm"
