"""A record of the log as a line: bounded, printable, and as JSON whatever it holds."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime
from typing import Any

import pytest

from wamplite.cli.log_lines import LENGTH, PRIORITIES, as_json, fitting, iso, one_line, text


def record(message: str, level: int = logging.INFO, **more: Any) -> logging.LogRecord:
    name = logging.getLevelName(level)
    given = {"name": "wamplite.test", "levelno": level, "levelname": name, "msg": message}
    return logging.makeLogRecord({**given, **more})


def test_a_line_escapes_control_characters() -> None:
    assert one_line("uri\x1b[2J\nnext\x9b\u2028é") == b"uri\\x1b[2J\\nnext\\x9b\\u2028\xc3\xa9\n"


def test_a_line_is_at_most_500_bytes_and_keeps_both_ends() -> None:
    for long in ("a" * 10_000 + "END", "é" * 400 + "END", "\x00" * 499 + "END", "\ud800" * 300):
        line = one_line(long)
        assert len(line) <= LENGTH and line.endswith(b"\n") and line.count(b"\n") == 1
        assert b"..." in line
    assert one_line("START" + "x" * 10_000 + "END").startswith(b"START")
    assert one_line("START" + "x" * 10_000 + "END").endswith(b"END\n")


def test_a_line_of_json_has_time_level_fields_and_text() -> None:
    fields = {"event": "joined", "session": 7, "tls": False}
    line = json.loads(as_json(False)(record("a joins", created=0.5, fields=fields)))
    assert line == {
        "time": "1970-01-01T00:00:00.500Z",
        "level": "info",
        "logger": "wamplite.test",
        **fields,
        "message": "a joins",
    }


@pytest.mark.parametrize("character", ["a", "\x00", "é", "\U0001f600", "\ud800", "\\"])
def test_a_line_of_json_is_cut_in_its_longest_text(character: str) -> None:
    for fields in ({}, {"authid": character * 3000, "event": "joined"}):
        for length in (0, 380, 481, 5000):
            line = as_json(False)(record(character * length, fields=fields))
            assert len(line) <= LENGTH and line.isascii() and line.endswith(b"}\n")
            assert set(fields) <= set(json.loads(line))
    assert json.loads(fitting({"a": "short", "b": "b" * 200}, 100))["a"] == "short"


def test_an_exception_is_told_in_the_line() -> None:
    try:
        raise ValueError("the reason")
    except ValueError:
        line = json.loads(as_json(False)(record("failed", exc_info=sys.exc_info())))
    assert "the reason" in line["exception"] and line["message"] == "failed"


@pytest.mark.parametrize("level", [*PRIORITIES, logging.CRITICAL])
def test_the_journal_gets_the_priority_of_syslog_and_no_time(level: int) -> None:
    digit = {10: "7", 20: "6", 30: "4", 40: "3", 50: "2"}[level]
    name = logging.getLevelName(level)
    assert text(True)(record("hi", level)).decode() == f"<{digit}>{name} wamplite.test: hi\n"
    line = as_json(True)(record("hi", level)).decode()
    assert line.startswith(f"<{digit}>" + "{") and "time" not in json.loads(line[3:])


def test_times_are_those_of_rfc_3339() -> None:
    for seconds in (0.0, 1.999, 1.7e9 + 0.0004):
        said = datetime.fromisoformat(iso(seconds).replace("Z", "+00:00")).timestamp()
        assert 0 <= seconds - said < 0.001 + 1e-6
