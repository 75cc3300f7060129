"""Other people's clients use features of the Advanced Profile through the wamplite router."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

import wamplite
from tests.interop.peers import PROGRAMS, Words, place
from tests.processes import RouterProcess, running_router
from wamplite.advanced import event_history, progressive_call_results

SECONDS = 60


def python() -> Words:
    home = place("autobahn")
    return [str(home / "venv/bin/python"), "-B", str(PROGRAMS / "python/features_autobahn.py")]


def node(peer: str, script: str) -> Words:
    modules = f"NODE_PATH={place(peer) / 'node_modules'}"
    return ["env", modules, "node", "--no-deprecation", str(PROGRAMS / "js" / script)]


CLIENTS = {
    "autobahn": python,
    "autobahn-js": lambda: node("autobahn-js", "features_autobahn.js"),
    "wampy-js": lambda: node("wampy-js", "features_wampy.js"),
    "xconn-go": lambda: [str(place("xconn-go") / "bin/client")],
    "nexus": lambda: [str(place("nexus") / "bin/client"), "features"],
}
RIGHT: dict[str, Any] = {  # PREFIX stands for the prefix of the URIs
    "progress": [[1, 2, 3], 3],
    "progress_of_wamplite": [[1, 2, 3], 3],
    "canceled": "wamp.error.canceled",
    "timeout": "wamp.error.timeout",
    "prefixes": "PREFIX.temp.kitchen",
    "wildcards": "PREFIX.x.do",
    "shared": ["one", "two", "one", "two"],
    "lists": [["no other", "all"], ["the other", "all"]],
    "disclosed": [True, True],
    "meta": ["PREFIX.meta", 1, True],
    "retained": ["kept", True],
    "history": [1, 2],
    "testament": "gone",
}
NONE = object()  # the client has no means for it
OTHERWISE: dict[str, dict[str, Any]] = {
    # it cancels here, and knows of the callee that INTERRUPT came; it cannot ask to be disclosed
    "autobahn": {"canceled": "interrupted", "disclosed": NONE},
    # its callee announces no call_canceling, without which there is no progress
    "autobahn-js": {"progress": [[], 3]},
    # its callee announces no progress; it takes the option retain, and does not send it
    "wampy-js": {"progress": [[], 3], "retained": NONE},
    # it cannot cancel, nor tell the id of a subscription; EVENT behind SUBSCRIBED as with nexus
    "xconn-go": {"canceled": NONE, "history": NONE, "retained": NONE},
    # it drops an EVENT that follows SUBSCRIBED at once; two callees register in any order
    "nexus": {"canceled": "interrupted", "retained": NONE, "shared": [2, 2]},
}
CASES = [
    pytest.param(client, name, id=f"{client}-{name}")
    for client in CLIENTS
    for name in RIGHT
    if OTHERWISE[client].get(name) is not NONE
]


@pytest.fixture(scope="module")
def featured() -> Iterator[RouterProcess]:
    """A router with all features, which keeps the history of what the clients publish."""
    with running_router("--feature", "all", "--history", "prefix:features") as process:
        yield process


@pytest.fixture(scope="module")
def seen(featured: RouterProcess) -> dict[str, dict[str, Any]]:
    """What each client's program told, filled in by the first test of it."""
    return {}


def run(client: str, url: str) -> dict[str, Any]:
    """Run a client's program beside a procedure of ours that counts."""
    prefix = f"features.{client.replace('-', '_')}"
    with wamplite.connect(url) as session:

        def counted(number: int) -> Iterator[int]:
            yield from range(1, number + 1)
            return number

        session.register(f"{prefix}.counted", counted)
        done = subprocess.run(
            [*CLIENTS[client](), "realm1", prefix, url],
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    told: dict[str, Any] = {"said": done.stderr[-2000:]}
    for line in done.stdout.splitlines():
        if line.startswith('{"'):
            told |= json.loads(line.replace(prefix, "PREFIX"))
    return told


@pytest.mark.timeout(SECONDS + 10)
def test_a_callee_without_canceling_sends_progress_where_the_router_asks_it() -> None:
    progress = partial(progressive_call_results.ForRouter, without_canceling=True)
    history = partial(event_history.ForRouter, ["prefix:features"])
    with wamplite.Router(features=["all", progress, history]) as router:
        told = run("autobahn-js", router.listen("ws://127.0.0.1:0/ws"))
    assert told.get("progress") == [[1, 2, 3], 3], told["said"]


@pytest.mark.timeout(SECONDS + 10)
@pytest.mark.parametrize(("client", "name"), CASES)
def test_a_client_uses_a_feature(
    client: str, name: str, featured: RouterProcess, seen: dict[str, dict[str, Any]]
) -> None:
    if client not in seen:
        seen[client] = run(client, featured.ws)
    told = seen[client]
    assert name in told, told["said"]
    assert told[name] == OTHERWISE[client].get(name, RIGHT[name])


def test_what_a_client_has_no_means_for_is_no_part_of_what_it_told(
    featured: RouterProcess, seen: dict[str, dict[str, Any]]
) -> None:
    for client, told in seen.items():
        expected = {name for name in RIGHT if OTHERWISE[client].get(name) is not NONE}
        assert set(told) - {"said"} == expected, client
