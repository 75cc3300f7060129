"""Who is asked where no permission speaks: a function, or a procedure of the realm."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest

from tests.auth.rights import Guarded, error, events
from tests.core.world import (
    CALL,
    ERROR,
    GOODBYE,
    PUBLISH,
    REGISTER,
    SUBSCRIBE,
    UNREGISTER,
    UNSUBSCRIBE,
    YIELD,
    World,
    only,
    take,
)
from wamplite.advanced import (
    call_canceling,
    caller_identification,
    event_history,
    pattern_based_subscription,
    testament_meta_api,
)
from wamplite.auth import authorizer as module
from wamplite.auth.authorization import Authorization
from wamplite.auth.authorizer import Authorizer
from wamplite.auth.permissions import ACTIONS, Permission
from wamplite.core.errors import UsageError

DENIED = "wamp.error.not_authorized"
CANCEL = 49
ALL = [Permission("", "prefix", ACTIONS)]
ASK = "auth.ask"
ROLES = {"sensor": [], "admin": ALL, "auth": [Permission(ASK, allow=["register"])]}
JOE = {"realm": "realm1", "session": 1, "authid": "joe", "authrole": "sensor",
       "authmethod": "ticket", "authprovider": "static"}  # fmt: skip
ack = {"acknowledge": True}


# ---- a function


def by_function(said: Any, *more: Any, **options: Any) -> tuple[Guarded, list[Any]]:
    """Return a realm whose authorizer says so, or does so, and what it was asked."""
    asked: list[Any] = []

    def authorize(*question: Any) -> Any:
        asked.append(question)
        return said(*question) if callable(said) else said

    return Guarded({"sensor": [], "admin": ALL}, *more, authorizer=authorize, **options), asked


def kept(world: Any) -> int:
    """Return how much an authorizer remembers and waits for, of all sessions."""
    asked = world.authorization.authorizer
    remembered = sum(map(len, asked._known.values()))
    assert asked._remembered == remembered
    return remembered + len(asked._lent) + len(asked._waiting)


def granted(world: Any) -> Any:
    """Return what was granted by answers, by session."""
    return world.authorization.grants._of


def test_a_function_is_asked_with_the_session_the_uri_the_action_and_the_options() -> None:
    world, asked = by_function(True)
    joe = world.joins("sensor")
    world.send(joe, [SUBSCRIBE, 1, {"match": "prefix"}, "home."], [REGISTER, 2, {}, "home.p"])
    world.send(joe, [PUBLISH, 3, ack, "home.t"], [CALL, 4, {"timeout": 5}, "home.p"])
    assert asked == [
        (JOE, "home.", "subscribe", {"match": "prefix"}),
        (JOE, "home.p", "register", {}),
        (JOE, "home.t", "publish", ack),
        (JOE, "home.p", "call", {"timeout": 5}),
    ]
    names = [message[0] for message in take(joe)]
    assert names == ["SUBSCRIBED", "REGISTERED", "PUBLISHED", "INVOCATION"]


@pytest.mark.parametrize("said", [False, {"allow": False}, {"allow": False, "cache": False}])
def test_what_it_says_no_to_is_refused(said: Any) -> None:
    world, _ = by_function(said)
    joe = world.joins("sensor")
    world.send(joe, [SUBSCRIBE, 1, {}, "home.a"])
    assert error(joe) == DENIED and not world.authorization.counters().get("authorizer_faults")


@pytest.mark.parametrize(
    "said",
    [None, 1, 0, "yes", [], [True], {}, {"allow": 1}, {"allow": None}, {"allow": True, "cache": 0},
     {"allow": True, "disclose": "no"}, b"", lambda *question: 1 / 0],
)  # fmt: skip
def test_a_fault_means_no_and_is_told_once(said: Any, caplog: pytest.LogCaptureFixture) -> None:
    world, _ = by_function(said)
    joe = world.joins("sensor")
    with caplog.at_level(logging.WARNING, "wamplite.auth"):
        for number in range(1, 6):
            world.send(joe, [SUBSCRIBE, number, {}, f"home.{number}"])
    assert [message[4] for message in take(joe)] == [DENIED] * 5
    assert world.authorization.counters()["authorizer_faults"] == 5
    (line,) = caplog.messages
    assert line.startswith("realm1: the authorizer authorize ")
    assert line.endswith("so session 1 may not subscribe to 'home.1'")
    world.time.tick(61)
    with caplog.at_level(logging.WARNING, "wamplite.auth"):
        world.send(joe, [SUBSCRIBE, 6, {}, "home.6"])
    assert caplog.messages[1].endswith("; 4 more since the last line of this")


def test_a_permission_decides_first_and_the_function_where_none_speaks() -> None:
    asked: list[str] = []

    def authorize(session: Any, uri: str, action: str, options: Any) -> bool:
        asked.append(uri)
        return True

    roles = {"sensor": [Permission("home.", "prefix", ["call"]), Permission("home.x", "exact")]}
    world = Guarded(roles, authorizer=authorize)
    joe = world.joins("sensor")
    for number, uri in enumerate(("home.a", "home.x", "lab.a"), 1):
        world.send(joe, [SUBSCRIBE, number, {}, uri])
    assert [message[0] for message in take(joe)] == ["ERROR", "ERROR", "SUBSCRIBED"]
    assert asked == ["lab.a"]


def test_whoever_has_no_role_may_join_where_somebody_can_be_asked() -> None:
    world, _ = by_function(lambda session, uri, action, options: session["authrole"] == "guest")
    ann, bob = world.joins("guest"), world.joins("other")
    for peer in (ann, bob):
        world.send(peer, [SUBSCRIBE, 1, {}, "home.a"])
    assert only(ann)[0] == "SUBSCRIBED" and error(bob) == DENIED


def test_an_answer_holds_for_a_while_for_one_session_action_and_uri() -> None:
    world, asked = by_function(True, cache=60)
    joe, ann = world.joins("sensor"), world.joins("sensor", "ann")
    publish = [PUBLISH, 1, {}, "home.t"]
    world.send(joe, publish, publish)
    assert len(asked) == 1
    world.send(ann, publish)
    world.send(joe, [PUBLISH, 1, {}, "home.u"], [SUBSCRIBE, 1, {}, "home.t"])
    world.send(joe, [SUBSCRIBE, 1, {"match": "prefix"}, "home.t"])
    assert len(asked) == 5
    world.time.tick(59)
    world.send(joe, publish)
    assert len(asked) == 5
    world.time.tick(1)
    world.send(joe, publish)
    assert len(asked) == 6


@pytest.mark.parametrize("said", [{"allow": True, "cache": False}, True])
def test_an_answer_that_is_not_to_be_kept_is_asked_for_each_time(said: Any) -> None:
    world, asked = by_function(said, cache=0 if said is True else 60)
    joe = world.joins("sensor")
    for number in range(1, 4):
        world.send(joe, [PUBLISH, number, {}, "home.t"])
    assert len(asked) == 3


def test_answers_are_remembered_within_a_bound_and_go_with_the_session() -> None:
    world, _ = by_function(True)
    joe = world.joins("sensor")
    for number in range(1, module.REMEMBERED + 100):
        world.send(joe, [PUBLISH, number, {}, f"home.{number}"])
        assert 0 < kept(world) <= module.REMEMBERED
    world.lose(joe)
    assert kept(world) == 0


@pytest.mark.parametrize("asked", ["no good", "", 7])
def test_an_authorizer_that_cannot_be_asked_is_refused(asked: Any) -> None:
    with pytest.raises(UsageError, match="authorizer"):
        Authorization([], authorizer=asked)
    for times in ({"timeout": 0}, {"cache": -1}):
        with pytest.raises(UsageError, match="a timeout above 0, and a cache of 0 or more"):
            Authorization([], authorizer=ASK, **times)


def test_a_session_s_transport_is_told_too() -> None:
    world, asked = by_function(True)
    joe = world.arrive()
    joe.member.facts = lambda: {"peer": "127.0.0.1"}
    world.authorization.rights_of.clear()
    joe.member.identity = joe.member.identity._replace(authextra={"x": 1})
    world.send(joe, [SUBSCRIBE, 1, {}, "home.a"])
    (details, *_) = asked[0]
    assert details["transport"] == {"peer": "127.0.0.1"} and details["authextra"] == {"x": 1}


@pytest.mark.parametrize(
    ("disclose", "options", "expected"),
    [(True, {}, "joe"), (None, {}, None), (None, {"disclose_me": True}, "joe"),
     (False, {}, None), (False, {"disclose_me": True}, DENIED)],
)  # fmt: skip
def test_an_answer_may_say_whether_it_is_told_who_calls(
    disclose: Any, options: Any, expected: Any
) -> None:
    world, _ = by_function({"allow": True, "disclose": disclose})
    joe, admin = world.joins("sensor"), world.joins("admin")
    world.register(admin, "home.p")
    world.subscribe(admin, "home.t")
    world.send(joe, [CALL, 1, options, "home.p"], [PUBLISH, 2, options, "home.t"])
    told = take(admin)
    if expected == DENIED:
        assert told == [] and error(joe) == "wamp.error.option_disallowed.disclose_me"
    else:
        who = [told[0][3].get("caller_authid"), told[1][3].get("publisher_authid")]
        assert who == [expected, expected]


def test_what_is_disclosed_stays_so_for_the_next_callee() -> None:
    world, _ = by_function({"allow": True, "disclose": False, "cache": False})
    joe, one, two = world.joins("sensor"), world.joins("admin"), world.joins("admin")
    for callee in (one, two):
        world.register(callee, "home.p", invoke="roundrobin", disclose_caller=True)
    world.send(joe, [CALL, 1, {}, "home.p"])
    number = only(one)[1]
    world.send(one, [ERROR, 68, number, {}, "wamp.error.unavailable"])
    assert "caller" not in only(two)[3]


# ---- patterns


@pytest.mark.parametrize("retained", [False, True])
def test_by_a_pattern_that_was_allowed_comes_all_that_no_permission_forbids(
    retained: bool,
) -> None:
    said = {"home.": True, "lab.": False}
    world = Guarded(
        {"sensor": [Permission("home.secret"), Permission("lab.x", allow=["subscribe"])],
         "admin": ALL},
        authorizer=lambda session, uri, action, options: said[uri],
    )  # fmt: skip
    joe, admin = world.joins("sensor"), world.joins("admin")
    topics = ("home.a", "home.secret", "lab.a", "lab.x")
    if retained:
        for topic in topics:
            world.send(admin, [PUBLISH, 1, {"retain": True}, topic, [topic]])
    options = {"match": "prefix", "get_retained": retained}
    for number, uri in enumerate(said, 1):
        world.send(joe, [SUBSCRIBE, number, options, uri])
    if not retained:
        for topic in topics:
            world.send(admin, [PUBLISH, 1, {}, topic, [topic]])
    answers = take(joe)
    assert [m[0] for m in answers if m[0] != "EVENT"] == ["SUBSCRIBED", "SUBSCRIBED"]
    # the permission for lab.x speaks of the pattern: nobody is asked about the rest of it
    assert [m[4] for m in answers if m[0] == "EVENT"] == [["home.a"], ["lab.x"]]


def test_what_was_granted_ends_with_the_subscription() -> None:
    world, _ = by_function(True)
    joe, admin = world.joins("sensor"), world.joins("admin")
    number = world.subscribe(joe, "home.", match="prefix")
    assert world.subscribe(joe, "home.", match="prefix") == number
    other = world.subscribe(joe, "home.a")
    may_see = world.authorization.may_see
    assert may_see(joe.member, "home.a") and may_see(joe.member, "home.b")
    world.send(joe, [UNSUBSCRIBE, 3, number])
    assert may_see(joe.member, "home.a") and not may_see(joe.member, "home.b")
    world.send(joe, [UNSUBSCRIBE, 4, other])
    assert not may_see(joe.member, "home.a") and may_see(admin.member, "home.a")
    assert granted(world) == {}
    take(joe)
    world.subscribe(joe, "home.", match="wildcard")
    world.lose(joe)
    assert granted(world) == {}


def test_the_history_of_what_was_granted_can_be_asked_for() -> None:
    roles = {"sensor": [Permission("wamp.", "prefix", ["call"]), Permission("home.secret")],
             "admin": ALL}  # fmt: skip
    world = Guarded(
        roles,
        partial(event_history.ForRouter, ["prefix:"]),
        pattern_based_subscription.ForRouter,
        authorizer=lambda *question: True,
    )
    joe, admin = world.joins("sensor"), world.joins("admin")
    mine = world.subscribe(joe, "home.", match="prefix")
    other = world.subscribe(admin, "lab.", match="prefix")
    for topic in ("home.a", "home.secret", "lab.a"):
        world.send(admin, [PUBLISH, 1, {}, topic, [topic]])
    take(joe)
    for number in (mine, other):
        world.send(joe, [CALL, 1, {}, "wamp.subscription.get_events", [number]])
    first, second = take(joe)
    assert [event["args"] for event in first[3]] == [["home.a"]]
    assert second[4] == "wamp.error.no_such_subscription"


def test_a_session_knows_of_what_it_was_allowed_and_holds() -> None:
    world, _ = by_function(True)
    joe, admin = world.joins("sensor"), world.joins("admin")
    world.register(joe, "home.p")
    world.register(admin, "home.q")
    may_know = world.authorization.may_know
    assert may_know(joe.member, "home.p", "exact") and not may_know(joe.member, "home.q", "exact")
    assert not may_know(joe.member, "home.p", "prefix")
    assert not may_know(joe.member, "home.p", "other")


# ---- a procedure


class Asked(Guarded):
    """A realm where a procedure is asked; `guard` serves it."""

    def __init__(self, *more: Any, **options: Any) -> None:
        super().__init__(ROLES, *more, authorizer=ASK, **options)
        self.guard = self.joins("auth", "guard")
        self.register(self.guard, ASK)

    def question(self) -> list[Any]:
        """Return what the procedure is asked, one question; it stays open."""
        message = only(self.guard)
        assert message[0] == "INVOCATION", message
        self.open: int = message[1]
        return list(message[4])

    def answer(self, *args: Any) -> None:
        self.send(self.guard, [YIELD, self.open, {}, list(args)])
        self.time.tick()


def test_a_procedure_is_asked_and_the_request_waits() -> None:
    world = Asked()
    joe = world.joins("sensor")
    world.send(joe, [PUBLISH, 1, ack, "home.t"])
    assert take(joe) == []
    assert world.question() == [{**JOE, "session": 2}, "home.t", "publish", ack]
    world.answer(True)
    assert only(joe)[0] == "PUBLISHED"
    world.send(joe, [PUBLISH, 2, ack, "home.t"])
    assert only(joe)[0] == "PUBLISHED" and take(world.guard) == []  # the answer holds


@pytest.mark.parametrize("answer", [[False], [{"allow": False}], [], [True, True], ["x"], [None]])
def test_a_no_and_any_wrong_answer_refuse(answer: list[Any]) -> None:
    world = Asked()
    joe = world.joins("sensor")
    world.send(joe, [SUBSCRIBE, 1, {}, "home.t"])
    world.question()
    world.answer(*answer)
    assert error(joe) == DENIED


def test_an_answer_that_cannot_be_read_refuses() -> None:
    world = Asked()
    guard = world.guard
    joe = world.joins("sensor")
    world.send(joe, [SUBSCRIBE, 1, {}, "home.t"])
    world.question()
    world.send(guard, [YIELD, world.open, {"ppt_scheme": "x_y"}, [b"sealed"]])
    world.time.tick()
    assert error(joe) == DENIED


@pytest.mark.parametrize("how", ["error", "silence", "leaves", "nobody"])
def test_where_nobody_answers_it_is_no(how: str, caplog: pytest.LogCaptureFixture) -> None:
    world = Asked(timeout=3)
    joe = world.joins("sensor")
    if how == "nobody":
        world.lose(world.guard)
    world.send(joe, [SUBSCRIBE, 1, {}, "home.t"])
    if how == "error":
        world.question()
        world.send(world.guard, [ERROR, 68, world.open, {}, "auth.error.broken"])
    elif how == "leaves":
        world.lose(world.guard)
    world.time.tick(2.9 if how == "silence" else 0)
    assert (take(joe) == []) is (how == "silence")
    if how == "silence":
        world.time.tick(0.1)
        assert error(joe) == DENIED
    assert world.authorization.counters()["authorizer_faults"] == 1
    assert "auth.ask failed with " in caplog.text
    world.send(joe, [SUBSCRIBE, 2, {}, "home.t"])
    assert error(joe) == DENIED and take(world.guard)[1:] == []  # nobody is asked the same at once
    world.time.tick(1)
    world.send(joe, [SUBSCRIBE, 3, {}, "home.t"])
    assert take(joe) == [] or how in ("leaves", "nobody")


def test_requests_are_parked_in_order_and_answers_to_calls_never_wait() -> None:
    world = Asked()
    joe, admin = world.joins("sensor"), world.joins("admin")
    world.send(joe, [REGISTER, 1, {}, "home.p"])
    world.question()
    world.answer(True)
    number = only(joe)[2]
    world.send(admin, [CALL, 1, {}, "home.p"])
    invocation = only(joe)[1]
    world.subscribe(admin, "home.t")
    world.send(joe, [PUBLISH, 2, ack, "home.t", [1]], [SUBSCRIBE, 3, {}, "home.u"])
    world.send(joe, [UNREGISTER, 4, number], [YIELD, invocation, {}, [7]])
    assert take(admin) == [["RESULT", 1, {}, [7]]] and take(joe) == []
    assert world.question()[1] == "home.t"
    world.answer(True)
    assert [event[4] for event in take(admin)] == [[1]] and only(joe)[0] == "PUBLISHED"
    assert world.question()[1] == "home.u"
    world.answer(False)
    assert [message[0] for message in take(joe)] == ["ERROR", "UNREGISTERED"]


def test_goodbye_waits_behind_what_was_published_before() -> None:
    world = Asked()
    joe, admin = world.joins("sensor"), world.joins("admin")
    world.subscribe(admin, "home.t")
    world.send(joe, [PUBLISH, 1, {}, "home.t", [1]], [GOODBYE, {}, "wamp.close.close_realm"])
    assert take(joe) == [] and joe.member.open
    world.question()
    world.answer(True)
    assert events(admin) == [[1]] and only(joe)[0] == "GOODBYE"


def test_a_cancel_waits_behind_its_call() -> None:
    world = Asked(call_canceling.ForRouter)
    joe, admin = world.joins("sensor"), world.joins("admin")
    world.register(admin, "home.p")
    world.send(joe, [CALL, 1, {}, "home.p"], [CANCEL, 1, {}])
    world.question()
    world.answer(True)
    assert [message[0] for message in take(admin)] == ["INVOCATION", "INTERRUPT"]
    assert error(joe) == "wamp.error.canceled"


def test_who_floods_while_it_waits_is_refused_beyond_a_bound_and_may_leave() -> None:
    world = Asked()
    joe = world.joins("sensor")
    world.send(joe, *([PUBLISH, number, {}, "home.t"] for number in range(1, 300)))
    world.send(joe, [SUBSCRIBE, 300, {}, "home.t"])
    assert error(joe) == "wamp.error.unavailable"
    assert world.authorization.counters()["events_not_authorized"] == 299 - 256
    world.send(joe, [GOODBYE, {}, "wamp.close.close_realm"])
    assert only(joe)[0] == "GOODBYE"
    world.question()
    world.answer(True)
    world.lose(world.guard)
    assert world.is_empty()
    assert kept(world) == 0


def test_what_needs_two_answers_waits_for_both_also_where_none_is_kept() -> None:
    world = Asked(cache=0)
    joe, admin = world.joins("sensor"), world.joins("admin")
    world.subscribe(admin, "home.will")
    world.send(joe, [CALL, 1, {}, "wamp.session.add_testament", ["home.will", [1], {}]])
    assert world.question()[1:3] == ["wamp.session.add_testament", "call"]
    world.answer(True)
    assert world.question()[1:3] == ["home.will", "publish"]
    world.answer(True)
    assert only(joe)[0] == "RESULT"
    world.lose(joe)
    assert events(admin) == []
    assert world.question()[1:3] == ["home.will", "publish"]  # and once more when it is published
    world.answer(True)
    assert events(admin) == [[1]]
    assert kept(world) == 0


def test_a_testament_that_is_not_allowed_any_more_is_not_published() -> None:
    world = Asked(testament_meta_api.ForRouter, cache=0)
    joe, admin = world.joins("sensor"), world.joins("admin")
    world.subscribe(admin, "home.will")
    world.send(joe, [CALL, 1, {}, "wamp.session.add_testament", ["home.will", [1], {}]])
    for _ in range(2):
        world.question()
        world.answer(True)
    world.lose(joe)
    world.question()
    world.answer(False)
    assert events(admin) == [] and world.authorization.counters()["events_not_authorized"] == 1


def test_an_answer_that_is_not_kept_is_for_the_request_that_waited_alone() -> None:
    world = Asked(cache=0)
    joe = world.joins("sensor")
    for number in range(1, 4):
        world.send(joe, [CALL, number, {}, "home.nobody"])
        world.question()
        world.answer(number != 3)
    errors = [message[4] for message in take(joe)]
    assert errors == ["wamp.error.no_such_procedure"] * 2 + [DENIED]


def test_the_authorizer_itself_is_not_asked_about() -> None:
    world = Asked()
    world.send(world.guard, [SUBSCRIBE, 2, {}, "home.t"], [CALL, 3, {}, "home.p"])
    assert [message[4] for message in take(world.guard)] == [DENIED, DENIED]


def test_whoever_wants_to_be_the_authorizer_needs_a_permission() -> None:
    world = Guarded(ROLES, authorizer=ASK)
    joe = world.joins("sensor")
    world.send(joe, [REGISTER, 1, {}, ASK])
    world.time.tick()
    assert error(joe) == DENIED
    guard = world.joins("auth")
    world.register(guard, ASK)


def test_so_many_questions_are_asked_at_a_time() -> None:
    world = Asked()
    peers = [world.joins("sensor", f"joe{number}") for number in range(100)]
    for peer in peers:
        world.send(peer, [SUBSCRIBE, 1, {}, "home.t"])
    open_ = [message[1] for message in take(world.guard)]
    assert len(open_) == module.MOST_ASKED
    while open_:
        for number in open_:
            world.send(world.guard, [YIELD, number, {}, [True]])
        world.time.tick()
        open_ = [message[1] for message in take(world.guard)]
    assert all(only(peer)[0] == "SUBSCRIBED" for peer in peers)


def test_in_a_strict_realm_the_order_stays_a_law() -> None:
    world = Asked(strict=True)
    joe = world.joins("sensor")
    world.send(joe, [PUBLISH, 1, ack, "home.t"], [CALL, 2, {}, "home.p"], [CALL, 3, {}, "home.p"])
    for said in (False, False):
        world.question()
        world.answer(said)
    assert [message[0] for message in take(joe)] == ["ERROR", "ERROR", "ERROR"]
    world.send(joe, [UNSUBSCRIBE, 4, 77])
    assert error(joe) == "wamp.error.no_such_subscription"


def test_other_roles_have_the_authorizer_asked_again_about_what_it_allowed() -> None:
    world = Asked()
    joe, admin = world.joins("sensor"), world.joins("admin")
    for number, uri in enumerate(("home.a", "home.b", "home.c"), 1):
        world.send(joe, [SUBSCRIBE, number, {}, uri])
        world.question()
        world.answer(True)
    world.send(joe, [REGISTER, 4, {}, "home.p"])
    world.question()
    world.answer(True)
    take(joe)
    world.revise({**ROLES, "sensor": [Permission("home.c", allow=["subscribe"])]})
    questions = take(world.guard)
    assert [q[4][1:3] for q in questions] == [
        ["home.a", "subscribe"], ["home.b", "subscribe"], ["home.p", "register"],
    ]  # fmt: skip
    for question, said in zip(questions, (True, False, False), strict=True):
        world.send(world.guard, [YIELD, question[1], {}, [said]])
    world.time.tick()
    told = take(joe)
    assert [message[0] for message in told] == ["UNSUBSCRIBED", "UNREGISTERED"]
    for topic in ("home.a", "home.b", "home.c"):
        world.send(admin, [PUBLISH, 1, {}, topic, [topic]])
    assert events(joe) == [["home.a"], ["home.c"]]
    assert not list(granted(world)[joe.member]["exact"].find("home.c"))  # a permission speaks of it


def test_a_call_in_flight_that_is_not_allowed_any_more_ends() -> None:
    world = Asked()
    joe, admin = world.joins("sensor"), world.joins("admin")
    world.register(admin, "home.p")
    world.send(joe, [CALL, 1, {}, "home.p"])
    world.question()
    world.answer(True)
    world.revise(ROLES)
    world.question()
    world.answer(False)
    assert error(joe) == DENIED


def test_who_left_meanwhile_leaves_nothing() -> None:
    world = Asked()
    joe = world.joins("sensor")
    world.send(joe, [SUBSCRIBE, 1, {}, "home.t"], [SUBSCRIBE, 2, {}, "home.u"])
    world.lose(joe)
    world.question()
    world.answer(True)
    assert take(world.guard) == []
    assert kept(world) == 0


def test_where_nothing_can_be_canceled_the_rest_waits_all_the_same() -> None:
    world = Asked(caller_identification.ForRouter)
    joe = world.joins("sensor")
    world.send(joe, [SUBSCRIBE, 1, {}, "home.t"], [CANCEL, 1, {}])
    assert only(joe)[0] == "ABORT"


def test_two_realms_ask_each_their_own() -> None:
    made = partial(Authorization, [], authorizer=lambda *question: True)
    worlds = [World(made), World(made)]
    first, second = (world.realm.features[0] for world in worlds)
    assert first is not second


# ---- another one


def test_who_is_asked_may_change_and_what_was_allowed_is_asked_about_anew() -> None:
    world, asked = by_function(True)
    joe, admin = world.joins("sensor"), world.joins("admin")
    world.send(joe, [SUBSCRIBE, 1, {}, "home.t"], [SUBSCRIBE, 2, {}, "home.u"])
    take(joe)
    other = Authorizer(lambda session, uri, action, options: uri == "home.u", 60, 5)
    world.authorization.take_authorizer(other)
    world.revise({"sensor": [], "admin": ALL})
    assert [message[0] for message in take(joe)] == ["UNSUBSCRIBED"]
    world.send(admin, [PUBLISH, 1, {}, "home.u", [1]])
    assert events(joe) == [[1]]
    assert len(asked) == 2  # nobody asks the one before
    world.authorization.take_authorizer(None)
    world.revise({"sensor": [], "admin": ALL})
    assert [message[0] for message in take(joe)] == ["UNSUBSCRIBED"]


def test_a_procedure_may_be_asked_from_some_time_on() -> None:
    world = Guarded(ROLES)
    joe, guard = world.joins("sensor"), world.joins("auth", "guard")
    world.register(guard, ASK)
    world.send(joe, [PUBLISH, 1, ack, "home.t"])
    assert error(joe) == DENIED
    world.authorization.take_authorizer(Authorizer(ASK, 60, 5))
    world.revise(ROLES)
    world.send(joe, [PUBLISH, 2, ack, "home.t"], [PUBLISH, 3, ack, "home.t"])
    message = only(guard)
    assert take(joe) == []
    world.send(guard, [YIELD, message[1], {}, [True]])
    world.time.tick()
    assert [answer[:2] for answer in take(joe)] == [["PUBLISHED", 2], ["PUBLISHED", 3]]


def test_a_request_that_waits_for_the_one_before_asks_the_next() -> None:
    world = Asked()
    joe = world.joins("sensor")
    world.send(joe, [PUBLISH, 1, ack, "home.t"])
    world.question()
    world.authorization.take_authorizer(Authorizer(lambda *_: False, 60, 5))
    world.revise(ROLES)
    world.answer(True)
    assert error(joe) == DENIED


def test_faults_of_the_one_before_stay_counted() -> None:
    world, _ = by_function("neither")
    joe = world.joins("sensor")
    world.send(joe, [PUBLISH, 1, ack, "home.t"])
    assert error(joe) == DENIED
    for _ in range(2):
        world.authorization.take_authorizer(None)
        assert world.authorization.counters()["authorizer_faults"] == 1
