"""A plugin of pytest, for reach.py: writes which tests run which lines, the quickest test first.

Coverage is told which test runs. The programs that a test starts are measured too: the settings
take the name of the test from their environment, where pytest has it. What runs while no test does,
as modules are imported, is told of no test.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import coverage
import pytest

SECONDS: dict[str, float] = {}  # by test
STAGE = re.compile(r" \((setup|call|teardown)\)$")  # what pytest adds to a test's name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Tell coverage of each test."""
    measuring = coverage.Coverage.current()
    assert measuring is not None, "COVERAGE_PROCESS_START names no settings"
    began = time.monotonic()
    measuring.switch_context(item.nodeid)
    try:
        return (yield)
    finally:
        measuring.switch_context("")
        SECONDS[item.nodeid] = time.monotonic() - began


def pytest_unconfigure() -> None:
    """Write what was found."""
    measuring = coverage.Coverage.current()
    assert measuring is not None
    measuring.stop()
    measuring.save()
    settings = Path(os.environ["COVERAGE_PROCESS_START"])
    tests = sorted(SECONDS, key=lambda test: SECONDS[test])
    numbers = {test: number for number, test in enumerate(tests)}
    files: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for path in settings.parent.glob("data.*"):
        data = coverage.CoverageData(str(path))
        data.read()
        for file in data.measured_files():
            for line, contexts in data.contexts_by_lineno(file).items():
                found = {numbers.get(STAGE.sub("", context)) for context in contexts}
                files[os.path.relpath(file)][line] |= found - {None}
    lines = {file: {line: sorted(ran) for line, ran in of.items()} for file, of in files.items()}
    settings.with_name("reach.json").write_text(json.dumps({"tests": tests, "files": lines}))
