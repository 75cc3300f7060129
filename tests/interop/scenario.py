"""Run the programs of clients/ and hold what they saw against what WAMP demands."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from tests.interop.peers import command
from tests.processes import ROOT, Program

REALM = "realm1"
NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"
PAYLOAD: dict[str, Any] = {
    "args": [7, "smørrebrød €", True, None, 1.5, [1, [-2]], {"a": {"b": -1}}, 2**53 - 1],
    "kwargs": {"unit": "C", "n": [0]},
}
SECONDS = 50
Triple = tuple[str, str, str]  # prefix of the URIs, serializer, URL


def arguments(mode: str, triples: Sequence[Triple], payload: dict[str, Any] = PAYLOAD) -> list[str]:
    return [mode, REALM, json.dumps(payload), *(word for triple in triples for word in triple)]


def told(stdout: str) -> list[dict[str, Any]]:
    """The JSON lines among what a program printed: some clients print of their own accord."""
    return [json.loads(line) for line in stdout.splitlines() if line.startswith('{"')]


def run(
    client: str, mode: str, triples: Sequence[Triple], payload: dict[str, Any] = PAYLOAD
) -> list[dict[str, Any]]:
    """What a client's program tells of each triple; where it tells nothing, why."""
    try:
        done = subprocess.run(
            [*command(client), *arguments(mode, triples, payload)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
        stdout, why = done.stdout, f"exit status {done.returncode}, {done.stderr[-2000:]}"
    except subprocess.TimeoutExpired as late:
        stdout, why = (late.stdout or b"").decode(), f"not done after {SECONDS} s"
    lines = told(stdout)
    return lines + [{"failed": why}] * (len(triples) - len(lines))


def serving(client: str, triple: Triple) -> Program:
    """A client's program as callee and subscriber, ready. It ends when its stdin does."""
    program = Program(*command(client), *arguments("serve", [triple]), stdin=subprocess.PIPE)
    try:
        assert next_told(program) == {"ready": True}
    except BaseException:
        program.stop()
        raise
    return program


def next_told(program: Program) -> dict[str, Any]:
    """The next JSON line of a program."""
    while (line := program.line()) and not line.startswith('{"'):
        continue
    assert line, f"the program ended: {program.stderr()}"
    told: dict[str, Any] = json.loads(line)
    return told


def finish(program: Program) -> dict[str, Any]:
    """Close a serving program's stdin and return what it saw."""
    try:
        assert program.process.stdin is not None
        program.process.stdin.close()
        seen = next_told(program)
        assert program.wait() == 0, program.stderr()
        return seen
    finally:
        program.stop()


def plain(value: Any) -> Any:
    """A value as JSON writes it, but 7.0 as 7: Go and JavaScript print both alike."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def same(seen: Any, expected: Any) -> bool:
    """Whether two values are equal, in type too: True is not 1."""
    return json.dumps(plain(seen)) == json.dumps(plain(expected))


def arrived(seen: dict[str, Any]) -> dict[str, Any]:
    """The args and kwargs that came; whatever was left out is empty."""
    return {"args": seen.get("args") or [], "kwargs": seen.get("kwargs") or {}}


def assert_payload(seen: dict[str, Any], what: str, payload: dict[str, Any] = PAYLOAD) -> None:
    """A payload arrived as it was sent."""
    got = arrived(seen)
    assert same(got, payload), f"{what}: expected {payload}, not {got}"


def assert_callee(seen: dict[str, Any], payload: dict[str, Any] = PAYLOAD) -> None:
    """What a callee and subscriber must have seen: the one event."""
    assert "callee" in seen, seen
    (event,) = seen["callee"]["events"]
    assert_payload(event, "event", payload)


def assert_caller(
    seen: dict[str, Any],
    error: dict[str, Any],
    arguments: bool,
    payload: dict[str, Any] = PAYLOAD,
) -> None:
    """What a caller and publisher must have seen; `arguments`: whether it sees an error's."""
    assert "caller" in seen, seen
    caller = seen["caller"]
    assert_payload(caller["result"], "result", payload)
    assert caller["error"]["uri"] == error["uri"]
    if arguments:
        got = arrived(caller["error"])
        assert same({"uri": error["uri"], **got}, error), f"error: expected {error}, not {got}"
    assert caller["missing"] == NO_SUCH_PROCEDURE
    assert caller["published"] is True
