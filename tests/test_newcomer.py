"""The README's way from nothing to a router on the network, typed as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import ROOT, Program
from tests.waiting import PATIENCE
from wamplite import AuthenticationFailed, JoinRefused, NotAuthorized, connect
from wamplite.auth import Scram

SECTION = (ROOT / "README.md").read_text().partition("## On the network")[2].partition("\n## ")[0]
TYPED, TYPED_BY_CLIENTS = (
    block.splitlines() for block in re.findall(r"^```sh\n(.*?)^```", SECTION, re.M | re.S)
)
SECRETS = {"ann": "correct horse", "pi": "battery staple"}


def words(line: str) -> list[str]:
    program, *rest = shlex.split(line)
    assert program == "wamplite"
    return [sys.executable, "-m", "wamplite", *rest]


def type_in(line: str, folder: Path, stdin: str = "") -> str:
    """Run a command of the README where somebody stands; return what it prints."""
    done = subprocess.run(
        words(line), cwd=folder, input=stdin, env=surroundings(), timeout=PATIENCE,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


def surroundings() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@contextmanager
def started(line: str, folder: Path) -> Iterator[Program]:
    """Run a command that goes on, from where somebody stands."""
    command = shlex.join(words(line))
    shell = f"cd {shlex.quote(str(folder))} && PYTHONPATH={shlex.quote(str(ROOT))} exec {command}"
    program = Program("sh", "-c", shell)
    try:
        yield program
    finally:
        program.stop()


def test_there_are_five_commands() -> None:
    assert len(TYPED) == 5


def test_they_lead_from_nothing_to_a_router_on_the_network(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not here")
    *before, last = TYPED
    for line in before:
        name = line.split()[3] if " user add " in line else ""
        type_in(line, tmp_path, stdin=f"{SECRETS[name]}\n" if name else "")
    file = tmp_path / "wamplite.toml"
    assert 'url = "tls://0.0.0.0:8443"' in file.read_text()
    file.write_text(file.read_text().replace("tls://0.0.0.0:8443", "tls://127.0.0.1:0"))
    for name, secret in SECRETS.items():
        (tmp_path / f"{name}.secret").write_text(secret)
        (tmp_path / f"{name}.secret").chmod(0o600)
    with started(last, tmp_path) as router:
        listening, port = router.line().rpartition(":")[::2]
        assert listening == "listening tls://127.0.0.1" and router.line() == "ready"
        sub, pub = (line.replace("8443", port) for line in TYPED_BY_CLIENTS)
        with started(f"{sub} -C 1", tmp_path) as subscriber:
            hear(subscriber, pub, tmp_path)
        check_rights(f"wss://localhost:{port}/ws", str(tmp_path / "ca.pem"))
        router.interrupt()
        assert router.wait() == 0
        assert "Traceback" not in router.stderr()


def hear(subscriber: Program, pub: str, folder: Path) -> None:
    """Publish until the subscriber prints: it subscribes in its own time."""
    for _ in range(50):
        type_in(pub, folder)
        try:
            line = subscriber.line(0.5)
        except TimeoutError:
            continue
        assert '"topic":"home.pi.temperature","args":[21.5]' in line
        return
    raise TimeoutError(subscriber.stderr())


def check_rights(url: str, ca: str) -> None:
    """An owner may do everything, a device what begins with its own name, nobody else joins."""
    told = {"acknowledge": True}
    with connect(url, "home", ca=ca, auth=Scram("ann", SECRETS["ann"])) as ann:
        assert ann.authrole == "owner"
        ann.publish("home.anything", 1, options=told)
    with connect(url, "home", ca=ca, auth=Scram("pi", SECRETS["pi"])) as pi:
        assert pi.authrole == "device"
        pi.publish("home.pi.temperature", 1, options=told)
        for refused in (
            lambda: pi.publish("home.ann.temperature", 1, options=told),
            lambda: pi.subscribe("home.ann.temperature", print),
            lambda: pi.call("wamp.session.count"),
        ):
            with pytest.raises(NotAuthorized):
                refused()
    with pytest.raises(AuthenticationFailed):
        connect(url, "home", ca=ca, auth=Scram("pi", "wrong"))
    with pytest.raises(JoinRefused, match="no_auth_method|no_matching_auth_method"):
        connect(url, "home", ca=ca)
