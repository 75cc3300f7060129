"""Sessions as topics and procedures (RFC "Session Meta API").

Announced by broker and dealer. `wamp.session.on_join` and `on_leave` tell of them; `count`, `list`,
`get` answer; `kill`, `kill_by_authid`, `kill_by_authrole`, `kill_all` end them with GOODBYE, but
never the session that asks. `kill_all` is told by no event, and publishes no testament.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import uris
from ..core.feature import Feature, Host, Refused, claim
from ..core.members import Dismissed
from ..core.messages import Call, Result
from ..core.meta import an_id, argument, keyword, result

ON_JOIN, ON_LEAVE = "wamp.session.on_join", "wamp.session.on_leave"
NO_SUCH_SESSION = "wamp.error.no_such_session"


class ForRouter(Feature):
    name = "session_meta_api"
    status = "beta"
    roles = ("broker", "dealer")

    def install(self, host: Host) -> None:
        self.realm = host
        host.joined.append(self.on_joined)
        host.left.append(self.on_left)
        procedures: dict[str, Callable[[Any, Call], Result]] = {
            "count": lambda caller, call: result(call, len(self.chosen(call))),
            "list": lambda caller, call: result(call, [m.session for m in self.chosen(call)]),
            "get": self.get,
            "kill": self.kill,
            "kill_by_authid": self.kill_by_authid,
            "kill_by_authrole": self.kill_by_authrole,
            "kill_all": self.kill_all,
        }
        for name, procedure in procedures.items():
            claim(host.procedures, f"wamp.session.{name}", procedure)

    # ---- events

    def on_joined(self, member: Any, welcome: Any, join: Any) -> None:
        if self.realm.broker.is_heard(ON_JOIN):
            self.realm.broker.announce(ON_JOIN, details(member))

    def on_left(self, member: Any, _: Any, entry: Any) -> None:
        broker = self.realm.broker
        if not broker.is_heard(ON_LEAVE) or (type(entry) is Dismissed and entry.quietly):
            return
        who = member.identity
        broker.announce(ON_LEAVE, member.session, who.authid, who.authrole)

    # ---- procedures

    def chosen(self, call: Call) -> list[Any]:
        """Return the members whose authrole is in the first argument, all where there is none."""
        roles = argument(call, 0, list, None)
        members = self.realm.members.values()
        return [m for m in members if roles is None or m.identity.authrole in roles]

    def get(self, caller: Any, call: Call) -> Result:
        """wamp.session.get"""
        return result(call, details(self.member(call)))

    def kill(self, caller: Any, call: Call) -> Result:
        """wamp.session.kill"""
        member = self.member(call)
        if member is caller:
            raise Refused(NO_SUCH_SESSION, "a session cannot kill itself")
        self.end([member], caller, call)
        return result(call)

    def kill_by_authid(self, caller: Any, call: Call) -> Result:
        """wamp.session.kill_by_authid"""
        authid = argument(call, 0, str)
        members = [m for m in self.realm.members.values() if m.identity.authid == authid]
        return result(call, [m.session for m in self.end(members, caller, call)])

    def kill_by_authrole(self, caller: Any, call: Call) -> Result:
        """wamp.session.kill_by_authrole"""
        role = argument(call, 0, str)
        members = [m for m in self.realm.members.values() if m.identity.authrole == role]
        return result(call, len(self.end(members, caller, call)))

    def kill_all(self, caller: Any, call: Call) -> Result:
        """wamp.session.kill_all"""
        members = list(self.realm.members.values())
        return result(call, len(self.end(members, caller, call, quietly=True)))

    def end(
        self, members: list[Any], caller: Any, call: Call, *, quietly: bool = False
    ) -> list[Any]:
        """Dismiss all of these but the caller, and return them."""
        reason = (call.kwargs or {}).get("reason")
        reason = uris.KILLED if reason is None else reason
        if type(reason) is not str or not uris.is_valid(reason):
            raise Refused(uris.INVALID_URI, f"reason must be a URI: {uris.flaw(reason)}")
        message = keyword(call, "message", str, "")
        ended = [member for member in members if member is not caller]
        for member in ended:
            self.realm.dismiss(member, reason, message, quietly=quietly)
        return ended

    def member(self, call: Call) -> Any:
        """Return the member that the first argument names."""
        session = an_id(call)
        if session not in self.realm.members:
            raise Refused(NO_SUCH_SESSION, f"there is no session {session}")
        return self.realm.members[session]


def details(member: Any) -> dict[str, Any]:
    """Return what is told of a session."""
    identity = member.identity
    told = {
        "session": member.session,
        "authid": identity.authid,
        "authrole": identity.authrole,
        "authmethod": identity.authmethod,
        "authprovider": identity.authprovider,
    }
    transport = member.transport
    return {**told, "transport": transport} if transport else told
