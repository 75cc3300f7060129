"""What a bridge joins with, told by its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.auth.dialogues import PUBKEY, SEED
from tests.client.scripted import ROLES, Peer, soon
from tests.transports.streams import make_certificate
from tests.waiting import until
from wamplite.auth import User, Users, methods
from wamplite.bridge.session import component_of, heeds_retain
from wamplite.bridge.settings import SessionSettings
from wamplite.core.errors import UsageError


def test_it_says_who_it_is_and_answers_a_challenge_with_the_ticket_of_its_file(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    secret.chmod(0o600)
    with Peer() as peer:
        settings = SessionSettings(url=peer.url, authid="joe", secret_file=str(secret))
        component = component_of(settings)
        component.start()
        peer.accept()
        hello = peer.receive()
        assert (hello[1], hello[2]["authid"]) == ("realm1", "joe")
        assert hello[2]["authmethods"] == ["ticket"]
        peer.send([4, "ticket", {}])
        assert peer.receive()[:2] == [5, "open sesame"]
        peer.send([2, 4711, {"roles": ROLES}])
        until(lambda: component.session is not None, "joined")
        stopping = soon(component.stop)
        peer.goodbye()
        stopping.result()


def test_it_proves_who_it_is_by_what_it_is_told_to(tmp_path: Path) -> None:
    files = {"secret": "open sesame", "key": SEED}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    users = [User.of_password("joe", "a", "open sesame"), User.of_pubkeys("key", "a", PUBKEY)]
    secret, key = {"authid": "joe", "secret_file": str(tmp_path / "secret")}, tmp_path / "key"
    ways: list[tuple[str, dict[str, Any]]] = [
        ("scram", secret | {"authmethods": ("scram", "ticket")}),
        ("wampcra", secret | {"authmethods": ("wampcra",)}),
        ("ticket", secret),
        ("cryptosign", {"key_file": str(key)}),
    ]
    with wamplite.Router(authmethods=methods(Users(users))) as router:
        url = router.listen("rs://127.0.0.1:0")
        for method, given in ways:
            with component_of(SessionSettings(url=url, **given)) as component:
                until(lambda it=component: it.session is not None, "joined")
                assert component.session is not None
                assert component.session.authmethod == method


def test_a_secret_that_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="absent"):
        component_of(SessionSettings(url="rs://127.0.0.1:1", secret_file=str(tmp_path / "absent")))


def test_it_trusts_the_authority_that_it_is_told_and_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = make_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other")
    with wamplite.Router(realms=["realm1"]) as router:
        url = router.listen("tls://127.0.0.1:0", cert=authority.cert, key=authority.key)
        for ca, is_trusted in ((authority.cert, True), (other.cert, False)):
            component = component_of(SessionSettings(url=url, ca=ca, max_retry_delay=0.1))
            component.start()
            if is_trusted:
                until(lambda it=component: it.session is not None, "joined")
            else:
                until(lambda it=component: "again in" in caplog.text or it.error, "refused")
                assert component.session is None
            component.stop()


@pytest.mark.parametrize(
    ("broker", "retains"),
    [
        ({}, False),
        ({"features": None}, False),
        ({"features": {"event_retention": False}}, False),
        ({"features": {"event_retention": True}}, True),
    ],
)
def test_a_router_heeds_retain_where_it_announces_it(broker: dict[str, Any], retains: bool) -> None:
    with Peer() as peer:
        session = peer.join(features={"broker": broker, "dealer": {}})
        assert heeds_retain(session) is retains
        leaving = soon(session.leave)
        peer.goodbye()
        leaving.result()
