"""The certificate of a listener is renewed by its files, and nobody who is there notices."""

from __future__ import annotations

import logging
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

import wamplite
from tests.transports.streams import PATIENCE, Certificate, make_certificate
from tests.waiting import until
from wamplite.locks import Latch
from wamplite.router import Router
from wamplite.router.shown_certificate import ShownCertificate
from wamplite.transports.certificates import fingerprints
from wamplite.transports.tls import TlsOptions


def fingerprint(cert: str) -> str:
    return fingerprints(ssl.PEM_cert_to_DER_cert(Path(cert).read_text()))[0]


@pytest.fixture
def files(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Certificate:
    (tmp_path / "other").mkdir()
    return make_certificate(tmp_path / "other")


@pytest.fixture
def router(files: Certificate) -> Iterator[Router]:
    with Router() as router:
        router.url = router.listen(  # type: ignore[attr-defined]
            "tls://127.0.0.1:0", cert=files.cert, key=files.key
        )
        yield router


def put(new: str, old: str) -> None:
    """Put a file into the place of another one at once."""
    shutil.copy(new, f"{old}.new")
    os.replace(f"{old}.new", old)


def join(router: Router, shown: str) -> wamplite.Session:
    """Join, where that certificate is shown."""
    url: str = router.url  # type: ignore[attr-defined]
    return wamplite.connect(url, fingerprint=shown)


def test_whoever_comes_later_sees_the_new_one_and_the_others_stay(
    router: Router, files: Certificate, other: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    before, after = fingerprint(files.cert), fingerprint(other.cert)
    with caplog.at_level(logging.INFO), join(router, before) as session:
        session.register("com.app.same", lambda value: value)
        put(other.key, files.key)
        put(other.cert, files.cert)
        with join(router, after) as later:
            assert later.call("com.app.same", 1) == 1
        with pytest.raises(wamplite.TransportLost, match=f"expected {before}"):
            join(router, before)
        assert session.call("com.app.same", 2) == 2
    assert f"{files.cert} is shown as it is now, until 20" in caplog.text


def test_files_that_do_not_fit_together_change_nothing_and_are_told_once(
    router: Router, files: Certificate, other: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    before, after = fingerprint(files.cert), fingerprint(other.cert)
    put(other.cert, files.cert)
    for _ in range(3):
        join(router, before).leave()
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1 and "the certificate from before is still shown" in told[0].message
    assert files.cert in told[0].message
    with pytest.raises(wamplite.UsageError, match="cannot load certificate and private key"):
        router.renew_certificates()
    put(other.key, files.key)
    router.renew_certificates()
    join(router, after).leave()


def test_files_that_are_gone_change_nothing(router: Router, files: Certificate) -> None:
    before = fingerprint(files.cert)
    os.rename(files.cert, f"{files.cert}.away")
    join(router, before).leave()
    os.rename(f"{files.cert}.away", files.cert)
    join(router, before).leave()


def test_what_could_not_be_loaded_is_tried_again_although_nothing_changed(
    files: Certificate, other: Certificate
) -> None:
    shown = ShownCertificate(files.cert, files.key)
    put(other.cert, files.cert)
    for _ in range(2):
        with pytest.raises(wamplite.UsageError):
            shown.renew()


def test_unchanged_files_are_not_loaded_again(files: Certificate) -> None:
    shown = ShownCertificate(files.cert, files.key)
    assert shown.context() is shown.context()


def test_listeners_without_tls_have_nothing_to_renew(router: Router) -> None:
    router.listen("tcp://127.0.0.1:0")
    router.renew_certificates()


def test_whom_clients_are_signed_by_is_read_again(
    files: Certificate, other: Certificate, tmp_path: Path
) -> None:
    ca = str(tmp_path / "ca.pem")
    shutil.copy(other.cert, ca)
    shown = ShownCertificate(files.cert, files.key, ca)
    before = shown.context()
    put(files.cert, ca)
    after = shown.context()
    assert before.get_ca_certs() != after.get_ca_certs()


def test_a_certificate_that_ends_soon_is_warned_of_once_a_day(
    files: Certificate, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    shown = ShownCertificate(files.cert, files.key)  # made for two days
    shown.context()
    (warning,) = [record.message for record in caplog.records]
    assert re.fullmatch(rf"{files.cert} is valid until 2\d{{3}}-[01]\d-[0-3]\d: renew it", warning)
    monkeypatch.setattr("wamplite.router.shown_certificate.time.time", lambda: now + 86_460)
    shown.context()
    assert len(caplog.records) == 2


def test_one_that_lasts_is_not_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cert, key = str(tmp_path / "cert"), str(tmp_path / "key")
    command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "90"]
    command += ["-subj", "/CN=x", "-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    ShownCertificate(cert, key).context()
    assert not caplog.records


def test_a_certificate_is_replaced_under_load_and_no_session_is_lost(
    router: Router, files: Certificate, other: Certificate, tmp_path: Path
) -> None:
    """Sessions call each other while others come and go and the files change all the time."""
    kept = tmp_path / "kept"
    kept.mkdir()
    one = Certificate(shutil.copy(files.cert, kept / "crt"), shutil.copy(files.key, kept / "key"))
    over, answers = Latch(), [0] * 4
    arrived: list[int] = []
    with ExitStack() as stack:
        sessions = [stack.enter_context(trusting(router)) for _ in range(4)]
        for number, session in enumerate(sessions):
            session.register(f"com.app.same.{number}", lambda value: value)
            session.subscribe("com.app.tick", arrived.append)

        def work(number: int) -> None:
            while not over.is_set():
                asked = sessions[number - 1].call(f"com.app.same.{number}", answers[number])
                sessions[number].publish("com.app.tick", asked)
                answers[number] += 1

        with ThreadPoolExecutor(4) as pool:
            working = [pool.submit(work, number) for number in range(4)]
            try:
                for turn in range(20):
                    new = (other, one)[turn % 2]
                    put(new.key, files.key)  # a moment in which they do not fit together
                    trusting(router).leave()
                    put(new.cert, files.cert)
                    join(router, fingerprint(new.cert)).leave()
            finally:
                over.set()
            for worker in working:
                worker.result(PATIENCE)
        assert min(answers) > 0
        until(lambda: len(arrived) == 3 * sum(answers), lambda: f"{len(arrived)} of {answers}")


def trusting(router: Router) -> wamplite.Session:
    """Join, whatever certificate is shown."""
    url: str = router.url  # type: ignore[attr-defined]
    return wamplite.connect(url, tls=TlsOptions(verify=False))
