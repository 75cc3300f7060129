"""The probe of the Advanced Profile against a router of one file, its users made by a command."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import probe
from tests.processes import Program
from tests.processes import wamplite as command

REALMS = """
[router]
login_delay = 0                 # the probe logs in wrongly, and is not to wait for it
[[listener]]
url = "tcp://127.0.0.1:0"
longpoll = true
[[realm]]
name = "realm1"
features = ["all"]
anonymous = "anybody"
  [[realm.role]]
  name = "anybody"
    [[realm.role.permission]]
    uri = ""
    match = "prefix"
    allow = ["call", "register", "publish", "subscribe"]
  [[realm.history]]
  uri = "probe.history"
  match = "prefix"
[[realm]]
name = "quiet"
features = ["all"]
anonymous = "unseen"
  [[realm.role]]
  name = "unseen"
    [[realm.role.permission]]
    uri = ""
    match = "prefix"
    allow = ["call", "register", "publish", "subscribe"]
    disclose_caller = "never"
    disclose_publisher = "never"
[[realm]]
name = "secured"
features = ["all"]
users = "users.toml"
"""


def permission(told: dict[str, Any]) -> str:
    """Return a permission of the probe's as the file has it."""
    lines = [f"{key} = {json.dumps(told[key])}\n" for key in ("uri", "match", "allow")]
    return "[[realm.role.permission]]\n" + "".join(lines)


def add(folder: Path, told: dict[str, Any]) -> None:
    """Add a principal of the probe's by the command line."""
    words = ["user", "add", told["authid"], "--realm", "secured", "--role", told["authrole"]]
    words += ["--file", str(folder / "users.toml")]
    if "pubkey" in told:
        words += ["--pubkey", told["pubkey"]]
    if told["authmethod"] == "wampcra" and "salt" not in told:
        words.append("--plain")
    secret = told.get("ticket") or told.get("secret") or told.get("password") or ""
    subprocess.run(
        command(*words), input=f"{secret}\n", text=True, check=True, timeout=20, capture_output=True
    )


@pytest.fixture(scope="module")
def port(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("configured")
    told = json.loads(probe.users(shared))
    roles = [
        f"[[realm.role]]\nname = {json.dumps(name)}\n{''.join(map(permission, granted))}"
        for name, granted in told["roles"].items()
    ]
    (folder / "wamplite.toml").write_text(REALMS + "".join(roles))
    for principal in told["principals"]:
        add(folder, principal)
    program = Program(*command("router", "-c", str(folder / "wamplite.toml")))
    try:
        yield program.line().rpartition(":")[2]
    finally:
        program.stop()


@pytest.mark.timeout(250)
@pytest.mark.long
@pytest.mark.parametrize(("primary", "serializer"), [("rawsocket", "msgpack"), ("ws", "json")])
def test_all_that_the_probe_asks_is_answered_as_the_text_has_it(
    shared: Path, port: str, primary: str, serializer: str
) -> None:
    more = ["--auth-realm", "secured", "--nodisclose-realm", "quiet", "--history", "probe.history"]
    more += ["--longpoll", f"http://127.0.0.1:{port}/lp"]
    tally = probe.ask(shared, port, primary, serializer, *more, seconds=240)
    assert (tally.failed, tally.skipped) == (0, 0) and tally.passed > 70, tally.wrong
