"""`wamplite service`: the units it shows and installs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT, wamplite
from wamplite.cli import systemd


def service(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        wamplite("service", *words), cwd=ROOT, capture_output=True, text=True, timeout=20
    )


def shown(*words: str) -> list[str]:
    done = service("show", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_routers_unit_has_what_keeps_it_alive_and_in_its_place() -> None:
    unit = shown("router", "--", "--realm", "my house", "--listen", "tcp://127.0.0.1:80%80")
    assert unit[0] == "# wamplite-router.service"
    command = '-m wamplite router --realm "my house" --listen tcp://127.0.0.1:80%%80'
    assert f"ExecStart={sys.executable} {command}" in unit
    assert f"ExecReload={sys.executable} -m wamplite reload --pid $MAINPID" in unit
    for line in (
        *("Type=notify", "WatchdogSec=30", "Restart=always", "StartLimitIntervalSec=0"),
        *("SupplementaryGroups=dialout", "DevicePolicy=closed", "DeviceAllow=char-tty* rw"),
        *("MemoryHigh=30%", "MemoryMax=40%", "OOMScoreAdjust=-200"),
        *("TasksMax=2048", "LimitNOFILE=8192", "StateDirectory=wamplite-router"),
        *("SyslogIdentifier=wamplite-router", "Environment=MALLOC_ARENA_MAX=2"),
        "Documentation=https://wamp-proto.org",
        *("NoNewPrivileges=yes", "ProtectSystem=strict", "DynamicUser=yes"),
        "WantedBy=multi-user.target",
    ):
        assert line in unit, line


def test_the_bridges_unit_gets_its_file_and_its_secret() -> None:
    unit = shown("bridge", "--config", "/etc/a b.toml", "--secret", "/root/bridge.secret")
    assert any(line.endswith('-m wamplite bridge "/etc/a b.toml"') for line in unit)
    assert "ConditionPathExists=/etc/a b.toml" in unit
    assert "LoadCredential=bridge.secret:/root/bridge.secret" in unit
    assert "ExecStart" not in "".join(shown("bridge", "--account", "pi")[:6])
    assert "User=pi" in shown("bridge", "--account", "pi")


def test_a_template_runs_a_router_for_each_file(tmp_path: Path) -> None:
    unit = shown("router@", "--", "--log-format", "json")
    assert unit[0] == "# wamplite-router@.service"
    command = "-m wamplite router --log-format json --config /etc/wamplite/%i.toml"
    for line in (
        f"ExecStart={sys.executable} {command}",
        "ConditionPathExists=/etc/wamplite/%i.toml",
        *("StateDirectory=wamplite-router-%i", "SyslogIdentifier=wamplite-router-%i"),
        "Description=WAMP router (wamplite) of %i.toml",
    ):
        assert line in unit, line
    done = service("install", "router@", "--directory", str(tmp_path))
    assert done.stdout.splitlines()[-1].endswith("enable --now wamplite-router@FILE.service")
    assert [one.name for one in tmp_path.iterdir()] == ["wamplite-router@.service"]


def test_a_users_unit_asks_for_nothing_that_only_root_can_give() -> None:
    unit = "\n".join(shown("--user"))
    assert unit.count("Type=notify") == 2 and unit.count("WantedBy=default.target") == 2
    for word in ("DynamicUser", "SupplementaryGroups", "DevicePolicy", "multi-user", "OOMScore"):
        assert word not in unit


def test_units_are_installed_once_and_again_with_force(tmp_path: Path) -> None:
    done = service("install", "--directory", str(tmp_path / "units"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("next: systemctl daemon-reload && ")
    path = tmp_path / "units" / "wamplite-bridge.service"
    assert sorted(one.name for one in path.parent.iterdir()) == [
        path.name,
        "wamplite-router.service",
    ]
    assert path.read_text().splitlines() == shown("bridge")[1:]
    path.write_text("mine")
    (path.parent / "wamplite-router.service").unlink()
    done = service("install", "--directory", str(path.parent))
    assert done.returncode == 2 and f"{path}: there already" in done.stderr
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert path.read_text() == "mine"
    assert service("install", "bridge", "--force", "--directory", str(path.parent)).returncode == 0
    assert path.read_text() != "mine"


def test_a_user_installs_where_the_users_systemd_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert service("install", "--user", "router").returncode == 0
    assert (tmp_path / "systemd" / "user" / "wamplite-router.service").is_file()


@pytest.mark.parametrize(
    "words",
    [
        ["show", "broker"],
        ["show", "--user", "--account", "pi"],
        ["show", "bridge", "--", "--realm", "home"],
        ["remove"],
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str]) -> None:
    assert service(*words).returncode == 2


def test_a_python_that_others_cannot_reach_is_told(tmp_path: Path) -> None:
    from wamplite.cli.service import closed_to_others

    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "bin").mkdir()
    assert closed in closed_to_others(str(closed / "bin" / "python"))
    assert closed_to_others("/usr/bin/python") == []


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("two words", '"two words"'),
        ("100%", "100%%"),
        ("$HOME", "$$HOME"),
        ('say "x" \\', '"say \\"x\\" \\\\"'),
    ],
)
def test_words_are_quoted_as_systemd_reads_them(word: str, expected: str) -> None:
    assert systemd.quoted(word) == expected


@pytest.mark.parametrize("user", [False, True], ids=["system", "user"])
def test_systemd_finds_nothing_wrong(user: bool, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    words = ["--user"] if user else []
    names = ["router", "router@", "bridge"]
    assert service("install", *words, *names, "--directory", str(tmp_path)).returncode == 0
    paths = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        ["systemd-analyze", *words, "verify", "--man=no", *paths],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    ours = [line for line in done.stderr.splitlines() if "wamplite" in line]
    assert not ours, done.stderr
