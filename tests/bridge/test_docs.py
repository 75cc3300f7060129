"""docs/bridge-keys.md has every key, the examples of docs/bridge.md are right."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT
from wamplite.bridge.configuration import reference
from wamplite.bridge.configuration.builder import Port
from wamplite.bridge.configuration.tables import from_file
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


def test_every_step_of_the_builder_is_named() -> None:
    steps = {name for name in vars(Port) if not name.startswith("_")}
    assert steps == {"decode", "publish", "procedure", "subscribe", "poll", "init"}
    assert {step for step in steps if f"`{step}" not in TEXT} == set()
