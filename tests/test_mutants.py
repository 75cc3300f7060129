"""`tools/mutants`, on a tree that is made up: what a test notices is killed, the rest is named."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT, Program
from tests.waiting import until

pytestmark = pytest.mark.long

CODE = '''"""How much may wait."""

from __future__ import annotations


def may_wait(number: int, most: int = 8) -> bool:
    """Tell whether one more may wait."""
    return number < most
'''
TEST = """from wamplite.core.bound import may_wait


def test_few_may_wait():
    assert may_wait(3, 8)
    assert not may_wait(9, 8)
"""
OTHER = """from pathlib import Path


def test_something_else():
    with Path({runs!r}).open("a") as runs:
        runs.write("x")
"""
PROGRAM = """import os
import subprocess
import sys

CODE = "from wamplite.core.bound import may_wait; assert may_wait(7) and not may_wait(8)"
KEPT = {kept}


def test_a_program():
    environment = {{key: value for key, value in os.environ.items() if KEPT in key}}
    subprocess.run([sys.executable, "-c", CODE], env=environment, check=True)
"""
BUSY = """from pathlib import Path
from wamplite.core import bound


def test_it_fails_the_first_time_that_it_meets_a_change():
    assert bound.may_wait(3) in (True, None)
    source, seen = Path(bound.__file__).read_text(), Path("seen")
    known = seen.read_text() if seen.exists() else {code!r}
    seen.write_text(source)
    assert source in (known, {code!r})
"""
NAME = "core/bound.py may_wait: return number < most: number < most -> number <= most"
DEFAULT = "core/bound.py may_wait: def may_wait(number: int, most: int=8) -> bool:: 8 -> 9"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tree with one file of core, and its test, which does not try the bound itself."""
    tree = tmp_path / "tree"
    for folder in ("wamplite/core", "tests/core", "tools"):
        (tree / folder).mkdir(parents=True)
    for folder in ("wamplite", "wamplite/core"):
        (tree / folder / "__init__.py").touch()
    (tree / "wamplite" / "core" / "bound.py").write_text(CODE)
    (tree / "tests" / "core" / "test_bound.py").write_text(TEST)
    (tmp_path / "scratch").mkdir()
    return tree


def command(tree: Path) -> list[str]:
    return [
        sys.executable,
        str(ROOT / "tools" / "mutants"),
        "--tree",
        str(tree),
        "--folder",
        "core",
    ]


def run(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(tree),
        env=os.environ | {"TMPDIR": str(tree.parent / "scratch")},
        capture_output=True,
        text=True,
        timeout=50,
    )


def test_what_no_test_notices_is_named_and_fails(tree: Path) -> None:
    done = run(tree)
    assert (done.returncode, done.stderr) == (1, "")
    *lives, head, row = done.stdout.splitlines()
    assert sorted(lives) == sorted(
        ["lives: wamplite/core/bound.py:8", NAME, "lives: wamplite/core/bound.py:6", DEFAULT]
    )
    assert head.split() == ["run", "own", "file", "folder", "equivalent", "live", "killed"]
    assert row.split() == ["core", "3", "1", "0", "0", "2", "33.3%"]
    assert (tree / "wamplite" / "core" / "bound.py").read_text() == CODE
    assert not list((tree.parent / "scratch").iterdir())


def test_what_is_called_equivalent_is_not_run(tree: Path) -> None:
    told = f"{NAME}\n  here a bound is a wish\n{DEFAULT}\n  nobody leaves it out\n"
    (tree / "tools" / "equivalent_mutants").write_text(told)
    done = run(tree)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].split() == ["core", "1", "1", "0", "2", "0", "100.0%"]


def test_a_mutant_is_judged_by_the_tests_that_run_it(tree: Path) -> None:
    runs = tree.parent / "runs"
    (tree / "tests" / "core" / "test_other.py").write_text(OTHER.format(runs=str(runs)))
    assert run(tree).stdout.splitlines()[-1].split() == ["core", "3", "1", "0", "0", "2", "33.3%"]
    assert runs.read_text() == "xxx"  # without a mutant, under coverage, and with DEFAULT


@pytest.mark.parametrize(
    ("kept", "with_mirror", "own"),
    [("", True, "1"), ("PYTHONPATH", False, "0")],
    ids=["measured", "not measured"],
)
def test_programs_count(tree: Path, kept: str, with_mirror: bool, own: str) -> None:
    (tree / "tests" / "core" / "test_program.py").write_text(PROGRAM.format(kept=repr(kept)))
    if not with_mirror:
        (tree / "tests" / "core" / "test_bound.py").unlink()
    done = run(tree)
    others = str(3 - int(own))
    assert done.stdout.splitlines()[-1].split() == ["core", "3", own, others, "0", "0", "100.0%"]


def test_a_test_that_fails_once_kills_nothing(tree: Path) -> None:
    (tree / "tests" / "core" / "test_busy.py").write_text(BUSY.format(code=CODE))
    assert run(tree).stdout.splitlines()[-1].split() == ["core", "3", "1", "0", "0", "2", "33.3%"]


def test_a_tree_whose_tests_fail_by_themselves_is_not_judged(tree: Path) -> None:
    (tree / "tests" / "core" / "test_bound.py").write_text("def test_it():\n    assert False\n")
    done = run(tree)
    assert done.returncode == 1
    assert "core fails without a mutant" in done.stderr


def test_ctrl_c_ends_its_tests_and_leaves_no_copy(tree: Path) -> None:
    began = tree.parent / "began"
    sleeping = f"import time, pathlib\npathlib.Path({str(began)!r}).touch()\ntime.sleep(54)\n"
    (tree / "tests" / "core" / "test_bound.py").write_text(sleeping)
    scratch = tree.parent / "scratch"
    program = Program("env", f"TMPDIR={scratch}", *command(tree))
    try:
        until(began.exists, "its tests run")
        program.process.send_signal(signal.SIGINT)
        assert program.wait() == 130
        assert not list(scratch.iterdir())
    finally:
        program.stop()


@pytest.mark.parametrize(
    ("code", "others"),
    [
        ("if a: b = 1", {"if not a:", "if True:", "if False:", "b = 1 -> pass", "1 -> 2"}),
        ("if not a: pass", {"if True:", "if False:", "not a -> a"}),
        ("while a: pass", {"while not a:"}),
        ("return a <= b", {"return None", "a < b"}),
        ("a(b + 1, *c)", {"pass", "b - 1", "1 -> 2"}),
        ("a(b, c, d)", {"pass", "a(c, b, d)"}),
        ("return True", {"True -> False"}),
        ("raise a and b", {"pass", "a or b"}),
        ("with self.lock: a: int = 'a'", {"if True:", "'ax'"}),
        ("del a[f'{a + 1} b']", {"pass"}),
        ("a = Literal['b']", {"pass"}),
        ("'A docstring.'; import a", set()),
    ],
)
def test_each_kind_of_change(tmp_path: Path, code: str, others: set[str]) -> None:
    (tmp_path / "wamplite" / "core").mkdir(parents=True)
    file = tmp_path / "wamplite" / "core" / "a.py"
    file.write_text(f"def f():\n    {code}\n")
    mutations = runpy.run_path(str(ROOT / "tools" / "mutations.py"))
    drawn = [mutant.what for mutant in mutations["draw"](tmp_path, "core", "*.py", 99, 1)]
    assert all(what.startswith("core/a.py f: ") for what in drawn)
    assert len(drawn) == len(others)
    assert all(any(what.endswith(other) for what in drawn) for other in others), drawn
