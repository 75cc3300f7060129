"""What is told of all keys is made of their declarations: a file with comments, the JSON Schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.processes import ROOT
from wamplite.config import load
from wamplite.configuration import files, reference


def test_the_page_is_the_one_that_is_shown() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == reference.page()


def test_a_file_that_is_begun_can_be_read_and_names_every_key(tmp_path: Path) -> None:
    path = tmp_path / "wamplite.toml"
    told = reference.commented(reference.LOCAL)
    path.write_text(told)
    found = files.read(str(path))
    assert [each.url for each in found.listeners] == ["tcp://127.0.0.1:8080"]
    assert [role.name for role in found.realms[0].roles] == ["user", "guest"]
    path.write_text(reference.LOCAL)
    assert load(path).data == load_text(tmp_path, told)
    commented = {
        line.strip(" #").partition(" = ")[0] for line in told.splitlines() if " = " in line
    }
    for place in reference.places():
        assert f"# {place.header}" in told
        assert {*place.table.declared} - {"role", "permission", "retain", "history"} <= commented


def load_text(folder: Path, text: str) -> dict[str, Any]:
    path = folder / "other.toml"
    path.write_text(text)
    return load(path).data


def test_one_for_the_network_is_within_tls() -> None:
    assert 'url = "tls://0.0.0.0:8443"' in reference.NETWORK
    assert "anonymous" not in reference.NETWORK


def test_the_schema_knows_each_key_and_no_other() -> None:
    schema = reference.json_schema({"port": {"type": "array"}})
    assert schema["additionalProperties"] is False
    assert {*schema["properties"]} == {"include", "router", "listener", "realm", "port"}
    for place in reference.places():
        described: Any = schema
        for step in place.path:
            described = described["properties"][step]
            described = described.get("items", described)
        assert {*described["properties"]} == {*place.table.declared}
        assert described["additionalProperties"] is False
