"""What features cost where nobody uses them, and how they grow: counted, not timed."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

import pytest

from tests.core.world import CALL, PUBLISH, YIELD, World, only, take
from tests.processes import ROOT
from wamplite import features
from wamplite.core.messages import Register, Subscribe

sys.path.insert(0, str(ROOT / "tools"))
import feature_growth  # noqa: E402 - a tool, not a module of the package

PROGRAM = """
import json, sys, wamplite
wanted = sys.argv[1]
with wamplite.Router(features=wanted) as router:
    url = router.listen("rs://127.0.0.1:0")
    with wamplite.connect(url, features=wanted) as session:
        session.register("com.app.p", lambda: 1)
        session.subscribe("com.app.t", print)
        session.call("com.app.p")
        session.publish("com.app.t", options={"acknowledge": True, "exclude_me": True})
        resident = int(open("/proc/self/statm").read().split()[1]) * 4096
print(json.dumps([resident, sorted(sys.modules)]))
"""
MOST = 1.5 * 2**20  # bytes that the standard features may add to a router and a client
LISTENERS = 10
FEW = 5  # modules of which they are made, beside one for each


class Started(NamedTuple):
    """A program that was router and client."""

    resident: int  # bytes
    modules: set[str]


def started(wanted: str) -> Started:
    """Run such a program to its end."""
    command = [sys.executable, "-c", PROGRAM, wanted]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    resident, modules = json.loads(done.stdout)
    return Started(resident, set(modules))


def test_without_features_no_module_of_theirs_is_imported() -> None:
    modules = started("basic").modules
    folders = {"advanced", "auth", "storage", "bridge", "cli"}
    assert not [name for name in modules if folders & set(name.split(".")[1:2])]
    assert "sqlite3" not in modules


def test_the_standard_features_bring_a_module_each_and_a_few_more() -> None:
    more = started("standard").modules - started("basic").modules
    each = {f"wamplite.advanced.{name}" for name in features.STANDARD}
    assert each <= more
    assert len(more - each) <= FEW, sorted(more - each)
    assert not {"sqlite3", "ssl", "asyncio"} & more


@pytest.mark.alone
def test_the_standard_features_add_at_most_a_megabyte_and_a_half() -> None:
    basic, standard = (
        min(started(name).resident for _ in range(3)) for name in ("basic", "standard")
    )
    assert standard - basic <= MOST


def instructions(run: Callable[[], None]) -> int:
    """Return how many instructions of Python a function runs."""
    ran = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal ran
        frame.f_trace_opcodes = True
        ran += event == "opcode"
        return trace

    before = sys.gettrace()
    gc.disable()  # libraries have it call functions of theirs, which would be counted
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
        gc.enable()
    return ran


def costs(wanted: str) -> dict[str, int]:
    """Return what a call and an event cost a realm with some features, of which none is used."""
    world = World(*features.for_router(wanted))
    callee, asker, *listeners = world.joined(2 + LISTENERS)
    world.register(callee, "com.app.p")
    for listener in listeners:
        world.subscribe(listener, "com.app.t")

    def call() -> None:
        world.send(asker, [CALL, 1, {}, "com.app.p", [1]])
        world.send(callee, [YIELD, 1, {}, [2]])

    def publish() -> None:
        world.send(asker, [PUBLISH, 2, {}, "com.app.t", [1]])

    told = {"call": instructions(call), "publish": instructions(publish)}
    assert take(asker) == [["RESULT", 1, {}, [2]]]
    assert [only(listener)[4] for listener in listeners] == LISTENERS * [[1]]
    return told


@pytest.mark.parametrize("what", ["call", "publish"])
def test_who_uses_none_of_the_standard_features_pays_at_most_a_fiftieth(what: str) -> None:
    assert costs("standard")[what] <= 1.02 * costs("basic")[what]


def lines(number: int, kind: type) -> int:
    """Return how many lines of Python a look-up among so many patterns runs."""
    ran = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal ran
        ran += event == "line"
        return trace

    matches, looked = feature_growth.among(number, kind)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        found = [list(match.find(looked)) for match in matches]
    finally:
        sys.settrace(before)
    assert sum(map(len, found)) == 1
    return ran


@pytest.mark.parametrize("kind", [Subscribe, Register])
def test_a_look_up_among_ten_thousand_patterns_is_at_most_thrice_that_among_a_hundred(
    kind: type,
) -> None:
    assert lines(10_000, kind) <= 3 * lines(100, kind)


def test_a_retained_topic_takes_at_most_400_bytes_beside_its_name_and_payload() -> None:
    assert feature_growth.retained() <= 400
