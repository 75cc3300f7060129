"""Who may do what in a realm, by the permissions of its roles: each way, and no way round."""

from __future__ import annotations

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
    YIELD,
    only,
    take,
)
from wamplite.advanced import (
    call_canceling,
    event_history,
    pattern_based_subscription,
    progressive_call_invocations,
)
from wamplite.auth.permissions import ACTIONS, Permission
from wamplite.core import uris

DENIED = "wamp.error.not_authorized"
CANCEL = 49
ALL = [Permission("", "prefix", ACTIONS)]
CODES = {"call": CALL, "register": REGISTER, "publish": PUBLISH, "subscribe": SUBSCRIBE}


def only_one(action: str, uri: str = "home.door", **more: Any) -> dict[str, list[Permission]]:
    return {"sensor": [Permission(uri, allow=[action], **more)], "admin": ALL}


# ---- each action


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("strict", [False, True])
def test_an_action_that_is_not_permitted_is_refused_with_a_word(action: str, strict: bool) -> None:
    for other in ACTIONS:
        world = Guarded(only_one(other), strict=strict)
        admin, joe = world.joins("admin"), world.joins("sensor")
        world.register(admin, "home.other")
        options = {"acknowledge": True} if action == "publish" else {}
        if action == "call" == other:
            world.send(admin, [REGISTER, 2, {}, "home.door"])
        world.send(joe, [CODES[action], 1, options, "home.door"])
        if other != action:
            answer = only(joe)
            assert answer[:5] == ["ERROR", CODES[action], 1, {}, DENIED]
            (text,) = answer[5]
            assert text.startswith("role 'sensor' may not ") and text.endswith("'home.door'")
        else:
            assert [message[0] for message in take(joe)] != ["ERROR"]
        world.send(joe, [CODES[action], 2, options, "home.window"])  # the next id is right
        answer = take(joe)[-1]
        assert answer[:5] == ["ERROR", CODES[action], 2, {}, DENIED]


def test_a_publish_that_wants_no_answer_is_dropped_and_counted() -> None:
    world = Guarded(only_one("call"))
    admin, joe = world.joins("admin"), world.joins("sensor")
    world.subscribe(admin, "home.door")
    world.send(joe, [PUBLISH, 1, {}, "home.door"], [PUBLISH, 2, {"acknowledge": True}, "home.door"])
    assert error(joe) == DENIED and take(admin) == []
    counted = {"not_authorized": 2, "events_not_authorized": 1}
    assert world.authorization.counters() == counted


def test_of_one_uri_one_action_may_be_allowed_and_another_not() -> None:
    for action, other in (("publish", "call"), ("call", "publish")):
        world = Guarded(only_one(action))
        joe = world.joins("sensor")
        for number in range(3):  # what was looked up before is known
            world.send(joe, [CODES[action], 1, {}, "home.door", [number]])
            take(joe)
            world.send(joe, [CODES[other], 1, {"acknowledge": True}, "home.door"])
            assert error(joe) == DENIED


def test_by_an_option_match_nobody_calls_or_publishes_otherwise() -> None:
    world = Guarded({"sensor": [Permission("home.door", allow=["call", "publish"])], "admin": ALL})
    admin, joe = world.joins("admin"), world.joins("sensor")
    world.register(admin, "home.door")
    options = {"match": "prefix", "acknowledge": True}
    world.send(joe, [CALL, 1, options, "home.door"], [PUBLISH, 2, options, "home.door"])
    assert only(admin)[0] == "INVOCATION" and only(joe)[0] == "PUBLISHED"
    world.send(joe, [CALL, 3, options, "home"], [PUBLISH, 4, options, "home.door.a"])
    assert [message[4] for message in take(joe)] == [DENIED, DENIED]


def test_nobody_learns_by_a_refusal_what_there_is() -> None:
    world = Guarded({"sensor": [], "admin": ALL})
    admin, joe = world.joins("admin"), world.joins("sensor")
    world.register(admin, "home.door")
    for uri in ("home.door", "home.nothing", "wamp.session.count", "wamp.nothing"):
        world.send(joe, [CALL, 1, {}, uri], [REGISTER, 2, {}, uri], [PUBLISH, 3, {}, uri])
        assert [answer[4] for answer in take(joe)] == [DENIED, DENIED]


@pytest.mark.parametrize("uri", ["no good", "", "..x"])
def test_what_is_no_uri_is_told_so_by_whomever_it_is_asked_for(uri: str) -> None:
    world = Guarded({"sensor": [], "admin": ALL})
    for role in ("sensor", "admin"):
        peer = world.joins(role)
        world.send(peer, [CALL, 1, {}, uri], [REGISTER, 2, {}, uri], [SUBSCRIBE, 3, {}, uri])
        assert [answer[4] for answer in take(peer)] == [uris.INVALID_URI] * 3
    assert world.authorization.counters() == {}


def test_whoever_has_no_role_there_is_cannot_join() -> None:
    world = Guarded({"sensor": []})
    peer = world.come("gone")
    text = "there is no role 'gone' in this realm"
    assert take(peer) == [["ABORT", {"message": text}, "wamp.error.no_such_role"]]
    assert world.is_empty() and not world.authorization.rights_of


def test_a_session_of_the_router_s_own_program_may_do_everything_unless_a_role_says_otherwise() -> (
    None
):
    world = Guarded({})
    ours = world.joins("trusted", method="internal")
    world.send(ours, [CALL, 1, {}, "wamp.session.count"], [REGISTER, 2, {}, "home.door"])
    assert [answer[0] for answer in take(ours)] == ["RESULT", "REGISTERED"]
    assert world.come("trusted").outbox[0][0] == "ABORT"  # the name of the role is not enough
    world = Guarded({"trusted": [Permission("home.", "prefix", ["call"])]})
    ours = world.joins("trusted", method="internal")
    world.send(ours, [REGISTER, 2, {}, "home.door"])
    assert error(ours) == DENIED


def test_what_a_session_knew_of_its_rights_goes_with_it() -> None:
    world = Guarded({"sensor": [Permission("home.{authid}.", "prefix", ["call"])]})
    joe = world.joins("sensor")
    world.send(joe, [CALL, 1, {}, "home.joe.x"])
    assert len(world.authorization.rights_of) == 1
    world.lose(joe)
    assert world.is_empty() and not world.authorization.rights_of


@pytest.mark.parametrize("authid", ["joe.door", "*", "#", "joe\n", "", "joe."])
def test_an_authid_that_is_no_component_widens_nothing(authid: str) -> None:
    world = Guarded({"sensor": [Permission("home.{authid}.", "prefix", ACTIONS)], "admin": ALL})
    joe = world.joins("sensor", authid)
    for uri in ("home.joe.door.a", "home.joe.a", f"home.{authid}.a", "home.a.a"):
        world.send(joe, [SUBSCRIBE, 1, {}, uri], [SUBSCRIBE, 2, {"match": "prefix"}, uri])
        exact, pattern = (answer[4] for answer in take(joe))
        assert exact == (DENIED if uris.is_valid(uri) else uris.INVALID_URI)
        assert pattern == (DENIED if uris.is_valid_pattern(uri) else uris.INVALID_URI)


# ---- patterns


@pytest.mark.parametrize(("match", "uri"), [("prefix", "home."), ("prefix", ""), ("wildcard", ".")])
def test_a_pattern_brings_only_what_may_be_seen(match: str, uri: str) -> None:
    sees = [Permission("home.", "prefix", ["subscribe"]), Permission("home.secret")]
    world = Guarded({"guest": sees, "blind": [Permission("lab.", "prefix", ["subscribe"])],
                     "admin": ALL})  # fmt: skip
    admin, guest, blind = world.joins("admin"), world.joins("guest"), world.joins("blind")
    for peer in (admin, guest):
        world.send(peer, [SUBSCRIBE, 1, {"match": match}, uri])
        assert take(peer)[0][0] == "SUBSCRIBED"
    world.send(blind, [SUBSCRIBE, 1, {"match": "prefix"}, "home."])
    assert error(blind) == DENIED
    sender = world.joins("admin")
    take(admin)
    for request, topic in enumerate(("home.a", "home.secret", "lab.a", "home.b"), 1):
        world.send(sender, [PUBLISH, request, {}, topic, [topic]])
    assert events(guest) == [["home.a"], ["home.b"]]
    everything = [["home.a"], ["home.secret"], ["home.b"]]
    assert [event for event in events(admin) if event != ["lab.a"]] == everything


def test_by_a_pattern_nobody_gets_the_router_s_own_events_either() -> None:
    world = Guarded({"guest": [Permission("home.", "prefix", ["subscribe"])], "admin": ALL})
    guest, admin = world.joins("guest"), world.joins("admin")
    for peer in (guest, admin):
        world.send(peer, [SUBSCRIBE, 1, {"match": "prefix"}, ""])
        assert take(peer)[0][0] == "SUBSCRIBED"
    world.joins("admin")
    assert len(events(admin)) == 1 and events(guest) == []


@pytest.mark.parametrize(
    ("match", "uri", "allowed"),
    [
        ("prefix", "home.lamps.", True),
        ("prefix", "home.", False),
        ("prefix", "home.lamps.secret", False),
        ("wildcard", "home.lamps.", True),
        ("wildcard", "home..", False),
        ("wildcard", ".lamps.", False),
    ],
)
def test_a_registration_by_pattern_must_be_permitted_as_a_whole(
    match: str, uri: str, allowed: bool
) -> None:
    lamps = [Permission("home.lamps.", "prefix", ["register"])]
    if uri == "home.lamps.secret":
        lamps.append(Permission("home.lamps.secret.x", "exact", ["call"]))
    world = Guarded({"callee": lamps})
    joe = world.joins("callee")
    world.send(joe, [REGISTER, 1, {"match": match}, uri])
    assert (only(joe)[0] == "REGISTERED") is allowed


# ---- what was kept


def test_retained_events_are_given_to_whom_may_see_them() -> None:
    sees = [Permission("home.", "prefix", ["subscribe"]), Permission("home.secret")]
    world = Guarded({"guest": sees, "admin": ALL})
    admin, guest = world.joins("admin"), world.joins("guest")
    for topic in ("home.a", "home.secret", "lab.a"):
        world.send(admin, [PUBLISH, 1, {"retain": True}, topic, [topic]])
    for request, uri in enumerate(("", "home.", "home.secret"), 1):
        world.send(guest, [SUBSCRIBE, request, {"match": "prefix", "get_retained": True}, uri])
    assert events(guest) == [["home.a"], ["home.a"]]


def test_the_history_of_a_topic_is_for_whom_may_see_it() -> None:
    sees = [Permission("home.", "prefix", ["subscribe"]), Permission("home.secret")]
    sees.append(Permission("wamp.subscription.", "prefix", ["call"]))
    world = Guarded(
        {"guest": sees, "admin": ALL},
        partial(event_history.ForRouter, ["prefix:"]),
        pattern_based_subscription.ForRouter,
    )
    admin, guest = world.joins("admin"), world.joins("guest")
    every = world.subscribe(admin, "", match="prefix")
    secret, home = (world.subscribe(admin, uri) for uri in ("home.secret", "home.a"))
    for topic in ("home.a", "home.secret", "lab.a"):
        world.send(admin, [PUBLISH, 1, {}, topic, [topic]])

    def history(subscription: int) -> Any:
        world.send(guest, [CALL, 1, {}, "wamp.subscription.get_events", [subscription]])
        answer = only(guest)
        return [e["args"] for e in answer[3]] if answer[0] == "RESULT" else answer[4]

    assert history(every) == [["home.a"]] and history(home) == [["home.a"]]
    assert history(secret) == "wamp.error.no_such_subscription"


# ---- the router's own procedures


def test_the_router_s_own_procedures_need_a_permission() -> None:
    world = Guarded({"guest": [Permission("wamp.session.count", allow=["call"])], "admin": ALL})
    guest, admin = world.joins("guest"), world.joins("admin")
    for request, procedure in enumerate(sorted(world.realm.procedures), 1):
        may = procedure == "wamp.session.count"
        world.send(guest, [CALL, request, {}, procedure, [] if may else [admin.member.session]])
        answer = only(guest)
        assert answer[0] == "RESULT" if may else answer[4] == DENIED
    assert admin.member.open


def test_a_testament_needs_the_right_to_publish_when_it_is_made() -> None:
    may = [Permission("wamp.session.", "prefix", ["call"]), Permission("home.a", allow=["publish"])]
    world = Guarded({"sensor": may, "admin": ALL})
    joe, admin = world.joins("sensor"), world.joins("admin")
    for uri in ("home.a", "home.b"):
        world.subscribe(admin, uri)
        world.send(joe, [CALL, 1, {}, "wamp.session.add_testament", [uri, [uri], {}]])
    assert [answer[0] for answer in take(joe)] == ["RESULT", "ERROR"]
    world.send(joe, [CALL, 1, {}, "wamp.session.add_testament", [7]])
    assert error(joe) == "wamp.error.invalid_argument"
    world.lose(joe)
    assert events(admin) == [["home.a"]]


def test_a_testament_needs_the_right_to_publish_when_it_is_published() -> None:
    may = [Permission("", "prefix", ["call", "publish"])]
    world = Guarded({"sensor": may, "admin": ALL})
    joe, admin = world.joins("sensor"), world.joins("admin")
    for uri in ("home.a", "home.b"):
        world.subscribe(admin, uri)
        world.send(joe, [CALL, 1, {}, "wamp.session.add_testament", [uri, [uri], {}]])
    world.revise({"sensor": [Permission("home.b", allow=["publish"])], "admin": ALL})
    world.lose(joe)
    assert events(admin) == [["home.b"]]
    assert not [m for m in world.authorization.rights_of if not m.open]


def test_meta_procedures_tell_of_nothing_that_is_forbidden() -> None:
    may = [
        Permission("wamp.", "prefix", ["call", "subscribe"]),
        Permission("home.a", allow=["call"]),
    ]
    world = Guarded({"guest": may, "admin": ALL})
    guest, admin = world.joins("guest"), world.joins("admin")
    for event in ("wamp.registration.on_create", "wamp.subscription.on_create",
                  "wamp.reflect.on_define"):  # fmt: skip
        world.subscribe(guest, event)
    numbers = {uri: world.register(admin, uri) for uri in ("home.a", "home.secret")}
    heard = world.subscribe(admin, "home.secret")
    for uri in numbers:
        world.send(admin, [CALL, 1, {}, "wamp.reflect.define", [uri, {"x": 1}]])
    assert [event[1]["uri"] if len(event) == 2 else event[0] for event in events(guest)] == [
        "home.a",
        "home.a",
    ]

    def ask(procedure: str, *args: Any) -> Any:
        world.send(guest, [CALL, 1, {}, f"wamp.{procedure}", list(args)])
        answer = only(guest)
        return answer[3][0] if answer[0] == "RESULT" else answer[4].rpartition(".")[2]

    assert ask("registration.list")["exact"] == [numbers["home.a"]]
    assert ask("registration.get", numbers["home.secret"]) == "no_such_registration"
    assert ask("registration.match", "home.secret") is None
    assert ask("subscription.lookup", "home.secret") is None
    assert ask("subscription.list_subscribers", heard) == "no_such_subscription"
    assert ask("reflection.procedure.list") == ["home.a"]
    assert ask("reflect.describe", "home.secret") is None


def test_who_may_not_serve_a_uri_cannot_define_it() -> None:
    may = [Permission("wamp.", "prefix", ["call"]), Permission("home.a", allow=["register"])]
    world = Guarded({"guest": may, "admin": ALL})
    guest = world.joins("guest")
    for kind, uri in (("procedure", "home.b"), ("topic", "home.a"), ("procedure", "home.a")):
        world.send(guest, [CALL, 1, {}, "wamp.reflect.define", [uri, {}], {"kind": kind}])
    assert [answer[0] for answer in take(guest)] == ["ERROR", "ERROR", "RESULT"]


# ---- what is told of callers and publishers


def disclosed(**more: Any) -> dict[str, list[Permission]]:
    return {"sensor": [Permission("home.door", allow=ACTIONS, **more)], "admin": ALL}


WHO = {"caller": 2, "caller_authid": "joe", "caller_authrole": "sensor"}


@pytest.mark.parametrize(
    ("disclose", "options", "register", "expected"),
    [
        ("asked", {}, {}, {}),
        ("asked", {"disclose_me": True}, {}, WHO),
        ("asked", {}, {"disclose_caller": True}, WHO),
        ("always", {}, {}, WHO),
        ("always", {"disclose_me": False}, {}, WHO),
        ("never", {}, {}, {}),
        ("never", {}, {"disclose_caller": True}, {}),
        ("never", {"disclose_me": True}, {}, "wamp.error.option_disallowed.disclose_me"),
    ],
)
def test_a_permission_says_whether_a_callee_is_told_who_calls(
    disclose: str, options: dict[str, Any], register: dict[str, Any], expected: Any
) -> None:
    world = Guarded(disclosed(disclose_caller=disclose))
    callee, joe = world.joins("admin"), world.joins("sensor")
    world.register(callee, "home.door", **register)
    world.send(joe, [CALL, 1, options, "home.door"])
    if isinstance(expected, str):
        assert error(joe) == expected and take(callee) == []
    else:
        details = only(callee)[3]
        assert {key: details[key] for key in details if key.startswith("caller")} == expected


@pytest.mark.parametrize(
    ("disclose", "options", "is_told"),
    [
        ("asked", {}, False),
        ("asked", {"disclose_me": True}, True),
        ("always", {}, True),
        ("never", {}, False),
    ],
)
def test_a_permission_says_whether_subscribers_are_told_who_publishes(
    disclose: str, options: dict[str, Any], is_told: bool
) -> None:
    world = Guarded(disclosed(disclose_publisher=disclose))
    admin, joe = world.joins("admin"), world.joins("sensor")
    world.subscribe(admin, "home.door")
    world.send(joe, [PUBLISH, 1, options, "home.door"])
    details = only(admin)[3]
    who = {key.replace("caller", "publisher"): value for key, value in WHO.items()}
    assert {key: details[key] for key in details if key.startswith("publisher")} == (
        who if is_told else {}
    )


def test_who_must_not_be_told_cannot_ask_for_it_in_a_testament_either() -> None:
    may = [Permission("wamp.", "prefix", ["call"])]
    may.append(Permission("home.a", allow=["publish"], disclose_publisher="never"))
    world = Guarded({"sensor": may, "admin": ALL})
    joe = world.joins("sensor")
    options = {"publish_options": {"disclose_me": True}}
    world.send(joe, [CALL, 1, {}, "wamp.session.add_testament", ["home.a", [], {}], options])
    assert error(joe) == "wamp.error.option_disallowed.disclose_me"


def test_a_permission_may_say_how_far_somebody_is_trusted() -> None:
    world = Guarded(disclosed(trustlevel=7))
    admin, joe = world.joins("admin"), world.joins("sensor")
    world.register(admin, "home.door")
    world.subscribe(admin, "home.door")
    world.send(joe, [CALL, 1, {}, "home.door"], [PUBLISH, 2, {}, "home.door"])
    assert [message[3]["trustlevel"] for message in take(admin)] == [7, 7]
    other = world.joins("admin")
    world.send(other, [CALL, 1, {}, "home.door"])
    assert only(admin)[3]["trustlevel"] == 0


def test_a_call_that_is_sent_on_tells_the_next_callee_the_same() -> None:
    world = Guarded(disclosed(trustlevel=7, disclose_caller="always"))
    one, two, joe = world.joins("admin"), world.joins("admin"), world.joins("sensor")
    for callee in (one, two):
        world.register(callee, "home.door", invoke="roundrobin")
    world.send(joe, [CALL, 1, {}, "home.door"])
    first = take(one)
    world.send(one, [ERROR, 68, first[0][1], {}, "wamp.error.unavailable"])
    assert only(two)[3] == first[0][3] == {**WHO, "caller": 3, "trustlevel": 7}


def test_the_router_s_own_calls_need_no_permission_and_tell_of_nobody() -> None:
    world = Guarded({**disclosed(disclose_caller="always"), "admin": ALL})
    admin = world.joins("admin")
    world.register(admin, "home.door", disclose_caller=True)
    world.realm.call("home.door", lambda answer: None)
    assert only(admin)[3] == {"trustlevel": 0}


# ---- calls that go on


def test_what_belongs_to_a_call_that_was_allowed_is_not_asked_about() -> None:
    world = Guarded(
        {"sensor": [Permission("home.door", allow=["call"])], "admin": ALL},
        call_canceling.ForRouter,
        progressive_call_invocations.ForRouter,
    )
    callee, joe = world.joins("admin"), world.joins("sensor")
    world.register(callee, "home.door")
    part = [CALL, 1, {"progress": True}, "home.door", [1]]
    world.send(joe, part, part, [CANCEL, 1, {}], part)  # the last one has crossed with its ERROR
    assert [message[0] for message in take(callee)] == ["INVOCATION", "INVOCATION", "INTERRUPT"]
    assert [message[4] for message in take(joe)] == ["wamp.error.canceled"]
    world.send(joe, [CALL, 2, {"progress": True}, "home.door", [1]])
    world.send(joe, [CALL, 2, {"progress": True}, "home.window", [1]])
    assert only(joe)[0] == "ABORT"


# ---- roles that change


def test_a_right_that_is_gone_closes_what_hangs_on_it() -> None:
    world = Guarded({"sensor": ALL, "admin": ALL})
    joe, admin = world.joins("sensor"), world.joins("admin")
    asked = [(code, uri) for code in (SUBSCRIBE, REGISTER) for uri in ("home.a", "home.b")]
    for request, (code, uri) in enumerate(asked, 1):
        world.send(joe, [code, request, {}, uri])
    world.register(admin, "home.c")
    world.register(admin, "home.d")
    world.send(joe, [CALL, 5, {}, "home.c"], [CALL, 6, {}, "home.d"])
    take(joe), take(admin)
    world.revise({"sensor": [Permission("home.a", allow=ACTIONS),
                             Permission("home.d", allow=["call"])], "admin": ALL})  # fmt: skip
    told = take(joe)
    assert [message[0] for message in told] == ["UNSUBSCRIBED", "UNREGISTERED", "ERROR"]
    assert told[0][2]["reason"] == told[1][2]["reason"] == told[2][4] == DENIED
    assert [message[0] for message in take(admin)] == ["INTERRUPT"]
    world.send(admin, [PUBLISH, 7, {}, "home.a", [1]], [PUBLISH, 8, {}, "home.b", [2]])
    world.send(admin, [YIELD, 1, {}], [YIELD, 2, {}, [4]])  # the first of a call that has ended
    told = take(joe)
    assert told[0][4] == [1] and told[1:] == [["RESULT", 6, {}, [4]]]
    world.send(admin, [CALL, 9, {}, "home.b"])
    assert error(admin) == "wamp.error.no_such_procedure"


def test_a_session_whose_role_is_gone_is_dismissed_and_others_stay() -> None:
    world = Guarded({"sensor": ALL, "guest": ALL})
    joe, ann = world.joins("sensor"), world.joins("guest")
    ours = world.joins("trusted", method="internal")
    world.revise({"guest": ALL})
    text = "there is no role 'sensor' in this realm"
    assert take(joe)[-1] == ["GOODBYE", {"message": text}, "wamp.error.no_such_role"]
    world.send(ann, [CALL, 1, {}, "wamp.session.count"])
    assert only(ann)[3] == [2] and ours.member.open


def test_while_rights_are_taken_nobody_is_told_of_it_who_may_not_be() -> None:
    world = Guarded({"sensor": ALL, "guest": ALL})
    guest, joe = world.joins("guest"), world.joins("sensor")
    world.subscribe(joe, "home.a")
    for topic in ("wamp.subscription.on_unsubscribe", "wamp.session.on_leave", "home.will"):
        world.subscribe(guest, topic)
    world.send(joe, [CALL, 1, {}, "wamp.session.add_testament", ["home.will", [1], {}]])
    world.revise({"guest": []})
    assert {message[0] for message in take(guest)} == {"UNSUBSCRIBED"}


def test_what_a_permission_tells_may_come_with_other_roles() -> None:
    world = Guarded({"sensor": ALL, "admin": ALL})
    admin, joe = world.joins("admin"), world.joins("sensor")
    world.register(admin, "home.door")
    world.revise(disclosed(disclose_caller="always"))
    world.revise(disclosed(disclose_caller="always"))
    world.send(joe, [CALL, 1, {}, "home.door"])
    assert only(admin)[3]["caller_authid"] == "joe"


def test_a_right_that_is_given_counts_at_once() -> None:
    world = Guarded({"sensor": []})
    joe = world.joins("sensor")
    world.send(joe, [SUBSCRIBE, 1, {}, "home.door"])
    assert error(joe) == DENIED
    world.revise({"sensor": [Permission("home.door", allow=["subscribe"])]})
    world.send(joe, [SUBSCRIBE, 2, {}, "home.door"], [GOODBYE, {}, "wamp.close.close_realm"])
    assert [answer[0] for answer in take(joe)] == ["SUBSCRIBED", "GOODBYE"]


def test_who_may_no_more_register_may_still_give_up() -> None:
    world = Guarded({"sensor": ALL})
    joe = world.joins("sensor")
    number = world.register(joe, "home.a")
    world.send(joe, [UNREGISTER, 2, number])
    assert only(joe) == ["UNREGISTERED", 2]
