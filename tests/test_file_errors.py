"""What is said where a file cannot be read, written or made; and each verb that opens one."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT, wamplite
from wamplite.core.errors import UsageError
from wamplite.file_errors import doing, why

LOCKED = Path("/sys")  # where root may not make a file either
OTHERWISE = "run it as somebody who may, or name another place"


def test_it_says_what_was_to_be_done_with_which_path_why_not_and_what_to_do() -> None:
    with pytest.raises(UsageError) as caught, doing("write", "/x/a"):
        raise PermissionError(errno.EACCES, "Permission denied", "/x/a")
    assert str(caught.value) == f"cannot write /x/a: Permission denied: {OTHERWISE}"
    with pytest.raises(UsageError) as caught, doing("read", Path("/")):
        Path("/").read_bytes()
    assert str(caught.value) == "cannot read /: Is a directory: it is a folder, not a file"


def test_what_has_no_advice_or_no_number_is_said_as_it_is() -> None:
    assert why(OSError(errno.ENOSPC, "No space left on device")) == "No space left on device"
    assert why(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")).startswith("'utf-8' codec")


def test_what_is_no_fault_of_a_file_goes_on() -> None:
    with pytest.raises(KeyError), doing("write", "/x"):
        raise KeyError(1)


REFUSED = {
    "keep": (("router", "--keep", "/dev/null/x"), "cannot keep events in /dev/null/x: Not a"),
    "init": (("init", "-o", "LOCKED/x"), f"cannot write LOCKED/x: Permission denied: {OTHERWISE}"),
    "config": (("config", "page", "-o", "/no/x"), "cannot write /no/x: No such file"),
    "no folder": (
        ("init", "-o", "/no/where/x"),
        "cannot write /no/where/x: No such file or directory: there is no folder /no/where\n",
    ),
    "no file": (
        ("config", "import", "/usr/no-such-file"),
        "cannot read /usr/no-such-file: No such file or directory\n",
    ),
    "import": (("config", "import", "/no/x"), "cannot read /no/x: No such file"),
    "micro": (("micro", "-o", "LOCKED/x"), "cannot write LOCKED/x: Permission denied: run it as"),
    "import binary": (("config", "import", "/bin/sh"), "/bin/sh: not UTF-8 at byte"),
    "no folder of a certificate": (
        ("cert", "--directory", "/no/where"),
        "/no/where/ca.key cannot be written: No such file or directory: there is no folder",
    ),
    "keygen": (("keygen", "LOCKED/x"), "cannot write LOCKED/x: Permission denied"),
    "cert": (("cert", "--directory", "LOCKED"), "LOCKED/ca.key cannot be written: Permission"),
    "service": (
        ("service", "install", "--user", "--directory", "/dev/null/x"),
        "cannot write units in /dev/null/x: Not a directory: what its path goes through must be",
    ),
    "service as root": (
        ("service", "install", "--directory", "LOCKED"),
        "cannot write units in LOCKED: Permission denied: as root: sudo "
        f"{sys.executable} -m wamplite service install --directory LOCKED\n",
    ),
    "service of a user": (
        ("service", "install", "--user", "--directory", "LOCKED"),
        f"cannot write units in LOCKED: Permission denied: {OTHERWISE}\n",
    ),
    "capture": (
        ("bridge", "--replay", "/", "examples/bridge/p1.toml"),
        "cannot read the capture /: Is a directory: it is a folder, not a file",
    ),
    "listener": (
        ("router", "--listen", "unix://LOCKED/x"),
        "cannot listen on unix://LOCKED/x: Operation not permitted: run it as",
    ),
    "users": (("user", "list", "--file", "/dev/null/x"), "users file /dev/null/x: Not a directory"),
    "configuration": (("router", "-c", "/"), "/: Is a directory: it is a folder, not a file"),
    "bridge": (("bridge", "/"), "/: Is a directory: it is a folder, not a file"),
    "key": (("keygen", "--show", "/"), "key file /: "),
    "pid": (("router", "-c", "FOLDER/pid.toml"), "cannot write the pid_file LOCKED/pid: Perm"),
    "pid file": (
        ("reload", "--pid-file", "/"),
        "cannot read the pid_file /: Is a directory: it is a folder, not a file",
    ),
    "profile": (("pair", "--accept", "LINE"), "cannot keep the profile in LOCKED/x: "),
    "authority": (
        ("call", "x", "--ca", "/no/x", "--url", "rss://127.0.0.1:1"),
        "cannot load the CA certificates of /no/x: No such file or directory",
    ),
}
LINE = "tls://x:1?realm=a&authid=b&fingerprint=" + "0" * 64 + "&ticket=t"
PID = '[router]\npid_file = "LOCKED/pid"\n[[listener]]\nurl = "tcp://127.0.0.1:0"\n'


@pytest.mark.sampled
@pytest.mark.parametrize(("words", "text"), REFUSED.values(), ids=REFUSED)
def test_each_verb_tells_it_without_a_number(
    tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    if any("LOCKED" in word for word in words) and os.statvfs(LOCKED).f_flag & os.ST_RDONLY:
        pytest.skip(f"{LOCKED} is a file system that is read-only here")
    (tmp_path / "pid.toml").write_text(PID.replace("LOCKED", str(LOCKED)))
    meant = {"LOCKED": str(LOCKED), "FOLDER": str(tmp_path), "LINE": LINE}
    for name, path in meant.items():
        words = tuple(word.replace(name, path) for word in words)
    done = subprocess.run(
        wamplite(*words), cwd=ROOT, capture_output=True, text=True, timeout=30,
        env=os.environ | {"WAMPLITE_PROFILE": f"{LOCKED}/x/profile.toml"},
    )  # fmt: skip
    said = done.stderr.replace("Operation not permitted", "Permission denied")
    text = text.replace("Operation not permitted", "Permission denied")
    assert text.replace("LOCKED", str(LOCKED)) in said
    assert done.returncode == 2 and "Errno" not in said and "Traceback" not in said
