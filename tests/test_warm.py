"""A program that starts warm is what it is when it starts cold: see tests/warm.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import warm
from tests.processes import ROOT, RouterProcess, running, running_router, wamplite

COMMANDS = {
    "version": ["version"],
    "help": ["router", "--help"],
    "usage": ["call"],
    "a verb that is not there": ["cal"],
    "no router": ["pub", "com.app.t", "1", "--url", "rs://127.0.0.1:1"],
    "by environment": ["call", "com.app.nothing"],
    "standard input": ["pub", "com.app.t", "-l"],
}


@pytest.fixture(autouse=True)
def starts_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start warm here, whatever QUICK says."""
    monkeypatch.setattr(warm, "COLD", False)


@pytest.fixture
def router(starts_warm: None) -> Iterator[RouterProcess]:
    with running_router() as router:
        yield router


def starts_forked(**more: Any) -> bool:
    """Tell how a program is started: what is forked has its source's command line."""
    command = wamplite("pub", "com.app.t", "-l", "--url", "rs://127.0.0.1:1")
    with warm.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, **more) as program:
        forked = "tests.warm" in words_of(program.pid)
        program.kill()
    return forked


def words_of(process: int) -> list[str]:
    return Path(f"/proc/{process}/cmdline").read_text().split("\0")


def files_of(process: int) -> set[str]:
    return {os.readlink(path) for path in Path(f"/proc/{process}/fd").iterdir()}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_it_says_what_it_says_cold(
    words: list[str], router: RouterProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = []
    for cold in (False, True):
        monkeypatch.setattr(warm, "COLD", cold)
        done = subprocess.run(
            wamplite(*words), capture_output=True, text=True, timeout=30, cwd=tmp_path,
            input="1\n2\n", env=os.environ | {"WAMPLITE_URL": router.rs},
        )  # fmt: skip
        said.append((done.returncode, done.stdout, done.stderr))
    assert said[0] == said[1]


def test_it_is_a_child_of_ours_with_nothing_of_its_source(router: RouterProcess) -> None:
    process = Path(f"/proc/{router.pid}")
    assert "tests.warm" in words_of(router.pid)
    assert f"PPid:\t{os.getpid()}\n" in (process / "status").read_text()
    opened = files_of(router.pid)
    for source in warm.sources.values():
        shared = opened & files_of(source.process.pid)
        assert not {it for it in shared if it.startswith("socket:")}
    assert os.readlink(process / "cwd") == str(ROOT)


def test_a_signal_ends_it_and_is_told(router: RouterProcess) -> None:
    with running(*wamplite("sub", "com.app.t", "-v", "--url", router.rs)) as program:
        program.await_stderr("subscribed ")
        program.interrupt(signal.SIGKILL)
        assert program.wait() == -signal.SIGKILL


def test_what_the_interpreter_must_read_itself_starts_cold(tmp_path: Path) -> None:
    assert starts_forked()
    assert starts_forked(cwd=tmp_path, env=dict(os.environ))
    assert not starts_forked(env=os.environ | {"LC_ALL": "C"})
    assert not starts_forked(env=os.environ | {"PYTHONOPTIMIZE": "1"})
    assert not starts_forked(preexec_fn=os.getpid)
    assert not starts_forked(env=os.environ | {"MUCH": "x" * warm.LONGEST})


def test_only_wamplite_is_started_warm() -> None:
    assert warm.split([sys.executable, "-m", "wamplite", "pub", "a"]) == ((), ["pub", "a"])
    assert warm.split([sys.executable, "-X", "dev", "-m", "wamplite"]) == (("-X", "dev"), [])
    for words in (
        ["/bin/sh", "-m", "wamplite"],
        [sys.executable, "-c", "-m", "wamplite"],
        [sys.executable, "-m", "wamplite.micro"],
        [sys.executable, "-O", "-m", "wamplite"],
        "python -m wamplite",
    ):
        assert warm.split(words) is None
