"""Which tests of a folder run a line, by one run of them all under coverage: for tools/mutants."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from copies import NOT_TRACED, Copy  # from beside this file

TOOLS = Path(__file__).resolve().parent
SETTINGS = """[run]
source = {source}
data_file = {scratch}/data
parallel = True
sigterm = True
context = ${{PYTEST_CURRENT_TEST-}}
"""


class Reach:
    """The tests of a folder, the quickest first, and which of them run a line of its code."""

    def __init__(self, copy: Copy, folder: str) -> None:
        """Run the tests of a folder in a copy; one that fails under coverage is as good."""
        with tempfile.TemporaryDirectory(prefix="reach-", dir=copy.path.parent) as scratch:
            settings, found = Path(scratch, "settings"), Path(scratch, "reach.json")
            source = copy.path / "wamplite" / folder
            settings.write_text(SETTINGS.format(source=source, scratch=scratch))
            names = " and ".join(f"not {name}" for name in NOT_TRACED)
            copy.passes(
                *("-p", "reach_plugin", "--maxfail=0", "-k", names, f"tests/{folder}"),
                seconds=3600,
                environment={
                    "COVERAGE_PROCESS_START": str(settings),
                    "PYTHONPATH": f"{copy.path}:{TOOLS}",
                    "PYTEST_CURRENT_TEST": "",  # of a test that has started all this
                },
            )
            if not found.exists():
                raise SystemExit(f"{copy.log.read_text()}{folder} does not run under coverage")
            told = json.loads(found.read_text())
        self._tests: list[str] = told["tests"]
        self._files: dict[str, dict[str, list[int]]] = told["files"]

    def tests_of(self, file: str, line: int | None) -> list[str]:
        """Return the tests that run a line. All of them where that is None, for what is run as the
        file is imported: first those that run another line of it. All where none is known, as of a
        program that was killed.
        """
        lines = self._files.get(file, {})
        if line is not None:
            found = [self._tests[number] for number in lines.get(str(line), [])]
            return found or self._tests
        numbers = {number for numbers in lines.values() for number in numbers}
        order = sorted(range(len(self._tests)), key=lambda number: (number not in numbers, number))
        return [self._tests[number] for number in order]
