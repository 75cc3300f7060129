"""Live messages of a realm for whoever subscribes to `wamplite.router.trace`: nothing, until then.

    SUBSCRIBE wamplite.router.trace   {"_session": 7, "_uri": "com.app."}: only those; both optional
    EVENT     args: a dict for each message; kwargs: `first`, the number of the first one

While somebody traces, what handles the realm's entries is this file's `came`, and each mailbox
tells what is posted to it. Lines are gathered for EVERY seconds, and there are at most LINES of
them: what is more is lost. So is what a slow reader does not take. Numbers go on meanwhile, so that
a gap tells how many. Events of a trace are never traced. All but `handshake` with the routing role.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import uris
from ..core.feature import Refused
from ..core.ids import new_publication
from ..core.members import Join, Member
from ..core.messages import CODES, Event, Message, Subscribe, name_of
from ..core.meta import iso
from ..core.realm import Realm
from ..core.records import Subscriber, Subscription
from ..core.unfit import Unfit
from .presence import Presence
from .session_log import why_left
from .shared import Shared
from .trace_lines import Subjects, shown

EVERY = 0.05  # seconds between two events of a trace
LINES = 100  # of one event
IN, OUT = "in", "out"

Line = dict[str, Any]


class Tracer:
    """One session that traces."""

    def __init__(self, subscriber: Subscriber, session: int, prefix: str) -> None:
        self.subscriber = subscriber
        self._session = session  # 0: of all
        self._prefix = prefix
        self._lines: list[Line] = []
        self._first = 0  # the number of the first of those
        self._next = 0

    def wants(self, session: int, uri: str) -> bool:
        """Tell whether a message is to be shown."""
        return self._session in (0, session) and uri.startswith(self._prefix)

    def take(self, make: Callable[[], Line]) -> bool:
        """Note a line, or lose it; True where it is the first that waits."""
        self._next += 1
        if len(self._lines) >= LINES:
            return False
        if not self._lines:
            self._first = self._next - 1
        self._lines.append(make())
        return len(self._lines) == 1

    def flush(self) -> None:
        """Send what waits; of a session that reads too slowly the oldest events are dropped."""
        lines, self._lines = self._lines, []
        subscription, member = self.subscriber.subscription, self.subscriber.member
        if lines and member.open:
            told = {"first": self._first}
            event = Event(subscription.id, new_publication(), {}, lines, told)
            member.post_droppable(event)


class RealmTrace:
    """All who trace one realm, and what is told to them."""

    def __init__(self, realm: Realm, shared: Shared) -> None:
        self._realm = realm
        self._shared = shared
        self._tracers: dict[Member, Tracer] = {}
        self._subjects = Subjects(realm.broker.subscriptions, realm.dealer.registrations)
        self._secret: set[str] = set()  # procedures that the router itself has called

    # ---- who traces

    def check(self, member: Member, subscribe: Subscribe) -> tuple[int, str]:
        """Return which session and URIs are asked for; Refused where that may not be."""
        if not self._may_trace(member):
            text = "without authorization a realm is traced from this machine alone"
            raise Refused(uris.NOT_AUTHORIZED, text)
        session = subscribe.options.get("_session", 0)
        prefix = subscribe.options.get("_uri", "")
        if type(session) is not int or type(prefix) is not str:
            raise Refused(uris.INVALID_ARGUMENT, "_session must be an id and _uri a text")
        return session, prefix

    def begin(self, member: Member, wanted: tuple[int, str]) -> None:
        """Trace for a member that has subscribed."""
        subscriber = next(
            part for part in member.subscriptions.values() if is_trace(part.subscription)
        )
        self._tracers[member] = Tracer(subscriber, *wanted)
        self._attach()

    def _may_trace(self, member: Member) -> bool:
        """Whoever authorization has let through may; where there is none, who is near."""
        if any(feature.name == "authorization" for feature in self._realm.features):
            return True
        carriers = [one.carrier for one in self._present() if one.member is member]
        return all(
            carrier.is_near and not carrier.listener_url.startswith("serial:")
            for carrier in carriers
        )

    def _present(self) -> list[Presence]:
        return self._shared.presences.of(self._realm.uri)

    def _ended(self, member: Member, subscriber: Subscriber, _: Any) -> None:
        """Forget who traces no more; later, as this is called in the middle of a moment."""
        if is_trace(subscriber.subscription) and self._tracers.pop(member, None) is not None:
            self._realm.later(0.0, self._detach)

    # ---- what is listened to, only while somebody traces

    def _attach(self) -> None:
        realm = self._realm
        if realm.uri in self._shared.traced:
            return
        realm.handle = self._came  # type: ignore[method-assign]
        realm.dealer.on_call = self._own_call  # type: ignore[method-assign]
        realm.left.append(self._left)
        realm.broker.unsubscribed.append(self._ended)
        for presence in self._present():
            self._listen(presence)
        self._shared.traced[realm.uri] = self.handshake

    def _detach(self) -> None:
        realm = self._realm
        if self._tracers or self._shared.traced.pop(realm.uri, None) is None:
            return
        for presence in self._present():
            presence.mailbox.tell(None)
        realm.broker.unsubscribed.remove(self._ended)
        realm.left.remove(self._left)
        del realm.handle, realm.dealer.on_call  # the classes' own are back

    def _listen(self, presence: Presence) -> None:
        member, name = presence.member, presence.carrier.name

        def posted(message: Message, size: int) -> None:
            self._tell(member, name, OUT, message, size=size)

        presence.mailbox.tell(posted)

    # ---- what there is to tell

    def _came(self, member: Member, entry: Any, handler: Any = None) -> None:
        """Handle an entry as the realm does, and tell of it before, unless it was parked."""
        if handler is None:
            if type(entry) is Join:
                for presence in self._present():
                    if presence.member is member:
                        self._listen(presence)
            elif type(entry) is Unfit:
                self._tell(member, _peer(member), IN, entry.message, unfit=entry.text)
            elif type(entry) in CODES:
                self._tell(member, _peer(member), IN, entry)
        Realm.handle(self._realm, member, entry, handler)

    def _left(self, member: Member, _: Any, entry: Any) -> None:
        """Tell of an end that no message tells of."""
        if type(entry) not in CODES:
            line = {"session": member.session, "peer": _peer(member), "direction": "end"}
            self._offer(member.session, "", lambda: {**line, "message": why_left(entry)})

    def _own_call(self, caller: Member, call: Any) -> None:
        """Note which procedure the router calls itself: it may be handed secrets."""
        self._secret.add(call.procedure)
        type(self._realm.dealer).on_call(self._realm.dealer, caller, call)

    def _tell(self, member: Member, peer: str, direction: str, message: Any, **more: Any) -> None:
        if type(message) is Event and self._is_ours(message):
            return
        uri = self._subjects.of(member.session, message, direction == IN)

        def make() -> Line:
            line = {"session": member.session, "peer": peer, "direction": direction}
            array = shown(message, uri in self._secret)
            return {**line, "message": name_of(message), "uri": uri, "array": array, **more}

        self._offer(member.session, uri, make)

    def _is_ours(self, event: Event) -> bool:
        subscription = self._realm.broker.subscriptions.get(event.subscription)
        return subscription is not None and is_trace(subscription)

    def _offer(self, session: int, uri: str, make: Callable[[], Line]) -> None:
        for tracer in self._tracers.values():
            if tracer.wants(session, uri) and tracer.take(lambda: self._timed(make())):
                self._realm.later(EVERY, tracer.flush)

    def _timed(self, line: Line) -> Line:
        return {"time": iso(self._realm.now()), **line}

    def handshake(self, peer: str, came: Message, answer: Any) -> None:
        """Tell of a step of a handshake; any thread, which lends the routing role nothing."""
        self._realm.later(0, lambda: self._tell_step(peer, came, answer))

    def _tell_step(self, peer: str, came: Message, answer: Any) -> None:
        for direction, message in ((IN, came), (OUT, answer)):
            if type(message) in CODES:
                array = shown(message, False)
                line: Line = {"session": None, "peer": peer, "direction": direction}
                line |= {"message": name_of(message), "uri": "", "array": array}
                self._offer(0, "", lambda line=line: line)  # type: ignore[misc]


def is_trace(subscription: Subscription) -> bool:
    """Tell whether this is the topic of traces, and no pattern."""
    return subscription.uri == uris.TRACE and subscription.match == "exact"


def _peer(member: Member) -> str:
    return str(member.transport.get("peer", "in this process"))
