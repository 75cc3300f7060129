"""Values of JavaScript's own kinds, and Go's nil, through the router to others and back.

In JSON, Autobahn|JS writes a `Uint8Array` and a `Buffer` as objects. A `BigInt` neither its JSON
nor its MsgPack can write, nor MsgPack `undefined`: its serializer throws, and nothing is sent.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import wamplite
from tests.interop.peers import node, place
from tests.interop.scenario import run
from tests.processes import ROOT, RouterProcess

DATE = "2013-03-21T20:04:00.500Z"
OCTETS, BUFFER, BIG = b"\0\1\xff", b"\7" * 16_384, 2**62
AS_OBJECTS = [{"0": 0, "1": 1, "2": 255}, {"type": "Buffer", "data": [7] * 16_384}]
IN_PYTHON: dict[str, list[Any]] = {
    "json": [*AS_OBJECTS, DATE, None, "done"],
    "msgpack": [OCTETS, BUFFER, DATE, "done"],
    "cbor": [OCTETS, BUFFER, DATE, BIG, None, "done"],
}
IN_JAVASCRIPT = {
    "json": ["Object 3", "Object 2", f"String {DATE}", "null null", "String done"],
    "msgpack": ["Buffer 0001ff", "Buffer 070707", f"String {DATE}", "String done"],
    "cbor": ["Buffer 0001ff", "Buffer 070707", f"String {DATE}", f"BigInt {BIG}", "null null",
             "String done"],
}  # fmt: skip
UNWRITTEN = {"json": ["bigint"], "msgpack": ["bigint", "undefined"], "cbor": []}


@pytest.mark.parametrize("serializer", IN_PYTHON)
def test_values_of_javascript_reach_python_and_javascript(
    serializer: str, router: RouterProcess
) -> None:
    topic, received = f"interop.values.{serializer}", []
    command = node("values_autobahn.js")(place("autobahn-js"))
    with wamplite.connect(router.rs, "realm1") as session:
        session.subscribe(topic, lambda name, value: received.append(value))
        done = subprocess.run(
            [*command, router.ws, serializer, topic],
            cwd=ROOT, capture_output=True, text=True, timeout=50,
        )  # fmt: skip
        session.publish(topic, "end", "end", options={"acknowledge": True, "exclude_me": False})
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
    seen = [f"{one['kind']} {one['shown']}" for one in told if "seen" in one]
    assert seen == IN_JAVASCRIPT[serializer], done.stderr[-2000:]
    assert [one["refused"] for one in told if "refused" in one] == UNWRITTEN[serializer]
    assert not [one for one in told if "lost" in one]
    assert received[: len(IN_PYTHON[serializer])] == IN_PYTHON[serializer]


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
@pytest.mark.parametrize("transport", ["ws", "rs"])
def test_keywords_beside_the_nil_arguments_of_go_travel(
    transport: str, serializer: str, url_of: Callable[[str], str]
) -> None:
    prefix = f"interop.nil.{transport}.{serializer}"
    payload = {"args": None, "kwargs": {"unit": "C"}}
    (seen,) = run("nexus", "both", [(prefix, serializer, url_of(transport))], payload)
    assert "failed" not in seen, seen
    assert seen["caller"]["published"]
    assert seen["caller"]["result"]["kwargs"] == {"unit": "C"}
    assert [event["kwargs"] for event in seen["callee"]["events"]] == [{"unit": "C"}]
