"""The pages for programmers keep what they say: their programs run, and print what stands there."""

from __future__ import annotations

import argparse
import inspect
import re
import shlex
import shutil
import ssl
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import wamplite
from tests.processes import ROOT, RouterProcess
from wamplite.cli import router as verb
from wamplite.client.workers import MOST_THREADS
from wamplite.router.limits import OF_THE_MEMORY, Limits
from wamplite.transports.base import MOST

PAGES = ("client.md", "router.md")
TEXTS = {page: (ROOT / "docs" / page).read_text() for page in PAGES}
PROGRAM = re.compile(r"^```python\n(.*?)^```\n(?:\nprints\n\n```text\n(.*?)^```\n)?", re.M | re.S)
PROGRAMS = [
    pytest.param(program, printed, id=f"{page}-{number}")
    for page, text in TEXTS.items()
    for number, (program, printed) in enumerate(PROGRAM.findall(text), 1)
]


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


COMMANDS = [
    line
    for text in TEXTS.values()
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    for line in block.splitlines()
]


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("wamplite ")])
def test_the_commands_are_understood(command: str) -> None:
    name, *words = shlex.split(command)[1:]
    parser = argparse.ArgumentParser()
    import_module(f"wamplite.cli.{name}").configure(parser)
    parser.parse_intermixed_args(words)


def test_the_certificate_of_the_pages_is_trusted_for_what_is_dialled(tmp_path: Path) -> None:
    [made] = [line for line in COMMANDS if line.startswith("openssl ")]
    assert made.rpartition(" -keyout")[0] in (ROOT / "README.md").read_text()
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl")
    subprocess.run(shlex.split(made), cwd=tmp_path, capture_output=True, timeout=50, check=True)
    files = {"cert": str(tmp_path / "router.pem"), "key": str(tmp_path / "router.key")}
    context = ssl.create_default_context(cafile=files["cert"])
    with wamplite.Router() as router:
        port = router.listen("tls://127.0.0.1:0", **files).rpartition(":")[2]
        for url in (f"rss://127.0.0.1:{port}", f"wss://localhost:{port}/ws"):
            with wamplite.connect(url, tls=context) as session:
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


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_of_the_pages_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^):#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
