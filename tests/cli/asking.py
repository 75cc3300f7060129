"""The verbs as tests run them against a router."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.processes import ROOT, Program, RouterProcess, running, wamplite


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        wamplite(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=30, **more
    )


def ask(router: RouterProcess, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return run(*arguments, "--url", router.rs, **more)


@contextmanager
def subscribed(router: RouterProcess, *arguments: str) -> Iterator[Program]:
    with running(*wamplite("sub", *arguments, "-v", "--url", router.rs)) as program:
        program.await_stderr("subscribed ")
        yield program
