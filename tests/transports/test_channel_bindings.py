"""Channel bindings: both ends of one connection see the same, and no other connection does."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.transports.streams import PATIENCE, Certificate, make_certificate
from tests.transports.test_tls import shaken
from wamplite.transports import tls
from wamplite.transports.channel_bindings import END_POINT, UNIQUE, end_point


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_both_ends_see_the_same(version: str, certificate: Certificate) -> None:
    context, trusting = tls.server_context(*certificate), tls.client_context(certificate.cert)
    trusting.maximum_version = ssl.TLSVersion[version]
    seen = []
    for _ in range(2):
        with shaken(context, trusting) as (client, server):
            assert client.tls.bindings == server.tls.bindings
            seen.append(client.tls.bindings)
    first, second = seen
    assert first[END_POINT] == second[END_POINT]
    if version == "TLSv1_2":
        assert len(first[UNIQUE]) == 12 and first[UNIQUE] != second[UNIQUE]
    else:
        assert UNIQUE not in first  # OpenSSL would tell something: RFC 5929 knows no TLS 1.3


def test_a_resumed_session_has_no_unique_binding(certificate: Certificate) -> None:
    context, trusting = tls.server_context(*certificate), tls.client_context(certificate.cert)
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    with shaken(context, trusting) as (client, _):
        resumable = client._tls.session
    assert resumable is not None
    again = _Resuming(trusting, resumable)
    with shaken(context, again) as (client, server):  # type: ignore[arg-type]
        assert client._tls.session_reused and server._tls.session_reused
        assert set(client.tls.bindings) == set(server.tls.bindings) == {END_POINT}


class _Resuming:
    """A context whose next connection goes on with a session."""

    def __init__(self, context: ssl.SSLContext, session: ssl.SSLSession) -> None:
        self.context, self.session = context, session

    def wrap_bio(self, *args: object) -> ssl.SSLObject:
        found = self.context.wrap_bio(*args)  # type: ignore[arg-type]
        found.session = self.session
        return found


@pytest.mark.parametrize(
    ("kind", "hashed"),
    [
        ("rsa:2048 -sha1", "sha256"),
        ("rsa:2048 -sha256", "sha256"),
        ("rsa:2048 -sha384", "sha384"),
        ("rsa:2048 -sha512", "sha512"),
        ("ec -pkeyopt ec_paramgen_curve:prime256v1 -sha384", "sha384"),
        ("ed25519", None),
    ],
)
def test_the_end_point_is_hashed_as_its_certificate_is_signed(
    kind: str, hashed: str | None, tmp_path: Path
) -> None:
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert"), "-subj", "/CN=x"]
    command = ["openssl", "req", "-x509", "-newkey", *kind.split(), "-nodes", *files]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "cert").read_text())
    assert end_point(der) == (hashlib.new(hashed, der).digest() if hashed else None)


NAMES = {  # of RFC 3279, 4055 and 5758 -> the hash of RFC 5929, section 4.1
    "1.2.840.113549.1.1.4": "sha256",  # md5WithRSAEncryption
    "1.2.840.113549.1.1.5": "sha256",  # sha1WithRSAEncryption
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.2.840.113549.1.1.14": "sha224",
    "1.2.840.10045.4.1": "sha256",  # ecdsa-with-SHA1
    "1.2.840.10045.4.3.1": "sha224",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
    "1.3.101.112": None,  # Ed25519
}


@pytest.mark.parametrize(("name", "hashed"), NAMES.items())
def test_each_kind_of_signature_has_its_hash(name: str, hashed: str | None) -> None:
    algorithm = der(0x30, der(0x06, numbers(name)))
    certificate = der(0x30, der(0x30, b"what is signed") + algorithm + der(0x03, b"\0"))
    expected = hashlib.new(hashed, certificate).digest() if hashed else None
    assert end_point(certificate) == expected


def der(tag: int, content: bytes) -> bytes:
    """Return a short element."""
    return bytes([tag, len(content)]) + content


def numbers(name: str) -> bytes:
    """Return an OID as DER has it."""
    first, second, *others = map(int, name.split("."))
    found = bytes([40 * first + second])
    for number in others:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.insert(0, 0x80 | number & 0x7F)
        found += bytes(digits)
    return found


def test_the_certificate_that_is_shown_is_the_first_of_its_file(
    certificate: Certificate, tmp_path: Path
) -> None:
    text, key = (Path(path).read_text() for path in certificate)
    other = Path(make_certificate(tmp_path, "other").cert).read_text()
    chain = tmp_path / "chain.pem"
    chain.write_text(f"localhost\n{key}{text}{other}")
    assert tls.server_context(str(chain)).certificate == ssl.PEM_cert_to_DER_cert(text)
