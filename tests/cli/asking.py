"""The verbs as tests run them against a router."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.processes import ROOT, Program, RouterProcess, running, wamplite
from tests.waiting import until


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        wamplite(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=30, **more
    )


def ask(router: RouterProcess, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return run(*arguments, "--url", router.rs, **more)


@contextmanager
def subscribed(router: RouterProcess, *arguments: str) -> Iterator[Program]:
    with running(*wamplite("sub", *arguments, "-v", "--url", router.rs)) as program:
        await_stderr(program, "subscribed ")
        yield program


def await_stderr(program: Program, text: str, times: int = 1) -> None:
    def is_there() -> bool:
        has_ended = program.process.poll() is not None
        found = program.stderr().count(text) >= times
        assert found or not has_ended, f"it has ended without {text!r}: {program.stderr()}"
        return found

    until(is_there, text)
