"""`wamplite cert`: what it makes is taken by strict TLS, and by running routers."""

from __future__ import annotations

import os
import shutil
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import wamplite
from tests.processes import running, running_router
from tests.transports.streams import PATIENCE, tcp_pair
from wamplite.cli import host_names, main
from wamplite.cli.authority import Authority, der_of
from wamplite.core.errors import UsageError
from wamplite.transports.certificates import fingerprints, valid_until

if shutil.which("openssl") is None:
    pytest.skip("the openssl command is not here", allow_module_level=True)


def cert(directory: Path, *words: str) -> int:
    return main(["cert", "--directory", str(directory), *words])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made")
    assert cert(directory) == 0
    assert cert(directory, "client", "joe") == 0
    return directory


@pytest.fixture
def own(made: Path, tmp_path: Path) -> Iterator[Path]:
    """Give files that may be changed."""
    yield shutil.copytree(made, tmp_path / "own")


def strict(ca: Path) -> ssl.SSLContext:
    """Return a context as Python 3.13 makes it."""
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def shaken(server: ssl.SSLContext, client: ssl.SSLContext, hostname: str) -> bytes | None:
    """Return the certificate that the server sees of the client, or raise SSLError."""
    ours, theirs = tcp_pair()
    seen: list[bytes | None] = []

    def serve() -> None:
        with (
            suppress(ssl.SSLError, OSError),
            server.wrap_socket(theirs, server_side=True) as wrapped,
        ):
            seen.append(wrapped.getpeercert(True))
            wrapped.sendall(b"welcome")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=hostname) as wrapped:
            assert wrapped.recv(7) == b"welcome"
    finally:
        thread.join(PATIENCE)
        ours.close()
        theirs.close()
    return seen[0]


def server(directory: Path, name: str = "router") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
    context.load_verify_locations(directory / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.mark.parametrize("name", [host_names.of_this_host()[0], "localhost", "127.0.0.1", "::1"])
def test_the_router_is_trusted_by_each_of_its_names(made: Path, name: str) -> None:
    if name == "::1" and name not in host_names.of_this_host():
        pytest.skip("there is no IPv6 here")
    assert shaken(server(made), strict(made / "ca.pem"), name) is None


def test_it_is_not_by_another(made: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'example.com'"):
        shaken(server(made), strict(made / "ca.pem"), "example.com")


def test_a_client_shows_who_it_is(made: Path) -> None:
    context = strict(made / "ca.pem")
    context.load_cert_chain(made / "joe.pem", made / "joe.key")
    assert shaken(server(made), context, "localhost") == der_of(made / "joe.pem")


def test_a_client_cannot_pass_for_the_router_nor_the_router_for_a_client(made: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate purpose"):
        shaken(server(made, "joe"), strict(made / "ca.pem"), "localhost")
    context = strict(made / "ca.pem")
    context.load_cert_chain(made / "router.pem", made / "router.key")
    with pytest.raises(ssl.SSLError):
        shaken(server(made), context, "localhost")


def test_keys_are_for_their_owner_alone(made: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()}
    keys, certificates = {"ca.key", "router.key", "joe.key"}, {"ca.pem", "router.pem", "joe.pem"}
    assert modes == dict.fromkeys(keys, 0o600) | dict.fromkeys(certificates, 0o644)


def test_names_may_be_given_and_are_kept_when_it_is_renewed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--host", "Pi.example.com", "--host", "10.0.0.7", "--host", "[fd00::2]")
    assert cert(tmp_path, *words, "--host", "*.example.com", "--host", "münchen.de") == 0
    wanted = ["pi.example.com", "10.0.0.7", "fd00::2", "*.example.com", "xn--mnchen-3ya.de"]
    assert Authority(tmp_path).hosts_of("router") == wanted
    before = fingerprints(der_of(tmp_path / "router.pem"))
    assert cert(tmp_path, "renew", "--host", "10.0.0.8", "--days", "30") == 0
    assert Authority(tmp_path).hosts_of("router") == [*wanted, "10.0.0.8"]
    after = fingerprints(der_of(tmp_path / "router.pem"))
    assert before[0] != after[0] and before[1] == after[1]
    told = capsys.readouterr().out
    assert f"sha256:{after[0]}" in told and f"sha256:{after[1]}" in told


def test_an_authority_that_is_renewed_trusts_what_it_has_signed(own: Path) -> None:
    old = shutil.copy(own / "ca.pem", own / "old.pem")
    assert cert(own, "renew", "ca") == 0
    assert der_of(own / "ca.pem") != der_of(own / "old.pem")
    for ca in (own / "ca.pem", Path(old)):
        assert shaken(server(own), strict(ca), "localhost") is None
    assert cert(own, "renew") == 0
    assert cert(own, "renew", "joe") == 0
    for ca in (own / "ca.pem", Path(old)):
        assert shaken(server(own), strict(ca), "localhost") is None


def test_a_certificate_ends_with_its_authority_at_the_latest(own: Path) -> None:
    ca = own / "ca.pem"
    command = ["openssl", "x509", "-in", str(ca), "-signkey", str(own / "ca.key"), "-days", "20"]
    renewed = subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE).stdout
    ca.write_bytes(renewed)
    assert cert(own, "renew") == 0
    assert valid_until(der_of(own / "router.pem")) <= valid_until(der_of(ca))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "router.pem is there already: wamplite cert renew router renews it"),
        (["client", "joe"], "joe.pem is there already: wamplite cert renew joe renews it"),
        (["client"], "client NAME: 1 to 64 letters"),
        (["client", "ca"], "not ca or router, nor 'ca'"),
        (["client", "../x"], "client NAME: 1 to 64 letters"),
        (["client", "x", "--host", "pi"], "a client is known by its name"),
        (["renew", "joe", "--host", "pi"], "joe is a client, known by its name"),
        (["renew", "ann"], "ann.key is not there"),
        (["show", "ann"], "ann.pem: No such file"),
        (["router", "pi"], "--host pi"),
        (["--host", "a b"], "expected the name of a host, or its address, not 'a b'"),
        (["--host", "a,DNS:b"], "expected the name of a host"),
        (["--host", "-a"], "expected"),
        (["--host", "x" * 64], "expected the name of a host"),
        (["--days", "826"], "--days is at most 825, not 826"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    own: Path, words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    with suppress(SystemExit):
        assert cert(own, *words) == 2
    assert text in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in own.iterdir()} == before


def test_a_key_whose_certificate_is_away_is_not_lost(own: Path) -> None:
    (own / "ca.pem").unlink()
    (own / "router.pem").unlink()
    (own / "router.key").unlink()
    with pytest.raises(UsageError, match="ca.key is there, and .*ca.pem is not"):
        Authority(own).found()


def test_where_openssl_is_missing_it_says_how_to_get_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wamplite", "cert", "--directory", str(tmp_path)],
        env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 2 and "sudo apt install openssl" in done.stderr
    assert not list(tmp_path.iterdir())


def test_what_openssl_says_is_told(own: Path) -> None:
    (own / "ca.key").write_text("no key")
    with pytest.raises(UsageError, match="openssl x509 failed: "):
        Authority(own).sign("router", ["localhost"])


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ca.key cannot be written: No such file"):
        Authority(tmp_path / "none").found()


def test_a_running_router_shows_what_was_renewed_and_loses_nobody(own: Path) -> None:
    files = ["--cert", str(own / "router.pem"), "--key", str(own / "router.key")]
    ca = str(own / "ca.pem")
    before, key = fingerprints(der_of(own / "router.pem"))
    with running_router(*files, listen=["tls://127.0.0.1:0"]) as router:
        url = router.urls[0]
        with wamplite.connect(url, ca=ca, fingerprint=before) as session:
            assert cert(own, "renew") == 0
            after, _ = fingerprints(der_of(own / "router.pem"))
            with wamplite.connect(url, ca=ca, fingerprint=after) as later:
                assert later.call("wamp.session.count") == 2
            with pytest.raises(wamplite.TransportLost, match="expected " + before):
                wamplite.connect(url, ca=ca, fingerprint=before)
            wamplite.connect(url, fingerprint=key).leave()
            assert session.call("wamp.session.count") == 1
        router.await_stderr("is shown as it is now")
        verb = [sys.executable, "-m", "wamplite", "call", "wamp.session.count", "--url", url]
        for trust in (["--ca", ca], ["--fingerprint", f"sha256:{key}"]):
            with running(*verb, *trust) as called:
                assert called.line() == "1"
                assert called.wait() == 0
        with running(*verb, "--fingerprint", before) as called:
            assert called.wait() == 3
            assert "is it another router, or has it a new key?" in called.stderr()


def test_this_host_knows_its_names() -> None:
    names = host_names.of_this_host()
    assert {"localhost", "127.0.0.1"} <= set(names)
    assert all(host_names.checked(name) == name for name in names)
    assert not any(name.startswith("fe80") for name in names)
