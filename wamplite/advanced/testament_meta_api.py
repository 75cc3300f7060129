"""Last wills: events that are published when their session ends (RFC "Session Testament").

Announced by the dealer. `wamp.session.add_testament(topic, args, kwargs)`, with `publish_options`
and `scope`, keeps one; `wamp.session.flush_testaments(scope=...)` forgets them. Scopes are
"detached" and "destroyed", which is the default; here a session ends as both at once, however it
ends: first those of "detached" are published, then those of "destroyed", each in their order.
A session keeps MOST of them, of KEPT bytes each.
"""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.errors import ProtocolError
from ..core.feature import Feature, Host, Refused, claim
from ..core.ids import following
from ..core.members import Dismissed
from ..core.messages import Call, Publish, Result
from ..core.meta import argument, keyword, result
from ..core.parsing import parse
from ..core.weight import weigh

SCOPES = ("detached", "destroyed")  # in the order in which they are published
MOST = 64
KEPT = 64 * 1024
PUBLISH = 16


class ForRouter(Feature):
    name = "testament_meta_api"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        self.realm = host
        self.testaments: dict[Any, list[tuple[str, Publish]]] = {}  # member -> (scope, event)
        claim(host.procedures, "wamp.session.add_testament", self.add)
        claim(host.procedures, "wamp.session.flush_testaments", self.flush)
        claim(host.implied, "wamp.session.add_testament", _implied)
        host.left.append(self.on_left)

    def add(self, caller: Any, call: Call) -> Result:
        """wamp.session.add_testament"""
        topic, args = argument(call, 0, str), argument(call, 1, list, [])
        kwargs, options = argument(call, 2, dict, {}), keyword(call, "publish_options", dict, {})
        scope = _scope(call)
        if weigh([args, kwargs, options], KEPT) > KEPT:
            raise Refused(uris.PAYLOAD_SIZE_EXCEEDED, f"a testament may have {KEPT} bytes")
        try:
            publish: Any = parse([PUBLISH, 1, dict(options), topic, args, kwargs])
            asked = publish._replace(options={**publish.options, "acknowledge": True})
            self.realm.broker.draft(caller, asked)  # what cannot be published is refused now
        except ProtocolError as error:
            raise Refused(uris.INVALID_ARGUMENT, f"publish_options: {error}") from None
        kept = self.testaments.setdefault(caller, [])
        if len(kept) >= MOST:
            raise Refused(uris.LIMIT_REACHED, f"a session may have {MOST} testaments")
        kept.append((scope, publish))
        return result(call)

    def flush(self, caller: Any, call: Call) -> Result:
        """wamp.session.flush_testaments"""
        scope = _scope(call)
        kept = [each for each in self.testaments.pop(caller, ()) if each[0] != scope]
        if kept:
            self.testaments[caller] = kept
        return result(call)

    def on_left(self, member: Any, _: Any, entry: Any) -> None:
        kept = self.testaments.pop(member, ())
        if not kept or (type(entry) is Dismissed and entry.quietly):
            return
        for scope in SCOPES:
            for publish in [publish for of, publish in kept if of == scope]:
                request = following(member.last_request or 0)
                self.realm.handle(member, publish._replace(request=request))


def _implied(call: Call) -> tuple[type, str]:
    """Tell that a topic will be published to, before anything is kept for it."""
    return Publish, argument(call, 0, str)


def _scope(call: Call) -> str:
    scope: str = keyword(call, "scope", str, "destroyed")
    if scope not in SCOPES:
        text = f"scope must be detached or destroyed, not {scope!r}"
        raise Refused(uris.INVALID_ARGUMENT, text)
    return scope
