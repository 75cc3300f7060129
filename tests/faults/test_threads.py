"""An exception in each thread of a router in turn: item 83 of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.faults.programs import embedded, order
from tests.faults.sessions import Session, open_session
from tests.faults.wire import Closed
from tests.faults.witnesses import is_served_anew
from tests.processes import RouterProcess

Connect = Callable[..., Session]
ENDED = ("connection", "connection, opening", "accepting, serving")  # what costs that one


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    """Give a router in which places can be broken."""
    with embedded("faulty", trouble=["ResourceWarning"]) as process:
        yield process


@pytest.fixture
def bystander() -> None:
    """Nobody else stands by: whoever comes next may be the one who meets the fault."""


@pytest.mark.sampled
@pytest.mark.parametrize("fault", ["bug", "memory", "exit"])
@pytest.mark.parametrize(
    "place",
    [
        "housekeeper", "housekeeper, ticking", "housekeeper, writing", "accepting",
        "accepting, serving", "connection", "connection, opening", "routing",
        "routing, handling", "routing, delivering", "turning away",
    ],
)  # fmt: skip
def test_83_a_fault_in_any_thread_is_logged_and_the_router_lives(
    connect: Connect, router: RouterProcess, place: str, fault: str
) -> None:
    breaker, subscriber = connect(), connect("ws-json")
    subscriber.subscribe("faults.threads")
    before = router.stderr().count("Traceback")
    order(breaker, "faults.break", place, fault)
    for _ in range(3):  # one of them meets the fault
        with suppress(Closed, AssertionError):
            victim = open_session(router.port, "rs-json")
            with suppress(Closed):
                victim.is_served()
            victim.close()
    if place == "turning away":
        return  # it has its thread where somebody is refused alone
    publisher = connect("ws-msgpack")
    if place not in ENDED:
        publisher.say(16, 7, {}, "faults.threads", [place])
        assert subscriber.hear()[4] == [place]
    router.await_stderr("Traceback", before + 1)
    assert is_served_anew(router.port)
