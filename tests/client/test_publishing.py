"""Many publications at once: in order, each with an answer of its own."""

from __future__ import annotations

import signal
import threading

import wamplite
from tests.client.scripted import cut
from tests.processes import RouterProcess
from wamplite.core.errors import ApplicationError, CallTimeout, TransportLost, UsageError

TOPIC = "com.example.topic"
ACKNOWLEDGE = {"acknowledge": True}


def test_all_arrive_in_order_and_each_has_a_publication(router_process: RouterProcess) -> None:
    arrived: list[int] = []
    done = threading.Event()

    def on_event(number: int, n: int) -> None:
        assert number == n
        arrived.append(number)
        if number == 499:
            done.set()

    with wamplite.connect(router_process.rs) as other, wamplite.connect(router_process.rs) as one:
        other.subscribe(TOPIC, on_event)
        told = one.publish_all((TOPIC, [n], {"n": n}, ACKNOWLEDGE) for n in range(500))
        assert done.wait(10)
    assert arrived == list(range(500))
    assert all(found.sent and found.error is None for found in told)
    assert len({found.publication for found in told}) == 500


def test_what_fails_fails_alone(router_process: RouterProcess) -> None:
    with wamplite.connect(router_process.rs) as session:
        told = session.publish_all(
            [
                (TOPIC, [1], {}, ACKNOWLEDGE),
                ("not a uri", [2], {}, ACKNOWLEDGE),
                ("wamp.forbidden", [3], {}, ACKNOWLEDGE),
                (TOPIC, [4], {}, None),
                (TOPIC, [float("nan")], {}, ACKNOWLEDGE),
            ]
        )
    assert [type(found.error) for found in told] == [
        type(None),
        UsageError,
        ApplicationError,
        type(None),
        UsageError,
    ]
    assert [found.sent for found in told] == [True, False, True, True, False]
    assert [found.publication is not None for found in told] == [True, False, False, False, False]


def test_a_lost_session_tells_what_was_sent_and_what_was_not(
    router_process: RouterProcess,
) -> None:
    session = wamplite.connect(router_process.rs)
    router_process.interrupt(signal.SIGSTOP)
    timer = threading.Timer(0.2, cut, (session,))
    timer.start()
    (sent,) = session.publish_all([(TOPIC, [1], {}, ACKNOWLEDGE)])
    timer.join()
    router_process.interrupt(signal.SIGCONT)
    (unsent,) = session.publish_all([(TOPIC, [2], {}, ACKNOWLEDGE)])
    session.leave()
    assert isinstance(sent.error, TransportLost) and sent.sent
    assert isinstance(unsent.error, TransportLost) and not unsent.sent


def test_an_answer_that_is_late_but_in_time_is_one(router_process: RouterProcess) -> None:
    with wamplite.connect(router_process.rs) as session:
        router_process.interrupt(signal.SIGSTOP)
        timer = threading.Timer(0.3, router_process.interrupt, (signal.SIGCONT,))
        timer.start()
        told = session.publish_all([(TOPIC, [n], {}, ACKNOWLEDGE) for n in range(3)], timeout=30.0)
        timer.join()
    assert [found.error for found in told] == [None] * 3
    assert all(found.publication for found in told)


def test_a_timeout_ends_the_waiting_and_a_late_answer_harms_nothing(
    router_process: RouterProcess,
) -> None:
    with wamplite.connect(router_process.rs) as session:
        router_process.interrupt(signal.SIGSTOP)
        (late,) = session.publish_all([(TOPIC, [1], {}, ACKNOWLEDGE)], timeout=0.1)
        router_process.interrupt(signal.SIGCONT)
        assert isinstance(late.error, CallTimeout) and late.sent
        assert session.publish(TOPIC, 2, options=ACKNOWLEDGE)
