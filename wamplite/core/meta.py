"""What procedures of the router's own share: arguments, results, times, the records they tell of.

Registrations and subscriptions have the same procedures and events, under other words.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from . import uris
from .feature import Refused, claim
from .ids import MAX_ID
from .messages import Call, Result

POLICIES = ("exact", "prefix", "wildcard")


def result(call: Call, *args: Any, **kwargs: Any) -> Result:
    """Return what a procedure of the router's own answers a CALL with."""
    return Result(call.request, {}, list(args) or None, kwargs or None)


def argument(call: Call, position: int, kind: type, *default: Any) -> Any:
    """Return a positional argument of a meta procedure, or its default; refuse another type."""
    args = call.args if type(call.args) is list else []
    value = args[position] if position < len(args) else None
    if value is None and default:
        return default[0]
    return _checked(call, f"argument {position + 1}", value, kind)


def keyword(call: Call, name: str, kind: type, default: Any) -> Any:
    """Return a keyword argument of a meta procedure, or its default; refuse another type."""
    value = (call.kwargs or {}).get(name)
    return default if value is None else _checked(call, name, value, kind)


def _checked(call: Call, what: str, value: Any, kind: type) -> Any:
    if type(value) is not kind:
        found = type(value).__name__
        text = f"{call.procedure}: {what} must be {kind.__name__}, not {found}"
        raise Refused(uris.INVALID_ARGUMENT, text)
    return value


def an_id(call: Call) -> int:
    """Return the first argument, which must be an id."""
    number: int = argument(call, 0, int)
    return number if 0 < number <= MAX_ID else 0


def may_know(realm: Any, member: Any, uri: str, match: str = "exact") -> bool:
    """Tell whether a member may be told that there is something with a URI or pattern."""
    return all(may(member, uri, match) for may in realm.may_know)


def knowing(realm: Any, uri: str, match: str = "exact") -> list[Callable[[Any], bool]]:
    """Return the filters of a meta event about a URI or pattern: none where all may know of it."""
    return [lambda member: may_know(realm, member, uri, match)] if realm.may_know else []


def iso(seconds: float) -> str:
    """Return a time in seconds since 1970 as ISO 8601 and RFC 3339 have it, in UTC."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Records:
    """The meta API of registrations or of subscriptions.

    kind: the word for one in URIs. matches: the match policies. records: by id. sessions: who has
    a part in a record. verbs: what the events call coming and going. who: what they call them.
    """

    def __init__(
        self,
        realm: Any,
        kind: str,
        matches: Any,
        records: dict[int, Any],
        sessions: Callable[[Any], dict[Any, Any]],
        verbs: tuple[str, str],
        who: str,
        error: str,
    ) -> None:
        self.realm, self.matches, self.records = realm, matches, records
        self.kind, self.sessions, self.error = kind, sessions, error
        base = f"wamp.{kind}."
        self.created, self.deleted = base + "on_create", base + "on_delete"
        self.come, self.gone = base + verbs[0], base + verbs[1]
        for name, procedure in {
            "list": self.by_policy,
            "lookup": self.lookup,
            "match": self.match,
            "get": self.get,
            f"list_{who}": self.list_sessions,
            f"count_{who}": self.count_sessions,
        }.items():
            claim(realm.procedures, base + name, procedure)

    # ---- events

    def joined(self, member: Any, record: Any) -> None:
        """Tell that a session has got a part in a record, which may be new."""
        is_new = len(self.sessions(record)) == 1
        if is_new:
            record.notes["created"] = self.realm.now()
            if self.realm.broker.is_heard(self.created):
                self._announce(self.created, member, record, self.details(record))
        self._announce(self.come, member, record, record.id)

    def left(self, member: Any, record: Any) -> None:
        """Tell that a session has no part in a record any more, which may be the end of it."""
        self._announce(self.gone, member, record, record.id)
        if not self.sessions(record):
            self._announce(self.deleted, member, record, record.id)

    def _announce(self, topic: str, member: Any, record: Any, subject: Any) -> None:
        broker = self.realm.broker
        if broker.is_heard(topic) and not uris.is_reserved(record.uri):
            filters = knowing(self.realm, record.uri, record.match)
            broker.announce(topic, member.session, subject, filters=filters)

    # ---- procedures

    def details(self, record: Any) -> dict[str, Any]:
        """Return what is told of a record."""
        created = iso(record.notes.get("created", 0))
        told = {"id": record.id, "created": created, "uri": record.uri, "match": record.match}
        return {**told, "invoke": record.invoke} if hasattr(record, "invoke") else told

    def tells(self, caller: Any, record: Any) -> bool:
        """Tell whether a session may be told of a record."""
        return may_know(self.realm, caller, record.uri, record.match)

    def by_policy(self, caller: Any, call: Call) -> Result:
        """The ids of all records, by match policy."""
        ids: dict[str, list[int]] = {policy: [] for policy in POLICIES}
        for number, record in self.records.items():
            if self.tells(caller, record):
                ids.setdefault(record.match, []).append(number)
        return result(call, ids)

    def lookup(self, caller: Any, call: Call) -> Result:
        """The id of the record with this URI and `match` of the options, or null."""
        uri, options = argument(call, 0, str), argument(call, 1, dict, {})
        match = self.matches.get(options.get("match") or "exact")
        record = match.records.get(uri) if match else None
        return result(call, record.id if record and self.tells(caller, record) else None)

    def match(self, caller: Any, call: Call) -> Result:
        """All ids that an event with this topic would reach, the best first, or null."""
        return result(call, self.found(caller, argument(call, 0, str)) or None)

    def found(self, caller: Any, uri: str) -> list[int]:
        """Return the ids of all records that a URI finds, and that a session may be told of."""
        if not uris.is_valid(uri):  # of a pattern, which nothing is published to
            return []
        records = [record for match in self.matches.values() for record in match.find(uri)]
        return [record.id for record in records if self.tells(caller, record)]

    def get(self, caller: Any, call: Call) -> Result:
        """What is told of a record."""
        return result(call, self.details(self._record(caller, call)))

    def list_sessions(self, caller: Any, call: Call) -> Result:
        """The sessions that have a part in a record."""
        sessions = self.sessions(self._record(caller, call))
        return result(call, [member.session for member in sessions])

    def count_sessions(self, caller: Any, call: Call) -> Result:
        """How many sessions have a part in a record."""
        return result(call, len(self.sessions(self._record(caller, call))))

    def _record(self, caller: Any, call: Call) -> Any:
        number = an_id(call)
        record = self.records.get(number)
        if record is None or not self.tells(caller, record):
            raise Refused(self.error, f"there is no {self.kind} {number}")
        return record
