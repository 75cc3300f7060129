"""README.md keeps what it says: its programs run, its commands parse, its table is the code's."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import sys

import pytest

from tests.processes import ROOT, Program, RouterProcess, running, wamplite

TEXT = (ROOT / "README.md").read_text()
PROGRAMS = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S)
    for line in block.splitlines()
]


def test_the_client_of_the_readme_runs(router_process: RouterProcess) -> None:
    program = with_port(PROGRAMS[0], str(router_process.port))
    with running(sys.executable, "-uc", program) as client:
        assert client.line() == "2 + 3 = 5"
        publish = ["pub", "com.example.temperature", "21.5", "--url", router_process.rs]
        assert first_line(client, publish) == "21.5 C"
        client.interrupt()
        assert client.wait() == 0


def test_the_router_of_the_readme_runs() -> None:
    with running(sys.executable, "-uc", with_port(PROGRAMS[1], "0")) as router:
        url = router.line().replace("tcp://", "rs://")
        hello = ["call", "com.example.hello", "you", "--url", url, "--timeout", "10"]
        said = call_until_registered(hello)
        router.interrupt()
        assert router.wait() == 0
        assert "Traceback" not in router.stderr()
    assert said == '"hello you"\n'


def first_line(client: Program, publish: list[str]) -> str:
    """Publish until the client prints: it subscribes a moment after its first line."""
    for _ in range(50):
        subprocess.run(wamplite(*publish), cwd=ROOT, timeout=20, check=True)
        with contextlib.suppress(TimeoutError):
            return client.line(0.5)
    raise TimeoutError("the client has printed nothing")


def call_until_registered(arguments: list[str]) -> str:
    """Call; the procedure may come a moment after the listener."""
    for _ in range(50):
        done = subprocess.run(
            wamplite(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=20
        )
        if "no_such_procedure" not in done.stderr:
            assert done.returncode == 0, done.stderr
            return done.stdout
    raise TimeoutError("the procedure is not there")


def with_port(program: str, port: str) -> str:
    assert "8080" in program
    return program.replace("8080", port)


def test_there_are_two_programs_of_about_ten_lines() -> None:
    assert [len(program.split("\n\n", 1)[1].splitlines()) for program in PROGRAMS] == [9, 5]


@pytest.mark.sampled
@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_readme_are_understood(command: str) -> None:
    program, verb, *words = shlex.split(command.partition(" < ")[0])
    assert program == "wamplite"
    words = words[: words.index("--")] if "--" in words else words
    checked = subprocess.run(
        [sys.executable, "-c", PARSE, verb, *words],
        cwd=ROOT, capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


PARSE = """
import argparse, importlib, sys
parser = argparse.ArgumentParser()
importlib.import_module(f"wamplite.cli.{sys.argv[1]}").configure(parser)
parser.parse_intermixed_args(sys.argv[2:])
"""


def test_the_feature_table_is_the_codes() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "tools" / "feature_table", "--check"], timeout=20
    )
    assert checked.returncode == 0, "run tools/feature_table --write"
