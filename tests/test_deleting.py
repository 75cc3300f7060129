"""Each feature can be deleted: nothing but its own tests, and what needs it, misses its file."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tests.core.world import CALL, PUBLISH, YIELD, World, take
from tests.processes import ROOT
from wamplite import advanced, features
from wamplite.core.errors import UsageError

NAMES = features.names()
NEEDS = {factory().name: factory().needs for factory in features.for_router(NAMES)}
NEEDED = {need for needs in NEEDS.values() for need in needs}
ALONE = [name for name in NAMES if not NEEDS[name]]
# `wamplite router --history` and `--keep`, and the file of a router, are about them.
CONFIGURED = {
    (file, name)
    for file in ("cli/router.py", "configuration/household.py")
    for name in ("event_history", "event_retention")
}


@pytest.fixture(params=NAMES)
def deleted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Import the features from a folder that lacks the file of one; its name."""
    name: str = request.param
    for path in (ROOT / "wamplite" / "advanced").glob("*.py"):
        if path.stem != name:
            (tmp_path / path.name).symlink_to(path)
    attributes, modules = dict(vars(advanced)), forgotten()
    advanced.__path__ = [str(tmp_path)]
    yield name
    forgotten()
    vars(advanced).clear()
    vars(advanced).update(attributes)
    sys.modules.update(modules)


def forgotten() -> dict[str, ModuleType]:
    """Have the features imported anew, and return what they were."""
    found = [name for name in sys.modules if name.startswith(f"{advanced.__name__}.")]
    return {name: sys.modules.pop(name) for name in found}


def test_a_file_that_is_deleted_is_gone(deleted: str) -> None:
    assert features.names() == [name for name in NAMES if name != deleted]
    for find in (features.for_router, features.for_client):
        with pytest.raises(UsageError, match=f"there is no feature {deleted!r}; there are: "):
            find([deleted])
    with pytest.raises(ModuleNotFoundError):
        import_module(f"{advanced.__name__}.{deleted}")


@pytest.mark.sampled
@pytest.mark.parametrize("group", features.GROUPS)
def test_groups_are_without_it_and_whoever_needs_it_is_told(deleted: str, group: str) -> None:
    if deleted in NEEDED and group != "basic":
        with pytest.raises(UsageError, match=f"need others that are not installed: .*{deleted}"):
            features.for_router(group)
        return
    assert deleted not in {factory().name for factory in features.for_router(group)}
    features.for_client(group)


@pytest.mark.sampled
def test_the_others_make_a_realm_that_routes(deleted: str) -> None:
    factories = [features.for_router([name])[0] for name in ALONE if name != deleted]
    world = World(*factories)
    ann, bob = world.joined(2)
    world.register(ann, "com.app.p")
    world.subscribe(ann, "com.app.t")
    world.send(bob, [CALL, 1, {}, "com.app.p", [1]], [PUBLISH, 2, {}, "com.app.t", [2]])
    assert [message[0] for message in take(ann)] == ["INVOCATION", "EVENT"]
    world.send(ann, [YIELD, 1, {}, [3]])
    assert take(bob) == [["RESULT", 1, {}, [3]]]


def test_no_file_imports_a_feature_but_the_options_of_the_router_that_configure_it() -> None:
    found = {
        (path.relative_to(ROOT / "wamplite").as_posix(), name)
        for path in (ROOT / "wamplite").rglob("*.py")
        for name in imported(path, "wamplite.advanced", "advanced")
    }
    assert found == CONFIGURED


def test_no_test_of_the_core_imports_a_feature() -> None:
    for path in (ROOT / "tests" / "core").glob("*.py"):
        assert not list(imported(path, "wamplite.advanced")), path


def imported(path: Path, *packages: str) -> Iterator[str]:
    """Yield the names that a file imports from below a package."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            package, _, name = (node.module or "").rpartition(".")
            if package in packages:
                yield name
            elif node.module in packages:
                yield from (alias.name for alias in node.names)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_one_that_is_really_deleted_is_missed_by_none_but_its_own_tests() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "without", "call_timeout"],
        capture_output=True,
        text=True,
        timeout=290,
    )
    assert (done.stdout, done.stderr) == ("call_timeout: is missed by none but its own tests\n", "")


AUTHORIZATION = ("permissions", "wanted", "holdings", "authorizer", "authorization")
WITHOUT = """
import sys
for name in sys.argv[1:]:
    sys.modules["wamplite.auth." + name] = None  # as if its file were not there
import wamplite
from wamplite import features
from wamplite.auth import Ticket, User, Users, methods
users = Users([User.of_password("joe", "sensor", "s3cret", iterations=4096)])
with wamplite.Router(features="all", authmethods=methods(users)) as router:
    with wamplite.connect(router.listen("rs://127.0.0.1:0"), auth=Ticket("joe", "s3cret")) as joe:
        print(joe.call("wamp.session.count"))
try:
    from wamplite.auth import Authorization
except ModuleNotFoundError as error:
    print(error.name)
"""


def printed(program: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("gone", AUTHORIZATION)
def test_who_is_let_in_does_without_who_may_do_what(gone: str) -> None:
    assert printed(WITHOUT, gone) == f"1\nwamplite.auth.{gone}\n"


def test_who_may_do_what_does_without_who_is_let_in() -> None:
    modules = {path.stem for path in (ROOT / "wamplite" / "auth").glob("*.py")}
    program = "import sys; [sys.modules.update({'wamplite.auth.' + n: None}) for n in sys.argv[1:]]"
    program += "; import wamplite.auth; print(wamplite.auth.Authorization([]).name)"
    others = sorted(modules - {*AUTHORIZATION, "__init__"})
    assert printed(program, *others) == "authorization\n"


def test_a_router_that_asks_nobody_loads_nothing_of_it() -> None:
    program = "import sys, wamplite; wamplite.Router(features='all').close(); "
    program += "print([name for name in sys.modules if name.startswith('wamplite.auth')])"
    assert printed(program) == "[]\n"
