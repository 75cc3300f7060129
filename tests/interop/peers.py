"""Which peers there are, how each is started, what each can, and where each is wrong.

`tools/peers` installs them and knows what is there. CLIENTS are run by the programs in clients/,
whose README tells what they do and print; ROUTERS serve realm1 to anonymous sessions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.processes import ROOT

PROGRAMS = Path(__file__).parent / "clients"
ALL = ("json", "msgpack", "cbor")


@cache
def installed() -> dict[str, dict[str, str]]:
    """The state and the place of each peer, as `tools/peers` tells them."""
    command = [sys.executable, str(ROOT / "tools" / "peers"), "--list", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
    told: dict[str, dict[str, str]] = json.loads(done.stdout)
    return told


def place(peer: str) -> Path:
    """Where a peer lives. One that does not: a failure in CI, else a skip; both name it."""
    state = installed()[peer]["state"]
    if state == "present":
        return Path(installed()[peer]["place"])
    if state.startswith("not here"):
        pytest.skip(f"peer {peer} is not run: {state}")
    reason = f"peer {peer} is {state}: tools/peers"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


# Clients

Words = list[str]


def python(script: str) -> Callable[[Path], Words]:
    return lambda home: [str(home / "venv/bin/python"), "-B", str(PROGRAMS / "python" / script)]


def node(script: str) -> Callable[[Path], Words]:
    def command(home: Path) -> Words:
        modules = f"NODE_PATH={home / 'node_modules'}"
        return ["env", modules, "node", "--no-deprecation", str(PROGRAMS / "js" / script)]

    return command


def java(home: Path) -> Words:
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    return ["java", *quick, "-cp", f"{home / 'classes'}:{home / 'lib'}/*", "Main"]


def compiled(home: Path) -> Words:
    return [str(home / "bin/client")]


def own(_: Path) -> Words:
    script = str(PROGRAMS / "python" / "run_wamplite.py")
    return ["env", f"PYTHONPATH={ROOT}", sys.executable, "-B", script]


def right_error(prefix: str) -> dict[str, Any]:
    """What the procedure PREFIX.fail answers."""
    return {"uri": f"{prefix}.error", "args": [42], "kwargs": {"why": "because"}}


def error_without_kwargs(prefix: str) -> dict[str, Any]:
    """As xconn for Python sends it: its session leaves the kwargs of an ApplicationError out."""
    return {**right_error(prefix), "kwargs": {}}


def nameless_error(_: str) -> dict[str, Any]:
    """As wamp_async sends it: one URI for all errors, and Rust's notation of the error itself."""
    args = ['UnknownError("because")']
    return {"uri": "wamp.async.rs.rpc.failed", "args": args, "kwargs": {}}


class Client(NamedTuple):
    """Somebody's client: the command, its serializers by transport, and what it gets wrong."""

    command: Callable[[Path], Words]
    ws: tuple[str, ...] = ALL
    rs: tuple[str, ...] = ()
    error: Callable[[str], dict[str, Any]] = right_error  # what comes when its procedure fails
    tells_error_arguments: bool = True  # whether a caller gets the arguments of an error
    wants_most: bool = False  # whether it accepts a RawSocket router that reads 16 MiB alone


CLIENTS = {
    "autobahn": Client(python("run_autobahn.py"), rs=ALL),
    "xconn": Client(python("run_xconn.py"), rs=ALL, error=error_without_kwargs),
    "autobahn-js": Client(node("run_autobahn.js"), rs=("json",)),
    "wampy-js": Client(node("run_wampy.js")),
    "nexus": Client(compiled, rs=ALL),
    "autobahn-java": Client(java),
    "wamp-async": Client(
        compiled,
        ws=("json", "msgpack"),
        rs=("json", "msgpack"),
        error=nameless_error,
        tells_error_arguments=False,
        wants_most=True,
    ),
}
WAMPLITE = Client(own, rs=ALL)


def command(name: str) -> Words:
    """The command line of a client's program, without its arguments."""
    if name == "wamplite":
        return WAMPLITE.command(ROOT)
    return CLIENTS[name].command(place(name))


# Routers


class Router(NamedTuple):
    """Somebody's router: how to start it on two ports, in a directory for its configuration."""

    peer: str
    command: Callable[[Path, Path, dict[str, int]], Words]
    transports: tuple[str, ...] = ("ws", "rs")


def configured(name: str, target: str, directory: Path, ports: dict[str, int]) -> Path:
    """Fill a template of routers/ in."""
    text = (Path(__file__).parent / "routers" / name).read_text()
    for transport, port in ports.items():
        text = text.replace(f"@{transport.upper()}_PORT@", str(port))
    path = directory / target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def crossbar(home: Path, directory: Path, ports: dict[str, int]) -> Words:
    configured("crossbar.json", "config.json", directory, ports)
    program = str(home / "venv/bin/crossbar")
    return [program, "start", "--cbdir", str(directory), "--loglevel", "error"]


def nexus(home: Path, directory: Path, ports: dict[str, int]) -> Words:
    path = configured("nexus.json", "nexus.json", directory, ports)
    return [str(home / "bin/nexusd"), "-c", str(path)]


def nxt(home: Path, directory: Path, ports: dict[str, int]) -> Words:
    configured("nxt.yaml", ".nxt/config.yaml", directory, ports)
    return [str(home / "bin/nxt"), "start", "-c", str(directory)]


def xconn(home: Path, _: Path, ports: dict[str, int]) -> Words:
    script = Path(__file__).parent / "routers" / "xconn_router.py"
    return [str(home / "venv/bin/python"), "-B", str(script), str(ports["ws"])]


ROUTERS = {
    "nexus": Router("nexus", nexus),
    "nxt": Router("nxt", nxt),
    "xconn": Router("xconn", xconn, ("ws",)),
    "crossbar": Router("crossbar", crossbar),
}
