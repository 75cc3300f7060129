"""The files for boards: what they import, their types, and how small they are.

Sizes are bounds that a change must keep; test_memory.py has what a board needs beside.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from tests.micro.conftest import FILES, ran_on_micropython
from wamplite.cli import micro

NAMES = micro.FILES
MOST = {"uwamp": 8192, "uwamp_serial": 2048, "uwamp_link": 6144, "uwamp_cra": 2560}  # of source
MOST_COMPILED = {"uwamp": 4096, "uwamp_serial": 1536, "uwamp_link": 3072, "uwamp_cra": 1536}
MOST_HELD = {"uwamp": 12, "uwamp_serial": 3, "uwamp_link": 6, "uwamp_cra": 3}  # KB of heap


def test_every_file_is_listed() -> None:
    assert sorted(NAMES) == sorted(path.stem for path in FILES.glob("uwamp*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_and_says_what_it_may_be_used_for(name: str) -> None:
    source = micro.source(name)
    assert len(source) < MOST[name]
    assert len(micro.compiled(name)) < MOST_COMPILED[name]
    assert b"MIT licence" in source


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("uwamp", {"json", "binascii"}),
        ("uwamp_serial", {"binascii", "uwamp"}),
        ("uwamp_cra", {"binascii", "hashlib"}),
        ("uwamp_link", {"asyncio", "errno", "random", "select", "socket", "time", "uwamp"}),
    ],
)
def test_it_imports_what_every_board_has(name: str, wanted: set[str]) -> None:
    found: set[str] = set()
    for node in ast.walk(ast.parse(micro.source(name))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    assert found == wanted


@pytest.mark.parametrize("name", NAMES)
def test_its_types_are_those_of_the_stub(name: str) -> None:
    module = import_module(name)
    stub = ast.parse((FILES / f"{name}.pyi").read_text())
    homes = [(module, stub.body)]
    homes += [(getattr(module, c.name), c.body) for c in stub.body if isinstance(c, ast.ClassDef)]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for home, body in homes:
        for node in body:
            if isinstance(node, functions):
                own: Callable[..., object] = getattr(home, node.name)
                told = node.args
                positional = [*told.args, told.vararg, *told.kwonlyargs, told.kwarg]
                names = [one.arg for one in positional if one]
                assert names == list(inspect.signature(own).parameters), node.name


# On MicroPython


@pytest.mark.parametrize("kind", ["py", "mpy"])
@pytest.mark.parametrize("name", NAMES)
def test_what_it_holds_once_it_is_imported(both: dict[str, Path], name: str, kind: str) -> None:
    beside = "" if name == "uwamp" else "import uwamp"
    program = f"""import gc, json, binascii, hashlib, errno, random, time; {beside}
gc.collect()
before = gc.mem_alloc()
import {name}
gc.collect()
print(gc.mem_alloc() - before)"""
    done = ran_on_micropython(both[kind], "-c", program)
    assert done.returncode == 0, done.stderr
    assert 512 < int(done.stdout) < MOST_HELD[name] * 1024
