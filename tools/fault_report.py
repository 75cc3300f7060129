"""What pytest tells of the tests of the catalogue, as one line for each item."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.catalogue import NOT_RUN, TITLES, item_of  # noqa: E402 - found through ROOT

LONGEST = 300  # characters of why something failed


class FaultReport:
    """A plugin of pytest: keeps to the wanted items, and prints the line of each once it is done.

    counts: how many items passed, failed, or were not run.
    """

    def __init__(self, wanted: Iterable[int]) -> None:
        self.wanted = sorted(wanted)
        self.counts: Counter[str] = Counter()
        self._left: Counter[int] = Counter()  # tests to come, by item
        self._run: Counter[int] = Counter()
        self._milliseconds: Counter[int] = Counter()
        self._faults: dict[int, list[str]] = {}
        self._skipped: dict[int, str] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests of the wanted items, and count them."""
        items[:] = [item for item in items if item_of(item.nodeid) in self.wanted]
        self._left.update(number for item in items if (number := item_of(item.nodeid)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be read fails all."""
        if report.failed:
            self.counts["failed"] += 1
            print(f"{report.nodeid} cannot be collected: {report.longrepr}", flush=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a phase of a test says; the last one ends the test."""
        number = item_of(report.nodeid)
        assert number is not None
        self._milliseconds[number] += round(1000 * report.duration)
        name = report.nodeid.partition("::")[2]
        if report.failed:
            self._faults.setdefault(number, []).append(f"{name}: {reason(report)}")
        elif report.skipped:
            self._skipped[number] = reason(report)
        if report.when == "teardown":
            self._left[number] -= 1
            self._run[number] += 1
            if not self._left[number]:
                self._tell(number)

    def _tell(self, number: int) -> None:
        cases = f"{self._run[number]} case{'s' if self._run[number] > 1 else ''}"
        took = f"{cases}, {self._milliseconds[number] / 1000:.1f} s"
        if faults := self._faults.get(number):
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            self._line(number, "failed", f"failed: {faults[0][:LONGEST]}{more}")
        elif skipped := self._skipped.get(number):
            self._line(number, "not run", f"not run: {skipped}")
        else:
            self._line(number, "passed", f"passed ({took})")

    def _line(self, number: int, outcome: str, text: str) -> None:
        self.counts[outcome] += 1
        print(f"{number:>3} {TITLES[number]}: {text}", flush=True)

    def finish(self) -> None:
        """Tell of those that have no tests, or whose tests were not finished."""
        for number in self.wanted:
            if not self._run[number]:
                self._line(number, "not run", f"not run: {NOT_RUN.get(number, 'no test')}")
            elif self._left[number]:
                self._line(number, "failed", f"failed: {self._left[number]} cases did not run")


def reason(report: pytest.TestReport) -> str:
    """Return in one line why a test failed or was skipped."""
    longrepr = report.longrepr
    if isinstance(longrepr, tuple):  # skipped: where, and why
        return str(longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(longrepr)
    return " ".join(text.split())
