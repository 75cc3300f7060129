"""The router's log: bounded in length, rate and memory, and never waited for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import ROOT
from wamplite.cli.logs import PER_SECOND


def logged(program: str) -> subprocess.CompletedProcess[str]:
    head = "import logging, threading, time; from wamplite.cli import logs\n"
    head += "log = logging.getLogger('wamplite.test')\n"
    return subprocess.run(
        [sys.executable, "-c", head + program],
        cwd=ROOT, capture_output=True, text=True, timeout=20, check=True,
    )  # fmt: skip


def test_left_out_lines_are_told() -> None:
    program = "with logs.to_stderr('info'):\n"
    program += "    for n in range(30): log.info('flood %d', n)\n"
    program += "    time.sleep(1.1)\n    log.info('flood %d', 99)\n    log.debug('hidden')\n"
    lines = logged(program).stderr.splitlines()
    assert len(lines) == PER_SECOND + 2
    assert lines[-2].endswith(" WARNING wamplite.log: 20 log lines left out")
    assert lines[-1].endswith("INFO wamplite.test: flood 99")


def test_a_stderr_that_nobody_reads_stops_nobody() -> None:
    program = "import logging, time; from wamplite.cli import logs\n"
    program += "with logs.to_stderr('info'):\n    start = time.monotonic()\n"
    program += "    for n in range(5000): logging.info(f'{n} ' + 'x' * 400)\n"
    program += "    print(time.monotonic() - start, flush=True)\n"
    reader, writer = os.pipe()
    try:
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=writer, timeout=20, check=True,
        )  # fmt: skip
        assert float(done.stdout) < 5
        assert time.monotonic() - started < 15
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("own", "<4>WARNING wamplite.test: hello\n"),
        ("own json", '<4>{"level":"warning","logger":"wamplite.test","message":"hello"}\n'),
        ("1:2", None),
        ("", None),
    ],
)
def test_lines_to_the_journal_have_its_time_alone_and_a_priority(
    stream: str, expected: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "stderr"
    own, _, format_ = stream.partition(" ")
    with path.open("w") as stderr:
        status = os.fstat(stderr.fileno())
        told = f"{status.st_dev}:{status.st_ino}" if own == "own" else stream
        program = "import logging; from wamplite.cli import logs\n"
        program += f"with logs.to_stderr('info', {format_ or 'text'!r}):\n"
        program += "    logging.getLogger('wamplite.test').warning('hello')"
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT, stderr=stderr, timeout=20, check=True,
            env=os.environ | {"JOURNAL_STREAM": told},
        )  # fmt: skip
    line = path.read_text()
    assert line == expected if expected else line[:2] == "20" and line.endswith("test: hello\n")


def test_lines_of_json_that_are_left_out_are_told_as_json() -> None:
    program = "with logs.to_stderr('info', 'json'):\n"
    program += "    for n in range(30): log.info('flood %d', n)\n"
    program += "    time.sleep(1.1)\n    log.info('flood %d', 99)\n"
    lines = [json.loads(line) for line in logged(program).stderr.splitlines()]
    assert lines[-2]["event"] == "lines_left_out" and lines[-2]["lines"] == 20
    assert lines[-1]["message"] == "flood 99"
