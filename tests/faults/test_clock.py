"""The wall clock jumps: item 85 of the catalogue.

The clock of the machine belongs to everybody; what jumps is what the router's process reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults.programs import embedded, order
from tests.faults.sessions import Session, Stopwatch, open_session
from tests.faults.wire import RawSocket
from tests.faults.witnesses import is_served_anew
from tests.processes import RouterProcess

Connect = Callable[..., Session]
HOUR = 3600.0


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    """Give a router whose clock can jump."""
    with embedded("jumping") as process:
        session = open_session(process.port, "rs-json")
        order(session, "faults.jump", 0.0)  # its thread for events is there from now on
        session.leave()
        yield process


@pytest.mark.sampled
@pytest.mark.parametrize("seconds", [HOUR, -HOUR, -2 * HOUR, 2 * HOUR])
def test_85_no_timeout_fires_when_the_clock_jumps(
    connect: Connect, router: RouterProcess, seconds: float
) -> None:
    callee, caller, idle = connect(), connect("ws-json"), connect("ws-msgpack")
    half = Session(RawSocket(router.port), join=False)  # its handshake is going on
    callee.register("faults.slow")
    caller.say(48, 1, {"timeout": 20_000}, "faults.slow")
    invocation = callee.hear()[1]
    other = connect()
    order(other, "faults.jump", seconds)
    watch = Stopwatch()
    while watch.seconds < 1.0:  # less than an interval of pings
        assert is_served_anew(router.port)
        assert caller.transport.sock.fileno() >= 0
    callee.say(70, invocation, {}, ["in time"])
    assert caller.hear() == [50, 1, {}, ["in time"]]
    assert idle.is_served()
    half.say(1, "realm1", {"roles": {"caller": {}}})
    assert half.hear()[0] == 2
    half.close()
