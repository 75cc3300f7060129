"""Devices found by their USB id, in a /sys made of files."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from wamplite.bridge.device import names, sysfs


def plug(root: Path, name: str, usb: str = "", serial: str = "", product: str = "") -> str:
    """Make what /sys and /dev hold of a device."""
    place = root / "sys/devices/usb1" / name
    (place / "1.0").mkdir(parents=True)
    if usb:
        (place / "idVendor").write_text(usb[:4] + "\n")
        (place / "idProduct").write_text(usb[5:] + "\n")
    if serial:
        (place / "serial").write_text(serial + "\n")
    if product:
        (place / "product").write_text(product + "\n")
    entry = root / "sys/class/tty" / name
    entry.mkdir(parents=True)
    (entry / "device").symlink_to(place / "1.0")
    device = root / "dev" / name
    device.parent.mkdir(exist_ok=True)
    device.touch()
    return str(device)


def test_a_device_is_what_has_one_and_is_there(tmp_path: Path) -> None:
    path = plug(tmp_path, "ttyUSB0", "1a86:7523", product="USB Serial")
    board = plug(tmp_path, "ttyAMA0")
    plug(tmp_path, "ttyUSB1")
    (tmp_path / "dev/ttyUSB1").unlink()
    plug(tmp_path, "ttyS0")
    (tmp_path / "sys/class/tty/ttyS0/type").write_text("0\n")
    (tmp_path / "sys/class/tty/tty0").mkdir()
    assert sysfs.ttys(tmp_path) == [
        sysfs.Tty(board),
        sysfs.Tty(path, "1a86", "7523", "", "USB Serial"),
    ]
    assert [tty.usb for tty in sysfs.ttys(tmp_path)] == ["", "usb:1a86:7523"]
    assert sysfs.ttys(tmp_path / "absent") == []


def test_a_usb_id_means_the_device_that_has_it(tmp_path: Path) -> None:
    first = plug(tmp_path, "ttyUSB0", "0403:6001", serial="A1")
    second = plug(tmp_path, "ttyUSB1", "0403:6001", serial="B:2")
    other = plug(tmp_path, "ttyACM0", "2341:0043")
    assert names.resolve("usb:0403:6001:A1", tmp_path) == first
    assert names.resolve("usb:0403:6001:B:2", tmp_path) == second
    assert names.resolve("usb:2341:0043", tmp_path) == other
    assert names.resolve("/dev/ttyS0", tmp_path) == "/dev/ttyS0"


def test_a_usb_id_that_two_have_or_none_is_an_error(tmp_path: Path) -> None:
    for number in (0, 1):
        plug(tmp_path, f"ttyUSB{number}", "1a86:7523")
    with pytest.raises(OSError, match="ttyUSB0 and .*ttyUSB1 have this id.*by-path") as refused:
        names.resolve("usb:1A86:7523", tmp_path)
    assert refused.value.errno == errno.ENOTUNIQ
    with pytest.raises(FileNotFoundError) as absent:
        names.resolve("usb:1a86:7524", tmp_path)
    assert names.explain("usb:1a86:7524", absent.value.errno, "") == "usb:1a86:7524: not there"
