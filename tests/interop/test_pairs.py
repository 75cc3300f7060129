"""Two different clients call each other through the wamplite router, in different serializers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.interop.peers import CLIENTS, WAMPLITE
from tests.interop.scenario import PAYLOAD, assert_callee, assert_caller, finish, run, serving

PAIRS = [
    (("autobahn", "ws", "msgpack"), ("autobahn-js", "rs", "json")),
    (("autobahn-js", "ws", "msgpack"), ("nexus", "rs", "json")),
    (("nexus", "rs", "cbor"), ("autobahn-java", "ws", "json")),
    (("autobahn-java", "ws", "msgpack"), ("xconn", "rs", "cbor")),
    (("xconn", "ws", "json"), ("wampy-js", "ws", "cbor")),
    (("wampy-js", "ws", "json"), ("wamp-async", "ws", "msgpack")),
    (("wamp-async", "ws", "json"), ("wamplite", "rs", "cbor")),
    (("wamplite", "ws", "msgpack"), ("autobahn", "ws", "json")),
]
BINARY: dict[str, Any] = {"args": [{"$bytes": "00ff80"}], "kwargs": {"raw": [{"$bytes": ""}]}}
BINARY_PAIRS = [
    (("autobahn", "ws", "msgpack"), ("wamplite", "rs", "json")),
    (("wamplite", "rs", "cbor"), ("autobahn", "ws", "json")),
    (("autobahn", "rs", "json"), ("autobahn", "ws", "cbor")),
]
Side = tuple[str, str, str]
KNOWN = {**CLIENTS, "wamplite": WAMPLITE}


def name(pair: tuple[Side, Side]) -> str:
    return "-".join(f"{client}_{serializer}" for client, _, serializer in pair)


def check(pair: tuple[Side, Side], payload: dict[str, Any], url_of: Callable[[str], str]) -> None:
    """Run the pair's callee, and its caller beside it; both must see what they should."""
    (callee, its_way, its_serializer), (caller, way, serializer) = pair
    prefix = f"pairs.{name(pair)}".replace("-", ".")
    program = serving(callee, (prefix, its_serializer, url_of(its_way)))
    try:
        (seen,) = run(caller, "use", [(prefix, serializer, url_of(way))], payload)
        arguments = KNOWN[caller].tells_error_arguments
        assert_caller(seen, KNOWN[callee].error(prefix), arguments, payload)
        assert_callee(finish(program), payload)
    finally:
        program.stop()


@pytest.mark.parametrize("pair", PAIRS, ids=name)
def test_two_clients_reach_each_other(
    pair: tuple[Side, Side], url_of: Callable[[str], str]
) -> None:
    check(pair, PAYLOAD, url_of)


@pytest.mark.parametrize("pair", BINARY_PAIRS, ids=name)
def test_bytes_pass_between_json_and_binary_serializers(
    pair: tuple[Side, Side], url_of: Callable[[str], str]
) -> None:
    check(pair, BINARY, url_of)
