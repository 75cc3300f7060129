"""What is told of sessions, who ends them, and their testaments, against a model.

Every procedure of the session meta API and of testaments, and every event, with all features
installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.core.world import SUBSCRIBE, Peer
from tests.property.model import SEATS, Model, many
from wamplite import features
from wamplite.core.members import Identity, Join

AUTHIDS = st.sampled_from(["ann", "bob", "nobody"])
ROLES = st.sampled_from(["user", "admin", "none"])
TOPICS = st.sampled_from(["wamp.session.on_join", "wamp.session.on_leave", "a.will", "a.other"])
SCOPES = st.sampled_from(["", "detached", "destroyed", "broken"])
REASONS = st.sampled_from(["", "a.reason", "no reason"])
FOR_WHOM: dict[str, Any] = {"admins": {"eligible_authrole": ["admin"]}, "all": {}}
KILLED = "wamp.close.killed"


@dataclass
class Testament:
    """An event that a session leaves behind."""

    scope: str
    topic: str
    args: list[Any]
    admins: bool  # whether it is for them alone

    __test__ = False  # for pytest it is none


class SessionsModel(Model):
    """Seats 0 and 2 are ann's, 0 and 1 of users, the others of admins."""

    def __init__(self) -> None:
        self.listening: dict[str, tuple[int, list[Peer]]] = {}  # topic -> id, sessions
        self.testaments: dict[Peer, list[Testament]] = {}
        self.number = 0  # of a testament
        super().__init__(*features.for_router("all"))

    def sit(self, seat: int) -> Peer:
        peer = self.world.arrive()
        role = "user" if seat < 2 else "admin"
        identity = Identity(("ann", "bob")[seat % 2], role, "ticket", "static")
        peer.identity = peer.member.identity = identity
        self.world.realm.handle(peer.member, Join())
        peer.outbox.clear()
        self.told("wamp.session.on_join", details(peer))
        return peer

    def told(self, topic: str, *args: Any, level: bool = False, admins: bool = False) -> None:
        """Expect an event of those who listen; level: whether it is told how far it is trusted."""
        number, sessions = self.listening.get(topic, (0, []))
        for peer in sessions:
            if not admins or peer.identity.authrole == "admin":
                self.expect(
                    peer, "EVENT", number, "id", {"trustlevel": 0} if level else {}, list(args)
                )

    def leave(self, seat: int, *, quietly: bool = False) -> None:
        """Note that a session is gone, and expect what is told of it."""
        peer = self.seats[seat]
        for _, sessions in self.listening.values():
            if peer in sessions:
                sessions.remove(peer)
        self.listening = {topic: held for topic, held in self.listening.items() if held[1]}
        kept = self.testaments.pop(peer, [])
        if quietly:
            return
        identity = peer.identity
        self.told("wamp.session.on_leave", peer.member.session, identity.authid, identity.authrole)
        for scope in ("detached", "destroyed"):
            for will in kept:
                if will.scope == scope:
                    self.told(will.topic, *will.args, level=True, admins=will.admins)

    def follow(self) -> None:
        """Let new sessions take the seats of those that are gone."""
        for seat, peer in enumerate(self.seats):
            if not peer.member.open:
                self.seats[seat] = self.sit(seat)

    @rule(seat=SEATS, topic=TOPICS)
    def subscribe(self, seat: int, topic: str) -> None:
        peer, request = self.say(seat, SUBSCRIBE, {}, topic)
        number, sessions = self.listening.setdefault(topic, (peer.outbox[-1][-1], []))
        self.expect(peer, "SUBSCRIBED", request, number)
        if peer not in sessions:
            sessions.append(peer)

    @rule(seat=SEATS, politely=st.booleans())
    def end(self, seat: int, politely: bool) -> None:
        self.part(seat, politely)
        self.leave(seat)
        self.follow()

    # ---- testaments

    @rule(
        seat=SEATS,
        topic=st.sampled_from(["a.will", "a.other", "no topic", "wamp.x"]),
        scope=SCOPES,
        whom=st.sampled_from(["admins", "all"]),
    )
    def add_testament(self, seat: int, topic: str, scope: str, whom: str) -> None:
        kwargs = {"scope": scope} if scope else {}
        kwargs |= {"publish_options": FOR_WHOM[whom]} if whom == "admins" else {}
        self.number += 1
        args = [topic, [self.number], {}]
        answer: Any = []
        if scope == "broken":
            answer = "wamp.error.invalid_argument"
        elif topic in ("no topic", "wamp.x"):
            answer = "wamp.error.invalid_uri"
        else:
            will = Testament(scope or "destroyed", topic, [self.number], whom == "admins")
            self.testaments.setdefault(self.seats[seat], []).append(will)
        self.ask(seat, "wamp.session.add_testament", args, kwargs, answer)

    @rule(seat=SEATS, scope=SCOPES)
    def flush_testaments(self, seat: int, scope: str) -> None:
        answer: Any = "wamp.error.invalid_argument" if scope == "broken" else []
        if not answer:
            kept = self.testaments.get(self.seats[seat], [])
            kept[:] = [will for will in kept if will.scope != (scope or "destroyed")]
        kwargs = {"scope": scope} if scope else {}
        self.ask(seat, "wamp.session.flush_testaments", [], kwargs, answer)

    # ---- what is asked

    @rule(seat=SEATS, roles=st.none() | st.lists(ROLES, max_size=2))
    def count_and_list(self, seat: int, roles: list[str] | None) -> None:
        chosen = [
            peer.member.session
            for peer in self.world.peers
            if peer in self.seats and (roles is None or peer.identity.authrole in roles)
        ]
        args = [] if roles is None else [roles]
        self.ask(seat, "wamp.session.count", args, {}, [len(chosen)])
        self.ask(seat, "wamp.session.list", args, {}, [chosen])

    @rule(seat=SEATS, other=SEATS, there=st.booleans())
    def get(self, seat: int, other: int, there: bool) -> None:
        peer = self.seats[other]
        number = peer.member.session if there else 999_999
        answer = [details(peer)] if there else "wamp.error.no_such_session"
        self.ask(seat, "wamp.session.get", [number], {}, answer)

    # ---- who ends whom

    @rule(seat=SEATS, other=SEATS, reason=REASONS, message=st.sampled_from(["", "late"]))
    def kill(self, seat: int, other: int, reason: str, message: str) -> None:
        if other == seat:
            answer: Any = "wamp.error.no_such_session"
        else:
            answer = []
        number = self.seats[other].member.session
        self.kill_by("kill", seat, [number], [other], reason, message, answer)

    @rule(seat=SEATS, authid=AUTHIDS, reason=REASONS)
    def kill_by_authid(self, seat: int, authid: str, reason: str) -> None:
        ended = self.others(seat, lambda identity: identity.authid == authid)
        answer = [[self.seats[each].member.session for each in ended]]
        self.kill_by("kill_by_authid", seat, [authid], ended, reason, "", answer)

    @rule(seat=SEATS, role=ROLES, reason=REASONS)
    def kill_by_authrole(self, seat: int, role: str, reason: str) -> None:
        ended = self.others(seat, lambda identity: identity.authrole == role)
        self.kill_by("kill_by_authrole", seat, [role], ended, reason, "", [len(ended)])

    @rule(seat=SEATS, reason=REASONS)
    def kill_all(self, seat: int, reason: str) -> None:
        self.kill_by("kill_all", seat, [], self.others(seat), reason, "", [3])

    def others(self, seat: int, chosen: Any = lambda identity: True) -> list[int]:
        """Return the other seats of some, in the order in which they have joined."""
        found = [each for each in range(4) if each != seat and chosen(self.seats[each].identity)]
        return sorted(found, key=lambda each: self.seats[each].member.session)

    def kill_by(
        self,
        name: str,
        seat: int,
        args: list[Any],
        ended: list[int],
        reason: str,
        message: str,
        answer: Any,
    ) -> None:
        kwargs = {"reason": reason} if reason else {}
        kwargs |= {"message": message} if message else {}
        if not isinstance(answer, str) and " " in reason:
            answer = "wamp.error.invalid_uri"
        self.ask(seat, f"wamp.session.{name}", args, kwargs, answer)
        if isinstance(answer, str):
            return
        for each in ended:
            told = {"message": message} if message else {}
            self.expect(self.seats[each], "GOODBYE", told, reason or KILLED)
            self.leave(each, quietly=name == "kill_all")
        self.follow()


def details(peer: Peer) -> dict[str, Any]:
    """Return what is told of a session."""
    names = "authid", "authrole", "authmethod", "authprovider"
    identity = {name: getattr(peer.identity, name) for name in names}
    return {"session": peer.member.session, **identity}


TestSessionsModel = SessionsModel.TestCase
TestSessionsModel.settings = many(40)
