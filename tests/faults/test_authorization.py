"""Authorization: items 59 to 65 of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults.conftest import warm_up
from tests.faults.programs import embedded, order
from tests.faults.sessions import ROLES, VIOLATION, Session, open_session
from tests.processes import RouterProcess

Connect = Callable[..., Session]
NOT_AUTHORIZED = "wamp.error.not_authorized"
FEATURES = {"subscription_revocation": True, "registration_revocation": True}
ANNOUNCED = {role: {"features": FEATURES} for role in ROLES}


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    """Give a router with roles; see authorizing.py."""
    with embedded("judging") as process:
        session = open_session(process.port, "rs-json")
        order(session, "faults.revise", True)  # its thread for events is there from now on
        session.leave()
        warm_up(process.port)
        yield process


def join(connect: Connect, method: str, authid: str = "joe", dialect: str = "rs-json") -> Session:
    """Join by a method; `named` takes any name, `admin` may do everything."""
    session = connect(dialect, join=False)
    details = {"roles": ANNOUNCED, "authmethods": [method], "authid": authid}
    session.say(1, "realm1", details)
    session.welcome = session.hear()
    assert session.welcome[0] == 2, session.welcome
    return session


# ---- 59


@pytest.mark.parametrize("uri", ["wamp.session.count", "wamp.x", "wamp.", "wamp", "wamp.a.b.c"])
@pytest.mark.parametrize("method", ["admin", "anonymous"])
def test_59_what_belongs_to_wamp_is_nobodys(connect: Connect, method: str, uri: str) -> None:
    session = join(connect, method)
    for asked in ([64, {}, uri], [16, {"acknowledge": True}, uri]):
        answer = session.ask(*asked)
        assert answer[0] == 8, answer
    for match in ("prefix", "wildcard"):
        assert session.ask(64, {"match": match}, uri)[0] == 8
    assert session.is_served() if method == "anonymous" else session.ask(32, {}, "a.b")[0] == 33


# ---- 60 and 61

TOPICS = ("area.secret", "area.secret.x", "area.own.ann.x", "area.open.x")


@pytest.mark.parametrize(
    ("match", "pattern"),
    [
        ("prefix", "area."),
        ("prefix", "area"),
        ("wildcard", "area.."),
        ("wildcard", ".secret."),
    ],
)
def test_60_a_pattern_brings_no_event_that_is_forbidden(
    connect: Connect, match: str, pattern: str
) -> None:
    guest, admin = join(connect, "anonymous"), join(connect, "admin")
    asked = {"match": match, "get_retained": True}
    first, _ = answered(guest, 32, asked, pattern)
    for topic in TOPICS:
        options = {"acknowledge": True, "retain": True}
        assert admin.ask(16, options, topic, [topic])[0] == 17
    heard: list[list[Any]] = []
    for again in ([32, asked, pattern], [16, {"acknowledge": True}, "faults.nobody.listens"]):
        answer, events = answered(guest, *again)
        heard += events
        assert answer[0] == 17 or answer[0] == first[0]
    said = {event[4][0] for event in heard}
    assert said == ({"area.open.x"} if first[0] == 33 and pattern != ".secret." else set())
    for topic in TOPICS:
        assert admin.ask(16, {"acknowledge": True, "retain": True}, topic)[0] == 17


def answered(session: Session, code: int, *rest: Any) -> tuple[list[Any], list[list[Any]]]:
    """Ask for something; return the answer, and the events that came before it."""
    session.request += 1
    session.say(code, session.request, *rest)
    events = []
    while (message := session.hear())[0] == 36:
        events.append(message)
    return message, events


@pytest.mark.parametrize(
    ("match", "pattern"),
    [("exact", "area.secret"), ("prefix", "area.secret."), ("wildcard", "area.secret.")],
)
def test_60_what_is_forbidden_as_a_whole_is_refused(
    connect: Connect, match: str, pattern: str
) -> None:
    guest = join(connect, "anonymous")
    assert guest.ask(32, {"match": match}, pattern)[4] == NOT_AUTHORIZED
    assert guest.ask(64, {"match": match}, pattern)[4] == NOT_AUTHORIZED
    assert guest.ask(64, {"match": "prefix"}, "area")[4] == NOT_AUTHORIZED
    assert guest.ask(64, {"match": "wildcard"}, "area..")[4] == NOT_AUTHORIZED


@pytest.mark.parametrize(
    "authid",
    ["ann.x", ".", "..", "*", "#", "ann\n", "", "ann.", "{authid}", "a b", "ann\u2028", "x" * 300],
)
def test_61_a_name_cannot_widen_a_rule(connect: Connect, authid: str) -> None:
    session = connect("rs-json", join=False)
    details = {"roles": ROLES, "authmethods": ["named"], "authid": authid}
    session.say(1, "realm1", details)
    if session.hear()[0] == 3:
        return  # nobody may be called so
    for topic in ("area.own.ann.door", "area.own.ann.x.door", "area.own.joe.door",
                  "area.own.x", "area.own", "area.own.."):  # fmt: skip
        for asked in ([16, {"acknowledge": True}, topic], [48, {}, topic], [64, {}, topic]):
            answer = session.ask(*asked)
            allowed = topic == "area.own" and asked[0] != 48  # by "area.", for everybody
            assert answer[0] == 8 or allowed, (authid, topic, answer)
            assert (
                answer[0] != 8
                or answer[4] in (NOT_AUTHORIZED, "wamp.error.invalid_uri")
                or (topic == "area.own")
            ), answer


def test_61_who_has_a_plain_name_has_its_own(connect: Connect) -> None:
    session = join(connect, "named", "ann")
    assert session.ask(16, {"acknowledge": True}, "area.own.ann.door")[0] == 17
    assert session.ask(16, {"acknowledge": True}, "area.own.joe.door")[4] == NOT_AUTHORIZED


@pytest.mark.parametrize("uri", ["area.secret\n", "area.*", "area.#", "area. secret",
                                 "Area.secret", "area.secret\0", "area..secret"])  # fmt: skip
def test_61_another_spelling_of_a_uri_is_another_uri_or_none(connect: Connect, uri: str) -> None:
    secret = join(connect, "admin")
    secret.subscribe("area.secret")
    guest = join(connect, "anonymous")
    guest.say(16, 7, {"acknowledge": True}, uri, ["spelt"])
    guest.hear()
    assert secret.ask(16, {"acknowledge": True}, "area.z")[0] == 17, "it has heard something"


# ---- 62 and 63


def test_62_a_right_that_is_taken_away_ends_what_hangs_on_it(connect: Connect) -> None:
    guest, admin, other = (join(connect, "anonymous"), join(connect, "admin"), connect())
    subscription = guest.subscribe("area.lent.news")
    pattern = guest.subscribe("area.", match="prefix")
    registration = guest.register("area.lent.serve")
    order(other, "faults.revise", False)
    ended = {}  # by the code: a subscription and a registration may have the same id
    while len(ended) < 2:
        message = guest.hear()
        if message[0] in (35, 67) and message[1] == 0:
            ended[message[0]] = message[2].get("subscription") or message[2].get("registration")
        else:
            assert message[:2] == [36, pattern], message
    assert ended == {35: subscription, 67: registration}
    admin.ask(16, {"acknowledge": True}, "area.lent.news", ["secret now"])
    admin.ask(16, {"acknowledge": True}, "area.still.open", ["open"])
    assert guest.hear()[4] == ["open"]
    assert admin.ask(48, {}, "area.lent.serve")[4] == "wamp.error.no_such_procedure"
    assert guest.ask(32, {}, "area.lent.news")[4] == NOT_AUTHORIZED
    order(other, "faults.revise", True)
    assert other.ask(32, {}, "area.lent.news")[0] == 33


@pytest.mark.parametrize(
    "uri",
    ["asked.raises.x", "asked.sleeps.x", "asked.none", "asked.text", "asked.number", "asked.dict"],
)
def test_63_an_authorizer_that_fails_means_no(
    connect: Connect, uri: str, router: RouterProcess
) -> None:
    guest = join(connect, "anonymous")
    for asked in ([32, {}, uri], [64, {}, uri], [48, {}, uri], [16, {"acknowledge": True}, uri]):
        assert guest.ask(*asked)[4] == NOT_AUTHORIZED
    assert guest.is_served()


# ---- 64 and 65

LISTS: list[Any] = [1, "x", {}, [None], ["1"], [1.5], [{}], [[1]], [0], [-1], [2**53 + 1]]


@pytest.mark.parametrize("key", ["eligible", "exclude", "eligible_authid", "exclude_authrole"])
@pytest.mark.parametrize("value", LISTS, ids=repr)
def test_64_a_list_of_wrong_types_is_refused(connect: Connect, key: str, value: Any) -> None:
    if key.endswith(("authid", "authrole")) and value == ["1"]:
        value = [1]
    subscriber, publisher = connect(), connect()
    subscriber.subscribe("area.lists")
    publisher.say(16, 1, {"acknowledge": True, key: value}, "area.lists", ["secret"])
    answer = publisher.hear()
    assert (answer[0], answer[2]) == (3, VIOLATION) or answer[0] == 8, answer
    assert subscriber.is_served(), "it was delivered"


@pytest.mark.parametrize("number", [1000, 50_000])
def test_64_huge_lists_are_kept_to(connect: Connect, number: int) -> None:
    named, other, publisher = connect(), connect(), connect()
    for session in (named, other):
        session.subscribe("area.lists")
    strangers = list(range(1, number))
    for key, ids in (("eligible", [*strangers, named.welcome[1]]),
                     ("exclude", [*strangers, other.welcome[1]])):  # fmt: skip
        publisher.ask(16, {"acknowledge": True, key: ids}, "area.lists", [key])
        assert named.hear()[4] == [key]
    publisher.ask(16, {"acknowledge": True, "eligible": []}, "area.lists", ["nobody"])
    publisher.ask(16, {"acknowledge": True, "eligible_authid": ["no", "one"]}, "area.lists", [1])
    assert other.is_served() and named.is_served()


def test_65_who_is_not_to_be_disclosed_is_in_nothing(connect: Connect, dialect: str) -> None:
    callee, subscriber = join(connect, "admin"), join(connect, "admin")
    secret = join(connect, "named", "very.secret.name", dialect)
    callee.register("area.hidden.serve")
    subscriber.subscribe("area.hidden.news")
    for asked in (
        [48, {"disclose_me": True}, "area.hidden.serve", [1]],
        [16, {"disclose_me": True, "acknowledge": True}, "area.hidden.news", [1]],
    ):
        assert secret.ask(*asked)[4] == "wamp.error.option_disallowed.disclose_me"
    secret.request += 1
    secret.say(48, secret.request, {}, "area.hidden.serve", [2])
    invocation = callee.hear()
    callee.say(70, invocation[1], {}, [2])
    assert secret.hear()[:2] == [50, secret.request]
    secret.ask(16, {"acknowledge": True}, "area.hidden.news", [2])
    for message in (invocation, subscriber.hear()):
        told = str(message)
        assert message[4] == [2]
        assert "very.secret.name" not in told and str(secret.welcome[1]) not in told, told
        assert not {"caller", "publisher"} & set(message[3])
