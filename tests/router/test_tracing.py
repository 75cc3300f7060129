"""Traces of a realm over real connections: who sees what, what is lost, what is left afterwards."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgpack
import pytest

import wamplite
from wamplite.auth import Ticket, User, Users, methods
from wamplite.auth.authorization import Authorization
from wamplite.auth.permissions import Permission, Role
from wamplite.core.realm import Realm
from wamplite.router.mailbox import Encoder
from wamplite.router.tracing import LINES
from wamplite.transports.rawsocket_frames import frame

from .conftest import Connect, Start, Wire, eventually, parts

TRACE = "wamplite.router.trace"
GOODBYE = (6, {}, "wamp.close.close_realm")
Lines = list[dict[str, Any]]


class Watch:
    """A connection that traces: gathers lines until one of a name has come."""

    def __init__(self, wire: Wire, **options: Any) -> None:
        self.wire = wire
        self.lines: Lines = []
        self.lost = self.expected = 0
        answer = wire.ask(32, 1, options, TRACE)
        assert answer[0] == 33, answer
        self.subscription = answer[2]

    def take(self) -> Lines:
        event = self.wire.receive()
        assert event[0] == 36 and event[1] == self.subscription
        self.lost += event[5]["first"] - self.expected
        self.expected = event[5]["first"] + len(event[4])
        self.lines += event[4]
        return event[4]  # type: ignore[no-any-return]

    def until(self, name: str, times: int = 1) -> Lines:
        while self.names().count(name) < times:
            self.take()
        return self.lines

    def names(self) -> list[str]:
        return [line["message"] for line in self.lines]


def is_quiet(router: wamplite.Router) -> bool:
    """Tell whether nothing of a trace is left in the way of messages."""
    realm = router.realms["realm1"].realm
    mailboxes = [presence.mailbox for presence in parts(router).presences.of("realm1")]
    return (
        "handle" not in vars(realm)
        and "on_call" not in vars(realm.dealer)
        and not parts(router).traced
        and all(type(getattr(m, "_encoder", None)) in (Encoder, type(None)) for m in mailboxes)
    )


def test_a_call_is_seen_on_its_way_with_its_answer(start: Start, connect: Connect) -> None:
    router = start()
    callee, caller = connect(router.url).join(), connect(router.url).join()
    callee.ask(64, 1, {}, "com.add")
    watch = Watch(connect(router.url).join())
    caller.send(48, 1, {}, "com.add", [2, 3])
    request = callee.receive()[1]
    callee.send(70, request, {}, [5])
    assert caller.receive()[3] == [5]
    lines = watch.until("RESULT")
    sessions = {callee.welcome[1]: "callee", caller.welcome[1]: "caller"}
    seen = [
        (sessions[line["session"]], line["direction"], line["message"], line["uri"])
        for line in lines
        if line["session"] in sessions
    ]
    assert seen == [
        ("caller", "in", "CALL", "com.add"),
        ("callee", "out", "INVOCATION", "com.add"),
        ("callee", "in", "YIELD", "com.add"),
        ("caller", "out", "RESULT", "com.add"),
    ]
    assert [line["array"] for line in lines if line["message"] == "CALL"] == [
        [48, 1, {}, "com.add", [2, 3]]
    ]
    out = [line for line in lines if line["direction"] == "out"]
    assert all(line["size"] > 5 for line in out)
    assert all(line["time"].endswith("Z") and ":" in line["peer"] for line in lines)


def test_only_one_session_or_prefix_is_shown_where_that_is_asked(
    start: Start, connect: Connect
) -> None:
    router = start()
    one, two = connect(router.url).join(), connect(router.url).join()
    mine = Watch(connect(router.url).join(), _session=one.welcome[1])
    prefix = Watch(connect(router.url).join(), _uri="com.b.")
    for wire, topic in ((one, "com.a"), (two, "com.b.x"), (one, "com.b.y"), (two, "com.c")):
        wire.ask(16, 1, {"acknowledge": True}, topic)
        wire.send(32, 2, {}, topic)
        wire.receive()
        wire.ask(48, 3, {}, "com.none")
    assert {line["session"] for line in mine.until("ERROR", 2)} == {one.welcome[1]}
    assert [line["uri"] for line in prefix.until("SUBSCRIBED", 2)] == ["com.b.x"] * 4 + [
        "com.b.y"
    ] * 4


def test_who_joins_is_seen_from_hello_on_without_what_proves_them(
    start: Start, connect: Connect
) -> None:
    users = Users([User.of_password("joe", "user", "s3cret-ticket")])
    router = start(authmethods=methods(users))
    with router.connect() as inside:
        lines: Lines = []
        inside.subscribe(TRACE, lambda *args, first: lines.extend(args))
        with wamplite.connect(router.url, auth=Ticket("joe", "s3cret-ticket")) as session:
            assert session.authid == "joe"
        with pytest.raises(wamplite.AuthenticationFailed):
            wamplite.connect(router.url, auth=Ticket("joe", "wrong-ticket"))
        names = ["HELLO", "CHALLENGE", "AUTHENTICATE"]
        expected = [*names, "WELCOME", "GOODBYE", "GOODBYE", *names, "ABORT"]
        eventually(lambda: len(lines) >= len(expected))
    assert [line["message"] for line in lines if line["session"] != inside.id] == expected
    assert "s3cret" not in str(lines) and "wrong-ticket" not in str(lines)
    assert lines[-1]["array"][2] == "wamp.error.authentication_denied"
    assert [line["session"] for line in lines if line["message"] in names] == [None] * 6


def test_a_session_that_joins_later_is_heard_both_ways(start: Start, connect: Connect) -> None:
    router = start()
    watch = Watch(connect(router.url).join())
    wire = connect(router.url).join()
    wire.ask(32, 1, {}, "com.topic")
    wire.ask(*GOODBYE)
    watch.until("GOODBYE", 2)
    mine = [line for line in watch.lines if line["session"] in (wire.welcome[1], None)]
    assert [(line["direction"], line["message"]) for line in mine] == [
        ("in", "HELLO"),
        ("out", "WELCOME"),
        ("in", "SUBSCRIBE"),
        ("out", "SUBSCRIBED"),
        ("in", "GOODBYE"),
        ("out", "GOODBYE"),
    ]


def test_an_end_without_a_message_is_told(start: Start, connect: Connect) -> None:
    router = start()
    watch = Watch(connect(router.url).join())
    wire = connect(router.url).join()
    wire.close()
    while not (ended := [line for line in watch.lines if line["direction"] == "end"]):
        watch.take()
    assert ended[0]["session"] == wire.welcome[1]
    assert "closed the connection" in ended[0]["message"]


def test_traces_do_not_show_each_other(start: Start, connect: Connect) -> None:
    router = start()
    one, two = Watch(connect(router.url).join()), Watch(connect(router.url).join())
    wire = connect(router.url).join()
    for request in range(1, 4):
        wire.ask(48, request, {}, "com.none")
        one.until("ERROR", request)
        two.until("ERROR", request)
    assert "EVENT" not in one.names() + two.names()


def test_what_cannot_be_carried_on_is_shown_as_such(start: Start, connect: Connect) -> None:
    router = start()
    watch, wire = Watch(connect(router.url).join()), connect(router.url).join()
    wire.stream.write([frame(msgpack.packb([48, 1, {}, "com.add", [float("nan")]]))])
    assert wire.receive()[4] == "wamp.error.invalid_argument"
    [call] = [line for line in watch.until("ERROR") if line["message"] == "CALL"]
    assert "unfit" in call and call["array"] == [48, 1, {}, "com.add"]


def test_in_process_sessions_are_seen(start: Start, connect: Connect) -> None:
    router = start()
    watch = Watch(connect(router.url).join())
    with router.connect() as inside:
        inside.register("com.add", lambda a: a)
        assert inside.call("com.add", 7) == 7
    lines = [line for line in watch.until("RESULT") if line["session"] == inside.id]
    assert [line["message"] for line in lines][:7] == [
        "WELCOME", "REGISTER", "REGISTERED", "CALL", "INVOCATION", "YIELD", "RESULT",
    ]  # fmt: skip


def test_too_many_lines_are_lost_and_told(start: Start, connect: Connect) -> None:
    router = start()
    wire = connect(router.url).join()
    watch = Watch(connect(router.url).join(), _session=wire.welcome[1])
    number = 5 * LINES
    wire.send_at_once(*([16, n, {}, "com.topic"] for n in range(1, number + 1)))
    watch.take()  # now there is room again
    wire.ask(48, 1, {}, "com.none")
    watch.until("ERROR")
    assert watch.lost > 0 and watch.lost + len(watch.lines) == watch.expected == number + 2
    assert router.counters == {}


def test_who_does_not_read_a_trace_loses_lines_and_not_its_session(
    start: Start, connect: Connect
) -> None:
    router = start(max_outbox_size=300_000, socket_buffer=4096)
    wire, slow = connect(router.url).join(), connect(router.url).join()
    watch = Watch(slow)
    request = 0
    while not router.counters.get("events_dropped"):
        request += 1
        wire.ask(16, request, {"acknowledge": True}, "com.topic", ["x" * 100] * 10)
    wire.ask(48, request + 1, {}, "com.last")
    while "com.last" not in [line["uri"] for line in watch.lines]:
        watch.take()
    assert watch.lost > 0 and router.counters.keys() == {"events_dropped"}


@pytest.mark.parametrize("ends", ["unsubscribes", "leaves", "is lost"])
def test_after_the_last_trace_nothing_is_in_the_way(
    start: Start, connect: Connect, ends: str
) -> None:
    router = start()
    wire, other = connect(router.url).join(), connect(router.url).join()
    realm = router.realms["realm1"].realm
    before = len(realm.left), len(realm.broker.unsubscribed)
    first, second = Watch(connect(router.url).join()), Watch(connect(router.url).join())
    assert not is_quiet(router) and realm.handle.__func__ is not Realm.handle  # type: ignore[attr-defined]
    first.wire.close()
    eventually(lambda: router.sessions == 3)
    assert not is_quiet(router)
    if ends == "unsubscribes":
        second.wire.send(34, 2, second.subscription)
    elif ends == "leaves":
        second.wire.send(*GOODBYE)
    else:
        second.wire.close()
    eventually(lambda: is_quiet(router))
    assert (len(realm.left), len(realm.broker.unsubscribed)) == before
    assert wire.ask(32, 1, {}, "com.topic")[0] == 33
    again = Watch(connect(router.url).join())
    other.ask(32, 1, {}, "com.topic")
    again.until("SUBSCRIBED")


def test_a_pattern_is_no_trace(start: Start, connect: Connect) -> None:
    router = start()
    wire = connect(router.url).join()
    assert wire.ask(32, 1, {"match": "prefix"}, "wamplite.")[0] == 33
    assert wire.ask(32, 2, {"match": "prefix"}, TRACE)[0] == 33
    Watch(connect(router.url).join())
    other = connect(router.url).join()
    other.ask(48, 1, {}, "com.none")
    assert wire.ask(48, 3, {}, "com.none")[0] == 8, "and no EVENT before"
    both = Watch(wire)
    other.ask(48, 2, {}, "com.none")
    both.until("ERROR")


@pytest.mark.parametrize("options", [{"_session": "7"}, {"_uri": 7}, {"_session": True}])
def test_what_cannot_be_meant_is_refused(
    start: Start, connect: Connect, options: dict[str, Any]
) -> None:
    wire = connect(start().url).join()
    assert wire.ask(32, 1, options, TRACE)[4] == "wamp.error.invalid_argument"


def test_without_authorization_it_is_for_this_machine(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = start()
    wire = connect(router.url).join()
    [presence] = parts(router).presences.of("realm1")
    presence.carrier.address = "192.0.2.7"
    assert wire.ask(32, 1, {}, TRACE)[4] == "wamp.error.not_authorized"
    presence.carrier.address = "::1"
    assert wire.ask(32, 2, {}, TRACE)[0] == 33


def test_with_authorization_it_needs_the_right(start: Start) -> None:
    roles = [
        Role("user", (Permission("com.", "prefix", frozenset({"call", "subscribe"})),)),
        Role("admin", (Permission(TRACE, "exact", frozenset({"subscribe"})),)),
    ]
    users = Users([User.of_password(name, name, "s3cret-ticket") for name in ("user", "admin")])
    features = ["standard", partial(Authorization, roles)]
    router = start(features=features, authmethods=methods(users))
    with wamplite.connect(router.url, auth=Ticket("user", "s3cret-ticket")) as session:
        with pytest.raises(wamplite.NotAuthorized):
            session.subscribe(TRACE, print)
        with pytest.raises(wamplite.NotAuthorized):
            session.call("wamplite.router.stats")
        lines: Lines = []
        with wamplite.connect(router.url, auth=Ticket("admin", "s3cret-ticket")) as admin:
            admin.subscribe(TRACE, lambda *args, first: lines.extend(args))
            with pytest.raises(wamplite.NoSuchProcedure):
                session.call("com.none")
            eventually(lambda: "com.none" in [line["uri"] for line in lines])
            realm = router.realms["realm1"]
            [authorization] = [f for f in realm.realm.features if f.name == "authorization"]
            realm.run(lambda: authorization.revise(roles[:1] + [Role("admin", ())]))  # type: ignore[attr-defined]
            eventually(lambda: is_quiet(router))


def test_what_the_router_calls_itself_is_not_shown(start: Start, connect: Connect) -> None:
    router = start()
    callee = connect(router.url).join()
    callee.ask(64, 1, {}, "com.authenticate")
    watch = Watch(connect(router.url).join())
    realm, answers = router.realms["realm1"], []
    realm.run(lambda: realm.realm.call("com.authenticate", answers.append, ["hidden-ticket"]))
    assert callee.receive()[4] == ["hidden-ticket"]
    callee.send(70, 1, {}, ["hidden-answer"])
    eventually(lambda: bool(answers))
    assert answers[0].args == ["hidden-answer"]
    lines = watch.until("YIELD")
    assert [line["uri"] for line in lines if line["message"] in ("INVOCATION", "YIELD")] == [
        "com.authenticate"
    ] * 2
    assert "hidden" not in str(lines)
