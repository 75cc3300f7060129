"""What is read from certificates agrees with what openssl reads from them."""

from __future__ import annotations

import re
import ssl
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.transports.streams import PATIENCE, Certificate
from wamplite.core.errors import UsageError
from wamplite.transports.certificates import fingerprints, normal, public_key, valid_until


def made(directory: Path, *options: str) -> str:
    """Return the path of a certificate that signs itself."""
    cert = str(directory / "cert")
    command = ["openssl", "req", "-x509", "-nodes", "-subj", "/CN=x", *options]
    command += ["-keyout", str(directory / "key"), "-out", cert]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    return cert


def der_of(cert: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(Path(cert).read_text())


def told(cert: str, *options: str) -> str:
    """Return what `openssl x509` tells of a certificate."""
    command = ["openssl", "x509", "-in", cert, "-noout", *options]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=PATIENCE
    ).stdout.strip()


KINDS = ["rsa:2048", "ed25519", "ec -pkeyopt ec_paramgen_curve:prime256v1"]


@pytest.mark.parametrize("kind", KINDS)
def test_fingerprints_are_those_of_openssl(kind: str, tmp_path: Path) -> None:
    cert = made(tmp_path, "-newkey", *kind.split())
    whole, key = fingerprints(der_of(cert))
    assert whole == normal(told(cert, "-fingerprint", "-sha256").partition("=")[2])
    spki = ssl.PEM_cert_to_DER_cert(
        told(cert, "-pubkey").replace("PUBLIC KEY", "CERTIFICATE")  # the same armour
    )
    assert public_key(der_of(cert)) == spki
    assert re.fullmatch("[0-9a-f]{64}", key) and key != whole


@pytest.mark.parametrize("days", [1, 365 * 10, 365 * 60])  # from 2050 on the years have 4 digits
def test_the_end_is_that_of_openssl(days: int, tmp_path: Path) -> None:
    cert = made(tmp_path, "-newkey", "ed25519", "-days", str(days))
    until = told(cert, "-enddate").partition("=")[2]
    then = datetime.strptime(until, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=timezone.utc)
    assert valid_until(der_of(cert)) == then.timestamp()


def test_a_certificate_of_version_1_is_read_too(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[req]\ndistinguished_name = name\n[name]\n")
    words = ["-newkey", "ed25519", "-config", str(config)]
    cert = made(tmp_path, *words)
    if "Version: 1" not in told(
        cert, "-text"
    ):  # OpenSSL from 3.4 on makes one where it is asked to
        cert = made(tmp_path, *words, "-x509v1")
    assert "Version: 1" in told(cert, "-text")
    assert len(fingerprints(der_of(cert))) == 2


@pytest.mark.parametrize("said", ["{}", "sha256:{}", "SHA256:{}"])
def test_a_fingerprint_may_be_written_as_tools_print_it(said: str) -> None:
    digits = "0123456789abcdef" * 4
    colons = ":".join(digits[at : at + 2] for at in range(0, 64, 2))
    for text in (digits, digits.upper(), colons, colons.upper()):
        assert normal(said.format(text)) == digits


@pytest.mark.parametrize("said", ["", "sha1:00", "0" * 63, "0" * 65, "g" * 64, "sha256:", "٠" * 64])
def test_what_is_no_fingerprint_is_refused(said: str) -> None:
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        normal(said)


def test_what_is_cut_off_or_not_der_is_told(certificate: Certificate) -> None:
    der = der_of(certificate.cert)
    for size in range(120):
        with pytest.raises(ValueError, match="not in DER"):
            public_key(der[:size])
    with pytest.raises(ValueError, match="not in DER"):
        public_key(b"\x30\x80" + der)
