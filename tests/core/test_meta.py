"""What meta procedures share: arguments, times, and the records they tell of, of a made-up kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.core.world import CALL, SUBSCRIBE, UNREGISTER, Peer, World, only, take
from wamplite.core import uris
from wamplite.core.feature import Feature, Host, Refused
from wamplite.core.messages import Call
from wamplite.core.meta import Records, an_id, argument, iso, keyword

CREATED = "1970-01-01T00:00:00.000Z"


class Kept(Feature):
    """Tells of registrations, and calls their callees servants."""

    name = "kept"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        dealer = host.dealer
        api = Records(
            host,
            "kept",
            dealer.matches,
            dealer.registrations,
            lambda registration: registration.callees,
            ("on_come", "on_go"),
            "servants",
            uris.NO_SUCH_REGISTRATION,
        )
        dealer.registered.append(lambda member, callee, _: api.joined(member, callee.registration))
        dealer.unregistered.append(lambda member, callee, _: api.left(member, callee.registration))


class Heard(Feature):
    """Tells of subscriptions, of which one may have several sessions."""

    name = "heard"
    roles = ("broker",)

    def install(self, host: Host) -> None:
        broker = host.broker
        api = Records(
            host,
            "kept",
            broker.matches,
            broker.subscriptions,
            lambda subscription: subscription.subscribers,
            ("on_come", "on_go"),
            "hearers",
            uris.NO_SUCH_SUBSCRIPTION,
        )
        broker.subscribed.append(lambda member, part, _: api.joined(member, part.subscription))
        broker.unsubscribed.append(lambda member, part, _: api.left(member, part.subscription))


@pytest.fixture
def world() -> World:
    return World(Kept)


def asked(world: World, verb: str, *args: Any) -> Any:
    """Return what `wamp.kept.<verb>` answers, or the URI of its ERROR."""
    caller = world.join()
    world.send(caller, [CALL, 1, {}, f"wamp.kept.{verb}", list(args)])
    answer = only(caller)
    return answer[3][0] if answer[0] == "RESULT" else answer[4]


def listening(world: World) -> Peer:
    """Return a session that has subscribed to the events."""
    listener = world.join()
    for request, event in enumerate(("on_create", "on_come", "on_go", "on_delete"), 1):
        world.send(listener, [SUBSCRIBE, request, {}, f"wamp.kept.{event}"])
    take(listener)
    return listener


def call(*args: Any, **kwargs: Any) -> Call:
    return Call(7, {}, "wamp.kept.x", list(args), kwargs)


# ---- arguments and times


def test_an_argument_is_taken_by_its_position_or_has_its_default() -> None:
    assert argument(call(5, "a"), 1, str) == "a"
    assert argument(call(5), 1, str, "else") == "else"
    assert argument(call(5, None), 1, str, "else") == "else"
    assert argument(Call(7, {}, "wamp.kept.x", b"unread"), 0, str, "else") == "else"


def test_a_keyword_argument_is_taken_by_its_name_or_has_its_default() -> None:
    assert keyword(call(limit=3), "limit", int, 10) == 3
    assert keyword(call(limit=None), "limit", int, 10) == 10
    assert keyword(Call(7, {}, "wamp.kept.x"), "limit", int, 10) == 10


@pytest.mark.parametrize(
    ("take_it", "words"),
    [
        (lambda: argument(call("a"), 0, int), "wamp.kept.x: argument 1 must be int, not str"),
        (lambda: argument(call(True), 0, int), "wamp.kept.x: argument 1 must be int, not bool"),
        (lambda: argument(call(), 0, int), "wamp.kept.x: argument 1 must be int, not NoneType"),
        (lambda: keyword(call(a=1), "a", str, ""), "wamp.kept.x: a must be str, not int"),
    ],
)
def test_an_argument_of_another_type_is_refused(take_it: Callable[[], Any], words: str) -> None:
    with pytest.raises(Refused) as caught:
        take_it()
    assert (caught.value.error, *caught.value.args) == (uris.INVALID_ARGUMENT, words)


@pytest.mark.parametrize(
    ("number", "expected"), [(1, 1), (2**53, 2**53), (0, 0), (-1, 0), (2**53 + 1, 0)]
)
def test_what_is_no_id_is_the_id_of_nothing(number: int, expected: int) -> None:
    assert an_id(call(number)) == expected


def test_a_time_is_told_in_utc_with_milliseconds() -> None:
    assert iso(0) == CREATED
    assert iso(1_700_000_000.1239) == "2023-11-14T22:13:20.123Z"


# ---- procedures


def test_records_are_listed_by_match_policy(world: World) -> None:
    callee = world.join()
    first, second = world.register(callee, "com.app.a"), world.register(callee, "com.app.b")
    assert asked(world, "list") == {"exact": [first, second], "prefix": [], "wildcard": []}


def test_a_record_is_looked_up_by_its_uri_and_policy(world: World) -> None:
    number = world.register(world.join(), "com.app.a")
    assert asked(world, "lookup", "com.app.a") == number
    assert asked(world, "lookup", "com.app.a", {"match": "exact"}) == number
    assert asked(world, "lookup", "com.app.a", {"match": None}) == number
    assert asked(world, "lookup", "com.app.a", {"match": "prefix"}) is None  # not installed
    assert asked(world, "lookup", "com.app.b") is None


def test_all_records_that_a_uri_finds_are_told_or_null(world: World) -> None:
    number = world.register(world.join(), "com.app.a")
    assert asked(world, "match", "com.app.a") == [number]
    assert asked(world, "match", "com.app.b") is None
    assert asked(world, "match", "com..a") is None  # nothing is published to a pattern


def test_a_record_is_told_with_its_uri_and_the_time_it_was_made(world: World) -> None:
    number = world.register(world.join(), "com.app.a")
    assert asked(world, "get", number) == {
        "id": number, "created": CREATED, "uri": "com.app.a", "match": "exact", "invoke": "single",
    }  # fmt: skip


def test_the_sessions_of_a_record_are_listed_and_counted(world: World) -> None:
    callee = world.join()
    number = world.register(callee, "com.app.a")
    assert asked(world, "list_servants", number) == [callee.member.session]
    assert asked(world, "count_servants", number) == 1


@pytest.mark.parametrize("verb", ["get", "list_servants", "count_servants"])
@pytest.mark.parametrize("number", [0, -5, 99, 2**60])
def test_a_record_that_there_is_not_is_refused(world: World, verb: str, number: int) -> None:
    assert asked(world, verb, number) == uris.NO_SUCH_REGISTRATION


# ---- events


def test_a_record_that_begins_and_ends_is_told_of_around_its_sessions(world: World) -> None:
    listener, callee = listening(world), world.join()
    number = world.register(callee, "com.app.a")
    session = callee.member.session
    details = asked(world, "get", number)
    assert [message[4] for message in take(listener)] == [[session, details], [session, number]]
    world.send(callee, [UNREGISTER, 2, number])
    gone = take(listener)
    assert [message[4] for message in gone] == [[session, number]] * 2
    assert [message[1] for message in gone] == [3, 4]  # on_go, then on_delete


def test_a_record_of_several_sessions_begins_with_the_first_and_ends_with_the_last() -> None:
    world = World(Heard)
    listener = listening(world)
    ann, bob = world.joined(2)
    number = world.subscribe(ann, "com.app.t")
    one, two = ann.member.session, bob.member.session
    assert [message[4] for message in take(listener)] == [
        [one, {"id": number, "created": CREATED, "uri": "com.app.t", "match": "exact"}],
        [one, number],
    ]
    assert world.subscribe(bob, "com.app.t") == number
    assert [message[4] for message in take(listener)] == [[two, number]]
    world.lose(ann)
    assert [message[4] for message in take(listener)] == [[one, number]]
    world.lose(bob)
    assert [message[4] for message in take(listener)] == [[two, number], [two, number]]


def test_a_record_of_the_routers_own_is_nothing_to_tell_of() -> None:
    world = World(Heard)
    listener, ann = listening(world), world.join()
    world.subscribe(ann, "wamp.session.on_join")
    world.lose(ann)
    assert take(listener) == []
    bob = world.join()
    world.subscribe(bob, "com.app.t")
    assert len(take(listener)) == 2


def test_a_record_from_before_the_feature_was_made_at_the_beginning_of_time(world: World) -> None:
    number = world.register(world.join(), "com.app.a")
    world.realm.dealer.registrations[number].notes.clear()
    assert asked(world, "get", number)["created"] == CREATED
