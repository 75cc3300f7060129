"""Networks that are bad or go away: items 91, 93 and 94 of the catalogue."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

import wamplite
from tests.faults.bad_line import BadLine
from tests.faults.scale import scaled
from tests.processes import ROOT, RouterProcess
from tests.waiting import until

DOWN = scaled(3.0, 60.0)  # seconds
NAMESPACE = ["unshare", "-Urn"]


@pytest.fixture(scope="module")
def options() -> list[str]:
    """Let the bystander be silent for as long as this takes."""
    return ["--ping-interval", "0"]


def test_91_dead_sessions_are_noticed_while_the_interface_is_down_and_come_back() -> None:
    survive("interface_down")


def test_94_who_has_another_address_comes_back_from_there() -> None:
    survive("new_address")


def survive(scenario: str) -> None:
    """Run a scenario of tests/faults/links.py, where there can be a network of its own."""
    try:
        able = subprocess.run([*NAMESPACE, "ip", "link"], capture_output=True).returncode == 0
    except FileNotFoundError:
        able = False
    if not able:
        pytest.skip("needs network namespaces and `ip`")
    words = [*NAMESPACE, sys.executable, "-m", "tests.faults.links", scenario, str(DOWN)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=40 + 6 * DOWN)
    assert done.stdout == "survived\n", done.stderr


@pytest.fixture
def line(router: RouterProcess) -> Iterator[BadLine]:
    with BadLine(router.port, rate=1200, delay=scaled(0.3, 2.0), loss=0.2) as line:
        yield line


@pytest.mark.long
def test_93_over_a_slow_line_with_losses_it_works_or_ends_cleanly(
    line: BadLine, router: RouterProcess
) -> None:
    came: list[int] = []
    service = wamplite.Component(
        f"rs://127.0.0.1:{line.port}", connect_timeout=30.0, timeout=60.0, initial_retry_delay=0.2
    )
    service.subscribe("faults.line", came.append)
    service.register("faults.line", lambda number: -number)
    service.start()
    until(lambda: service.session is not None, seconds=60)
    with wamplite.connect(router.rs, timeout=60.0) as near:
        for number in range(scaled(3, 20)):
            until(lambda number=number: answer(near, number) == -number, seconds=60)
            near.publish("faults.line", number, options={"acknowledge": True})
        until(lambda: sorted(set(came)) == came and len(came) > 2, seconds=60)
    service.stop()
    assert line.stalls > 2


def answer(near: wamplite.Session, number: int) -> int | None:
    try:
        return int(near.call("faults.line", number))
    except wamplite.ApplicationError:  # its connection was lost: it comes back
        return None
