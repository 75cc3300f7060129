"""Tests see what everybody sees: a private part of wamplite is looked at where it is listed here.

A list that may only shrink: what is not reached for any more is to be taken off it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.processes import ROOT

PRIVATE = re.compile(r"_[a-z]\w*|_[A-Z]\w*")
OF_TUPLES = {"_asdict", "_field_defaults", "_fields", "_make", "_replace"}  # typing.NamedTuple
SETTERS = ("getattr", "setattr", "hasattr", "delattr")
FOREIGN = "interop/clients/"  # run where there is no wamplite

BOUND = "what is held of who has gone, or of what never ends, is told to nobody"
FAULT = "a fault is put there"
HURRY = "made slow there, so that a lock that is left out shows"
DISK = "a file that is damaged, full, slow, or left as kill -9 leaves it"
PARTS = "the one way of the tests to what a router or a session is made of"
STATE = "waited for: nobody outside could tell that it is so"
HOST = "a method that is made for those who derive from the class"

LISTED = {
    "auth/test_authorizer.py": (BOUND, "_known _lent _of _remembered _waiting"),
    "auth/test_cookie.py": (BOUND, "_known"),
    "bridge/asking/test_failing_writes.py": (STATE, "_queue _thread"),
    "bridge/boxes.py": (DISK, "_database _ending _file _journal _queue _thread"),
    "bridge/conftest.py": (DISK, "_ending"),
    "bridge/disks.py": (BOUND, "_changed _queue"),
    "bridge/device/test_device.py": (STATE, "_stopping _wait"),
    "bridge/outbox/test_failing_disks.py": (DISK, "_file _lock"),
    "bridge/outbox/test_file.py": (DISK, "_database"),
    "bridge/outbox/test_journal.py": (HURRY, "_lock"),
    "bridge/outbox/test_outbox.py": (HURRY, "_queue _waiting"),
    "bridge/test_publisher.py": (STATE, "_queue _session"),
    "client/scripted.py": (PARTS, "_channel _reader _shared _taken"),
    "client/test_interleavings.py": (STATE, "_came _lock"),
    "client/test_reading.py": (FAULT, "_came _handle _lock"),
    "client/test_workers.py": (STATE, "_idle _taken"),
    "configuration/reloaded/listener_keys.py": (STATE, "_certificate _files _listeners"),
    "configuration/reloaded/router_keys.py": (STATE, "_transport"),
    "router/conftest.py": (PARTS, "_shared"),
    "router/test_asked.py": (HURRY, "_deadlines"),
    "router/test_faults_of_routing.py": (FAULT, "_ended _guard _recover _round _thread _wakes"),
    "router/test_faults_of_threads.py": (FAULT, "_accept_one _once"),
    "router/test_housekeeper.py": (FAULT, "_entries _outbox"),
    "router/test_limits.py": (HURRY, "_counts"),
    "router/test_reader.py": (FAULT, "_look _step"),
    "router/test_timers.py": (BOUND, "_heap"),
    "router/test_tracing.py": (BOUND, "_encoder"),
    "test_forks.py": (STATE, "_lock _serving"),
    "transports/test_channel_bindings.py": (STATE, "_tls"),
    "transports/test_tls.py": (BOUND, "_tls"),
}


@cache
def private_names() -> set[str]:
    """Return the private names of wamplite's modules, classes and objects."""
    found: set[str] = set()
    for path in (ROOT / "wamplite").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Name(id=name):
                    found.add(name)
                case ast.Attribute(value=ast.Name(id="self"), attr=name):
                    found.add(name)
    return {name for name in found if PRIVATE.fullmatch(name)}


def reached(tree: ast.Module, private: set[str]) -> Iterator[str]:
    """Yield the private names of others that the code of a test names."""
    nodes = list(ast.walk(tree))
    own = set(named_by(nodes))
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if name in own:
                pass
            case ast.Attribute(attr=name) if name in private:
                yield name
            case ast.ImportFrom(names=names):
                yield from (alias.name for alias in names if alias.name in private)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in SETTERS:
                for text in map(text_of, node.args):
                    if (last := text.rpartition(".")[2]) in private:
                        yield last


def named_by(nodes: list[ast.AST]) -> Iterator[str]:
    """Yield what the code of a test calls so itself."""
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name):
                yield name
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name


def text_of(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def reaches() -> dict[str, set[str]]:
    """Return by file of tests the private names that it reaches for."""
    private = private_names() - OF_TUPLES
    found = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        file = path.relative_to(ROOT / "tests").as_posix()
        names = set(reached(ast.parse(path.read_text()), private))
        if names and not file.startswith(FOREIGN):
            found[file] = names
    return found


def test_private_parts_are_looked_at_only_where_it_is_listed() -> None:
    listed = {file: {*names.split()} for file, (_, names) in LISTED.items()}
    found = reaches()
    new = {file: names - listed.get(file, set()) for file, names in found.items()}
    assert not any(new.values()), {file: names for file, names in new.items() if names}
    gone = {file: names - found.get(file, set()) for file, names in listed.items()}
    assert not any(gone.values()), {file: names for file, names in gone.items() if names}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("from wamplite.a import _b", {"_b"}),
        ("a._b", {"_b"}),
        ("self.c._b", {"_b"}),
        ("self._b", {"_b"}),
        ("super()._b()", {"_b"}),
        ("monkeypatch.setattr(a, '_b', 1)", {"_b"}),
        ("monkeypatch.setattr('wamplite.a._b', 1)", {"_b"}),
        ("getattr(a, '_b')", {"_b"}),
        ("self._b = self._b + 1", set()),
        ("a._replace(b=1); a.__init__(); a._other", set()),
    ],
)
def test_each_way_to_reach_is_seen(code: str, names: set[str]) -> None:
    assert set(reached(ast.parse(code), {"_b"})) == names


def test_what_is_private_is_found() -> None:
    assert {"_shared", "_Held", "_fits", "_find_room"} <= private_names()
