"""tls: whom a verified certificate stands for, and that nothing else stands for anybody."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

import wamplite
from tests.auth.dialogues import DENIED, PASSWORD, QUICK
from tests.transports.streams import Certificate, make_certificate
from wamplite import ApplicationError, JoinRefused, Router, TransportLost, UsageError
from wamplite.auth import ClientCertificate, Ticket, User, Users, methods
from wamplite.auth.tls import names_of
from wamplite.transports.tls import TlsOptions, server_context

SECONDS = 20


class Authority(NamedTuple):
    """A CA that signs certificates of clients."""

    folder: Path

    @property
    def cert(self) -> str:
        return str(self.folder / "ca.crt")

    def sign(self, name: str, subject: str, alternatives: str = "") -> Certificate:
        """Make a certificate of a client."""
        files = Certificate(str(self.folder / f"{name}.crt"), str(self.folder / f"{name}.key"))
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        ca = ["-CA", self.cert, "-CAkey", str(self.folder / "ca.key"), "-days", "2"]
        more = ["-addext", f"subjectAltName={alternatives}"] if alternatives else []
        where = ["-keyout", files.key, "-out", files.cert, "-subj", subject]
        openssl("req", "-x509", *key, *ca, *where, *more)
        return files


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=SECONDS)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("ca")
    where = ["-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.crt"), "-subj", "/CN=ours"]
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            *where)  # fmt: skip
    return Authority(folder)


def digest(cert: str) -> str:
    der = ssl.PEM_cert_to_DER_cert(Path(cert).read_text())
    return "sha256:" + hashlib.sha256(der).hexdigest()


@pytest.fixture(scope="module")
def joe(authority: Authority) -> Certificate:
    return authority.sign("joe", "/O=home/CN=joe", "DNS:joe.local,email:joe@example.com")


@pytest.fixture(scope="module")
def url(authority: Authority, certificate: Certificate, joe: Certificate) -> Iterator[str]:
    users = [
        User.of_certificates("joe", "sensor", "cn:joe"),
        User.of_certificates("ann", "admin", "email:ann@example.com", "cn:another"),
        User.of_certificates("one", "admin", digest(authority.sign("one", "/CN=joe").cert)),
        User.of_password("pw", "sensor", PASSWORD, iterations=QUICK),
    ]
    ways = methods(Users(users), ["tls", "ticket"])
    with Router(authmethods=ways, login_delay=0) as router:
        yield router.listen(
            "rss://localhost:0", cert=certificate.cert, key=certificate.key, ca=authority.cert
        )


def connect(url: str, server: Certificate, shown: Certificate | None, *auth: Any) -> Any:
    options = TlsOptions(server.cert, True, *(shown or ()))
    return wamplite.connect(url, tls=options, auth=list(auth or [ClientCertificate()]))


def test_a_certificate_lets_in_whom_it_stands_for(
    url: str, certificate: Certificate, authority: Authority, joe: Certificate
) -> None:
    with connect(url, certificate, joe) as session:
        assert (session.authid, session.authrole, session.authmethod) == ("joe", "sensor", "tls")
    with connect(url, certificate, joe, ClientCertificate("joe")) as session:
        assert session.authid == "joe"
    ann = authority.sign("ann", "/CN=x", "email:ann@example.com")
    with connect(url, certificate, ann) as session:
        assert (session.authid, session.authrole) == ("ann", "admin")
    exact = Certificate(*(str(authority.folder / f"one.{kind}") for kind in ("crt", "key")))
    with connect(url, certificate, exact) as session:
        assert session.authid == "one"  # though it says to be joe


def test_another_name_or_nobodys_certificate_is_denied(
    url: str, certificate: Certificate, authority: Authority, joe: Certificate
) -> None:
    nobody = authority.sign("nobody", "/CN=nobody", "DNS:joe,email:joe@example.com")
    for shown, authid in ((joe, "ann"), (nobody, None), (nobody, "joe")):
        with pytest.raises(JoinRefused) as refused:
            connect(url, certificate, shown, ClientCertificate(authid))
        assert refused.value.error == DENIED


def test_a_certificate_that_our_authority_has_not_signed_ends_the_connection(
    url: str, certificate: Certificate, tmp_path: Path
) -> None:
    with pytest.raises(TransportLost):
        connect(url, certificate, make_certificate(tmp_path, "joe"))


def test_without_a_certificate_the_next_method_has_its_turn(
    url: str, certificate: Certificate, joe: Certificate
) -> None:
    both = [ClientCertificate(), Ticket("pw", PASSWORD)]
    with connect(url, certificate, None, *both) as session:
        assert (session.authid, session.authmethod) == ("pw", "ticket")
    with pytest.raises(ApplicationError, match="no_matching_auth_method"):
        connect(url, certificate, None)
    with pytest.raises(JoinRefused, match="no such user"):  # the certificate is asked first
        connect(url, certificate, joe, *both)


def test_only_what_tls_has_verified_has_a_name() -> None:
    subject = {"subject": ((("commonName", "joe"),),)}
    assert names_of(None) == []
    for certificate, told in ((None, subject), (b"x", {})):
        assert names_of(SimpleNamespace(certificate=certificate, subject=told)) == []
    odd = {
        "subject": ((("organizationName", "o"),), (("commonName", "a"), ("commonName", "b"))),
        "subjectAltName": (("DNS", "pi.local"), ("URI", "urn:x"), ("IP Address", "10.0.0.1"),
                           ("Registered ID", "1.2"), ("email", "joe@x")),
    }  # fmt: skip
    names = names_of(SimpleNamespace(certificate=b"x", subject=odd))
    assert names[0] == "sha256:" + hashlib.sha256(b"x").hexdigest()
    assert names[1:] == ["dns:pi.local", "uri:urn:x", "ip:10.0.0.1", "email:joe@x", "cn:a", "cn:b"]


def test_names_of_certificates_are_checked(certificate: Certificate, tmp_path: Path) -> None:
    kinds = ["dns:pi.local", "email:joe@x", "uri:urn:x", "ip:10.0.0.1", "cn:joe"]
    assert User.of_certificates("joe", "a", *kinds).certificates == set(kinds)
    for wrong in ("joe", "cn:", "CN:joe", "o:home"):
        with pytest.raises(UsageError, match=f"known by one of sha256:.* not by '{wrong}'"):
            User.of_certificates("joe", "a", wrong)
    with pytest.raises(UsageError, match="64 hexadecimal digits in lower case"):
        User.of_certificates("joe", "a", "sha256:AB")
    with pytest.raises(UsageError, match="'a' and 'b' have the same certificate cn:joe"):
        Users(User.of_certificates(name, "a", "cn:joe") for name in ("a", "b"))
    with pytest.raises(UsageError, match="cannot load the CA certificates of"):
        server_context(*certificate, ca=str(tmp_path / "nothing"))
    with Router() as router, pytest.raises(UsageError, match="CA file x needs its certificate"):
        router.listen("rs://127.0.0.1:0", ca="x")
