"""What proves who a client verb is: words, files, the environment, ssh-agent's keys."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.auth.dialogues import PUBKEY, SEED
from wamplite import Router, UsageError
from wamplite.auth import Scram, Ticket, User, Users, WampCra, methods
from wamplite.cli import connection
from wamplite.cli.identity import secret_of

SECONDS = 20


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    users = [User.of_password("joe", "a", "s3cret"), User.of_pubkeys("key", "a", PUBKEY)]
    with Router(authmethods=methods(Users(users))) as router:
        yield router.listen("rs://127.0.0.1:0")


def call(url: str, *words: str, **environment: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "wamplite", "call", "wamp.session.count", "--url", url, *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False,
        env=os.environ | environment,
    )  # fmt: skip
    return done.returncode, done.stdout.strip() or done.stderr


def test_a_verb_says_who_it_is_by_options_or_by_the_environment(url: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    key = tmp_path / "key"
    key.write_text(SEED)
    key.chmod(0o600)
    joined = (0, "1")
    assert call(url, "--authid", "joe", "--secret", f"file:{secret}") == joined
    assert call(url, "--authid", "joe", "--ticket", "env:MINE", MINE="s3cret") == joined
    assert call(url, "--key", str(key)) == joined
    assert call(url, WAMPLITE_AUTHID="joe", WAMPLITE_SECRET="s3cret") == joined
    assert call(url, "--key", "env:MINE", MINE=SEED) == joined
    code, text = call(url, "--authid", "joe", "--secret", "wrong")
    assert code == 1 and "wamp.error.authentication_denied" in text
    code, text = call(url, "--secret", "s3cret")
    assert code == 2 and "--secret proves who --authid is" in text
    code, text = call(url, "--authid", "joe", "--secret", f"file:{tmp_path / 'nothing'}")
    assert code == 2 and "nothing: No such file" in text


@pytest.mark.parametrize(
    ("words", "is_told"),
    [
        ((), True),
        (("--authid", "joe"), True),
        (("--key", "KEY"), False),
        (("--authid", "joe", "--secret", "wrong"), False),
    ],
)
def test_who_is_unknown_is_told_how_to_say_it(
    url: str, tmp_path: Path, words: tuple[str, ...], is_told: bool
) -> None:
    (tmp_path / "key").write_text(SEED[::-1])
    (tmp_path / "key").chmod(0o600)
    code, text = call(url, *(word.replace("KEY", str(tmp_path / "key")) for word in words))
    assert code == 1 and "wamp.error." in text
    assert ("--authid NAME says it, with --secret" in text) is is_told


def test_a_method_that_is_not_offered_is_told_with_the_others(tmp_path: Path) -> None:
    users = Users([User.of_pubkeys("key", "a", PUBKEY)])
    with Router(authmethods={"cryptosign": methods(users)["cryptosign"]}) as router:
        url = router.listen("rs://127.0.0.1:0")
        code, text = call(url, "--authid", "joe", "--ticket", "x")
        assert code == 1 and "no_matching_auth_method" in text and "--key FILE" in text
        line, device = os.openpty()
        words = (os.ttyname(device), "--publish", "com.example.t", "--url", url)
        command = [sys.executable, "-m", "wamplite", "serial", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        os.close(line)
        os.close(device)
        assert done.returncode == 1 and "--authid NAME says it, with --secret" in done.stderr


def given(*words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    connection.add_connection(parser)
    return connection.connection(parser.parse_args(words))


def test_the_best_way_is_offered_first(tmp_path: Path) -> None:
    ways = given("--authid", "joe", "--ticket", "t", "--secret", "s")["auth"]
    assert list(map(type, ways)) == [Scram, WampCra, Ticket]
    for name, kind in (("scram", Scram), ("wampcra", WampCra)):
        only = given("--authid", "joe", "--secret", "s", "--authmethod", name)["auth"]
        assert list(map(type, only)) == [kind]
    assert "auth" not in given("--authid", "joe")
    assert "auth" not in given("--channel-binding", "tls-unique")


def test_an_authmethod_of_the_environment_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAMPLITE_AUTHMETHOD", "scam")
    with pytest.raises(UsageError, match="must be scram or wampcra, not 'scam'"):
        given("--authid", "joe", "--secret", "s")


def test_what_is_bound_to_the_connection_has_no_unbound_way_beside_it() -> None:
    bound = ("--authid", "joe", "--ticket", "t", "--secret", "s", "--channel-binding", "tls-unique")
    assert list(map(type, given(*bound)["auth"])) == [Scram]
    with pytest.raises(UsageError, match="nothing of it can be bound"):
        given(*bound, "--authmethod", "wampcra")


def test_a_certificate_is_shown() -> None:
    from wamplite.auth import ClientCertificate
    from wamplite.transports.tls import TlsOptions

    found = given("--cert", "joe.crt", "--cert-key", "joe.key")
    assert found["tls"] == TlsOptions(None, True, "joe.crt", "joe.key")
    assert list(map(type, found["auth"])) == [ClientCertificate]


def test_the_agent_is_asked_for_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "")
    with pytest.raises(UsageError, match="ssh-agent: none is running"):
        given("--key", "agent:")


def test_a_secret_is_a_word_or_where_it_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MINE", "s3cret")
    assert secret_of("env:MINE") == secret_of("s3cret") == "s3cret"
    assert secret_of("http://x") == "http://x"
    with pytest.raises(UsageError, match="env:ANOTHER: there is no such variable"):
        secret_of("env:ANOTHER")
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o644)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="others may read it"):
        secret_of("file:open")
