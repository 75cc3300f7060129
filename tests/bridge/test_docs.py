"""docs/bridge-keys.md has every key, the examples of docs/bridge.md are right."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT
from wamplite.bridge.configuration import reference
from wamplite.bridge.configuration.builder import Port
from wamplite.bridge.configuration.tables import from_file
from wamplite.bridge.counts import APART, NOT_PUBLISHED, OTHER
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.decoding.readings import Undecodable
from wamplite.bridge.framing.frame import DeviceFrame
from wamplite.bridge.framing.framing import FRAMINGS
from wamplite.config import Document
from wamplite.reference import plain

TEXT = (ROOT / "docs" / "bridge.md").read_text()


def test_the_page_of_all_keys_is_what_the_keys_say() -> None:
    page = (ROOT / "docs" / "bridge-keys.md").read_text()
    assert page == reference.page(), "tools/configuration_page --write"


def test_the_page_has_every_key_and_every_kind() -> None:
    page = reference.page()
    for place in reference.places():
        part = page.partition(f"## `{place.header}`")[2].partition("## ")[0]
        assert set(re.findall(r"^\| `(\w+)` \|", part, re.M)) == set(plain(place.table))
    for name, kinds in (("framing", FRAMINGS), ("decode", DECODERS)):
        part = page.partition(f"## `{name}`")[2].partition("## ")[0]
        told = set(re.findall(r"^\| `([\w:-]+)` \|", part, re.M))
        keys = {key for table in kinds.values() for key in table.declared}
        assert told == {*kinds, *keys} - {"kind"}


def test_every_key_has_its_line() -> None:
    tables = [place.table for place in reference.places()]
    for table in [*tables, *FRAMINGS.values(), *DECODERS.values()]:
        assert table.about.endswith(".")
        for name, key in table.declared.items():
            assert key.about and "\n" not in key.about, name


def test_the_schema_says_what_every_kind_may_have() -> None:
    port = reference.properties()["port"]["items"]
    assert port["required"] == ["name", "device"]
    word, *kinds = port["properties"]["framing"]["anyOf"]
    assert word == {"type": "string"}
    fixed = next(one for one in kinds if one["properties"]["kind"] == {"const": "fixed"})
    assert fixed["required"] == ["kind", "size"]
    assert fixed["properties"]["gap"]["default"] == "100 ms"
    reply = port["properties"]["procedure"]["items"]["properties"]["reply"]["anyOf"]
    assert {"pattern": "^python:."} in [one["properties"]["kind"] for one in reply[1:]]
    json.dumps(port)


def test_each_example_of_a_key_is_one_that_it_may_have() -> None:
    tables = [place.table for place in reference.places()]
    for table in [*tables, *FRAMINGS.values(), *DECODERS.values()]:
        for name, key in table.declared.items():
            if key.example is not None:
                document = Document({name: key.example})
                key.kind.read(key.example, document.root() / name)
                assert document.problems == [], name


@pytest.mark.parametrize("example", re.findall(r"^```toml\n(.*?)^```", TEXT, re.M | re.S))
def test_the_example_parses(tmp_path: Path, example: str) -> None:
    (tmp_path / "bridge.toml").write_text(example)
    names = [port.name for port in from_file(tmp_path / "bridge.toml").ports]
    assert names in (["weather", "meter"], ["meter"])


def test_the_script_describes_what_it_says() -> None:
    program, _ = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
    names: dict[str, Any] = {}
    exec(program.replace("bridge.run(", "made = bridge.make_settings("), names)
    assert isinstance(names["weather"], Port)
    assert names["made"].buffer.max_age == 60
    assert names["made"].ports[0].procedures[0].uri == "home.weather.fan"


def test_the_function_decodes_as_it_says() -> None:
    _, program = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
    names: dict[str, Any] = {}
    exec(program, names)
    decode = DECODERS["python:"].made(function=names["decode"]).decoder().decode
    reading = decode(DeviceFrame(b"\x01\x07\x09", begun=5.0))
    assert [one.kwargs["value"] for one in reading.all()] == [7, 9]
    assert {one.kwargs["began"] for one in reading.all()} == {5.0}
    with pytest.raises(Undecodable, match="battery low"):
        decode(b"\x81")


# What stands in the list of reasons, and is none
NO_REASONS = ("garbage_bytes", "framing", "none", "scale", "offset", "round", "struct",
              "[[port.publish]]", "min_interval")  # fmt: skip
COUNTING = ("count", "_count", "drop", "_drop", "confirm", "_forget", "lose_stored", "Undecodable")


def trees() -> list[ast.Module]:
    """Parse what reads, publishes and counts; what is wrong with an answer fails its request."""
    folder = ROOT / "wamplite" / "bridge"
    paths = [path for path in folder.rglob("*.py") if path.parent.name != "asking"]
    return [ast.parse(path.read_text()) for path in paths]


def constants(modules: list[ast.Module]) -> dict[str, str]:
    """Return the texts that stand under a name in capitals."""
    found: dict[str, str] = {}
    for one in (one for module in modules for one in module.body if isinstance(one, ast.Assign)):
        for name, value in zip(ast.walk(one.targets[0]), ast.walk(one.value), strict=False):
            if isinstance(name, ast.Name) and isinstance(value, ast.Constant):
                found[name.id] = str(value.value)
    return found


def texts(value: ast.expr, known: dict[str, str]) -> Iterator[str]:
    """Give the texts that an argument can be, as patterns: any word stands in braces."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield re.escape(value.value)
    elif isinstance(value, ast.Name) and value.id in known:
        yield re.escape(known[value.id])
    elif isinstance(value, ast.JoinedStr):
        pieces = (re.escape(one.value) if isinstance(one, ast.Constant) else r"\w[\w-]*"
                  for one in value.values)  # fmt: skip
        yield "".join(pieces)
    else:
        for part in ast.iter_child_nodes(value):
            if isinstance(part, ast.expr):
                yield from texts(part, known)


def test_every_reason_is_listed_and_each_that_is_listed_is_one() -> None:
    modules = trees()
    known = constants(modules)
    patterns = {re.escape(NOT_PUBLISHED), re.escape(OTHER)}
    for call in (node for module in modules for node in ast.walk(module)):
        if isinstance(call, ast.Call):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if name in COUNTING:
                patterns |= {text for value in call.args for text in texts(value, known)}
    patterns -= set(map(re.escape, APART))
    part = TEXT.partition("The reasons:\n")[2]
    told = set(re.findall("`([^`]+)`", part)) - set(NO_REASONS)
    assert {one for one in patterns if not any(re.fullmatch(one, each) for each in told)} == set()
    assert {one for one in told if not any(re.fullmatch(each, one) for each in patterns)} == set()


def test_every_step_of_the_builder_is_named() -> None:
    steps = {name for name in vars(Port) if not name.startswith("_")}
    assert steps == {"decode", "publish", "procedure", "subscribe", "poll", "init"}
    assert {step for step in steps if f"`{step}" not in TEXT} == set()
