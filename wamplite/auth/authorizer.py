"""Who is asked where no permission speaks of a URI: a function, or a procedure of the realm.

    authorize(session, uri, action, options) -> True, False, or {"allow": ..., "disclose": ...}

as Crossbar has it: `session` is a dict of the session's id and of who it is, `action` one of call,
register, publish and subscribe, `options` those of the request, with `match` for a pattern. An
answer holds for `cache` seconds for that session, action and URI, unless it says `"cache": False`.

Law: a fault means no. An exception, an ERROR, an answer that is none, and none within `timeout`
seconds refuse what was asked for; that is counted, and logged once a minute. A function is called
with the routing role, so it must not wait. A procedure is asked MOST_ASKED questions at a time, the
others wait; which requests wait for the answer is for whoever asks to say (core/parking.py).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from ..core import uris
from ..core.errors import UsageError
from ..core.matching import Matches, PrefixMatch, WildcardMatch, matches
from ..core.messages import Result
from ..core.words import shorten, show
from ..limit import RateLimit
from .permissions import Permission
from .wanted import Wanted

MOST_ASKED = 64  # questions that a procedure is asked at a time
REMEMBERED = 4096  # answers, of all sessions together
FAULT_HOLDS = 1.0  # seconds: a procedure that hangs is not asked the same at once
QUIET = 60.0  # seconds between two lines of the log about faults

logger = logging.getLogger("wamplite.auth")

Authorize = Callable[[dict[str, Any], str, str, dict[str, Any]], Any]
Then = Callable[[Permission], None]


class Question(NamedTuple):
    """What a procedure is asked, and who goes on with the answer."""

    member: Any
    wanted: Wanted
    options: dict[str, Any]
    then: Then


class Authorizer:
    """Asks, for one realm, and remembers the answers within a bound; with the routing role.

    Raises UsageError where nobody can be asked so.
    """

    def __init__(self, asked: str | Authorize, cache: float, timeout: float) -> None:
        if isinstance(asked, str) and not uris.is_valid(asked):
            raise UsageError(f"the authorizer {asked!r} is no procedure: {uris.flaw(asked)}")
        if not (isinstance(asked, str) or callable(asked)):
            raise UsageError(f"an authorizer is a function or a procedure's URI, not {asked!r}")
        if not timeout > 0 or cache < 0:
            raise UsageError("an authorizer needs a timeout above 0, and a cache of 0 or more")
        self.is_procedure = isinstance(asked, str)
        self.faults = 0
        self._asked, self._cache, self._timeout = asked, cache, timeout
        # member -> what -> the answer, and until when it holds
        self._known: dict[Any, dict[Wanted, tuple[Permission, float]]] = {}
        self._lent: dict[Any, dict[Wanted, Permission]] = {}  # to the request that waited for it
        self._remembered = 0
        self._waiting: deque[Question] = deque()
        self._in_flight = 0
        self._lines = RateLimit(1, QUIET)

    def install(self, realm: Any) -> None:
        """Ask in a realm."""
        self._realm = realm

    def serves(self, member: Any) -> bool:
        """Tell whether a session is the authorizer itself: nobody can be asked about that."""
        callees = member.registrations.values() if self.is_procedure else ()
        return any(
            matches(callee.registration.match, callee.registration.uri, str(self._asked))
            for callee in callees
        )

    def find(self, member: Any, wanted: Wanted, options: dict[str, Any]) -> Permission | None:
        """Return the answer where it is known, or can be had at once; None: `ask`."""
        found = self._lent.get(member, {}).get(wanted)
        if found is not None:
            return found
        known, until = self._known.get(member, {}).get(wanted, (None, 0.0))
        if known is not None and self._realm.now() < until:
            return known
        if self.is_procedure:
            return None
        assert callable(self._asked)
        try:
            said = self._asked(self._details(member), wanted.uri, wanted.action, dict(options))
        except Exception as error:
            return self._fault(member, wanted, f"raised {error!r}")
        return self._judged(member, wanted, said)

    def ask(self, member: Any, wanted: Wanted, options: dict[str, Any], then: Then) -> None:
        """Have the procedure asked; `then` gets the answer, later than this returns."""
        self._waiting.append(Question(member, wanted, options, then))
        self._go_on()

    def lend(self, member: Any, wanted: Wanted, answer: Permission) -> None:
        """Have an answer at hand for the request that waited for it, however long it holds."""
        self._lent.setdefault(member, {})[wanted] = answer

    def take_back(self, member: Any) -> None:
        """Forget the answers that a request has waited for, once it is through."""
        self._lent.pop(member, None)

    def forget(self, member: Any) -> None:
        """Forget a session that has left."""
        self._remembered -= len(self._known.pop(member, ()))
        self._lent.pop(member, None)

    def clear(self) -> None:
        """Forget all answers: they are asked for anew."""
        self._known.clear()
        self._remembered = 0

    def _go_on(self) -> None:
        while self._waiting and self._in_flight < MOST_ASKED:
            question = self._waiting.popleft()
            self._in_flight += 1
            member, (action, uri, _), options, _ = question
            args = [self._details(member), uri, action, dict(options)]
            self._realm.call(
                self._asked,
                lambda answer, question=question: self._answered(question, answer),
                args,
                seconds=self._timeout,
            )

    def _answered(self, question: Question, answer: Any) -> None:
        self._in_flight -= 1
        member, wanted, _, then = question
        if type(answer) is not Result:
            permission = self._fault(member, wanted, f"failed with {answer.error}")
        else:
            args = answer.args if type(answer.args) is list else []
            permission = self._judged(member, wanted, args[0] if len(args) == 1 else args)
        try:
            then(permission)
        finally:
            self._go_on()

    def _judged(self, member: Any, wanted: Wanted, said: Any) -> Permission:
        """Return what an answer permits, and remember it."""
        answer = said if isinstance(said, dict) else {"allow": said}
        allow, disclose = answer.get("allow"), answer.get("disclose")
        keep = answer.get("cache", True)
        if not (type(allow) is type(keep) is bool and type(disclose) in (bool, type(None))):
            text = 'answered neither true nor false nor {"allow": true or false, ...}'
            return self._fault(member, wanted, f"{text} but {show(said)}")
        permission = _permission(wanted.action if allow else "", disclose)
        if keep:
            self._remember(member, wanted, permission, self._cache)
        return permission

    def _remember(self, member: Any, wanted: Wanted, answer: Permission, seconds: float) -> None:
        if seconds <= 0 or not member.open:
            return
        if self._remembered >= REMEMBERED:
            self.clear()
        known = self._known.setdefault(member, {})
        self._remembered += wanted not in known
        known[wanted] = answer, self._realm.now() + seconds

    def _fault(self, member: Any, wanted: Wanted, what: str) -> Permission:
        """Take a fault for a no, and tell of it now and then."""
        self.faults += 1
        no = _permission("", None)
        if self.is_procedure:
            self._remember(member, wanted, no, FAULT_HOLDS)
        if self._lines.allows(None, self._realm.now()):
            untold = self._lines.take_left_out()
            more = f"; {untold} more since the last line of this" if untold else ""
            who = self._asked if self.is_procedure else getattr(self._asked, "__name__", "")
            text = "%s: the authorizer %s %s, so %s may not %s%s"
            logger.warning(text, self._realm.uri, who, what, member, shorten(str(wanted)), more)
        return no

    def _details(self, member: Any) -> dict[str, Any]:
        """Return what an authorizer is told of a session."""
        told = {"realm": self._realm.uri, "session": member.session, **member.identity._asdict()}
        if told["authextra"] is None:
            del told["authextra"]
        transport = member.transport
        return {**told, "transport": transport} if transport else told


class Grants:
    """The patterns and topics that a session has subscribed to because the authorizer allowed it.

    speaks: fn(member, uri, match), whether a permission speaks of a subscription.
    """

    def __init__(self, broker: Any, speaks: Callable[[Any, str, str], bool]) -> None:
        self._speaks = speaks
        self._of: dict[Any, Matches[bool]] = {}  # by member
        # In front: what was retained is given at this moment, too
        broker.subscribed.insert(0, self._on_subscribed)
        broker.repeated.insert(0, self._on_subscribed)
        broker.unsubscribed.append(self._on_unsubscribed)

    def bring(self, member: Any, topic: str) -> bool:
        """Tell whether one of them finds a topic."""
        granted = self._of.get(member)
        if granted is None:
            return False
        return any(True for match in granted.values() for _ in match.find(topic))

    def revise(self) -> None:
        """Give up those of which a permission speaks now."""
        for member in list(self._of):
            for part in member.subscriptions.values():
                if self._speaks(member, part.subscription.uri, part.subscription.match):
                    self._on_unsubscribed(member, part, None)

    def _on_subscribed(self, member: Any, part: Any, _: Any) -> None:
        subscription = part.subscription
        if not self._speaks(member, subscription.uri, subscription.match):
            granted = self._of.get(member)
            if granted is None:
                granted = self._of[member] = Matches()
                granted.install(PrefixMatch())
                granted.install(WildcardMatch())
            records = granted[subscription.match]
            if subscription.uri not in records.records:
                records.add(subscription.uri, True)

    def _on_unsubscribed(self, member: Any, part: Any, _: Any) -> None:
        subscription, granted = part.subscription, self._of.get(member)
        if granted is not None and subscription.uri in granted[subscription.match].records:
            granted[subscription.match].remove(subscription.uri)
            if not any(match.records for match in granted.values()):
                del self._of[member]


@lru_cache(maxsize=32)
def _permission(action: str, disclose: bool | None) -> Permission:
    """Return what an answer amounts to; `action` is "" where it says no."""
    told = {None: "asked", True: "always", False: "never"}[disclose]
    allow = [action] if action else []
    return Permission("", "prefix", allow, disclose_caller=told, disclose_publisher=told)
