"""docs/bridge.md names every key with its default, and its examples are right."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT
from wamplite.bridge import settings
from wamplite.bridge.configuration import tables as schema
from wamplite.bridge.configuration.builder import Port
from wamplite.bridge.configuration.tables import from_file

TEXT = (ROOT / "docs" / "bridge.md").read_text()
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S))
ROW = re.compile(r"^\| `(\w+)` \| (?:`([^`]*)`)? ?\|", re.M)


def keys_of(either: Any) -> set[str]:
    return {key for table in either.tables.values() for key in table.keys}


TABLES: dict[str, tuple[set[str], Any]] = {
    "`[session]`": (set(schema.SESSION.keys), settings.SessionSettings),
    "`[buffer]`": (set(schema.BUFFER.keys), settings.BufferSettings),
    "`[[port]]`": (set(schema.PORT.keys), settings.PortSettings),
    "`framing`": (keys_of(schema.FRAMING), settings.FramingSettings),
    "`decode`": (keys_of(schema.DECODE), settings.DecodeSettings),
    "`[[port.publish]]`": (set(schema.PUBLISH.keys), settings.PublishSettings),
    "`[[port.procedure]]`": (set(schema.PROCEDURE.keys), settings.ProcedureSettings),
    "`[[port.subscribe]]`": (set(schema.SUBSCRIBE.keys), settings.SubscribeSettings),
    "`[[port.poll]]`": (set(schema.POLL.keys) - set(schema.PUBLISH.keys), settings.PollSettings),
    "`modbus`": (set(schema.MODBUS.keys), settings.ModbusSettings),
}
RENAMED = {"procedure": "procedures", "subscribe": "subscribes", "poll": "polls"}
OWN_FORM = {"framing", "decode"}  # a word there, settings here


@pytest.mark.parametrize("section", TABLES)
def test_every_key_is_explained_where_it_belongs(section: str) -> None:
    keys, _ = TABLES[section]
    assert {key for key, _ in ROW.findall(SECTIONS[section])} == keys


@pytest.mark.parametrize("section", TABLES)
def test_every_setting_has_a_key(section: str) -> None:
    keys, kind = TABLES[section]
    names = {field.name for field in dataclasses.fields(kind)}
    if kind is settings.PollSettings:
        names.remove("publish")  # its keys stand in the same table
    assert {RENAMED.get(key, key) for key in keys} == names


@pytest.mark.parametrize("section", TABLES)
def test_every_default_is_the_one_that_is_written(section: str) -> None:
    _, kind = TABLES[section]
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key, cell in ROW.findall(SECTIONS[section]):
        field = fields[RENAMED.get(key, key)]
        if key in OWN_FORM:
            assert ast.literal_eval(cell) == field.default.kind
        elif cell or key not in required(section):
            assert literal(cell) == plain(field), key
        else:
            assert field.default is dataclasses.MISSING or key == "size", key


def required(section: str) -> set[str]:
    own = {"`framing`": {"size"}}
    _, kind = TABLES[section]
    missing = {f.name for f in dataclasses.fields(kind) if is_required(f)}
    return missing | own.get(section, set())


def is_required(field: Any) -> bool:
    return dataclasses.MISSING is field.default and dataclasses.MISSING is field.default_factory


def literal(cell: str) -> Any:
    return ast.literal_eval({"true": "True", "false": "False"}.get(cell, cell))


def plain(field: Any) -> Any:
    """Return a default as the file would have it."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    if isinstance(field.default, bytes):
        return field.default.decode("latin-1")
    return list(field.default) if isinstance(field.default, tuple) else field.default


def test_the_kinds_are_all_explained() -> None:
    for section, either in (("`framing`", schema.FRAMING), ("`decode`", schema.DECODE)):
        told = set(
            re.findall(r'^\| `"([\w:-]+?)(?:MODULE:FUNCTION)?"` \|', SECTIONS[section], re.M)
        )
        assert told == set(either.tables)


@pytest.mark.parametrize("example", re.findall(r"^```toml\n(.*?)^```", TEXT, re.M | re.S))
def test_the_example_parses(tmp_path: Path, example: str) -> None:
    (tmp_path / "bridge.toml").write_text(example)
    assert [port.name for port in from_file(tmp_path / "bridge.toml").ports] == ["weather", "meter"]


def test_the_script_describes_what_it_says() -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
    names: dict[str, Any] = {}
    exec(program.replace("bridge.run(", "made = bridge.make_settings("), names)
    assert isinstance(names["weather"], Port)
    assert names["made"].buffer.max_age == 60
    assert names["made"].ports[0].procedures[0].uri == "home.weather.fan"


def test_every_step_of_the_builder_is_named() -> None:
    steps = {name for name in vars(Port) if not name.startswith("_")}
    assert {step for step in steps if f"`{step}" not in TEXT} == set()
