"""`wamplite check`, `wamplite init` and `wamplite config`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_configured import configured, run
from tests.configuration.examples import furnish
from tests.processes import ROOT
from wamplite.bridge.configuration import reference as of_bridge
from wamplite.config import load
from wamplite.configuration import files, reference


def test_a_file_that_is_fine_is_told_in_a_few_lines(tmp_path: Path) -> None:
    path = furnish(tmp_path)
    done = run("check", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "listener tcp://127.0.0.1:0: all methods that are safe there",
        "listener tls://0.0.0.0:0: scram, cryptosign",
        "realm home: 1 users, anonymous as guest, 2 roles with 2 permissions",
        f"{path}: fine, 1 limits",
    ]


def test_all_that_is_wrong_is_told_and_the_code_is_2(tmp_path: Path) -> None:
    path = tmp_path / "wamplite.toml"
    path.write_text("[router]\nlingr = 1\nmax_calls = 'x'\n")
    done = run("check", str(path))
    assert done.returncode == 2 and done.stdout == ""
    assert [line.count(f"{path}:") for line in done.stderr.splitlines()] == [1, 1]
    path.write_text('[[listener]]\nurl = "tcp://192.0.2.1:8080"\n')
    done = run("check", str(path))
    assert done.returncode == 0 and "perhaps not meant: " in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--as", "joe", "publish", "home.sensors.x"), 0, "yes: joe, sensor may publish"),
        (("--as", "joe", "publish", "home.door"), 1, "no: joe, sensor may not publish 'home.door',"
                                                     " no permission speaks of it"),
        (("--as", "joe", "subscribe", "home.sensors.x"), 1, "wamplite.toml:17"),
        (("subscribe", "home.sensors.x"), 0, "yes: role guest may subscribe"),
        (("--role", "guest", "subscribe", "home.", "--match", "prefix"), 0, "(prefix), by prefix"),
        (("--as", "nobody", "publish", "a"), 2, "has no user 'nobody'"),
        (("--role", "king", "publish", "a"), 1, "there is no role 'king'"),
        (("--realm", "away", "publish", "a"), 2, "there is no realm 'away'"),
        (("--as", "joe", "publish", "a..b"), 2, "is no URI"),
        (("--as", "joe"), 2, "what may it do?"),
        (("publish",), 2, "expected one file"),
    ],
)  # fmt: skip
def test_who_may_do_what_is_told_with_the_line_that_says_so(
    tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    done = run("check", str(furnish(tmp_path)), *words)
    assert done.returncode == code, done.stderr
    assert told in (done.stderr if code == 2 else done.stdout)


def test_init_writes_a_file_with_every_key_that_a_router_runs_with(tmp_path: Path) -> None:
    path = tmp_path / "wamplite.toml"
    assert run("init", "-o", str(path)).returncode == 0
    assert run("check", str(path)).returncode == 0
    again = run("init", "-o", str(path))
    assert again.returncode == 2 and "--force" in again.stderr
    path.write_text(path.read_text().replace(":8080", ":0"))
    with configured(path) as router:
        assert run("sub", "a", "-W", "0.5", "-u", router.rs, "-C", "1").returncode == 4


@pytest.mark.parametrize("beginning", [reference.LOCAL, reference.NETWORK])
def test_every_key_of_init_may_be_used_as_it_stands_there(beginning: str, tmp_path: Path) -> None:
    text = reference.commented(beginning)
    keys = text.partition("# ---- every key")[2]
    lines = [line.strip().removeprefix("# ") for line in keys.splitlines()]
    path = tmp_path / "wamplite.toml"
    path.write_text("\n".join(line for line in lines if line[:1] == "[" or " = " in line))
    data = load(path).data
    for place in reference.places():
        table = data
        for step in place.path:
            table = table[step][0] if isinstance(table[step], list) else table[step]
        assert set(table) == set(place.table.declared), place.path


def test_the_page_of_all_keys_is_what_the_keys_say() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert page == reference.page(), "tools/configuration_page --write"
    assert run("config", "page").stdout == page


def test_the_schema_knows_every_key_and_its_default(tmp_path: Path) -> None:
    schema = json.loads(run("config", "schema").stdout)
    assert schema == reference.json_schema(of_bridge.properties())
    router = schema["properties"]["router"]["properties"]
    assert router["max_message_size"]["default"] == "1 MiB"
    assert set(schema["properties"]) == {*files.FILE.keys, "session", "buffer", "port"}
    realm = schema["properties"]["realm"]["items"]
    assert realm["required"] == ["name"]
    assert realm["properties"]["role"]["items"]["properties"]["permission"]["type"] == "array"


def test_every_key_has_its_line() -> None:
    for place in reference.places():
        assert place.table.about
        for name, key in place.table.declared.items():
            assert key.about and "\n" not in key.about, (place.path, name)
