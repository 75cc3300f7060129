"""`tools/check`: the code is formatted, linted and typed, and core and advanced are run whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

CODE = """def sign(number):
    if number < 0:
        return -1
    return 1
"""
TEST = """from wamplite.core.signs import sign


def test_one():
    assert sign(5) == 1
"""
BOTH = TEST + "    assert sign(-5) == -1\n"


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run tools/check with the tools of this environment."""
    return subprocess.run(
        [ROOT / "tools" / "check", *arguments],
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=290,
    )


@pytest.mark.timeout(300)
def test_format_lint_and_types_are_clean() -> None:
    checked = check()
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.long
@pytest.mark.timeout(300)
def test_each_line_and_branch_of_core_and_advanced_is_run_by_tests_of_its_own() -> None:
    checked = check("--coverage")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "core: 100.00 %" in checked.stdout and "advanced: 100.00 %" in checked.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tree with one file of core, run by a test of another name."""
    for folder in ("wamplite", "wamplite/core", "tests/core"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("wamplite", "wamplite/core"):
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "wamplite" / "core" / "signs.py").write_text(CODE)
    (tmp_path / "setup.cfg").write_text("[tool:pytest]\naddopts = --import-mode=importlib\n")
    (tmp_path / "tests" / "core" / "test_signs.py").write_text(TEST)
    return tmp_path


@pytest.mark.long
def test_a_line_that_is_not_run_is_named_and_fails(tree: Path) -> None:
    checked = check("--coverage", "core", "--tree", str(tree))
    assert (checked.returncode, checked.stderr) == (1, "")
    head, *_ = checked.stdout.splitlines()
    assert head == "core: 66.67 % of lines and branches, at least 100 %"
    assert "signs.py" in checked.stdout and "3\n" in checked.stdout


@pytest.mark.long
@pytest.mark.parametrize("own", [True, False])
def test_a_file_is_named_that_is_run_by_another_test_than_its_own(tree: Path, own: bool) -> None:
    test = tree / "tests" / "core" / "test_signs.py"
    test.write_text(BOTH)
    if not own:
        test.rename(test.with_name("test_others.py"))
    checked = check("--coverage", "core", "--tree", str(tree))
    assert (checked.returncode, checked.stderr) == (0, "")
    head, *others = checked.stdout.splitlines()
    assert head == "core: 100.00 % of lines and branches, at least 100 %"
    assert others == ([] if own else ["  core/signs.py: 17 % by tests/core/test_signs.py"])


@pytest.mark.long
def test_tests_that_fail_measure_nothing(tree: Path) -> None:
    (tree / "tests" / "core" / "test_signs.py").write_text(TEST.replace("== 1", "== 2"))
    checked = check("--coverage", "core", "--tree", str(tree))
    assert checked.returncode == 1
    assert "the tests of core fail" in checked.stderr
