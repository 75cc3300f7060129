"""Keys in files: of ssh-keygen, of openssl, of Crossbar, bare; and what is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.auth.dialogues import PUBKEY, SEED
from wamplite import UsageError
from wamplite.auth.ed25519 import InPython
from wamplite.auth.key_files import MAGIC, private_key, public_key, public_keys, string

SECONDS = 20


def written(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    path.chmod(0o600)
    return path


def keygen(path: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen")
    kinds = ["-t", kind, *(("-b", "2048") if kind == "rsa" else ())]  # a longer one takes seconds
    words = ["ssh-keygen", "-q", *kinds, "-N", passphrase, "-C", "joe@pi", "-f", str(path)]
    subprocess.run(words, check=True, capture_output=True, timeout=SECONDS)
    return path


@pytest.mark.parametrize(
    "data",
    [
        SEED,
        SEED.upper() + "\n",
        bytes.fromhex(SEED),
        f"creator: joe\npublic-key-ed25519: {PUBKEY}\nprivate-key-ed25519: {SEED}\n",
    ],
)
def test_a_bare_key_is_read(data: bytes | str, tmp_path: Path) -> None:
    assert private_key(written(tmp_path / "key", data)).hex() == SEED


@pytest.mark.parametrize("passphrase", ["", "pässphrase"])
def test_a_key_of_ssh_keygen_is_read_with_its_public_one(passphrase: str, tmp_path: Path) -> None:
    path = keygen(tmp_path / "key", passphrase)
    seed = private_key(path, passphrase or None)
    assert public_keys(f"{path}.pub") == [InPython().pubkey(seed).hex()]
    if passphrase:
        for wrong, text in ((None, "needs its passphrase"), ("x", "passphrase is another one")):
            with pytest.raises(UsageError, match=text):
                private_key(path, wrong)


@pytest.mark.parametrize("passphrase", [None, "secret"])
def test_a_key_of_openssl_is_read(passphrase: str | None, tmp_path: Path) -> None:
    path = tmp_path / "key"
    words = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    words += ["-aes256", "-pass", f"pass:{passphrase}"] if passphrase else []
    subprocess.run(words, check=True, capture_output=True, timeout=SECONDS)
    path.chmod(0o600)
    pub = subprocess.run(
        ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"]
        + (["-passin", f"pass:{passphrase}"] if passphrase else []),
        check=True, capture_output=True, timeout=SECONDS,
    ).stdout  # fmt: skip
    assert InPython().pubkey(private_key(path, passphrase)) == pub[-32:]


def test_what_needs_a_library_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = keygen(tmp_path / "key", "secret")
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(UsageError, match="passphrase needs the package cryptography"):
        private_key(path, "secret")


def test_a_key_that_cannot_be_decrypted_says_what_is_missing(tmp_path: Path) -> None:
    path = keygen(tmp_path / "key", "secret")
    program = f"""import sys; sys.modules["bcrypt"] = None
from wamplite.auth.key_files import private_key
private_key({str(path)!r}, "secret")"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "cannot be decrypted" in done.stderr and "pip install bcrypt" in done.stderr


def ssh(content: bytes) -> str:
    label = "OPENSSH PRIVATE KEY"
    text = b64encode(content).decode()
    return f"-----BEGIN {label}-----\n{text}\n-----END {label}-----\n"


SHORT = b"aaaaaaaa" + string(b"ssh-ed25519") + string(b"") + string(b"a key too short")
NONE = string(b"none") + string(b"none") + string(b"")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", "no private key"),
        ("abc", "no private key"),
        (SEED + "00", "no private key"),
        (b"\xff" * 33, "no private key"),
        ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", "another kind"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "another kind than Ed"),
        ("-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----", "not base64"),
        (ssh(b"something"), "not as ssh-keygen writes it"),
        (ssh(MAGIC), "cut off"),
        (ssh(MAGIC + NONE + b"\0\0\0\x02"), "more than one key"),
        (ssh(MAGIC + NONE + b"\0\0\0\x01"), "cut off"),
        (ssh(MAGIC + NONE + b"\0\0\0\x01" + string(b"") + string(b"aaaabbbb")), "damaged$"),
        (ssh(MAGIC + NONE + b"\0\0\0\x01" + string(b"") + string(SHORT)), "damaged$"),
        (ssh(MAGIC + NONE + b"\0\0\0\x01" + string(b"") + string(b"aaaaaaaa")), "cut off"),
    ],
)
def test_what_is_no_private_key_is_refused_by_name(
    data: bytes | str, text: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "key", data)
    with pytest.raises(UsageError, match=f"^key file {path}: .*{text}"):
        private_key(path, None)


BLOBS = st.one_of(st.binary(max_size=80), st.sampled_from([b"none", b"ssh-ed25519", b"aes256-ctr"]))


@settings(deadline=None)
@given(
    parts=st.lists(BLOBS, max_size=6),
    inner=st.lists(BLOBS, max_size=5),
    head=st.sampled_from([b"", MAGIC, MAGIC + NONE, MAGIC + NONE + b"\0\0\0\x01"]),
    label=st.sampled_from(["OPENSSH PRIVATE KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]),
    passphrase=st.sampled_from([None, "secret"]),
)
def test_a_file_holds_a_key_or_is_refused_with_a_reason(
    parts: list[bytes], inner: list[bytes], head: bytes, label: str, passphrase: str | None
) -> None:
    private = string(b"aaaaaaaa" + b"".join(map(string, inner)))
    content = b64encode(head + b"".join(map(string, parts)) + private).decode()
    with TemporaryDirectory() as folder:
        text = f"-----BEGIN {label}-----\n{content}\n-----END {label}-----\n"
        path = written(Path(folder) / "key", text)
        try:
            assert len(private_key(path, passphrase)) == 32
        except UsageError as error:
            assert str(error).startswith(f"key file {path}: ")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_octets_are_a_key_or_are_refused(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "key", data)
        try:
            assert len(private_key(path, "secret")) == 32
        except UsageError as error:
            assert str(error).startswith(f"key file {path}: ")


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_line_has_a_public_key_or_none(line: str) -> None:
    assert len(public_key(line)) in (0, 64)
    assert len(public_key(f"ssh-ed25519 {b64encode(line.encode(errors='replace')).decode()}")) in (
        0,
        64,
    )


@pytest.mark.parametrize(("kind", "name"), [("ecdsa", "ecdsa-sha2-nistp256"), ("rsa", "ssh-rsa")])
def test_a_key_of_another_kind_is_named(kind: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"a key of {name}: ssh-ed25519 is needed"):
        private_key(keygen(tmp_path / "key", kind=kind))
    with pytest.raises(UsageError, match="no public key of Ed25519"):
        public_keys(tmp_path / "key.pub")
    encrypted = keygen(tmp_path / "encrypted", "secret", kind)
    with pytest.raises(UsageError, match="a key of another kind than Ed25519"):
        private_key(encrypted, "secret")


def test_a_file_that_others_may_read_or_nobody_has_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "key", SEED)
    path.chmod(0o640)
    with pytest.raises(UsageError, match="others may read it: chmod 600"):
        private_key(path)
    for read in (private_key, public_keys):
        with pytest.raises(UsageError, match="No such file"):
            read(tmp_path / "nothing")


def test_a_file_may_be_named_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    written(tmp_path / "key", SEED)
    written(tmp_path / "key.pub", PUBKEY)
    assert private_key("~/key").hex() == SEED and public_keys("~/key.pub") == [PUBKEY]


def test_public_keys_are_read_a_line_each(tmp_path: Path) -> None:
    line = (
        f"ssh-ed25519 {b64encode(string(b'ssh-ed25519') + string(bytes.fromhex(PUBKEY))).decode()}"
    )
    path = written(tmp_path / "keys", f"# ours\n\n{PUBKEY.upper()}\n{line} joe@pi\nno-pty {line}\n")
    assert public_keys(path) == [PUBKEY] * 3
    short = b64encode(string(b"ssh-ed25519") + string(b"short")).decode()
    cut = b64encode(b64decode(line.split()[1])[:-1]).decode()
    for wrong in ("", "xyz", "ssh-ed25519", "ssh-ed25519 !", f"ssh-ed25519 {short}",
                  f"ssh-ed25519 {cut}", f"ssh-rsa {line.split()[1]}"):  # fmt: skip
        assert public_key(wrong) == ""
    with pytest.raises(UsageError, match="no public key"):
        public_keys(written(tmp_path / "none", "# nothing\n"))
    with pytest.raises(UsageError, match="^key file"):
        public_keys(written(tmp_path / "bytes", b"\xff\xfe"))
