"""Other people's clients through the wamplite router, over each transport and serializer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.interop.peers import CLIENTS, WAMPLITE
from tests.interop.scenario import NO_SUCH_PROCEDURE, assert_callee, assert_caller, run
from tests.processes import RouterProcess

UrlOf = Callable[[str], str]
KNOWN = {**CLIENTS, "wamplite": WAMPLITE}
WAYS = {
    name: [("ws", one) for one in client.ws] + [("rs", one) for one in client.rs]
    for name, client in KNOWN.items()
}
CASES = [(name, *way) for name, ways in WAYS.items() for way in ways]


def prefix(*case: str) -> str:
    return ".".join(("interop", *case)).replace("-", "_")


@pytest.fixture(scope="session")
def outcome(url_of: UrlOf, roomy_router: RouterProcess) -> Callable[..., dict[str, Any]]:
    """What a client saw on one of its ways; its program goes all of them in one run."""
    runs: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}

    def url(name: str, transport: str) -> str:
        roomy = KNOWN[name].wants_most and transport == "rs"
        return roomy_router.rs if roomy else url_of(transport)

    def of(name: str, *way: str) -> dict[str, Any]:
        if name not in runs:
            triples = [(prefix(name, *one), one[1], url(name, one[0])) for one in WAYS[name]]
            runs[name] = dict(zip(WAYS[name], run(name, "both", triples), strict=True))
        return runs[name][way[0], way[1]]

    return of


@pytest.mark.parametrize(("name", "transport", "serializer"), CASES)
def test_a_client_does_it_all(
    name: str, transport: str, serializer: str, outcome: Callable[..., dict[str, Any]]
) -> None:
    seen = outcome(name, transport, serializer)
    error = KNOWN[name].error(prefix(name, transport, serializer))
    assert_callee(seen)
    assert_caller(seen, error, KNOWN[name].tells_error_arguments)
    assert seen["caller"]["gone"] == NO_SUCH_PROCEDURE
