"""How much of each folder of the package the tests of the same name run: lines and branches.

    tools/check --coverage               core and advanced
    tools/check --coverage router        others; or: all, which takes minutes

Exit 1 where a folder falls below its figure. Where all is to be run, it is also told which file
its own test, that of the same name, does not run whole.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import coverage
from copies import NOT_TRACED  # from beside this file

ROOT = Path(__file__).resolve().parent.parent
# Percent of lines and branches
LEAST = {"core": 100, "advanced": 100, "serializers": 90, "router": 90, "transports": 90}
LEAST |= {"client": 90, "bridge": 90, "storage": 90, "cli": 90, "auth": 90, "configuration": 90}


def measured(tree: Path, folder: str, scratch: Path) -> coverage.Coverage:
    """Run the tests of a folder; SystemExit if one fails."""
    settings, data = scratch / "settings", scratch / "data" / "all"
    data.parent.mkdir()
    lines = ["[run]", "branch = True", f"source = {tree / 'wamplite' / folder}"]
    lines += [f"data_file = {data}", "dynamic_context = test_function", "patch = subprocess"]
    settings.write_text("\n".join(lines))
    command = [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest"]
    command += ["-q", "-x", "-p", "no:cacheprovider", f"tests/{folder}"]
    command += ["--timeout", "300"]  # a tracer makes all of them slower
    command += ["-k", " and ".join(f"not {name}" for name in NOT_TRACED)]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    environment.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # each program that a test starts would compile
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}the tests of {folder} fail")
    found = coverage.Coverage(data_file=data, config_file=settings)
    found.combine([str(data.parent)])
    return found


def percent(found: coverage.Coverage, *contexts: str, path: Path | None = None) -> float:
    """Return how much was run, of one file or all, by the tests of some contexts or all."""
    try:
        return found.report(
            include=None if path is None else [str(path)],
            contexts=["^$", *contexts] if contexts else None,
            file=io.StringIO(),
        )
    except coverage.exceptions.NoDataError:  # a file of no line is run whole
        return 100.0


def is_covered(tree: Path, folder: str) -> bool:
    """Measure a folder and tell of it; True if enough of it is run."""
    with tempfile.TemporaryDirectory(prefix="coverage-") as scratch:
        found = measured(tree, folder, Path(scratch))
        share, least = percent(found), LEAST[folder]
        print(f"{folder}: {share:.2f} % of lines and branches, at least {least} %", flush=True)
        if share < least:
            found.report(show_missing=True, skip_covered=True)
        if least == 100:
            tell_of_mirrors(found, tree, folder)
    return share >= least


def tell_of_mirrors(found: coverage.Coverage, tree: Path, folder: str) -> None:
    """Name the files that their own tests do not run whole; what is run at import counts."""
    for path in sorted((tree / "wamplite" / folder).glob("*.py")):
        own = rf"^tests\.{folder}\.test_{path.stem}\."
        if path.stem != "__init__" and (share := percent(found, own, path=path)) < 100:
            print(f"  {folder}/{path.name}: {share:.0f} % by tests/{folder}/test_{path.name}")


def main() -> int:
    """Measure the folders that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="*", choices=[*LEAST, "all", []], metavar="FOLDER")
    parser.add_argument("--tree", type=Path, default=ROOT, help="another than this one")
    options = parser.parse_args()
    wanted = LEAST if "all" in options.folders else options.folders or ["core", "advanced"]
    return 0 if all([is_covered(options.tree.resolve(), folder) for folder in wanted]) else 1


if __name__ == "__main__":
    sys.exit(main())
