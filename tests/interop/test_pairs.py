"""Two different clients call each other through the wamplite router, in different serializers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.interop.peers import CLIENTS, WAMPLITE
from tests.interop.scenario import assert_callee, assert_caller, finish, run, serving

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
Side = tuple[str, str, str]
KNOWN = {**CLIENTS, "wamplite": WAMPLITE}


@pytest.mark.parametrize(
    ("callee", "caller"), PAIRS, ids=["-".join((a[0], b[0])) for a, b in PAIRS]
)
def test_two_clients_reach_each_other(
    callee: Side, caller: Side, url_of: Callable[[str], str]
) -> None:
    prefix = f"pairs.{callee[0]}".replace("-", "_")
    program = serving(callee[0], (prefix, callee[2], url_of(callee[1])))
    try:
        (seen,) = run(caller[0], "use", [(prefix, caller[2], url_of(caller[1]))])
        error = KNOWN[callee[0]].error(prefix)
        assert_caller(seen, error, KNOWN[caller[0]].tells_error_arguments)
        assert_callee(finish(program))
    finally:
        program.stop()
