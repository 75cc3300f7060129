"""Certificates of a private authority (CA), made by the command openssl.

openssl and not a package: it is on every Raspberry Pi OS and Debian, where the package
cryptography is 20 MB, and on 32 bits without a wheel of its own.

    ca.pem, ca.key            who signs; clients get ca.pem, and nobody ever gets ca.key
    router.pem, router.key    what the router shows
    NAME.pem, NAME.key        what a client shows

Keys are of P-256, which every TLS library takes and a small board makes in no time. A key stays
when its certificate is renewed: a fingerprint of it goes on to hold.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from .. import whole_file
from ..core.errors import UsageError
from ..file_errors import why
from ..transports.certificates import of_pem, valid_until
from . import host_names

CA, ROUTER = "ca", "router"
CA_DAYS = 3650
DAYS = 825  # no more is taken by iOS and macOS, of any authority
DAY = 86_400.0
LONGEST_NAME = 64  # characters of a common name (RFC 5280, appendix A)
PATIENCE = 60.0  # seconds for one run of openssl
CLIENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")
MAKE_KEY = (
    "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve"
)
CONFIG = """\
[req]
prompt = no
string_mask = utf8only
distinguished_name = name
[name]
CN = {name}
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[router]
{leaf}
extendedKeyUsage = serverAuth
[client]
{leaf}
extendedKeyUsage = clientAuth
"""
LEAF = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always"""


class Authority:
    """The files of one authority, in one directory. What raises UsageError has changed nothing."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)

    def path(self, name: str, ending: str = "pem") -> Path:
        """Return where a certificate is, or, by the ending, its key."""
        return self.directory / f"{name}.{ending}"

    def found(self) -> bool:
        """Make the authority, unless there is one; tell whether it was made."""
        if self.path(CA).exists():
            return False
        self._make_key(CA)
        name = f"wamplite CA of {host_names.of_this_host()[0]}"[:LONGEST_NAME]
        request = ["req", "-x509", "-new", "-sha256", "-extensions", "ca", "-days", str(CA_DAYS)]
        config = CONFIG.format(name=name, leaf=LEAF)
        signed = self._run(*request, "-key", str(self.key(CA)), config=config)
        self._put(self.path(CA), signed, whole_file.PUBLIC)
        return True

    def renew_itself(self) -> None:
        """Write ca.pem anew; what was signed stays valid, for who has the old one, too."""
        request = ["x509", "-in", str(self.path(CA)), "-signkey", str(self.key(CA)), "-sha256"]
        signed = self._run(*request, "-days", str(CA_DAYS), "-set_serial", _serial())
        self._put(self.path(CA), signed, whole_file.PUBLIC)

    def sign(self, name: str, hosts: Sequence[str], days: int = DAYS) -> None:
        """Make a certificate, and its key unless there is one; it ends with its authority's.

        hosts: what the router is called; none: it is a client's, who is called `name`.
        """
        if not self.path(name, "key").exists():
            self._make_key(name)
        left = int((valid_until(der_of(self.path(CA))) - time.time()) / DAY)
        if left < 1:
            raise UsageError(f"{self.path(CA)} has ended: wamplite cert renew ca")
        config = CONFIG.format(
            name=(hosts[0] if hosts else name)[:LONGEST_NAME], leaf=LEAF + _names(hosts)
        )
        request = self._run("req", "-new", "-key", str(self.key(name)), config=config)
        signing = ["x509", "-req", "-sha256", "-CA", str(self.path(CA))]
        signing += ["-CAkey", str(self.key(CA)), "-set_serial", _serial()]
        signing += ["-days", str(min(days, left)), "-extensions", ROUTER if hosts else "client"]
        signed = self._run(*signing, config=config, option="-extfile", told=request)
        self._put(self.path(name), signed, whole_file.PUBLIC)

    def hosts_of(self, name: str) -> list[str]:
        """Return the names and addresses for which a certificate is valid; none: a client's."""
        command = ["x509", "-noout", "-ext", "subjectAltName", "-in", str(self.path(name))]
        words = re.split(r"[,\s]+", self._run(*command).decode().partition(":")[2])
        known = [word for word in words if word.startswith(("DNS:", "Address:"))]
        return [host_names.checked(word.partition(":")[2]) for word in known]

    def key(self, name: str) -> Path:
        """Return the path of a key that is there, else UsageError."""
        path = self.path(name, "key")
        if not path.exists():
            raise UsageError(f"{path} is not there: without it nothing can be signed")
        return path

    def _make_key(self, name: str) -> None:
        path = self.path(name, "key")
        if path.exists():
            raise UsageError(f"{path} is there, and {self.path(name)} is not: take it away first")
        self._put(path, self._run(*MAKE_KEY.split()), whole_file.PRIVATE)

    def _put(self, path: Path, data: bytes, mode: int) -> None:
        try:
            whole_file.put(path, data, mode)
        except OSError as exc:
            raise UsageError(f"{path} cannot be written: {why(exc, path)}") from exc

    def _run(
        self, *words: str, config: str = "", option: str = "-config", told: bytes = b""
    ) -> bytes:
        """Run openssl and return what it prints."""
        with tempfile.NamedTemporaryFile("w", suffix=".cnf") as file:
            file.write(config)
            file.flush()
            command = ["openssl", *words, *([option, file.name] if config else [])]
            try:
                done = subprocess.run(command, input=told, capture_output=True, timeout=PATIENCE)
            except FileNotFoundError:
                raise UsageError(
                    "certificates are made by the command openssl, which is not installed:"
                    " sudo apt install openssl"
                ) from None
            except subprocess.TimeoutExpired:
                raise UsageError(f"openssl {words[0]} took more than {PATIENCE:g} s") from None
        if done.returncode:
            why = done.stderr.decode(errors="replace").strip()
            raise UsageError(f"openssl {words[0]} failed: {why}")
        return done.stdout


def der_of(path: Path) -> bytes:
    """Return the first certificate of a file, in DER; UsageError where there is none."""
    try:
        text = path.read_text(errors="replace")
    except OSError as exc:
        raise UsageError(f"{path}: {why(exc)}") from exc
    found = of_pem(text)
    if found is None:
        raise UsageError(f"{path}: no certificate in PEM")
    return found


def _serial() -> str:
    return f"0x{os.urandom(16).hex()}"


def _names(hosts: Iterable[str]) -> str:
    words = [f"{'IP' if host_names.is_address(host) else 'DNS'}:{host}" for host in hosts]
    return f"\nsubjectAltName = {', '.join(words)}" if words else ""
