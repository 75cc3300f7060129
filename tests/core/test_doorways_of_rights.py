"""Doorways by which a feature says who may do, see and know what, each used by a made-up one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import (
    CALL,
    PUBLISH,
    REGISTER,
    SUBSCRIBE,
    UNSUBSCRIBE,
    YIELD,
    Peer,
    World,
    only,
    take,
)
from wamplite.core import uris
from wamplite.core.errors import UsageError
from wamplite.core.feature import Feature, Floor, Refused, claim, make
from wamplite.core.matching import PrefixMatch, WildcardMatch
from wamplite.core.messages import Call, Cancel, Publish, Register, Subscribe, Unsubscribe
from wamplite.core.meta import Records, may_know


class Patterns(Feature):
    name = "patterns"

    def install(self, host: Any) -> None:
        for table in (host.broker.matches, host.dealer.matches):
            table.install(PrefixMatch())
            table.install(WildcardMatch())


class Guard(Feature):
    """Refuses what names `no`, before ids are looked at."""

    name = "guard"

    def install(self, host: Any) -> None:
        for kind in (Call, Publish, Register, Subscribe, Unsubscribe):
            host.handlers.wrap(kind, self.refuse, Floor.AUTHORIZATION)

    def refuse(self, inner: Any, member: Any, request: Any) -> None:
        if request[2:3] == ("no",):
            raise Refused(uris.NOT_AUTHORIZED)
        inner(member, request)


# ---- features that come last


def test_a_feature_may_come_last_to_find_what_others_have_claimed() -> None:
    class Last(Feature):
        name = "last"
        comes_last = True

        def install(self, host: Any) -> None:
            host.handlers.wrap(Cancel, lambda inner, member, cancel: inner(member, cancel))

    class Claims(Feature):
        name = "claims"

        def install(self, host: Any) -> None:
            host.handlers.claim(Cancel, lambda member, cancel: None)

    class Second(Last):
        name = "second"
        needs = ("claims",)

    World(Last, Claims)
    ordered = [feature.name for feature in make([Last, Second, Claims])]
    assert ordered == ["claims", "last", "second"]
    with pytest.raises(UsageError, match="nobody handles Cancel"):
        World(Last)


# ---- a request that is refused above the floor of ids


@pytest.mark.parametrize("code", [CALL, PUBLISH, REGISTER, SUBSCRIBE])
def test_what_is_refused_before_ids_are_looked_at_counts_in_a_strict_realm(code: int) -> None:
    world = World(Guard, strict=True)
    ann = world.join()
    options = {"acknowledge": True} if code == PUBLISH else {}
    world.send(ann, [code, 1, options, "no"], [code, 2, options, "no"], [SUBSCRIBE, 3, {}, "yes"])
    answers = take(ann)
    assert [answer[0] for answer in answers] == ["ERROR", "ERROR", "SUBSCRIBED"]
    assert [answer[2] for answer in answers[:2]] == [1, 2]


def test_a_publish_that_nobody_is_told_of_counts_too_and_the_sequence_stays_a_law() -> None:
    world = World(Guard, strict=True)
    ann = world.join()
    world.send(ann, [PUBLISH, 1, {}, "no"], [CALL, 7, {}, "no"], [SUBSCRIBE, 2, {}, "yes"])
    assert [answer[0] for answer in take(ann)] == ["ERROR", "SUBSCRIBED"]
    world.send(ann, [UNSUBSCRIBE, 4, 1])
    assert only(ann)[0] == "ABORT"


# ---- who may see


class OnlyPublic(Feature):
    """Nobody but session 1 sees a topic that ends in `secret`."""

    name = "only_public"

    def install(self, host: Any) -> None:
        host.broker.may_see.append(self.may_see)

    def may_see(self, member: Any, topic: str) -> bool:
        return member.session == 1 or not topic.endswith("secret")


def got(peer: Peer) -> list[Any]:
    return [message[4] for message in take(peer)]


@pytest.mark.parametrize(("match", "uri"), [("prefix", "a."), ("wildcard", "a.")])
def test_by_a_pattern_nobody_gets_what_it_may_not_see(match: str, uri: str) -> None:
    world = World(Patterns, OnlyPublic)
    one, two = world.joined(2)
    for peer in (one, two):
        world.subscribe(peer, uri, match=match)
    pub = world.join()
    world.send(pub, [PUBLISH, 1, {}, "a.secret", [1]], [PUBLISH, 2, {}, "a.b", [2]])
    assert (got(one), got(two)) == ([[1], [2]], [[2]])
    world.realm.broker.announce("a.secret", 3)
    assert (got(one), got(two)) == ([[3]], [])


def test_of_its_very_topic_nobody_is_asked() -> None:
    world = World(Patterns, OnlyPublic)
    one, two, pub = world.joined(3)
    world.subscribe(two, "a.secret")
    world.send(pub, [PUBLISH, 1, {}, "a.secret", [1]])
    assert got(two) == [[1]]


def test_what_was_kept_is_given_to_whom_may_see_it() -> None:
    world = World(OnlyPublic)
    one, two = world.joined(2)
    may_get = world.realm.broker.may_get
    assert may_get(one.member, "a.secret", {}) and not may_get(two.member, "a.secret", {})
    assert may_get(two.member, "a.b", {})


def test_an_event_of_the_router_s_own_may_be_for_some() -> None:
    world = World(Patterns)
    one, two = world.joined(2)
    for peer in (one, two):
        world.subscribe(peer, "a")
    world.realm.broker.announce("a", 1, filters=[lambda member: member is two.member])
    assert (got(one), got(two)) == ([], [[1]])


# ---- who may know


class Secretive(Feature):
    """Nobody but session 1 knows of what begins with `secret`."""

    name = "secretive"

    def install(self, host: Any) -> None:
        host.may_know.append(
            lambda member, uri, match: member.session == 1 or not uri.startswith("secret")
        )
        dealer = host.dealer
        self.records = Records(
            host,
            "kept",
            dealer.matches,
            dealer.registrations,
            lambda registration: registration.callees,
            ("on_come", "on_go"),
            "servants",
            uris.NO_SUCH_REGISTRATION,
        )
        dealer.registered.append(lambda m, callee, _: self.records.joined(m, callee.registration))
        dealer.unregistered.append(lambda m, callee, _: self.records.left(m, callee.registration))


def asked(world: World, peer: Peer, verb: str, *args: Any) -> Any:
    world.send(peer, [CALL, 50, {}, f"wamp.kept.{verb}", list(args)])
    answer = only(peer)
    return answer[3][0] if answer[0] == "RESULT" else answer[4]


def test_a_record_that_somebody_may_not_know_of_is_as_if_it_were_not_there() -> None:
    world = World(Patterns, Secretive)
    one, two, callee = world.joined(3)
    shown, secret = world.register(callee, "shown"), world.register(callee, "secret.p")
    calls: list[Any] = [("lookup", "secret.p"), ("match", "secret.p"), ("get", secret)]
    calls += [("list_servants", secret), ("count_servants", secret), ("list",)]
    found = [asked(world, one, *call) for call in calls]
    assert found[0] == secret and found[1] == [secret] and found[2]["uri"] == "secret.p"
    assert found[3:5] == [[3], 1] and found[5]["exact"] == [shown, secret]
    hidden = [asked(world, two, *call) for call in calls]
    no_such = "wamp.error.no_such_registration"
    assert hidden[:5] == [None, None, no_such, no_such, no_such]
    assert hidden[5]["exact"] == [shown]


def test_meta_events_tell_of_nothing_that_their_receiver_may_not_know_of() -> None:
    world = World(Patterns, Secretive)
    one, two, callee = world.joined(3)
    for peer in (one, two):
        for event in ("on_create", "on_come", "on_go", "on_delete"):
            world.subscribe(peer, f"wamp.kept.{event}")
    world.register(callee, "secret.p")
    world.lose(callee)
    assert len(take(one)) == 4 and take(two) == []


def test_who_may_know_is_asked_by_one_word() -> None:
    world = World(Secretive)
    one, two = (peer.member for peer in world.joined(2))
    assert may_know(world.realm, one, "secret")
    assert not may_know(world.realm, two, "secret", "prefix")
    assert may_know(World().realm, two, "secret")


# ---- what a procedure of the router's own implies


def test_a_procedure_of_the_router_s_own_tells_what_it_will_do() -> None:
    class Echo(Feature):
        name = "echo"

        def install(self, host: Any) -> None:
            claim(host.implied, "wamp.app.echo", lambda call: (Publish, call.args[0]))

    class Judge(Feature):
        name = "judge"
        heard: tuple[type, str] | None = None

        def install(self, host: Any) -> None:
            self.implied = host.implied
            host.handlers.wrap(Call, self.on_call)

        def on_call(self, inner: Any, member: Any, call: Call) -> None:
            Judge.heard = self.implied[call.procedure](call)

    world = World(Judge, Echo)
    world.send(world.join(), [CALL, 1, {}, "wamp.app.echo", ["a.b"]])
    assert Judge.heard == (Publish, "a.b")


# ---- what is drafted once more


def test_a_call_that_goes_to_another_callee_is_drafted_for_it() -> None:
    class Levels(Feature):
        name = "levels"

        def install(self, host: Any) -> None:
            host.dealer.drafted.append(self.on_drafted)

        def on_drafted(self, member: Any, record: Any, message: Any) -> None:
            if type(message) is Call:
                record.details["for"] = record.callee.member.session
                record.details["said"] = [message.procedure, message.args, message.options]

    world = World(Levels)
    callee, other, caller = world.joined(3)
    world.register(callee, "p")
    world.register(other, "q")
    world.send(caller, [CALL, 1, {"x_y": 1}, "p", [5]])
    (pending,) = caller.member.calls.values()
    (elsewhere,) = world.realm.dealer.registrations[2].callees.values()
    world.realm.dealer.send_invocation(pending, elsewhere, [5], None)
    assert only(callee)[3] == {"for": 1, "said": ["p", [5], {"x_y": 1}]}
    assert only(other)[3] == {"for": 2, "said": ["p", [5], {"x_y": 1}]}
    world.send(other, [YIELD, 1, {}])
    assert only(caller)[0] == "RESULT"


def test_a_member_is_disclosed_under_the_part_that_it_plays() -> None:
    member = World().join().member
    told = {"caller": 1, "caller_authid": "peer1", "caller_authrole": "anonymous"}
    assert member.disclosed("caller") == told
    as_publisher = {key.replace("caller", "publisher"): value for key, value in told.items()}
    assert member.disclosed("publisher") == as_publisher
