"""docs/peers.md says of other people's clients and routers what the tests here run, and no more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from typing import Any

from tests.interop import test_features as of_clients
from tests.interop import test_features_of_routers as of_routers
from tests.interop.peers import CLIENTS, PROGRAMS, ROUTERS
from tests.processes import ROOT

PAGE = (ROOT / "docs" / "peers.md").read_text()
WORDS = {"ws": "WebSocket", "rs": "RawSocket"}
SERIALIZERS = {"json": "JSON", "msgpack": "MessagePack", "cbor": "CBOR"}
LIBRARIES = {  # of the programs that have a file of their own for what they need
    "autobahn-java": r"<artifactId>autobahn-\w+</artifactId>\s*<version>([\d.]+)",
    "wamp-async": r'wamp_async = "=([\d.]+)"',
}


def recipes() -> dict[str, Any]:
    """Return how tools/peers makes each peer."""
    loader = SourceFileLoader("tools_peers", str(ROOT / "tools" / "peers"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    found: dict[str, Any] = module.RECIPES
    return found


def version(peer: str, recipe: Any) -> str:
    """Return the version that is installed of a peer."""
    told = " ".join(recipe.packages)
    pattern = r"(?:==|@| v)([\d.]+)"
    if peer in LIBRARIES:
        files = [path for path in sorted((PROGRAMS / peer).rglob("*")) if path.is_file()]
        told = " ".join(path.read_text() for path in files)
        pattern = LIBRARIES[peer]
    found = re.search(pattern, told)
    assert found, peer
    return found[1]


def named(peers: Iterable[str]) -> list[str]:
    """Return the names of peers with their versions."""
    known = recipes()
    return [f"{peer} {version(peer, known[peer])}" for peer in peers]


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without the line below its head."""
    below = PAGE.partition(f"\n{heading}\n")[2].partition("\n|")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in below.splitlines()]
    return [cells[0], *cells[2:]]


def check(heading: str, columns: list[str], expected: dict[str, list[str]]) -> None:
    """See that a table has these columns, and in each row, by the name in `...`, these cells."""
    head, *others = rows(heading)
    assert head[1:] == columns
    told = {re.findall(r"`(\w+)`", first)[-1]: cells for first, *cells in others}
    assert told == expected


def test_the_clients_are_those_that_are_run() -> None:
    head, *told = rows("## What all of them do")
    assert head == ["client", "WebSocket", "RawSocket"]
    names = named(CLIENTS)
    expected = [
        [name, *(", ".join(SERIALIZERS[one] for one in way) or "no" for way in (each.ws, each.rs))]
        for name, each in zip(names, CLIENTS.values(), strict=True)
    ]
    assert told == expected


def test_the_routers_are_those_that_are_run() -> None:
    head, *told = rows("### Routers")
    assert head == ["router", "transports"]
    peers = named(router.peer for router in ROUTERS.values())
    ways = [" and ".join(WORDS[way] for way in router.transports) for router in ROUTERS.values()]
    assert told == [list(row) for row in zip(peers, ways, strict=True)]


def cell(there: Any, none: object, right: Any) -> str:
    return "no" if there is none else "yes" if there == right else "partly"


def test_what_their_clients_use_is_what_is_tried() -> None:
    expected = {
        name: [
            cell(of_clients.OTHERWISE[client].get(name, right), of_clients.NONE, right)
            for client in of_clients.CLIENTS
        ]
        for name, right in of_clients.RIGHT.items()
    }
    check("## Their clients through our router", named(of_clients.CLIENTS), expected)


def test_what_our_client_uses_is_what_is_tried() -> None:
    checks: dict[Callable[..., Any], Any] = of_routers.CHECKS
    expected = {
        each.__name__: [
            cell(of_routers.WITHOUT[router].get(each, right), of_routers.NONE, right)
            for router in of_routers.WITHOUT
        ]
        for each, right in checks.items()
    }
    check("## Our client through their routers", named(of_routers.WITHOUT), expected)
