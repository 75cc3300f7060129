"""Sessions of the same process: bounded, refused in time, ended with the router."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import wamplite
from wamplite.core.errors import TransportLost, UsageError
from wamplite.core.messages import Goodbye, Hello, Subscribe, Welcome
from wamplite.in_process_channel import MOST_WAITING, pair
from wamplite.router import Router
from wamplite.router.in_process import LocalConnection

from .conftest import Connect, Start, connected, eventually, parts


def test_a_realm_that_is_not_there_is_refused_and_nothing_stays(start: Start) -> None:
    router = start()
    with pytest.raises(wamplite.WampliteError, match="no_such_realm|no realm"):
        router.connect("com.nowhere")
    eventually(lambda: connected(router) == 0)


def test_options_that_cannot_be_meant_leave_nothing_behind(start: Start) -> None:
    router = start()
    with pytest.raises((UsageError, TypeError)):
        router.connect("realm1", no_such_option=1)
    with pytest.raises(Exception, match="timeout|number"):
        router.connect("realm1", timeout="soon")
    eventually(lambda: connected(router) == 0)


def test_they_do_not_count_as_connections(start: Start, connect: Connect) -> None:
    router = start(max_connections=2, max_handshaking=1)
    with router.connect(), router.connect(), router.connect():
        connect(router.url).join()
        connect(router.url).join()
        assert router.sessions == 5
        with pytest.raises(TransportLost):
            connect(router.url)
    eventually(lambda: connected(router) == 2)


def test_who_does_not_take_what_is_sent_is_ended_and_counted(start: Start) -> None:
    router = start()
    ours, theirs = pair()  # their end takes nothing: there is no session that reads it
    assert parts(router).serve(LocalConnection(parts(router), ours)) is None
    theirs.send(Hello("realm1", {"roles": {"subscriber": {}}}))
    theirs.send(Subscribe(1, {}, "com.topic"))
    eventually(lambda: router.realms["realm1"].realm.broker.subscriptions)
    with router.connect() as publisher:
        for number in range(MOST_WAITING + 10):
            publisher.publish("com.topic", number)
        eventually(lambda: router.counters.get("slow_consumers") == 1)
        eventually(lambda: router.sessions == 1)
        publisher.publish("com.topic", options={"acknowledge": True})
    with pytest.raises(TransportLost, match="slow_consumer"):
        theirs.receive()


def test_a_fault_of_the_session_on_the_routers_side_ends_its_clients_wait(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty(LocalConnection):
        def receive(self) -> list[Any]:
            raise ZeroDivisionError("a bug")

    router = start()
    ours, theirs = pair()
    assert parts(router).serve(Faulty(parts(router), ours)) is None
    theirs.set_receive_timeout(5)
    with pytest.raises(TransportLost):
        theirs.receive()
    eventually(lambda: connected(router) == 0)
    assert "a bug" in caplog.text


def test_sessions_that_come_while_the_router_closes_end_or_are_refused(hurried: None) -> None:
    for _ in range(10):
        router = Router()
        start_ = threading.Barrier(4)
        odd: list[BaseException] = []

        def come(router: Router = router, start_: Any = start_, odd: Any = odd) -> None:
            start_.wait(20)
            try:
                while True:
                    with router.connect(connect_timeout=10) as session:
                        session.publish("com.topic", options={"acknowledge": True})
            except wamplite.WampliteError:
                return
            except BaseException as error:
                odd.append(error)

        crowd = [threading.Thread(target=come) for _ in range(3)]
        for thread in crowd:
            thread.start()
        start_.wait(20)
        router.close()
        for thread in crowd:
            thread.join(20)
            assert not thread.is_alive()
        assert odd == []
        eventually(lambda router=router: connected(router) == 0)


@pytest.mark.parametrize("end", ["finish", "shutdown"])
def test_what_ends_on_the_routers_side_ends_its_clients_wait(start: Start, end: str) -> None:
    router = start()
    ours, theirs = pair()
    connection = LocalConnection(parts(router), ours)
    assert parts(router).serve(connection) is None
    theirs.send(Hello("realm1", {"roles": {"subscriber": {}}}))
    theirs.set_receive_timeout(5)
    assert [type(message) for message in theirs.take()] == [Welcome]
    if end == "finish":
        connection.say(Goodbye({}, "com.app.over"))
        connection.finish()
        assert [type(message) for message in theirs.take()] == [Goodbye]
    else:
        connection.shutdown("com.app.over")
    with pytest.raises(TransportLost):
        theirs.receive()
    eventually(lambda: connected(router) == 0)


def test_a_fault_beside_the_messages_takes_the_session_out_of_its_realm(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty(LocalConnection):
        @property
        def is_slowed(self) -> bool:  # type: ignore[override]
            raise ZeroDivisionError("a bug")

    router = start()
    ours, theirs = pair()
    assert parts(router).serve(Faulty(parts(router), ours)) is None
    theirs.set_receive_timeout(5)
    theirs.send(Hello("realm1", {"roles": {"subscriber": {}}}))
    with pytest.raises(TransportLost):
        theirs.take()
    eventually(lambda: connected(router) == 0)
    assert router.sessions == 0 and "a bug" in caplog.text
