"""wamplite's client through other people's routers, over the transports that they serve."""

from __future__ import annotations

from typing import Any

import pytest

import wamplite
from tests.interop.foreign import Foreign
from tests.interop.peers import ALL, ROUTERS, WAMPLITE, place
from tests.interop.scenario import NO_SUCH_PROCEDURE, assert_callee, assert_caller, run

CASES = [(name, way, one) for name, r in ROUTERS.items() for way in r.transports for one in ALL]


@pytest.fixture(scope="session")
def outcomes() -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    """What wamplite saw through each router, filled in by the first test of it."""
    return {}


@pytest.mark.timeout(200)  # Crossbar may start slowly
@pytest.mark.parametrize(("name", "transport", "serializer"), CASES)
def test_the_client_does_it_all(
    name: str,
    transport: str,
    serializer: str,
    foreign_routers: dict[str, Foreign],
    outcomes: dict[str, dict[tuple[str, str], dict[str, Any]]],
) -> None:
    place(ROUTERS[name].peer)
    if name not in outcomes:
        ways = [(way, one) for way in ROUTERS[name].transports for one in ALL]
        url = {way: foreign_routers[name].url(way) for way in ROUTERS[name].transports}
        triples = [(f"interop.{way}.{one}", one, url[way]) for way, one in ways]
        outcomes[name] = dict(zip(ways, run("wamplite", "both", triples), strict=True))
    seen = outcomes[name][transport, serializer]
    assert_callee(seen)
    assert_caller(seen, WAMPLITE.error(f"interop.{transport}.{serializer}"), arguments=True)
    assert seen["caller"]["gone"] == NO_SUCH_PROCEDURE


@pytest.mark.timeout(200)  # Crossbar may start slowly
@pytest.mark.parametrize(
    ("name", "transport"), [(name, way) for name, r in ROUTERS.items() for way in r.transports]
)
def test_an_idle_session_lives_whether_the_router_knows_pings_or_not(
    name: str, transport: str, foreign_routers: dict[str, Foreign]
) -> None:
    place(ROUTERS[name].peer)
    url = foreign_routers[name].url(transport)
    with wamplite.connect(url, "realm1", ping_interval=0.5) as session:
        assert not session.lost.wait(2.0)  # four intervals
        with pytest.raises(wamplite.NoSuchProcedure):
            session.call("interop.nobody.has.this")
