"""Ed25519 keys in files, as ssh-keygen, openssl, Crossbar and wamplite write them.

private    64 hexadecimal digits, or 32 octets; ssh-keygen -t ed25519 (with a passphrase: needs
           cryptography and bcrypt); openssl genpkey -algorithm ed25519; Crossbar's key.priv
public     64 hexadecimal digits a line, or the .pub and authorized_keys of ssh-keygen
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

from ..core.errors import UsageError
from ..core.words import shorten
from ..file_errors import why
from ..whole_file import check_private
from .keys import KEY, from_hex

SSH = b"ssh-ed25519"
MAGIC = b"openssh-key-v1\0"
PKCS8 = bytes.fromhex("302e020100300506032b657004220420")  # before the 32 octets of a key
PEM = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----\s+([^-]*)-----END \1-----")
CROSSBARS = re.compile(r"^private-key-ed25519: ([0-9a-f]{64})\s*$", re.M)


def private_key(path: str | Path, passphrase: str | None = None) -> bytes:
    """Return the 32 octets of a private key; UsageError where the file holds none, or is open."""
    try:
        path = Path(path).expanduser()
        check_private(path, "key file")
        data = path.read_bytes()
    except OSError as exc:
        raise UsageError(f"key file {path}: {why(exc)}") from exc
    try:
        return _private(data, passphrase)
    except _Refused as refused:
        raise UsageError(f"key file {path}: {refused}") from None


def public_keys(path: str | Path) -> list[str]:
    """Return the public keys of a file, in hex; UsageError where it holds none."""
    try:
        lines = Path(path).expanduser().read_text().splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"key file {path}: {why(exc)}") from exc
    found = [key for line in lines if (key := public_key(line))]
    if not found:
        text = "no public key of Ed25519: 64 hexadecimal digits, or a line of ssh-keygen"
        raise UsageError(f"key file {path}: {text}")
    return found


def public_key(line: str) -> str:
    """Return the public key of one line, in hex; "" where it has none."""
    words = line.split()
    if len(words) == 1 and from_hex(words[0].lower(), KEY):
        return words[0].lower()
    if SSH.decode() not in words[:-1]:
        return ""
    try:
        blob = b64decode(words[words.index(SSH.decode()) + 1], validate=True)
        kind, key, *rest = strings(blob)
    except ValueError:
        return ""
    return key.hex() if kind == SSH and len(key) == KEY and not rest else ""


def strings(data: bytes) -> Iterator[bytes]:
    """Yield the strings of SSH (RFC 4251, section 5); ValueError where they are cut off."""
    while data:
        found, data = _cut(data, 1)
        yield found


def string(data: bytes) -> bytes:
    """Return a string of SSH."""
    return len(data).to_bytes(4, "big") + data


class _Refused(Exception):
    """Why a file holds no key that can be used."""


def _private(data: bytes, passphrase: str | None) -> bytes:
    if len(data) == KEY:
        return data
    if found := PEM.search(data):
        return _of_pem(data, found[1].decode(), found[2], passphrase)
    text = data.decode(errors="replace").strip()
    if crossbars := CROSSBARS.search(text):
        text = crossbars[1]
    if not (key := from_hex(text.lower(), KEY)):
        raise _Refused("no private key: 64 hexadecimal digits, or a file of ssh-keygen -t ed25519")
    return key


def _of_pem(data: bytes, kind: str, inner: bytes, passphrase: str | None) -> bytes:
    if kind == "ENCRYPTED PRIVATE KEY":
        return _decrypted(data, passphrase, is_ssh=False)
    try:
        content = b64decode(b"".join(inner.split()), validate=True)
    except binascii.Error:
        raise _Refused("what stands in it is not base64") from None
    if kind == "PRIVATE KEY":
        if not content.startswith(PKCS8) or len(content) != len(PKCS8) + KEY:
            raise _Refused("a key of another kind than Ed25519")
        return content[len(PKCS8) :]
    if kind != "OPENSSH PRIVATE KEY":
        raise _Refused(f"an {kind} is of another kind than Ed25519")
    return _of_ssh(data, content, passphrase)


def _of_ssh(data: bytes, content: bytes, passphrase: str | None) -> bytes:
    """Read the file of ssh-keygen: PROTOCOL.key of OpenSSH."""
    if not content.startswith(MAGIC):
        raise _Refused("not as ssh-keygen writes it")
    try:
        cipher, _, _, rest = _cut(content[len(MAGIC) :], 3)
        if int.from_bytes(rest[:4], "big") != 1:
            raise _Refused("more than one key")
        _, private, _ = _cut(rest[4:], 2)
        if cipher != b"none":
            return _decrypted(data, passphrase, is_ssh=True)
        if private[:4] != private[4:8]:
            raise _Refused("damaged")
        kind, _, key, _ = _cut(private[8:], 3)
    except ValueError:
        raise _Refused("cut off") from None
    if kind != SSH:
        raise _Refused(f"a key of {shorten(kind.decode(errors='replace'))}: ssh-ed25519 is needed")
    if len(key) != 2 * KEY:
        raise _Refused("damaged")
    return key[:KEY]  # the public one stands behind it


def _cut(data: bytes, count: int) -> list[bytes]:
    """Return so many strings of SSH, and what stands behind them."""
    found = []
    for _ in range(count):
        size = int.from_bytes(data[:4], "big")
        if len(data) < 4 + size:
            raise ValueError("cut off")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return [*found, data]


def _decrypted(data: bytes, passphrase: str | None, *, is_ssh: bool) -> bytes:
    if passphrase is None:
        raise _Refused("it needs its passphrase")
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise _Refused("a key with a passphrase needs the package cryptography") from None
    ssh, pem = serialization.load_ssh_private_key, serialization.load_pem_private_key
    try:
        key = (ssh if is_ssh else pem)(data, passphrase.encode())
    except UnsupportedAlgorithm as exc:
        raise _Refused(f"it cannot be decrypted: {exc} (pip install bcrypt)") from None
    except (ValueError, TypeError):
        raise _Refused("its passphrase is another one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _Refused("a key of another kind than Ed25519")
    return key.private_bytes_raw()
