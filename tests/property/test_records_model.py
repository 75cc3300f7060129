"""What is told of subscriptions and registrations, against a model, with all features installed.

Every procedure of both meta APIs, those that take a record away among them, and every event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.core.world import (
    REGISTER,
    SUBSCRIBE,
    UNREGISTER,
    UNSUBSCRIBE,
    Peer,
)
from tests.property.model import MATCHES, SEATS, Model, fits, many
from wamplite import features
from wamplite.core.feature import announced, made

CLIENT = announced(("subscriber", "callee"), map(made, features.for_client("all")))
KINDS = st.sampled_from(["subscription", "registration"])
URIS = ["a.b", "a.b.c", "a.bc.c"]
PATTERNS = ["a.b", "a.", "a..c", ".b.c", "a.b.", "a.."]
TOPICS = [
    ("exact", "wamp.subscription.on_create"),
    ("exact", "wamp.subscription.on_subscribe"),
    ("exact", "wamp.subscription.on_delete"),
    ("prefix", "wamp.registration."),
    ("wildcard", "wamp..on_unsubscribe"),
]
ANY = [*URIS, *PATTERNS]
POLICIES = st.sampled_from(["single", "roundrobin", "random"])
PLACES = st.integers(0, 8)  # of a record among all, or of none


@dataclass
class Record:
    """A subscription or a registration as the model sees it."""

    id: int
    match: str
    uri: str
    created: str
    invoke: str = ""
    sessions: list[Peer] = field(default_factory=list)

    @property
    def is_told_of(self) -> bool:
        return not self.uri.startswith("wamp.")

    def details(self) -> dict[str, Any]:
        told = {"id": self.id, "created": self.created, "uri": self.uri, "match": self.match}
        return told | ({"invoke": self.invoke} if self.invoke else {})


@dataclass
class Kind:
    """What is the same of both kinds of records, by other words."""

    ends: int  # the code of the message
    name: str  # of the answer, as one begins
    ended: str
    come: str  # the event
    go: str
    who: str  # has a part in it
    take: str  # the procedure that takes one away
    records: dict[int, Record] = field(default_factory=dict)

    def find(self, match: str, uri: str) -> Record | None:
        return next((r for r in self.records.values() if (r.match, r.uri) == (match, uri)), None)


def rank(record: Record) -> Any:
    """Put exact first, then the longest prefix, then the wildcard that says most at its start."""
    if record.match == "exact":
        return (0,)
    if record.match == "prefix":
        return 1, -len(record.uri)
    return 2, *(not component for component in record.uri.split("."))


class RecordsModel(Model):
    """Seats 0 and 2 announce all features, 1 and 3 none: only the first are told of a loss."""

    def __init__(self) -> None:
        super().__init__(*features.for_router("all"))
        self.kinds = {
            "subscription": Kind(
                UNSUBSCRIBE, "SUBSCRIBED", "UNSUBSCRIBED", "on_subscribe", "on_unsubscribe",
                "subscribers", "remove_subscriber",
            ),
            "registration": Kind(
                UNREGISTER, "REGISTERED", "UNREGISTERED", "on_register", "on_unregister",
                "callees", "remove_callee",
            ),
        }  # fmt: skip

    def sit(self, seat: int) -> Peer:
        return self.world.join(**(CLIENT if seat % 2 == 0 else {}))

    @rule(seat=SEATS, topic=st.sampled_from(TOPICS) | st.tuples(MATCHES, st.sampled_from(ANY)))
    def subscribe(self, seat: int, topic: tuple[str, str]) -> None:
        match, uri = topic
        peer, request = self.say(seat, SUBSCRIBE, {"match": match}, uri)
        known = self.kinds["subscription"].find(match, uri)
        if match == "exact" and not all(uri.split(".")):
            self.expect_error(peer, SUBSCRIBE, request, "wamp.error.invalid_uri")
        elif known is not None and peer in known.sessions:  # it says what it has said
            self.expect(peer, "SUBSCRIBED", request, known.id)
        else:
            self.begin("subscription", peer, request, match, uri)

    @rule(seat=SEATS, match=MATCHES, uri=st.sampled_from([*ANY, "wamp.x"]), invoke=POLICIES)
    def register(self, seat: int, match: str, uri: str, invoke: str) -> None:
        options = {"match": match, "invoke": invoke}
        peer, request = self.say(seat, REGISTER, options, uri)
        known = self.kinds["registration"].find(match, uri)
        if uri.startswith("wamp.") or (match == "exact" and not all(uri.split("."))):
            self.expect_error(peer, REGISTER, request, "wamp.error.invalid_uri")
        elif known is not None and (
            invoke == "single" or known.invoke != invoke or peer in known.sessions
        ):
            self.expect_error(peer, REGISTER, request, "wamp.error.procedure_already_exists")
        else:
            self.begin("registration", peer, request, match, uri, invoke)

    def begin(
        self, kind: str, peer: Peer, request: int, match: str, uri: str, invoke: str = ""
    ) -> None:
        """Note that a session has a part in a record, and expect what is told of it."""
        of_kind = self.kinds[kind]
        record = of_kind.find(match, uri)
        is_new = record is None
        if record is None:  # its id is the router's choice
            (number,) = [told[2] for told in peer.outbox if told[:2] == [of_kind.name, request]]
            now = f"1970-01-01T00:00:{int(self.world.time.now()):02}.000Z"
            record = of_kind.records[number] = Record(number, match, uri, now, invoke)
        record.sessions.append(peer)
        self.expect(peer, of_kind.name, request, record.id)
        if record.is_told_of:
            if is_new:
                self.told(kind, "on_create", peer.member.session, record.details())
            self.told(kind, of_kind.come, peer.member.session, record.id)

    @rule(seat=SEATS, kind=KINDS, place=PLACES)
    def end_by_itself(self, seat: int, kind: str, place: int) -> None:
        of_kind, record = self.kinds[kind], self.record(kind, place)
        peer, request = self.say(seat, of_kind.ends, record.id)
        if peer in record.sessions:
            self.expect(peer, of_kind.ended, request)
            self.end(kind, peer, record)
        else:
            self.expect_error(peer, of_kind.ends, request, f"wamp.error.no_such_{kind}")

    @rule(seat=SEATS, other=SEATS, kind=KINDS, place=PLACES, why=st.sampled_from(["", "late"]))
    def be_taken(self, seat: int, other: int, kind: str, place: int, why: str) -> None:
        of_kind, record, peer = self.kinds[kind], self.record(kind, place), self.seats[other]
        held = peer in record.sessions
        procedure = f"wamp.{kind}.{of_kind.take}"
        args, kwargs = [record.id, peer.member.session], {"reason": why} if why else {}
        self.ask(seat, procedure, args, kwargs, [] if held else f"wamp.error.no_such_{kind}")
        if held:
            if other % 2 == 0:
                self.expect(peer, of_kind.ended, 0, {kind: record.id, "reason": why or "revoked"})
            self.end(kind, peer, record)

    def end(self, kind: str, peer: Peer, record: Record) -> None:
        """Note that a session has no part in a record any more, and expect what is told."""
        of_kind = self.kinds[kind]
        record.sessions.remove(peer)
        if not record.sessions:
            del of_kind.records[record.id]
        if record.is_told_of:
            self.told(kind, of_kind.go, peer.member.session, record.id)
            if not record.sessions:
                self.told(kind, "on_delete", peer.member.session, record.id)

    @rule(seat=SEATS, politely=st.booleans())
    def leave(self, seat: int, politely: bool) -> None:
        peer = self.part(seat, politely)
        for kind in ("registration", "subscription"):
            for record in [r for r in self.records(kind) if peer in r.sessions]:
                self.end(kind, peer, record)
        self.seats[seat] = self.sit(seat)

    def told(self, kind: str, event: str, *args: Any) -> None:
        """Expect an event of those who listen: once for each of their subscriptions."""
        topic = f"wamp.{kind}.{event}"
        for record in self.records("subscription"):
            if fits(record.match, record.uri, topic):
                details = {} if record.match == "exact" else {"topic": topic}
                for peer in record.sessions:
                    if peer.member.open:
                        self.expect(peer, "EVENT", record.id, "id", details, list(args))

    @rule(seconds=st.integers(1, 3))
    def tick(self, seconds: int) -> None:
        if self.world.time.now() < 50:
            self.world.time.tick(seconds)

    # ---- what is asked

    def records(self, kind: str) -> list[Record]:
        return list(self.kinds[kind].records.values())

    def record(self, kind: str, place: int) -> Record:
        """Return one of the records, or one that there is not."""
        records = self.records(kind)
        return records[place] if place < len(records) else Record(999_999, "exact", "a.b", "")

    @rule(seat=SEATS, kind=KINDS)
    def ask_for_all(self, seat: int, kind: str) -> None:
        ids: dict[str, list[int]] = {"exact": [], "prefix": [], "wildcard": []}
        for record in self.records(kind):
            ids[record.match].append(record.id)
        self.ask(seat, f"wamp.{kind}.list", [], {}, [ids])

    @rule(seat=SEATS, kind=KINDS, match=MATCHES, uri=st.sampled_from(ANY))
    def look_up(self, seat: int, kind: str, match: str, uri: str) -> None:
        record = self.kinds[kind].find(match, uri)
        options = [] if match == "exact" else [{"match": match}]
        self.ask(seat, f"wamp.{kind}.lookup", [uri, *options], {}, [record and record.id])

    @rule(seat=SEATS, kind=KINDS, uri=st.sampled_from([*URIS, "x.y.c", "z", TOPICS[0][1]]))
    def match(self, seat: int, kind: str, uri: str) -> None:
        found = sorted((r for r in self.records(kind) if fits(r.match, r.uri, uri)), key=rank)
        ids = [record.id for record in found]
        if kind == "registration":
            self.ask(seat, "wamp.registration.match", [uri], {}, ids[:1] or [None])
        else:
            self.ask(seat, "wamp.subscription.match", [uri], {}, [ids or None])

    @rule(seat=SEATS, kind=KINDS, place=PLACES)
    def ask_for_one(self, seat: int, kind: str, place: int) -> None:
        record, who = self.record(kind, place), self.kinds[kind].who
        sessions = [peer.member.session for peer in record.sessions]
        told = {
            "get": record.details(),
            f"list_{who}": sessions,
            f"count_{who}": len(sessions),
        }
        for name, answer in told.items():
            error = f"wamp.error.no_such_{kind}"
            there = record.id in self.kinds[kind].records
            self.ask(seat, f"wamp.{kind}.{name}", [record.id], {}, [answer] if there else error)


TestRecordsModel = RecordsModel.TestCase
TestRecordsModel.settings = many(40)
