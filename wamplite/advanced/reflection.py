"""What procedures, topics and errors there are, and what is told of them (RFC "Interface
Reflection", a sketch without payloads).

    wamp.reflect.define(uri, definition, kind=...)    a dict, like a JSON Schema; null: undefine
    wamp.reflect.describe(uri, kind=...)              the definition, or null
    wamp.reflect.on_define, .on_undefine              (uri, kind, definition), (uri, kind)
    wamp.reflection.KIND.list(prefix=, after=)        at most LISTED of the URIs, in order
    wamp.reflection.KIND.describe(uri)                the definition, or null

Announced by broker and dealer, beside their features. KIND is procedure, topic or error. Lists have
what is registered or subscribed to as well as what is defined. A definition is its session's: it
goes when the session does, or when the session serves that procedure no longer; of several for one
URI the last is told. A session keeps MOST of them, of KEPT bytes each, all together KEPT_IN_ALL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from heapq import nsmallest
from typing import Any, NamedTuple

from ..core import uris
from ..core.feature import Feature, Host, Refused, claim
from ..core.messages import Call, Publish, Register, Result
from ..core.meta import argument, keyword, knowing, may_know, result
from ..core.weight import weigh

KINDS = ("procedure", "topic", "error")
LISTED = 1000  # URIs of one answer
MOST = 256  # definitions of a session
KEPT = 16 * 1024  # bytes of one
KEPT_IN_ALL = 4 * 1024 * 1024  # bytes of all


class Definition(NamedTuple):
    """What a session has told of a URI."""

    told: dict[str, Any]
    weight: int  # bytes


class ForRouter(Feature):
    name = "reflection"
    status = "sketch"
    roles = ("broker", "dealer")
    beside_features = True

    def install(self, host: Host) -> None:
        self.realm = host
        # kind -> URI -> session -> definition, the last one last
        self.defined: dict[str, dict[str, dict[Any, Definition]]] = {kind: {} for kind in KINDS}
        self.numbers: dict[Any, int] = {}  # of the definitions that a session has
        self.bytes = 0
        host.left.append(self.on_left)
        host.dealer.unregistered.append(self.on_unregistered)
        claim(host.procedures, "wamp.reflect.define", self.define)
        claim(host.procedures, "wamp.reflect.describe", self.describe)
        records: dict[str, Callable[[], Iterable[Any]]] = {
            "procedure": lambda: host.dealer.registrations.values(),
            "topic": lambda: host.broker.subscriptions.values(),
            "error": lambda: (),
        }
        for kind in KINDS:
            base = f"wamp.reflection.{kind}."
            claim(host.procedures, base + "list", partial(self.list, kind, records[kind]))
            claim(host.procedures, base + "describe", partial(self.describe, kind=kind))
        claim(host.implied, "wamp.reflect.define", _implied)

    def list(
        self, kind: str, records: Callable[[], Iterable[Any]], caller: Any, call: Call
    ) -> Result:
        """wamp.reflection.KIND.list"""
        prefix, after = keyword(call, "prefix", str, ""), keyword(call, "after", str, "")
        found = {
            record.uri
            for record in records()
            if not uris.is_reserved(record.uri)
            and may_know(self.realm, caller, record.uri, record.match)
        }
        found.update(uri for uri in self.defined[kind] if may_know(self.realm, caller, uri))
        chosen = (uri for uri in found if uri > after and uri.startswith(prefix))
        return result(call, nsmallest(LISTED, chosen))

    def describe(self, caller: Any, call: Call, kind: str = "") -> Result:
        """wamp.reflect.describe, wamp.reflection.KIND.describe"""
        uri, kind = argument(call, 0, str), kind or _kind(call)
        definitions = list(self.defined[kind].get(uri, {}).values())
        if not may_know(self.realm, caller, uri):
            definitions = []
        return result(call, definitions[-1].told if definitions else None)

    def define(self, caller: Any, call: Call) -> Result:
        """wamp.reflect.define"""
        uri, definition = argument(call, 0, str), argument(call, 1, dict, None)
        kind = _kind(call)
        if uris.is_reserved(uri) or not uris.is_valid(uri):
            raise Refused(uris.INVALID_URI, f"{uri!r} cannot be defined")
        if definition is None:
            self.forget(caller, kind, uri)
            return result(call)
        weight = weigh([uri, definition], KEPT)
        if weight > KEPT:
            raise Refused(uris.PAYLOAD_SIZE_EXCEEDED, f"a definition may have {KEPT} bytes")
        before = self.defined[kind].get(uri, {}).get(caller)
        if before is None and self.numbers.get(caller, 0) >= MOST:
            raise Refused(uris.LIMIT_REACHED, f"a session may have {MOST} definitions")
        more = weight - (before.weight if before else 0)
        if self.bytes + more > KEPT_IN_ALL:
            raise Refused(uris.LIMIT_REACHED, f"all definitions may have {KEPT_IN_ALL} bytes")
        of_uri = self.defined[kind].setdefault(uri, {})
        if of_uri.pop(caller, None) is None:
            self.numbers[caller] = self.numbers.get(caller, 0) + 1
        of_uri[caller] = Definition(definition, weight)
        self.bytes += more
        self.announce("on_define", uri, kind, definition)
        return result(call)

    def forget(self, member: Any, kind: str, uri: str) -> None:
        """Forget the definition that a session has made, if it has."""
        of_uri = self.defined[kind].get(uri, {})
        definition = of_uri.pop(member, None)
        if definition is None:
            return
        self.bytes -= definition.weight
        self.numbers[member] -= 1
        if not self.numbers[member]:
            del self.numbers[member]
        if not of_uri:
            del self.defined[kind][uri]
            self.announce("on_undefine", uri, kind)

    def announce(self, event: str, uri: str, *args: Any) -> None:
        filters = knowing(self.realm, uri)
        self.realm.broker.announce(f"wamp.reflect.{event}", uri, *args, filters=filters)

    def on_unregistered(self, member: Any, callee: Any, message: Any) -> None:
        self.forget(member, "procedure", callee.registration.uri)

    def on_left(self, member: Any, _: Any, entry: Any) -> None:
        if member in self.numbers:
            for kind, by_uri in self.defined.items():
                for uri in [uri for uri, of_uri in by_uri.items() if member in of_uri]:
                    self.forget(member, kind, uri)


def _implied(call: Call) -> tuple[type, str] | None:
    """Tell that whoever defines a procedure or a topic must be one who may serve it."""
    kinds = {"procedure": Register, "topic": Publish}
    kind = _kind(call)
    return (kinds[kind], argument(call, 0, str)) if kind in kinds else None


def _kind(call: Call) -> str:
    kind: str = keyword(call, "kind", str, "procedure")
    if kind not in KINDS:
        raise Refused(
            uris.INVALID_ARGUMENT, f"kind must be one of {', '.join(KINDS)}, not {kind!r}"
        )
    return kind
