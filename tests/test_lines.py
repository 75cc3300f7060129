"""On which line of a TOML text each key stands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT
from wamplite.bridge.configuration.tables import from_file
from wamplite.config import toml
from wamplite.core.errors import UsageError
from wamplite.lines import KeyLines, Steps, within

ODD = '''# begins with a comment

title = "x ] y"   # ] }
"quoted key" = 1
a.b.c = 3
a.b.d = [
  1,  # ]
  [2, 3],
  { e = 4 },
]
text = """
[[port]]
name = "no header"
"""
other = \'\'\'one\'\'\'

[table.inner]
x = 1
  [table.inner.deeper]  # indented
  y = { z = 1, w = [ { v = 2 } ] }

[[port]]
name = "first"
[port.framing]
type = "lines"
[[port.publish]]
topic = "a"
[[port.publish]]
topic = "b"

[[port]]
name = "second"
"inner table" = {}
[[port.publish]]
topic = "c"
'''


def paths(data: Any, path: Steps = ()) -> Iterator[Steps]:
    yield path
    steps = data.items() if isinstance(data, dict) else enumerate(data)
    for step, inner in steps:
        if isinstance(inner, (dict, list)):
            yield from paths(inner, (*path, step))
        else:
            yield (*path, step)


def slow_line_of(text: str, path: Steps) -> int:
    """Find the first line up to which the text has the path, by reading every beginning of it."""
    parse, error = toml()
    lines = text.splitlines(keepends=True)
    begin = 0
    for end in range(1, len(lines) + 1):
        try:
            data: Any = parse("".join(lines[:end]))
        except error:
            continue
        try:
            for step in path:
                data = data[step]
            return begin + 1 + within(lines[begin:end], path)
        except (LookupError, TypeError):
            begin = end
    raise AssertionError(path)


TEXTS = [ODD, *(path.read_text() for path in sorted((ROOT / "examples").glob("*.toml")))]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_every_key_is_found_where_reading_every_beginning_finds_it(text: str) -> None:
    lines = KeyLines(text, *toml())
    data = toml()[0](text)
    found = {path: lines.line_of(path) for path in paths(data) if path}
    assert found == {path: slow_line_of(text, path) for path in found}
    assert len(found) > 5


def test_what_the_text_does_not_have_stands_where_it_would() -> None:
    lines = KeyLines(ODD, *toml())
    assert lines.line_of(("port", 1, "device")) == ODD.splitlines().index('name = "second"')
    assert lines.line_of(("nowhere",)) == lines.line_of(()) == 1


def complained(path: Path, ports: int) -> tuple[int, float]:
    """Return how many complaints a file of so many wrong ports gives, and after what CPU time."""
    port = '[[port]]\nname = "p{}"\ndevise = "x"\n[[port.publish]]\ntopic = "a"\ntopik = "b"\n\n'
    path.write_text("".join(port.format(number) for number in range(ports)))
    begin = time.process_time()
    with pytest.raises(UsageError) as refused:
        from_file(path)
    return len(str(refused.value).splitlines()), time.process_time() - begin


def test_complaints_about_a_large_file_take_time_in_proportion(tmp_path: Path) -> None:
    few, short = complained(tmp_path / "few.toml", 100)
    many, long = complained(tmp_path / "many.toml", 800)
    assert many == 8 * few
    assert long < 30 * max(short, 0.02)
    assert long < 10


def test_a_file_of_windows_has_its_lines(tmp_path: Path) -> None:
    text = '[session]\n\nurl = "rs://127.0.0.1:8080"\n[[port]]\nname = "a"\nspeed = 9600\n'
    complaints = []
    for name, written in (("unix", text), ("windows", text.replace("\n", "\r\n"))):
        path = tmp_path / name
        path.write_bytes(written.encode())
        with pytest.raises(UsageError, match=r":6: .*speed") as refused:
            from_file(path)
        complaints.append(str(refused.value).replace(str(path), ""))
    assert complaints[0] == complaints[1]
