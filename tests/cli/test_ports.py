"""`wamplite ports`: a row for each device, in JSON when piped and in words on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.device.test_sysfs import plug
from tests.processes import ROOT, running, wamplite
from wamplite.bridge.device import names
from wamplite.cli import ports


def rows(root: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        wamplite("ports", "--root", str(root)), cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def link(root: Path, folder: str, name: str, device: str) -> str:
    path = root / "dev/serial" / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(device)
    return str(path)


def test_a_device_is_listed_with_its_lasting_names(tmp_path: Path) -> None:
    device = plug(tmp_path, "ttyUSB0", "0403:6001", serial="A1", product="FT232R")
    by_id = link(tmp_path, "by-id", "usb-FTDI_A1-if00", device)
    by_path = link(tmp_path, "by-path", "pci-0:1", device)
    assert rows(tmp_path) == [
        {
            "device": device,
            "use": by_id,
            "by_id": by_id,
            "by_path": by_path,
            "usb": "usb:0403:6001:A1",
            "product": "FT232R",
            "held_by": [],
            "advice": None,
        }
    ]


def test_of_two_that_cannot_be_told_apart_the_socket_is_named(tmp_path: Path) -> None:
    places = []
    for number in (0, 1):
        device = plug(tmp_path, f"ttyUSB{number}", "1a86:7523")
        places.append(link(tmp_path, "by-path", f"pci-0:{number}", device))
    link(tmp_path, "by-id", "usb-1a86-if00", device)  # one link, whichever was plugged in last
    assert [row["use"] for row in rows(tmp_path)] == places


def test_who_holds_a_device_is_told(tmp_path: Path) -> None:
    device = plug(tmp_path, "ttyUSB0")
    code = "import sys; held = open(sys.argv[1]); print('held', flush=True); input()"
    with running(sys.executable, "-c", code, device, stdin=-1) as program:
        assert program.line() == "held"
        (held,) = rows(tmp_path)[0]["held_by"]
    assert held["pid"] == program.pid
    assert held["program"].startswith("python")


def test_a_terminal_gets_words_and_nothing_that_it_would_obey(tmp_path: Path) -> None:
    device = plug(tmp_path, "ttyUSB0", "1a86:7523", product="evil\x1b[2J")
    master, slave = pty.openpty()
    with os.fdopen(master, "rb", 0) as screen:
        subprocess.run(
            wamplite("ports", "--root", str(tmp_path)), cwd=ROOT, stdout=slave, timeout=30
        )
        os.close(slave)
        text = screen.read(4096).decode()
    assert text.splitlines() == [
        f"{device}  evil\\x1b[2J",
        f"    use      {device}",
        "    usb id   usb:1a86:7523",
    ]


def test_no_device_is_no_error_and_is_told(tmp_path: Path) -> None:
    assert rows(tmp_path) == []


def test_a_device_that_we_may_not_open_comes_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = plug(tmp_path, "ttyUSB0")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may open anything
    (row,) = ports.found(tmp_path)
    assert "permission denied" in row["advice"]
    assert "advice" in ports.in_words(row)[-1]
    monkeypatch.setattr(names, "is_member", lambda group: True)
    assert names.denied(device).endswith("now: log in again")
