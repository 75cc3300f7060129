"""Each doorway of the core, used by a feature that is made up here: the core's own promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.core.world import (
    CALL,
    ERROR,
    GOODBYE,
    PUBLISH,
    REGISTER,
    SUBSCRIBE,
    UNREGISTER,
    YIELD,
    Peer,
    World,
    only,
    take,
)
from wamplite.core import uris
from wamplite.core.feature import Feature, Floor, Refused
from wamplite.core.members import Bounds, Join
from wamplite.core.messages import Call, Cancel, Error, Invocation, Publish, Result
from wamplite.core.meta import result
from wamplite.core.parking import Parking

CANCEL = 49


class MadeUp(Feature):
    """A feature under no name of the specification."""

    name = "made_up"
    roles = ("dealer",)


def a_call(*features: Any, **options: Any) -> tuple[World, Peer, Peer]:
    """Return a world with a callee of com.app.p and a caller."""
    world = World(*features, **options)
    callee, caller = world.joined(2)
    world.register(callee, "com.app.p")
    return world, callee, caller


# ---- a feature's object, and the realm it is installed into


class Eager(MadeUp):
    def install(self, host: Any) -> None:
        self.realm, self.bounds, self.begun = host, host.bounds, host.now()
        host.later(5, lambda: host.broker.announce("com.app.clock", host.now()))


def test_a_feature_is_made_for_each_realm_and_finds_it_whole() -> None:
    one, two = World(Eager, max_calls=7), World(Eager)
    ((first,), (second,)) = one.realm.features, two.realm.features
    assert first is not second
    assert (first.realm, second.realm) == (one.realm, two.realm)  # type: ignore[attr-defined]
    assert first.bounds == Bounds(calls=7)  # type: ignore[attr-defined]
    ann = one.join()
    one.subscribe(ann, "com.app.clock")
    one.time.tick(5)
    assert only(ann)[4] == [5]


# ---- options write on the record that is stored; what needs an end begins in a moment


class Deadline(MadeUp):
    """CALL.Options.deadline: seconds until the call fails."""

    def install(self, host: Any) -> None:
        self.realm = host
        host.dealer.call_options["deadline"] = self.note
        host.dealer.called.append(self.begin)
        host.dealer.settled.append(self.end)

    def note(self, pending: Any, seconds: int) -> None:
        if seconds > 60:
            raise Refused(uris.INVALID_ARGUMENT, "too long")
        pending.notes["deadline"] = seconds

    def begin(self, caller: Any, pending: Any, call: Call) -> None:
        if "deadline" in pending.notes:
            assert pending.invocation and call.request in caller.calls
            pending.notes["cancel"] = self.realm.later(
                pending.notes["deadline"], lambda: self.realm.dealer.fail(pending, uris.TIMEOUT)
            )

    def end(self, caller: Any, pending: Any, answer: Any) -> None:
        if "cancel" in pending.notes:
            pending.notes["cancel"]()


@pytest.mark.parametrize(
    ("options", "procedure"),
    [
        ({"deadline": 61}, "com.app.p"),
        ({"deadline": 5}, "com.app.nobody"),
        ({"deadline": 5, "no": 1}, "com.app.p"),
        ({"deadline": 5}, "com.app.busy"),
    ],
)
def test_a_request_that_is_refused_leaves_nothing_of_its_options(
    options: dict[str, Any], procedure: str
) -> None:
    world, callee, caller = a_call(Deadline)
    world.realm.dealer.call_options["no"] = refuse
    world.register(callee, "com.app.busy")
    (busy,) = world.realm.dealer.registrations[2].callees.values()
    world.realm.dealer.set_busy(busy, True)
    world.send(caller, [CALL, 10, options, procedure])
    assert only(caller)[0] == "ERROR"
    assert not world.time.timers and not caller.member.calls


def refuse(record: Any, value: Any) -> None:
    raise Refused("com.app.no", "not with this option")


def test_what_has_an_end_begins_once_the_call_is_stored() -> None:
    world, callee, caller = a_call(Deadline)
    world.send(caller, [CALL, 10, {"deadline": 5}, "com.app.p"])
    assert take(callee) == [["INVOCATION", 1, 1, {}]]
    world.time.tick(5)
    assert take(caller) == [["ERROR", 48, 10, {}, "wamp.error.timeout"]]
    world.send(caller, [CALL, 11, {"deadline": 5}, "com.app.p"])
    world.send(callee, [YIELD, 2, {}])
    assert only(caller)[0] == "RESULT"
    assert not world.time.timers


def test_an_error_of_a_callee_has_options_too() -> None:
    world, callee, caller = a_call()
    world.realm.dealer.error_options["tell"] = lambda answer, value: answer.details.update(x=value)
    world.send(caller, [CALL, 10, {}, "com.app.p"], [CALL, 11, {}, "com.app.p"])
    world.send(callee, [ERROR, 68, 1, {"tell": 5}, "com.app.no"])
    assert take(caller) == [["ERROR", 48, 10, {"x": 5}, "com.app.no"]]
    world.realm.dealer.error_options["no"] = refuse
    world.send(callee, [ERROR, 68, 2, {"no": 5}, "com.app.other"])
    assert take(caller) == [["ERROR", 48, 11, {}, "com.app.no", ["not with this option"]]]


# ---- several callees


class Alternating(MadeUp):
    """Policy `roundrobin`, and a callee may say with `away` that it takes nothing."""

    def install(self, host: Any) -> None:
        self.dealer = host.dealer
        host.dealer.invoke["roundrobin"] = self.choose
        host.dealer.register_options["away"] = lambda callee, value: callee.notes.update(away=value)
        host.dealer.registered.append(self.registered)

    def registered(self, member: Any, callee: Any, register: Any) -> None:
        if callee.notes.get("away"):
            self.dealer.set_busy(callee, True)

    def choose(self, registration: Any, call: Call) -> Any:
        free = [callee for callee in registration.callees.values() if not callee.busy]
        return free[call.request % len(free)] if free else None


def test_a_policy_chooses_among_callees_each_with_its_own_options() -> None:
    world = World(Alternating)
    ann, bob, caller = world.joined(3)
    for peer in (ann, bob):
        assert world.register(peer, "com.app.p", invoke="roundrobin") == 1
    world.send(caller, *([CALL, number, {}, "com.app.p"] for number in (1, 2, 3)))
    assert [len(take(peer)) for peer in (ann, bob)] == [1, 2]
    world.send(ann, [UNREGISTER, 9, 1])
    world.send(caller, [CALL, 4, {}, "com.app.p"])
    assert [only(peer)[0] for peer in (ann, bob)] == ["UNREGISTERED", "INVOCATION"]
    world.send(bob, [UNREGISTER, 9, 1])
    assert not world.realm.dealer.registrations
    for peer in (ann, bob, caller):
        world.lose(peer)
    assert world.is_empty()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"invoke": "roundrobin"}, {}),
        ({}, {"invoke": "roundrobin"}),
        ({"invoke": "single"}, {"invoke": "single"}),
    ],
)
def test_callees_of_one_procedure_name_one_policy(first: Any, second: Any) -> None:
    world = World(Alternating)
    ann, bob = world.joined(2)
    world.register(ann, "com.app.p", **first)
    world.send(bob, [REGISTER, 7, second, "com.app.p"])
    assert only(bob)[4] == "wamp.error.procedure_already_exists"


def test_a_session_is_a_callee_of_a_procedure_once() -> None:
    world = World(Alternating)
    ann = world.join()
    world.register(ann, "com.app.p", invoke="roundrobin")
    world.send(ann, [REGISTER, 7, {"invoke": "roundrobin"}, "com.app.p"])
    assert only(ann)[4] == "wamp.error.procedure_already_exists"


@pytest.mark.parametrize("invoke", ["single", "roundrobin"])
def test_a_policy_may_say_that_nobody_takes_a_call_now(invoke: str) -> None:
    world = World(Alternating)
    callee, caller = world.joined(2)
    registration = world.register(callee, "com.app.p", invoke=invoke, away=True)
    world.send(caller, [CALL, 10, {}, "com.app.p"])
    text = "no callee of 'com.app.p' takes a call now"
    error = ["ERROR", 48, 10, {}, "wamp.error.no_available_callee", [text]]
    assert (take(caller), take(callee)) == ([error], [])
    (record,) = world.realm.dealer.registrations[registration].callees.values()
    world.realm.dealer.set_busy(record, False)
    world.send(caller, [CALL, 10, {}, "com.app.p"])
    assert only(callee)[0] == "INVOCATION"


# ---- calls by id


class Continuing(MadeUp):
    """A CALL with `more` continues the one that has its id."""

    def install(self, host: Any) -> None:
        host.dealer.continuation = self

    def takes(self, caller: Any, call: Call) -> bool:
        return call.request in caller.calls and "more" in call.options

    def go_on(self, caller: Any, call: Call) -> None:
        pending = caller.calls[call.request]
        registration = pending.callee.registration.id
        details = {"more": call.options["more"]}
        pending.callee.member.post(Invocation(pending.invocation, registration, details, call.args))


@pytest.mark.parametrize("strict", [False, True])
def test_a_feature_may_take_a_call_as_the_continuation_of_one_in_flight(strict: bool) -> None:
    world, callee, caller = a_call(Continuing, strict=strict)
    more = {"more": True}
    world.send(caller, [CALL, 1, {}, "com.app.p"], [CALL, 2, {}, "com.app.p"])
    world.send(caller, [CALL, 1, more, "com.app.p", [5]], [CALL, 3, {}, "com.app.p"])
    assert [message[1:] for message in take(callee)] == [
        [1, 1, {}],
        [2, 1, {}],
        [1, 1, more, [5]],
        [3, 1, {}],
    ]


@pytest.mark.parametrize("features", [(), (Continuing,)])
@pytest.mark.parametrize("strict", [False, True])
def test_otherwise_it_is_a_violation(strict: bool, features: tuple[Any, ...]) -> None:
    world, callee, caller = a_call(*features, strict=strict)
    world.send(caller, [CALL, 1, {}, "com.app.p"], [CALL, 1, {}, "com.app.p"])
    assert only(caller)[2] == "wamp.error.protocol_violation"
    assert len(take(callee)) == 1


# ---- verbs


def called(world: World, caller: Peer, request: int = 10) -> Any:
    world.send(caller, [CALL, request, {}, "com.app.p", [5]])
    return caller.member.calls[request]


def test_a_call_may_be_sent_on_to_another_callee() -> None:
    world, callee, caller = a_call(Alternating)
    other = world.join()
    world.register(other, "com.app.other")
    pending = called(world, caller)
    (elsewhere,) = world.realm.dealer.registrations[2].callees.values()
    world.realm.dealer.send_invocation(pending, elsewhere, [6], None)
    assert take(callee) == [["INVOCATION", 1, 1, {}, [5]]]
    assert take(other) == [["INVOCATION", 1, 2, {}, [6]]]
    world.send(callee, [YIELD, 1, {}, ["late"]])
    world.send(other, [YIELD, 1, {}, ["right"]])
    assert take(caller) == [["RESULT", 10, {}, ["right"]]]
    for peer in (callee, other, caller):
        world.lose(peer)
    assert world.is_empty()


def test_a_call_that_cannot_be_sent_on_waits_for_whoever_tried() -> None:
    world, callee, caller = a_call()
    small = world.join(limit=500)
    world.register(small, "com.app.small")
    pending = called(world, caller)
    (elsewhere,) = world.realm.dealer.registrations[2].callees.values()
    dealer = world.realm.dealer
    with pytest.raises(Refused):
        dealer.send_invocation(pending, elsewhere, ["x" * 600], None)
    (back,) = dealer.registrations[1].callees.values()
    dealer.send_invocation(pending, back, [6], None)
    assert [message[1] for message in take(callee)] == [1, 2]
    world.send(callee, [YIELD, 1, {}, ["late"]], [YIELD, 2, {}, [7]])
    assert take(caller) == [["RESULT", 10, {}, [7]]]
    waiting = called(world, caller, 11)
    with pytest.raises(Refused):
        dealer.send_invocation(waiting, elsewhere, ["x" * 600], None)
    dealer.fail(waiting, "com.app.nowhere")
    assert take(caller) == [["ERROR", 48, 11, {}, "com.app.nowhere"]]
    for peer in (callee, small, caller):
        world.lose(peer)
    assert world.is_empty()


class Revoking(MadeUp):
    """Tells those who lose something."""

    def install(self, host: Any) -> None:
        host.dealer.revoked.append(self.on_revoked)
        host.broker.revoked.append(self.on_revoked)

    def on_revoked(self, member: Any, record: Any, reason: str) -> None:
        member.post(Error(48, 1, {"lost": type(record).__name__}, reason))


def test_a_registration_may_be_revoked() -> None:
    world, callee, caller = a_call(Revoking)
    called(world, caller)
    take(callee)
    (record,) = world.realm.dealer.registrations[1].callees.values()
    told: list[Any] = []
    world.realm.dealer.unregistered.append(lambda *moment: told.append(moment[1:]))
    world.realm.dealer.revoke(record, "com.app.why")
    world.realm.dealer.revoke(record, "com.app.why")
    assert take(callee) == [["ERROR", 48, 1, {"lost": "Callee"}, "com.app.why"]]
    assert told == [(record, None)]
    world.send(callee, [YIELD, 1, {}])  # it was asked before
    assert only(caller)[0] == "RESULT"
    world.send(caller, [CALL, 11, {}, "com.app.p"])
    assert only(caller)[4] == "wamp.error.no_such_procedure"


def test_a_subscription_may_be_revoked() -> None:
    world = World(Revoking)
    ann, bob = world.joined(2)
    world.subscribe(ann, "com.app.t")
    (record,) = ann.member.subscriptions.values()
    world.realm.broker.revoke(record, "com.app.why")
    world.realm.broker.revoke(record, "com.app.why")
    assert take(ann) == [["ERROR", 48, 1, {"lost": "Subscriber"}, "com.app.why"]]
    world.send(bob, [PUBLISH, 1, {}, "com.app.t"])
    assert take(ann) == [] and not world.realm.broker.subscriptions


def test_the_router_may_publish_in_its_own_name() -> None:
    world = World()
    ann, bob = world.joined(2)
    for peer in (ann, bob):
        world.subscribe(peer, "wamp.app.on_something")
    told: list[Any] = []
    world.realm.broker.published.append(lambda member, publication, publish: told.append(member))
    world.realm.broker.announce("wamp.app.on_something", 7, kwargs={"x": 1}, excluded=[bob.member])
    assert only(ann)[3:] == [{}, [7], {"x": 1}]
    assert take(bob) == []
    assert told == [None]


def test_the_router_may_dismiss_a_member_with_words() -> None:
    world = World()
    ann = world.join()
    world.realm.dismiss(ann.member, "wamp.close.killed", "by the operator")
    assert take(ann) == [["GOODBYE", {"message": "by the operator"}, "wamp.close.killed"]]


# ---- calls in the router's own name


def asking(world: World, procedure: str, **more: Any) -> list[Any]:
    answers: list[Any] = []
    world.realm.call(procedure, answers.append, [5], {"x": 1}, **more)
    return answers


def test_the_router_may_call_a_procedure_and_go_on_when_the_answer_is_there() -> None:
    world, callee, _ = a_call()
    answers = asking(world, "com.app.p")
    assert take(callee) == [["INVOCATION", 1, 1, {}, [5], {"x": 1}]]
    world.send(callee, [YIELD, 1, {}, ["yes"]])
    assert answers == []  # it goes on later, with the role
    world.time.tick()
    assert [(type(answer), answer.args) for answer in answers] == [(Result, ["yes"])]
    assert set(world.realm.members) == {1, 2} and not world.time.timers


def test_a_call_of_the_routers_that_fails_goes_on_with_the_error() -> None:
    world, callee, _ = a_call()
    nobody, left = asking(world, "com.app.nobody"), asking(world, "com.app.p")
    world.lose(callee)
    world.time.tick()
    errors = [answer.error for answer in (*nobody, *left)]
    assert errors == ["wamp.error.no_such_procedure", "wamp.error.canceled"]


def test_a_call_of_the_routers_that_is_not_answered_ends_in_time() -> None:
    world, callee, _ = a_call()
    answers = asking(world, "com.app.p", seconds=3)
    world.time.tick(2.9)
    assert answers == []
    world.time.tick(0.1)
    assert [answer.error for answer in answers] == ["wamp.error.timeout"]
    world.send(callee, [YIELD, 1, {}, ["late"]])
    world.time.tick()
    assert len(answers) == 1 and callee.member.open


def test_a_call_of_the_routers_whose_answer_was_kept_by_a_procedure_ends_in_time() -> None:
    world = World()
    world.realm.procedures["wamp.app.silent"] = lambda caller, call: None
    answers = asking(world, "wamp.app.silent", seconds=3)
    world.time.tick(3)
    assert [answer.error for answer in answers] == ["wamp.error.timeout"]


# ---- procedures of the router's own


class Counting(MadeUp):
    """wamp.app.count: how many sessions there are."""

    def install(self, host: Any) -> None:
        host.procedures["wamp.app.count"] = lambda caller, call: result(call, len(host.members))
        host.procedures["wamp.app.no"] = self.refuse
        host.procedures["wamp.app.large"] = lambda caller, call: result(call, "x" * 1000)
        host.procedures["app.mine"] = lambda caller, call: result(call, call.args)

    def refuse(self, caller: Any, call: Call) -> Result:
        raise Refused(uris.INVALID_ARGUMENT, f"session {caller.session} wants too much")


def test_a_procedure_of_the_router_is_called_like_any_other() -> None:
    world = World(Counting)
    ann, _ = world.joined(2)
    world.send(ann, [CALL, 1, {}, "wamp.app.count"], [CALL, 2, {}, "wamp.app.no"])
    world.send(ann, [CALL, 3, {}, "wamp.app.unknown"], [CALL, 4, {}, "app.mine", [7]])
    assert take(ann) == [
        ["RESULT", 1, {}, [2]],
        ["ERROR", 48, 2, {}, "wamp.error.invalid_argument", ["session 1 wants too much"]],
        ["ERROR", 48, 3, {}, "wamp.error.no_such_procedure",
         ["nobody has registered 'wamp.app.unknown'"]],
        ["RESULT", 4, {}, [[7]]],
    ]  # fmt: skip


def test_a_result_of_the_routers_that_is_too_large_is_an_error() -> None:
    world = World(Counting)
    ann = world.join(limit=500)
    world.send(ann, [CALL, 1, {}, "wamp.app.large"])
    assert only(ann)[4] == "wamp.error.payload_size_exceeded"


def test_nobody_may_register_what_is_the_routers() -> None:
    world = World(Counting)
    ann = world.join()
    world.send(ann, [REGISTER, 1, {}, "app.mine"], [REGISTER, 2, {}, "wamp.app.count"])
    errors = [answer[4] for answer in take(ann)]
    assert errors == ["wamp.error.procedure_already_exists", "wamp.error.invalid_uri"]


# ---- what is asked of every draft


def test_every_draft_is_asked_whatever_its_options() -> None:
    world = World()
    ann = world.join()
    asked: list[Any] = []

    def ask(member: Any, record: Any, message: Any) -> None:
        asked.append((member.session, type(record).__name__, type(message).__name__))
        if len(asked) > 4:
            raise Refused("com.app.no")

    world.realm.dealer.drafted.append(ask)
    world.realm.broker.drafted.append(ask)
    requests: list[Any] = [
        [REGISTER, 1, {}, "com.app.p"],
        [CALL, 2, {}, "com.app.p"],
        [SUBSCRIBE, 3, {}, "com.app.t"],
        [PUBLISH, 4, {"acknowledge": True}, "com.app.t"],
    ]
    world.send(ann, *requests)
    assert asked == [
        (1, "Callee", "Register"),
        (1, "PendingCall", "Call"),
        (1, "Subscriber", "Subscribe"),
        (1, "Publication", "Publish"),
    ]
    take(ann)
    world.send(ann, *([code, request + 10, *rest] for code, request, *rest in requests))
    assert [answer[0] for answer in take(ann)] == 4 * ["ERROR"]


def test_receivers_are_filtered_and_the_event_stays_one() -> None:
    world = World()
    ann, bob, cat = world.joined(3)
    world.realm.broker.drafted.append(
        lambda member, publication, message: (
            publication.filters.append(lambda member: member.session != 2)
            if type(message) is Publish
            else None
        )
    )
    events: list[Any] = []
    for peer in (ann, bob):
        world.subscribe(peer, "com.app.t")
        for record in peer.member.subscriptions.values():
            record.post = lambda event, number=peer.member.session: events.append((number, event))
    world.send(cat, [PUBLISH, 1, {}, "com.app.t"])
    assert [number for number, _ in events] == [1]


# ---- refusals and wraps


def test_only_requests_are_answered_with_error() -> None:
    class Canceling(MadeUp):
        def install(self, host: Any) -> None:
            host.handlers.claim(Cancel, refuse)

    world, _, caller = a_call(Canceling)
    called(world, caller)
    world.send(caller, [CANCEL, 10, {}])
    assert take(caller) == [] and caller.member.open


def test_whoever_may_not_join_gets_abort() -> None:
    class Full(MadeUp):
        def install(self, host: Any) -> None:
            host.handlers.wrap(Join, lambda inner, member, join: refuse(join, None))

    world = World(Full)
    ann = world.arrive()
    world.realm.handle(ann.member, Join())
    assert take(ann) == [["ABORT", {"message": "not with this option"}, "com.app.no"]]
    assert ann.ends == 1 and world.is_empty()


class Gatekeeper(MadeUp):
    """Asks com.app.allowed about every CALL and PUBLISH, and parks it until the answer is there."""

    def install(self, host: Any) -> None:
        self.realm = host
        self.parking = Parking(host, most=3)
        self.answers: dict[int, bool] = {}  # request -> whether it may
        for kind in (Call, Publish):
            host.handlers.wrap(kind, self.ask, Floor.AUTHORIZATION)

    def ask(self, inner: Any, member: Any, message: Any) -> None:
        def again(member: Any, message: Any) -> None:
            self.ask(inner, member, message)

        if self.parking.holds(member):
            self.parking.park(member, again, message)
        elif message.request in self.answers:
            if not self.answers.pop(message.request):
                raise Refused(uris.NOT_AUTHORIZED)
            inner(member, message)
        else:
            self.parking.park(member, again, message)
            self.realm.call("com.app.allowed", lambda answer: self.on(answer, member, message))

    def on(self, answer: Any, member: Any, message: Any) -> None:
        self.answers[message.request] = type(answer) is Result
        self.parking.resume(member)


def guarded() -> tuple[World, Peer, Peer]:
    world = World(Gatekeeper)
    guard, ann = world.joined(2)
    world.register(guard, "com.app.allowed")
    world.subscribe(ann, "com.app.t")
    return world, guard, ann


def test_requests_are_parked_and_attempted_again_in_order() -> None:
    world, guard, ann = guarded()
    bob = world.join()
    world.subscribe(bob, "com.app.t")
    world.send(ann, *([PUBLISH, number, {}, "com.app.t", [number]] for number in (1, 2, 3)))
    world.send(ann, [SUBSCRIBE, 4, {}, "com.app.u"])  # nobody is asked about these
    assert only(ann)[0] == "SUBSCRIBED"
    for number in (1, 2, 3):
        assert only(guard)[0] == "INVOCATION" and take(bob) == []
        world.send(guard, [YIELD, number, {}])
        world.time.tick()
        assert only(bob)[4] == [number]
    assert take(guard) == []


def test_a_parked_request_that_is_refused_then_is_answered_and_the_next_goes_on() -> None:
    world, guard, ann = guarded()
    publish = [PUBLISH, 1, {"acknowledge": True}, "com.app.t"]
    world.send(ann, publish, [PUBLISH, 2, *publish[2:]])
    world.send(guard, [ERROR, 68, 1, {}, "com.app.no"])
    world.time.tick()
    assert only(ann)[:5] == ["ERROR", 16, 1, {}, "wamp.error.not_authorized"]
    world.send(guard, [YIELD, 2, {}])
    world.time.tick()
    assert only(ann)[:2] == ["PUBLISHED", 2]


def test_so_many_requests_are_parked_and_none_of_a_member_that_left() -> None:
    world, guard, ann = guarded()
    ack = {"acknowledge": True}
    world.send(ann, *([PUBLISH, number, ack, "com.app.t"] for number in range(1, 6)))
    assert [answer[2:5] for answer in take(ann)] == [
        [4, {}, "wamp.error.unavailable"],
        [5, {}, "wamp.error.unavailable"],
    ]
    world.send(ann, [GOODBYE, {}, "wamp.close.close_realm"])
    world.send(guard, [YIELD, 1, {}])
    world.time.tick()
    assert [answer[0] for answer in take(ann)] == ["GOODBYE"]
    world.lose(guard)
    assert world.is_empty()


@pytest.mark.parametrize("broken", ["left", "dealer", "broker"])
def test_all_are_told_that_a_session_has_left_whatever_breaks(broken: str) -> None:
    told: list[int] = []

    def breaks(*_: Any) -> None:
        raise LookupError(broken)

    class Told(MadeUp):
        def install(self, host: Any) -> None:
            for number in (1, 2, 3, 4):
                host.left.append(lambda *_, number=number: told.append(number))
                if number in (1, 3) and broken == "left":
                    host.left.append(breaks)
            parts = {"dealer": host.dealer.unregistered, "broker": host.broker.unsubscribed}
            parts.get(broken, []).append(breaks)

    world = World(Told)
    ann = world.join()
    world.register(ann, "com.app.p")
    world.subscribe(ann, "com.app.t")
    with pytest.raises(LookupError, match=broken):
        world.lose(ann)
    assert told == [1, 2, 3, 4] and world.is_empty()


# ---- what a feature posts to a member that leaves


@pytest.mark.parametrize("how", ["goodbye", "violation", "lost", "dismissed"])
def test_the_last_words_of_a_session_are_the_last(how: str) -> None:
    class Chatty(MadeUp):
        def install(self, host: Any) -> None:
            for moments in (host.dealer.settled, host.dealer.unregistered, host.left):
                moments.append(lambda member, record, message: member.post(Error(48, 1, {}, "a")))
            host.broker.unsubscribed.append(
                lambda *moment: host.broker.announce("com.app.gone", "somebody")
            )

    world = World(Chatty)
    ann = world.join()
    world.register(ann, "com.app.p")
    world.subscribe(ann, "com.app.gone")
    world.subscribe(ann, "com.app.t")
    called(world, ann)
    take(ann)
    ends: dict[str, Callable[[], None]] = {
        "goodbye": lambda: world.send(ann, [GOODBYE, {}, "wamp.close.close_realm"]),
        "violation": lambda: world.violate(ann),
        "lost": lambda: world.lose(ann),
        "dismissed": lambda: world.realm.dismiss(ann.member, "wamp.close.killed"),
    }
    ends[how]()
    words = {"goodbye": ["GOODBYE"], "violation": ["ABORT"], "dismissed": ["GOODBYE"]}
    assert [message[0] for message in take(ann)] == words.get(how, [])
    assert world.is_empty()
