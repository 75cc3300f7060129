"""Names that stay, processes that hold a device, and what to do about an error."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from tests.bridge.pseudo import PseudoDevice
from tests.processes import running
from tests.waiting import until
from wamplite.bridge.device import names


def test_the_stable_name_is_the_link_that_means_the_same_device(tmp_path: Path) -> None:
    with PseudoDevice(tmp_path).plug() as device:
        folder = tmp_path / "by-id"
        folder.mkdir()
        (folder / "usb-other").symlink_to("/dev/null")
        (folder / "usb-ours").symlink_to(os.path.realpath(device.path))
        folders = (tmp_path / "absent", folder)
        assert names.stable_name(device.path, folders) == str(folder / "usb-ours")
        assert names.stable_name("/dev/zero", folders) is None


def test_identity_tells_a_device_from_the_one_that_took_its_place(tmp_path: Path) -> None:
    with PseudoDevice(tmp_path) as device:
        assert names.identity(device.path) is None
        first = names.identity(device.plug().path)
        assert first == names.identity(device.path)
        device.pull()
        with PseudoDevice(tmp_path, "ttyOTHER").plug():  # takes the number that became free
            assert names.identity(device.plug().path) not in (None, first)


def test_the_holder_of_a_device_is_named_with_its_pid(tmp_path: Path) -> None:
    with PseudoDevice(tmp_path).plug() as device:
        code = "import sys, time; held = open(sys.argv[1]); print('held', flush=True); input()"
        with running(sys.executable, "-c", code, device.path, stdin=-1) as program:
            assert program.line() == "held"
            until(
                lambda: f"(pid {program.pid})" in " ".join(names.holders(device.path)),
                "the holder is seen",
            )


def test_an_error_says_what_to_do() -> None:
    assert "dialout" in names.explain("/dev/absent", errno.EACCES, "")
    assert "log in again" in names.explain("/dev/absent", errno.EACCES, "")
    assert names.explain("/dev/absent", errno.EBUSY, "") == "/dev/absent: in use by another program"
    assert names.explain("/dev/absent", errno.ENOENT, "") == "/dev/absent: not there"
    assert names.explain("/dev/null", errno.ENOTTY, "") == "/dev/null: not a serial device"
    assert names.explain("/tmp", errno.EISDIR, "") == "/tmp: not a serial device"
    assert names.explain("/dev/x", None, "strange") == "/dev/x: strange"


def test_advice_is_given_for_a_name_that_is_given_out_anew(tmp_path: Path) -> None:
    lasting = tmp_path / "usb-1a86-if00"
    lasting.symlink_to("/dev/ttyUSB0")
    told = f"; its number may change, {lasting} will not"
    assert names.advice("/dev/ttyUSB0", (tmp_path,)) == told
    assert names.advice("/dev/ttyUSB1", (tmp_path,)) == ""
    assert names.advice(str(lasting), (tmp_path,)) == ""
