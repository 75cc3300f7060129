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

With an `authorizer`, a function or a procedure, that is asked where no permission speaks of a URI.
While a procedure is asked, the session's further messages wait in their order, its answers to calls
never. The session that serves the procedure is not asked about: it needs permissions. By a pattern
that the authorizer has allowed come all events of it that no permission forbids.

`revise` replaces the roles, `take_authorizer` who is asked, with the routing role: what hangs on a
right that is gone is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ..core import uris
from ..core.feature import Feature, Floor, Handler, Host, Refused
from ..core.members import Join
from ..core.messages import (
    Call,
    Cancel,
    Goodbye,
    Publish,
    Register,
    Subscribe,
    Unregister,
    Unsubscribe,
)
from ..core.parking import Parking
from .authorizer import Authorize, Authorizer, Grants
from .holdings import all_held, holds, tell
from .permissions import ACTIONS, Permission, Rights, Role, Roles
from .wanted import ACTION, Wanted, wanted_by

WAIT = (*ACTION, Unregister, Unsubscribe, Cancel, Goodbye)  # behind a request that waits
OURS = "internal"  # the authmethod of sessions in the router's own program
EVERYTHING = (Permission("", "prefix", ACTIONS),)
NONE = Permission("", "prefix")


class Authorization(Feature):
    """The permissions of one realm.

    authorizer: `fn(session, uri, action, options)`, or the URI of a procedure, whose answers hold
    for `cache` seconds and must come within `timeout` seconds; see authorizer.py.
    """

    name = "authorization"
    comes_last = True

    def __init__(
        self,
        roles: Iterable[Role],
        *,
        authorizer: str | Authorize | None = None,
        cache: float = 60.0,
        timeout: float = 5.0,
    ) -> None:
        self.authroles = Roles(roles)
        self.authorizer: Authorizer | None = None
        if authorizer is not None:
            self.authorizer = Authorizer(authorizer, cache, timeout)
        self.grants: Grants | None = None
        self.parking: Parking | None = None  # from when on a procedure is asked
        self.rights_of: dict[Any, Rights] = {}  # by member
        self.is_watching = False  # what is drafted
        self.refused = 0
        self.dropped = 0
        self.faults = 0  # of authorizers that are asked no more

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
        host.may_act.append(lambda who, *what: self.authroles.decide(who, *what).allowed)
        host.left.append(self.on_left)
        self._begin_to_ask()
        self._watch()

    def _begin_to_ask(self) -> None:
        if self.authorizer is None:
            return
        self.authorizer.install(self.realm)
        if self.grants is None:
            self.grants = Grants(self.broker, self._speaks)
        if self.authorizer.is_procedure and self.parking is None:
            self.parking = Parking(self.realm)
            for each in WAIT:
                if each in self.realm.handlers:
                    self.realm.handlers.wrap(each, self.hold, Floor.AUTHORIZATION)

    def counters(self) -> dict[str, int]:
        faults = self.faults + (self.authorizer.faults if self.authorizer is not None else 0)
        counted = {
            "not_authorized": self.refused,
            "events_not_authorized": self.dropped,
            "authorizer_faults": faults,
        }
        return {name: number for name, number in counted.items() if number}

    # ---- who

    def rights(self, member: Any) -> Rights:
        """Return what a session may do by its role."""
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
        if self.authorizer is not None:
            self.authorizer.forget(member)

    def _has_role(self, member: Any) -> bool:
        identity = member.identity
        is_known = identity.authrole in self.authroles or identity.authmethod == OURS
        return is_known or self.authorizer is not None

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
        """Let a request pass, refuse it, or have it wait for the authorizer."""
        if type(request) is Call and self._goes_on(member, request):
            return inner(member, request)
        for wanted in wanted_by(request, self.implied):
            permission = self._permission(member, wanted, request.options)
            if permission is None:
                return self._ask(inner, member, request, wanted)
            if wanted.action not in permission.allow:
                raise self._refusal(member, request, wanted)
            if self.authorizer is not None:
                self.authorizer.lend(member, wanted, permission)
        try:
            return inner(member, request)
        finally:
            self._done(member)

    def _permission(self, member: Any, wanted: Wanted, options: Any) -> Permission | None:
        """Return what decides, NONE where nothing does; None where a procedure must be asked."""
        permission = self.rights(member).decide(*wanted).permission
        if permission is not None:
            return permission
        if self.authorizer is None or self.authorizer.serves(member):
            return NONE
        return self.authorizer.find(member, wanted, options)

    def _goes_on(self, member: Any, call: Call) -> bool:
        """Tell whether a CALL belongs to one that is in flight, or was: that was allowed."""
        continuation = self.dealer.continuation
        return call.request in member.calls or (
            continuation is not None and continuation.takes(member, call)
        )

    def _refusal(self, member: Any, request: Any, wanted: Wanted) -> Refused:
        self._done(member)
        if not uris.is_valid_for(wanted.match, wanted.uri):
            return Refused(uris.INVALID_URI, f"{wanted.uri!r}: {uris.flaw(wanted.uri)}")
        self.refused += 1
        if type(request) is Publish and not request.options.get("acknowledge"):
            self.dropped += 1
        text = f"role {member.identity.authrole!r} may not {wanted}"
        return Refused(uris.NOT_AUTHORIZED, text)

    # ---- what waits for the authorizer

    def _ask(self, inner: Handler, member: Any, request: Any, wanted: Wanted) -> None:
        """Have a request wait for what the authorizer says."""
        assert self.authorizer is not None and self.parking is not None
        authorizer, parking = self.authorizer, self.parking

        def go_on(permission: Permission) -> None:
            authorizer.lend(member, wanted, permission)
            if is_will:
                self.realm.handle(member, request, partial(self.on_request, inner))
            else:
                parking.resume(member)
            if not member.open:
                authorizer.forget(member)

        is_will = not member.open  # nobody waits behind a testament
        if not is_will:
            parking.park(member, partial(self.on_request, inner), request)
        authorizer.ask(member, wanted, request.options, go_on)

    def hold(self, inner: Handler, member: Any, message: Any) -> None:
        """Have a message wait behind those of its session that wait."""
        assert self.parking is not None
        if not self.parking.holds(member):
            return inner(member, message)
        try:
            return self.parking.park(member, inner, message)
        except Refused:
            if type(message) is Goodbye:
                return inner(member, message)
            self.dropped += type(message) is Publish and not message.options.get("acknowledge")
            raise

    def _done(self, member: Any) -> None:
        if self.authorizer is not None:
            self.authorizer.take_back(member)

    # ---- what is told

    def may_see(self, member: Any, topic: str) -> bool:
        """Tell whether a session may have the events of a topic."""
        rights = self.rights_of.get(member) or self.rights(member)
        permission = rights.known.get(topic) or rights.find(topic)
        if permission is None:
            return self.grants is not None and self.grants.bring(member, topic)
        return "subscribe" in permission.allow

    def may_know(self, member: Any, uri: str, match: str) -> bool:
        """Tell whether a session may be told that there is something with a URI."""
        if self.rights(member).may_know(uri, match):
            return True
        return self.authorizer is not None and holds(self.realm, member, uri, match)

    def on_drafted(self, member: Any, record: Any, request: Any) -> None:
        """Disclose who calls or publishes, or not, and how far it is trusted, as permitted."""
        kind = type(request)
        if not member.session or (kind is not Call and kind is not Publish):
            return
        permission = self.rights(member).find(request[2])
        if permission is None and self.authorizer is not None:
            permission = record.notes.get("authorized") or self.authorizer.find(
                member, Wanted(ACTION[kind], request[2]), request.options
            )
            record.notes["authorized"] = permission  # it may be drafted once more, for another
        if permission is not None and permission.says_more:
            tell(permission, member, record, request)

    # ---- roles that change

    def revise(self, roles: Iterable[Role]) -> None:
        """Put other roles in their place, and close what they do not allow; with the routing role.

        Sessions whose role is gone are dismissed; of the others what is not allowed any more ends:
        subscriptions and registrations are revoked, calls in flight fail. The authorizer is asked
        again about what it has allowed.
        """
        self.authroles = Roles(roles)
        self.rights_of.clear()
        self._watch()
        if self.authorizer is not None and self.grants is not None:
            self.authorizer.clear()
            self.grants.revise()
        members = list(self.realm.members.values())
        for each in all_held(self.realm):
            self._close_forbidden(*each)
        for member in members:
            if not self._has_role(member):
                self.realm.dismiss(member, uris.NO_SUCH_ROLE, _no_role(member))

    def take_authorizer(self, authorizer: Authorizer | None) -> None:
        """Ask another one from now on, or nobody; with the routing role, before `revise`.

        What waits for an answer of the one before asks again once it has come.
        """
        if self.authorizer is not None:
            self.faults += self.authorizer.faults
        self.authorizer = authorizer
        self._begin_to_ask()

    def _close_forbidden(self, member: Any, wanted: Wanted, close: Callable[[], None]) -> None:
        """Close what is not allowed, at once or when the authorizer has said so."""

        def judge(permission: Permission) -> None:
            if wanted.action not in permission.allow:
                close()

        options = {"match": wanted.match}
        permission = self._permission(member, wanted, options)
        if permission is not None:
            judge(permission)
        elif self.authorizer is not None:
            self.authorizer.ask(member, wanted, options, judge)

    def _speaks(self, member: Any, uri: str, match: str) -> bool:
        """Tell whether a permission speaks of a subscription."""
        return self.rights(member).decide("subscribe", uri, match).permission is not None

    def _watch(self) -> None:
        """Look at all that is drafted, from when on a permission says what is to be told of it."""
        permissions = (permission for role in self.authroles for permission in role.permissions)
        says_more = self.authorizer is not None or any(each.says_more for each in permissions)
        if says_more and not self.is_watching:
            self.is_watching = True
            self.dealer.drafted.append(self.on_drafted)
            self.broker.drafted.append(self.on_drafted)


def _no_role(member: Any) -> str:
    return f"there is no role {member.identity.authrole!r} in this realm"
