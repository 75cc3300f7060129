"""Authorization between programs: over WebSocket and RawSocket, with a router that runs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

import wamplite
from tests.waiting import until
from wamplite import NotAuthorized, Router
from wamplite.auth import Authorization, Permission, Role, Ticket, User, Users, keys, methods
from wamplite.core.errors import JoinRefused

USERS = Users(
    [
        User.of_password(name, role, "s3cret", iterations=keys.LEAST_ITERATIONS)
        for name, role in (("joe", "sensor"), ("ann", "guest"), ("tom", "nobody"))
    ]
)
SENSOR = Role(
    "sensor",
    (
        Permission("home.{authid}.", "prefix", ["publish", "register"]),
        Permission("home.lamp", allow=["call"]),
    ),
)
GUEST = Role(
    "guest",
    (
        Permission("home.", "prefix", ["subscribe", "call"]),
        Permission("home.joe.secret", allow=[]),
        Permission("wamp.session.count", allow=["call"]),
    ),
)


class House:
    """A router with two roles, and a session of its own that may do everything."""

    def __init__(self, url: str) -> None:
        self.router = Router(
            features=["all", partial(Authorization, [SENSOR, GUEST])], authmethods=methods(USERS)
        )
        self.url = self.router.listen(url)
        self.ours = self.router.connect()
        self.ours.register("home.lamp", lambda: "on")

    def log_in(self, authid: str) -> wamplite.Session:
        return wamplite.connect(self.url, auth=Ticket(authid, "s3cret"))

    @property
    def realm(self) -> Any:
        return self.router.realms["realm1"].realm

    def revise(self, *roles: Role) -> None:
        (feature,) = (f for f in self.realm.features if isinstance(f, Authorization))
        self.router.realms["realm1"].run(lambda: feature.revise(roles))


@pytest.fixture(params=["ws://127.0.0.1:0/ws", "rs://127.0.0.1:0"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    house = House(request.param)
    with house.router, house.ours:
        yield house


def test_each_does_what_its_role_permits_and_nothing_else(house: House) -> None:
    with house.log_in("joe") as joe, house.log_in("ann") as ann:
        heard: list[Any] = []
        ann.subscribe("home", lambda *args: heard.append(args), options={"match": "prefix"})
        for topic in ("home.joe.a", "home.joe.secret", "home.joe.b"):
            joe.publish(topic, topic, options={"acknowledge": True})
        joe.register("home.joe.p", lambda: 7)
        assert ann.call("home.joe.p") == 7 and joe.call("home.lamp") == "on"
        assert ann.call("wamp.session.count") == 3
        until(lambda: len(heard) == 2)
        assert heard == [("home.joe.a",), ("home.joe.b",)]
        refused: list[Any] = [
            lambda: joe.publish("home.ann.a", options={"acknowledge": True}),
            lambda: joe.register("home.lamp2", lambda: 0),
            lambda: joe.register("home.", lambda: 0, options={"match": "prefix"}),
            lambda: joe.subscribe("home.joe.a", lambda: None),
            lambda: joe.call("wamp.session.kill", ann.id),
            lambda: ann.call("home.joe.secret"),
            lambda: ann.subscribe("home.joe.secret", lambda: None),
            lambda: ann.publish("home.joe.a", options={"acknowledge": True}),
        ]
        for act in refused:
            with pytest.raises(NotAuthorized, match="role '(sensor|guest)' may not "):
                act()
        assert house.router.counters["not_authorized"] == len(refused)


def test_a_publish_without_an_answer_is_dropped_and_counted(house: House) -> None:
    with house.log_in("ann") as ann:
        ann.publish("home.joe.a")
        until(lambda: house.router.counters.get("events_not_authorized") == 1)


def test_whose_role_there_is_not_is_refused(house: House) -> None:
    with pytest.raises(JoinRefused, match="there is no role 'nobody' in this realm"):
        house.log_in("tom")


def test_a_right_that_is_taken_away_ends_what_hangs_on_it(house: House) -> None:
    with house.log_in("joe") as joe, house.log_in("ann") as ann:
        heard: list[Any] = []
        ann.subscribe("home.joe.a", heard.append)
        joe.publish("home.joe.a", 1, options={"acknowledge": True})
        until(lambda: heard == [1])
        less = Role("guest", (Permission("home.lamp", allow=["call"]),))
        house.revise(SENSOR, less)
        until(lambda: not house.realm.broker.subscriptions)
        joe.publish("home.joe.a", 2, options={"acknowledge": True})
        assert ann.call("home.lamp") == "on"  # events that were sent before have arrived
        assert heard == [1]
        house.revise(less)
        until(lambda: house.router.sessions == 2)  # ours and ann's
        with pytest.raises(wamplite.WampliteError):
            joe.call("home.lamp")
        assert ann.call("home.lamp") == "on"


# ---- a procedure that is asked


class Lodge(House):
    """A router that asks a procedure, which another session serves and asks a third one."""

    def __init__(self, url: str) -> None:
        guard = Role(
            "guest",
            (Permission("auth.ask", allow=["register"]), Permission("home.list", allow=["call"])),
        )
        authorization = partial(Authorization, [guard], authorizer="auth.ask", cache=0.05)
        self.router = Router(features=["all", authorization], authmethods=methods(USERS))
        self.url = self.router.listen(url)
        self.ours = self.router.connect()
        self.ours.register("home.list", lambda: ["home.lamp", "home.light"])
        self.ours.register("home.lamp", lambda: "on")
        self.guard = self.log_in("ann")
        self.guard.register("auth.ask", self.ask)

    def ask(self, session: Any, uri: str, action: str, options: Any) -> Any:
        if uri == "home.broken":
            raise RuntimeError("the list is not there")
        return {"allow": uri in self.guard.call("home.list"), "disclose": action == "publish"}


@pytest.fixture(params=["ws://127.0.0.1:0/ws", "rs://127.0.0.1:0"])
def lodge(request: pytest.FixtureRequest) -> Iterator[Lodge]:
    lodge = Lodge(request.param)
    with lodge.router, lodge.ours, lodge.guard:
        yield lodge


def test_a_procedure_is_asked_by_many_at_once_and_nobody_waits_for_ever(lodge: Lodge) -> None:
    sessions = [lodge.log_in("joe") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):  # the answers hold for a moment only
            assert list(pool.map(lambda one: one.call("home.lamp"), sessions)) == ["on"] * 8
            for uri in ("home.door", "home.broken"):
                assert all(pool.map(lambda one, uri=uri: may_not(one, uri), sessions))
    for session in sessions:
        session.leave()


def may_not(session: wamplite.Session, procedure: str) -> bool:
    try:
        session.call(procedure)
    except NotAuthorized:
        return True
    return False


def test_what_is_published_just_before_the_end_is_published(lodge: Lodge) -> None:
    heard: list[Any] = []
    lodge.ours.subscribe("home.light", lambda value, details: heard.append((value, details)))
    with lodge.log_in("joe") as joe:
        joe.publish("home.light", 1)
    until(lambda: heard)
    assert heard[0][0] == 1


def test_without_whoever_is_asked_nothing_is_allowed(lodge: Lodge) -> None:
    with lodge.log_in("joe") as joe:
        assert joe.call("home.lamp") == "on"
        lodge.guard.leave()
        until(lambda: may_not(joe, "home.lamp"))  # the last answer holds for a moment
        assert lodge.router.counters["authorizer_faults"] == 1


def test_what_pub_and_sub_may_is_told_by_the_other_serializer_as_well(house: House) -> None:
    with wamplite.connect(house.url, auth=Ticket("ann", "s3cret"), serializer="json") as ann:
        with pytest.raises(NotAuthorized):
            ann.publish("home.joe.a", options={"acknowledge": True})
        assert ann.call("home.lamp") == "on"
