"""The pages for programmers keep what they say: their programs run, and print what stands there."""

from __future__ import annotations

import argparse
import ast
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import partial
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import wamplite
from tests.core.world import World
from tests.processes import ROOT, RouterProcess, running_router
from wamplite.cli import router as verb
from wamplite.client.plain import BY_NAME
from wamplite.client.workers import MOST_THREADS
from wamplite.router.exposition import INCIDENTS
from wamplite.router.limits import OF_THE_MEMORY, Limits
from wamplite.transports.base import MOST

PAGES = ("client.md", "router.md", "features.md", "http.md", "operations.md")
PAGES += ("authentication.md",)
TEXTS = {page: (ROOT / "docs" / page).read_text() for page in PAGES}
PROGRAM = re.compile(r"^```python\n(.*?)^```\n(?:\nprints\n\n```text\n(.*?)^```\n)?", re.M | re.S)
PROGRAMS = [
    pytest.param(program, printed, id=f"{page}-{number}")
    for page, text in TEXTS.items()
    for number, (program, printed) in enumerate(PROGRAM.findall(text), 1)
]


@pytest.mark.sampled
@pytest.mark.parametrize(("program", "printed"), PROGRAMS)
def test_a_program_runs_as_pasted_and_prints_what_is_told(
    program: str, printed: str, router_process: RouterProcess
) -> None:
    port = str(router_process.port)
    program = program.replace("8080", port)
    program = program.replace("wamplite.connect()", f"wamplite.connect('rs://127.0.0.1:{port}')")
    program = program.replace("connect(default", f"connect('rs://127.0.0.1:{port}', default")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=40,
    )  # fmt: skip
    assert done.returncode == 0 and "Warning" not in done.stderr, done.stderr
    assert not printed or done.stdout == printed


def test_the_script_for_curl_runs_as_pasted() -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    text = (ROOT / "docs" / "http.md").read_text()
    found = re.search(
        r"^## A script\n\n```sh\n(.*?)^```\n\nprints\n\n```text\n(.*?)^```\n", text, re.M | re.S
    )
    assert found
    with wamplite.Router(longpoll=True) as router:
        port = router.listen("tcp://127.0.0.1:0").rpartition(":")[2]
        script = found[1].replace("127.0.0.1:8080", f"127.0.0.1:{port}")
        done = subprocess.run(
            ["sh", "-eu", "-c", script], capture_output=True, text=True, timeout=40, check=False
        )
        assert (done.stdout, done.stderr, done.returncode) == (found[2], "", 0)
    assert not router.sessions


def test_the_script_of_the_verbs_runs_as_pasted(tmp_path: Path) -> None:
    found = re.search(
        r"^## Who is there.*?^```sh\n(.*?)^```\n\nprints\n\n```text\n(.*?)^```\n",
        TEXTS["router.md"],
        re.M | re.S,
    )
    assert found
    program = tmp_path / "wamplite"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wamplite "$@"\n')
    program.chmod(0o755)
    with running_router("--history", "prefix:com.example") as router:
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        given = {"PATH": path, "PYTHONPATH": str(ROOT), "WAMPLITE_URL": router.rs}
        done = subprocess.run(
            ["sh", "-eu", "-c", found[1] + "wait\n"],
            cwd=tmp_path, env=os.environ | given, capture_output=True, text=True, timeout=50,
        )  # fmt: skip
    assert (done.stdout, done.returncode) == (found[2], 0), done.stderr


COMMANDS = [
    line
    for text in TEXTS.values()
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    for line in block.splitlines()
]


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("wamplite ")])
def test_the_commands_are_understood(command: str) -> None:
    alone = re.split(r" (?:[|&]|2?>|-- )", command)[0]
    name, *words = shlex.split(alone)[1:]
    parser = argparse.ArgumentParser()
    import_module(f"wamplite.cli.{name}").configure(parser)
    parser.parse_intermixed_args(words)


def test_the_certificate_of_the_pages_is_trusted_for_what_is_dialled(tmp_path: Path) -> None:
    [made] = [line for line in COMMANDS if line.startswith("wamplite cert")]
    assert f"\n{made}\n" in (ROOT / "README.md").read_text()
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl")
    _, *words = shlex.split(made)
    command, here = (
        [sys.executable, "-m", "wamplite", *words],
        {**os.environ, "PYTHONPATH": str(ROOT)},
    )
    subprocess.run(command, cwd=tmp_path, env=here, capture_output=True, timeout=50, check=True)
    files = {"cert": str(tmp_path / "router.pem"), "key": str(tmp_path / "router.key")}
    with wamplite.Router() as router:
        port = router.listen("tls://127.0.0.1:0", **files).rpartition(":")[2]
        for url in (f"rss://127.0.0.1:{port}", f"wss://localhost:{port}/ws"):
            with wamplite.connect(url, ca=str(tmp_path / "ca.pem")) as session:
                assert session.realm == "realm1"


def test_every_limit_is_named_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*?) \| ", TEXTS["router.md"], re.M)
    told = dict(rows)
    for name, default in Limits._field_defaults.items():
        words = f"{default}, of the memory" if name in OF_THE_MEMORY else f"{default}"
        assert told.get(name) == words, name
    assert set(told) == set(Limits._fields)


def test_every_keyword_of_connect_is_named_with_its_default() -> None:
    rows = re.findall(r"^\| (`[\w`, ]+`) \| ([^|]*?) ?\| ", TEXTS["client.md"], re.M)
    told = {name: default for names, default in rows for name in re.findall(r"\w+", names)}
    parameters = inspect.signature(wamplite.connect).parameters.values()
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY:
            assert parameter.name in told
            if isinstance(parameter.default, float):
                assert told[parameter.name] == f"{parameter.default:g}", parameter.name
    assert told["max_invocations"] == str(MOST_THREADS)
    assert told["max_message_size"] == f"{MOST >> 20} MiB"


def test_every_option_of_the_router_is_named() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    verb.configure(parser)
    options = [word for action in parser._actions for word in action.option_strings]
    text = TEXTS["router.md"]
    missing = [word for word in options if word not in text and not word.startswith("--max-")]
    assert not missing or missing == ["--verbose"]


COUNTING = re.compile(
    r"""(?:count|add|tell|_tell|_give_up)\(\s*"([a-z]+_[a-z_]+)"|"(connections_[a-z_]+)"|"""
    r"""^    "([a-z]+_[a-z_]+)": Bound|^    \(\w+, uris\.\w+\): "([a-z_]+)"|"""
    r""""((?:retained|history|not|events|authorizer)_[a-z_]+)": """,
    re.M,
)


def test_every_counter_is_named() -> None:
    folders = ("router", "advanced", "auth")
    files = [path for name in folders for path in (ROOT / "wamplite" / name).glob("*.py")]
    found = {name for path in files for row in COUNTING.findall(path.read_text()) for name in row}
    table = TEXTS["operations.md"].partition("### Counters")[2]
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", table, re.M))))
    assert told == found - {""}, "the table of counters in docs/operations.md is not the code's"
    assert set(INCIDENTS) <= told, "/metrics tells from 0 of a counter that is not there"


NO_MOMENTS = {"drafted", "features", "may_act", "may_see", "may_know"}


def test_every_moment_of_a_realm_is_named() -> None:
    realm = World().realm
    row = next(line for line in TEXTS["features.md"].splitlines() if line.startswith("| moments"))
    for name, whose in (("realm", realm), ("dealer", realm.dealer), ("broker", realm.broker)):
        told = re.search(rf"`{name}(\.\w+`(?:, `\.\w+`)*)", row)
        moments = {key for key, value in vars(whose).items() if value == [] and key[0] != "_"}
        assert told and set(re.findall(r"\w+", told[1])) == moments - NO_MOMENTS


class Mode(Enum):
    HEAT = "heat"


@dataclass
class Reading:
    value: float
    day: date


VALUES = (ROOT / "docs" / "values.md").read_text()
MADE = re.findall(r"^\| `([^`]+)`[^|]* \| `([^`]+)` \|$", VALUES.split("is sent as")[1], re.M)
SOURCES = {
    **{kind.__name__: kind for kind in (date, datetime, time, timedelta, timezone, Mode, Reading)},
    **{kind.__name__: kind for kind in (array, Decimal, Fraction, Path, UUID, ip_address)},
}


@pytest.fixture
def echo() -> Iterator[Callable[[Any], Any]]:
    with wamplite.Router() as router:
        url = router.listen("tcp://127.0.0.1:0")
        with wamplite.connect(url, default=wamplite.to_plain) as session:
            session.register("com.example.echo", lambda value: value)
            yield partial(session.call, "com.example.echo")


@pytest.mark.parametrize(("written", "sent"), MADE)
def test_to_plain_makes_what_the_table_tells(
    echo: Callable[[Any], Any], written: str, sent: str
) -> None:
    sources = SOURCES
    if written.startswith("numpy."):
        sources = {"numpy": pytest.importorskip("numpy", reason="numpy is not installed")}
    assert echo(eval(written, dict(sources))) == ast.literal_eval(sent)


def test_every_kind_that_to_plain_knows_by_name_stands_in_the_table() -> None:
    made = [eval(written, dict(SOURCES)) for written, _ in MADE if "numpy" not in written]
    names = {f"{kind.__module__}.{kind.__qualname__}" for one in made for kind in type(one).__mro__}
    assert set(BY_NAME) - names == {"builtins.frozenset"}, "which the row of sets tells"


def test_what_the_promises_of_security_are_tried_by_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    rows = re.findall(r"^\| .* \| ((?:tests|tools)/.*) \|$", text, re.M)
    assert len(rows) > 12
    for path in (path for row in rows for path in row.split(", ")):
        assert (ROOT / path).exists(), path


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


def headings(page: Path) -> set[str]:
    """Return the headings of a page, as links name them."""
    lines = [line.lstrip("# ") for line in page.read_text().splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", sorted(PAGES), ids=lambda page: page.name)
def test_links_lead_to_files_and_to_headings_there(page: Path) -> None:
    for target, heading in re.findall(r"\]\(([^):#]*)#?([^)]*)\)", page.read_text()):
        if "://" in target + heading or not target + heading:
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not heading or heading in headings(file), f"{target}#{heading}"
