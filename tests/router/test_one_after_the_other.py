"""Sessions that follow each other over one connection, and connections that nobody uses again."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import pytest

from wamplite.core.errors import TransportLost
from wamplite.core.feature import Feature, Floor
from wamplite.core.handshake import Dialogue
from wamplite.core.members import Identity
from wamplite.core.messages import Challenge, Goodbye, Hello
from wamplite.core.parking import Parking
from wamplite.router.connection import MOST_REFUSED
from wamplite.router.routing import Routing

from .conftest import MS, ROLES, Connect, Start, Wire, connected, connections, eventually, name_of

pytestmark = pytest.mark.usefixtures("either_reader")

SCHEMES = ["rs", "ws"]
GOODBYE = [6, {}, "wamp.close.close_realm"]
AND_OUT = [6, {}, "wamp.close.goodbye_and_out"]


def listening(router: Any, scheme: str) -> str:
    return str(router.url if scheme == "rs" else router.listen("ws://127.0.0.1:0"))


def seconds_until_closed(wire: Wire) -> float:
    begun = time.monotonic()
    assert wire.rest() == []
    return time.monotonic() - begun


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_session_may_follow_another_and_inherits_nothing(
    start: Start, connect: Connect, scheme: str
) -> None:
    router = start()
    url = listening(router, scheme)
    other, wire = connect(url).join(), connect(url).join()
    sessions = set()
    for _ in range(3):
        sessions.add(wire.welcome[1])
        assert wire.ask(32, 1, {}, "com.topic")[:2] == [33, 1]
        assert wire.ask(64, 2, {}, "com.add")[:2] == [65, 2]
        assert wire.ask(*GOODBYE) == AND_OUT
        assert other.ask(48, 1, {}, "com.add")[4] == "wamp.error.no_such_procedure"
        wire.join()
        assert other.ask(16, 2, {"acknowledge": True}, "com.topic")[0] == 17
        assert wire.ask(48, 1, {}, "com.add")[4] == "wamp.error.no_such_procedure"
    assert len(sessions) == 3
    assert router.sessions == 2 and connected(router) == 2


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_session_may_follow_in_the_segment_that_ends_another(
    start: Start, connect: Connect, scheme: str
) -> None:
    router = start()
    wire = connect(listening(router, scheme)).join()
    topic, hello = [32, 1, {}, "com.topic"], [1, "realm1", {"roles": ROLES}]
    for _ in range(3):
        wire.send_at_once(topic, GOODBYE, hello, topic, GOODBYE, hello)
        assert [wire.receive()[0] for _ in range(6)] == [33, 6, 2, 33, 6, 2]
    assert router.sessions == 1
    assert wire.ask(*GOODBYE) == AND_OUT


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_session_may_follow_where_goodbye_and_hello_are_all_that_came(
    start: Start, connect: Connect, scheme: str
) -> None:
    wire = connect(listening(start(), scheme)).join()
    wire.send_at_once(GOODBYE, [1, "realm1", {"roles": ROLES}])
    assert [wire.receive()[0] for _ in range(2)] == [6, 2]
    assert wire.ask(32, 1, {}, "com.topic")[:2] == [33, 1]


def test_what_follows_goodbye_without_hello_is_dropped(start: Start, connect: Connect) -> None:
    wire = connect(start().url).join()
    wire.send_at_once(GOODBYE, [32, 1, {}, "com.topic"], [48, 2, {}, "com.none"])
    assert wire.receive() == AND_OUT
    wire.join()
    assert wire.ask(32, 1, {}, "com.other")[:2] == [33, 1]


class Hesitant(Feature):
    """Has each GOODBYE wait until it is told to go on."""

    name = "hesitant"

    def install(self, host: Any) -> None:
        self.parking = Parking(host)
        host.handlers.wrap(Goodbye, self.hold, Floor.AUTHORIZATION)

    def hold(self, inner: Any, member: Any, goodbye: Any) -> None:
        self.parking.park(member, inner, goodbye)


def hesitating(router: Any) -> tuple[Any, Hesitant]:
    routing = router.realms["realm1"]
    return routing, next(f for f in routing.realm.features if isinstance(f, Hesitant))


def waits(routing: Routing, hesitant: Any) -> bool:
    """Tell whether a request of somebody is parked."""
    return any(map(hesitant.parking.holds, list(routing.realm.members.values())))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_goodbye_may_wait_and_another_session_follows_it(
    start: Start, connect: Connect, scheme: str
) -> None:
    router = start(features=[Hesitant])
    routing, hesitant = hesitating(router)
    wire = connect(listening(router, scheme)).join()
    for _ in range(2):
        wire.send_at_once([32, 1, {}, "com.topic"], GOODBYE, [32, 2, {}, "com.other"])
        assert wire.receive()[:2] == [33, 1]
        eventually(lambda: waits(routing, hesitant))
        wire.send(16, 3, {"acknowledge": True}, "com.topic")  # it has left
        (member,) = routing.realm.members.values()
        routing.run(lambda member=member: hesitant.parking.resume(member))
        assert wire.receive() == AND_OUT
        wire.join()
    assert router.sessions == 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_who_is_lost_while_its_goodbye_waits_is_gone(
    start: Start, connect: Connect, scheme: str
) -> None:
    router = start(features=[Hesitant])
    routing, hesitant = hesitating(router)
    wire = connect(listening(router, scheme)).join()
    wire.send(*GOODBYE)
    eventually(lambda: waits(routing, hesitant))
    (member,) = routing.realm.members.values()
    wire.close()
    eventually(lambda: router.sessions == 0 and not hesitant.parking.holds(member))


def test_a_call_that_waits_is_not_answered_to_the_next_session(
    start: Start, connect: Connect
) -> None:
    router = start()
    callee, wire = connect(router.url).join(), connect(router.url).join()
    registration = callee.ask(64, 1, {}, "com.slow")[2]
    wire.send(48, 1, {}, "com.slow")
    assert callee.receive()[:3] == [68, 1, registration]
    assert wire.ask(*GOODBYE) == AND_OUT
    wire.join()
    callee.send(70, 1, {}, ["late"])
    assert wire.ask(48, 1, {}, "com.none")[4] == "wamp.error.no_such_procedure"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_refused_hello_may_be_followed_by_a_better_one(
    start: Start, connect: Connect, scheme: str
) -> None:
    wire = connect(listening(start(), scheme))
    wire.send(1, "nowhere", {"roles": ROLES})
    assert wire.receive()[2] == "wamp.error.no_such_realm"
    wire.send(1, "realm1", {"roles": ROLES, "authmethods": ["ticket"]})
    assert wire.receive()[2] == "wamp.error.no_matching_auth_method"
    wire.join()
    assert wire.ask(*GOODBYE) == AND_OUT


def test_a_client_that_gives_up_its_handshake_may_begin_another(
    start: Start, connect: Connect
) -> None:
    def asks(hello: Hello, joining: Any) -> Dialogue:
        yield Challenge("ticket", {})
        return Identity("ann", "user", "ticket", "static")

    wire = connect(start(authmethods={"ticket": asks}).url)
    wishes = {"roles": ROLES, "authmethods": ["ticket"]}
    wire.send(1, "realm1", wishes)
    assert wire.receive() == [4, "ticket", {}]
    wire.send(3, {}, "wamp.error.authentication_failed")
    assert wire.ask(1, "realm1", wishes) == [4, "ticket", {}]
    assert wire.ask(5, "right", {})[0] == 2


def test_refused_handshakes_hold_no_place_afterwards(start: Start, connect: Connect) -> None:
    router = start()
    for _ in range(100):  # more than an address may have at a time
        wire = connect(router.url)
        wire.send(1, "nowhere", {"roles": ROLES})
        assert wire.receive()[0] == 3
        wire.close()
        eventually(lambda: connected(router) == 0)
    assert connect(router.url).join().ask(*GOODBYE) == AND_OUT


def test_too_many_refused_handshakes_end_the_connection(start: Start, connect: Connect) -> None:
    wire = connect(start(linger=30).url)
    for _ in range(MOST_REFUSED):
        wire.send(1, "nowhere", {"roles": ROLES})
        assert wire.receive()[0] == 3
    assert seconds_until_closed(wire) < 5


def test_who_breaks_the_handshake_gets_no_second(start: Start, connect: Connect) -> None:
    wire = connect(start(linger=30).url)
    wire.send(32, 1, {}, "com.topic")
    assert wire.receive()[2] == "wamp.error.protocol_violation"
    assert seconds_until_closed(wire) < 5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("joined", [True, False])
def test_who_stays_silent_after_the_last_word_is_closed_after_linger(
    start: Start, connect: Connect, scheme: str, joined: bool
) -> None:
    router = start(linger=300 * MS)
    wire = connect(listening(router, scheme))
    if joined:
        assert wire.join().ask(*GOODBYE) == AND_OUT
    else:
        wire.send(1, "nowhere", {"roles": ROLES})
        assert wire.receive()[0] == 3
    begun = time.monotonic()
    if scheme == "ws":
        with pytest.raises(TransportLost, match="closed the WebSocket: 1000"):
            wire.channel.receive()
    else:
        assert wire.rest() == []
    assert 250 * MS < time.monotonic() - begun < 5
    wire.close()
    eventually(lambda: connected(router) == 0)
    assert "deadlines_missed" not in router.counters


def test_refused_handshakes_do_not_prolong_the_time_to_join(start: Start, connect: Connect) -> None:
    router = start(handshake_timeout=600 * MS, linger=400 * MS)
    wire = connect(router.url)
    begun = time.monotonic()
    with pytest.raises((TransportLost, AssertionError)):
        while time.monotonic() - begun < 5:
            wire.send(1, "nowhere", {"roles": ROLES})
            assert wire.receive()[0] == 3
            time.sleep(300 * MS)
    assert time.monotonic() - begun < 2


def test_a_second_handshake_has_its_own_deadline(start: Start, connect: Connect) -> None:
    def asks(hello: Hello, joining: Any) -> Dialogue:
        if hello.details.get("authmethods") == ["slow"]:
            yield Challenge("slow", {})
        return Identity("ann", "user", "slow", "static")

    router = start(authmethods={"slow": asks, "quick": asks}, handshake_timeout=500 * MS, linger=2)
    wire = connect(router.url).join(authmethods=["quick"])
    time.sleep(600 * MS)  # the first one's is over
    assert wire.ask(*GOODBYE) == AND_OUT
    assert wire.ask(1, "realm1", {"roles": ROLES, "authmethods": ["slow"]})[0] == 4
    assert 100 * MS < seconds_until_closed(wire) < 3
    eventually(lambda: router.counters.get("deadlines_missed") == 1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_crosses_the_routers_goodbye_is_dropped(
    start: Start, connect: Connect, scheme: str
) -> None:
    router = start()
    wire = connect(listening(router, scheme)).join()
    routing = router.realms["realm1"]
    [member] = routing.realm.members.values()
    routing.run(lambda: routing.realm.dismiss(member, "wamp.close.killed"))
    eventually(lambda: router.sessions == 0)
    wire.send(32, 1, {}, "com.topic")
    wire.send(6, {}, "wamp.close.goodbye_and_out")
    assert wire.receive() == [6, {}, "wamp.close.killed"]
    wire.join()
    assert wire.ask(32, 1, {}, "com.topic")[:2] == [33, 1]


def test_a_goodbye_whose_reason_is_no_uri_is_a_goodbye(start: Start, connect: Connect) -> None:
    wire = connect(start().url)
    for reason in ("#bad", "", "a b", "..x"):
        assert wire.join().ask(6, {}, reason) == AND_OUT


def test_a_router_that_closes_does_not_wait_for_another_session(
    start: Start, connect: Connect
) -> None:
    router = start(linger=30, shutdown_timeout=30)
    left, refused = connect(router.url).join(), connect(router.url)
    assert left.ask(*GOODBYE) == AND_OUT
    refused.send(1, "nowhere", {"roles": ROLES})
    assert refused.receive()[0] == 3
    eventually(lambda: all(peer.waits for peer in connections(router)))
    begun = time.monotonic()
    router.close()
    assert time.monotonic() - begun < 5
    assert left.rest() == refused.rest() == []


@pytest.mark.usefixtures("hurried")
def test_sessions_follow_each_other_at_speed(start: Start, connect: Connect) -> None:
    router = start()
    faults: list[BaseException] = []

    def go_in_and_out(wire: Wire) -> None:
        try:
            for _ in range(50):
                assert wire.join().ask(*GOODBYE) == AND_OUT
        except BaseException as error:
            faults.append(error)

    wires = [connect(router.url) for _ in range(4)]
    threads = [threading.Thread(target=go_in_and_out, args=(wire,)) for wire in wires]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults
    assert router.sessions == 0 and connected(router) == 4


# ---- authmethods that fail


def raises(hello: Hello, joining: Any) -> Dialogue:
    raise OSError("the database is gone: secret")


def raises_later(hello: Hello, joining: Any) -> Dialogue:
    yield Challenge("ticket", {})
    raise KeyError("secret")


def yields_junk(hello: Hello, joining: Any) -> Any:
    yield "secret"


def returns_junk(hello: Hello, joining: Any) -> Any:
    yield Challenge("ticket", {})
    return "secret"


def returns_half(hello: Hello, joining: Any) -> Any:
    yield from ()
    return Identity("ann", "user", "ticket", None)  # type: ignore[arg-type]


def is_no_dialogue(hello: Hello, joining: Any) -> Any:
    return 7


@pytest.mark.parametrize(
    "method",
    [raises, raises_later, yields_junk, returns_junk, returns_half, is_no_dialogue],
    ids=lambda method: method.__name__,
)
def test_an_authmethod_that_fails_is_an_abort_without_its_reason_and_a_traceback_in_the_log(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture, method: Any
) -> None:
    router = start(authmethods={"ticket": method})
    wire = connect(router.url)
    wire.send(1, "realm1", {"roles": ROLES, "authmethods": ["ticket"]})
    answer = wire.receive()
    if answer[0] == 4:
        answer = wire.ask(5, "x", {})
    assert answer[0] == 3 and answer[2] == "wamp.error.authentication_failed"
    assert "secret" not in str(answer)
    assert wire.rest() == []
    [record] = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert "authmethod failed" in record.getMessage() and record.exc_info
    assert router.sessions == 0


def test_an_authmethod_that_sleeps_is_ended_by_the_deadline_and_lets_nobody_in(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    wake = threading.Event()

    def sleeps(hello: Hello, joining: Any) -> Dialogue:
        wake.wait(20)
        yield from ()
        return Identity("ann", "user", "ticket", "static")

    router = start(authmethods={"ticket": sleeps}, handshake_timeout=200 * MS)
    wire = connect(router.url)
    with caplog.at_level(logging.INFO, "wamplite.router"):
        wire.send(1, "realm1", {"roles": ROLES, "authmethods": ["ticket"]})
        assert seconds_until_closed(wire) < 5
        wake.set()
        eventually(lambda: connected(router) == 0)
    assert "joins" not in caplog.text


# ---- what is told of sessions


def test_who_joins_and_leaves_is_told(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    router = start()
    with caplog.at_level(logging.INFO, "wamplite.router"):
        url = listening(router, "ws")
        wire = connect(url).join()
        session, authid = wire.welcome[1], wire.welcome[2]["authid"]
        assert wire.ask(*GOODBYE) == AND_OUT
        eventually(lambda: " left " in caplog.text)
    name = name_of(wire)
    joined, left = [one.getMessage() for one in caplog.records]
    assert joined == (
        f"{name}: session {session} joins realm1: authid {authid}, authrole anonymous,"
        f" by anonymous, websocket, msgpack, at {url}"
    )
    assert left == (
        f"{name}: session {session} left realm1 after 0 s, 1 messages in, 2 out:"
        f" it said GOODBYE, {GOODBYE[2]}"
    )
