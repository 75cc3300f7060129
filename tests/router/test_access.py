"""Which authmethods a listener offers, of those that the realm has."""

from __future__ import annotations

import logging

import pytest

from wamplite.auth import Ticket, User, Users, methods
from wamplite.core.errors import JoinRefused, UsageError
from wamplite.core.handshake import OPEN, AuthMethod, anonymous
from wamplite.router import Router
from wamplite.router.access import Access

NAMES = ("scram", "wampcra", "ticket", "anonymous")
ALL: dict[str, AuthMethod] = dict.fromkeys(NAMES, anonymous)
FAR = Access(is_near=False)


@pytest.mark.parametrize(
    ("access", "offered"),
    [
        (Access(), ["scram", "wampcra", "ticket", "anonymous"]),
        (FAR, ["scram", "wampcra"]),
        (FAR._replace(is_secure=True), ["scram", "wampcra", "ticket"]),
        (FAR._replace(allow_anonymous=True), ["scram", "wampcra", "anonymous"]),
        (Access(names=("wampcra", "scram", "tls")), ["wampcra", "scram"]),
        (FAR._replace(names=("ticket",)), ["ticket"]),
        (FAR._replace(names=("anonymous", "scram")), ["scram"]),
        (FAR._replace(own={"ticket": anonymous, "anonymous": anonymous}), ["ticket"]),
        (Access(own={}), []),
        (Access(own={"cookie": anonymous}), ["cookie"]),
        (FAR._replace(own={"cookie": anonymous}, names=("cookie",)), []),
        (FAR._replace(own={"cookie": anonymous}, is_secure=True), ["cookie"]),
    ],
)
def test_a_listener_offers_what_is_safe_there_or_was_asked_for(
    access: Access, offered: list[str]
) -> None:
    assert list(access.offered(ALL)) == offered
    assert set(access.left_out(ALL)).isdisjoint(offered)


def test_a_realm_without_methods_lets_everybody_in_from_near_alone() -> None:
    assert Access().offered(None) == OPEN
    assert FAR.offered(None) == {}
    assert FAR.left_out(None) == ["anonymous"]


@pytest.mark.parametrize(
    ("access", "realms", "text"),
    [
        (FAR, [None], "nobody has to say who they are"),
        (FAR, [{"anonymous": anonymous}], "nobody has to say who they are"),
        (FAR._replace(names=("anonymous", "scram")), [ALL], "nobody has to say who they are"),
        (Access(names=("tls",)), [ALL], "offers tls, and the realms have anonymous, scram, ticket"),
        (FAR, [{"ticket": anonymous}], "offers what is safe there, and the realms have ticket"),
    ],
)
def test_a_listener_where_nobody_could_join_is_refused(
    access: Access, realms: list[dict[str, AuthMethod] | None], text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        access.check("tcp://0.0.0.0:0", realms)


def test_one_realm_that_can_be_joined_is_enough_and_none_may_come_later() -> None:
    FAR.check("tcp://0.0.0.0:0", [None, ALL])
    FAR.check("tcp://0.0.0.0:0", [])


def test_each_realm_has_methods_of_its_own_which_a_listener_narrows(
    caplog: pytest.LogCaptureFixture,
) -> None:
    joe = Users([User.of_password("joe", "sensor", "s3cret", iterations=4096)])
    with Router(realms=["open"]) as router:
        router.add_realm("closed", authmethods=methods(joe))
        near = router.listen("rs://127.0.0.1:0")
        narrow = router.listen("rs://127.0.0.1:0", auth=["scram"])
        import wamplite

        with wamplite.connect(near, realm="open") as session:
            assert session.authmethod == "anonymous"
        with wamplite.connect(near, realm="closed", auth=Ticket("joe", "s3cret")) as session:
            assert (session.authrole, session.authmethod) == ("sensor", "ticket")
        for url, realm, told in (
            (near, "closed", "offered here: wamp-scram"),
            (narrow, "open", "offered here: nothing"),
        ):
            with pytest.raises(JoinRefused, match=told):
                wamplite.connect(url, realm=realm)
        with pytest.raises(JoinRefused, match="offered here: scram;"):
            wamplite.connect(narrow, realm="closed", auth=Ticket("joe", "s3cret"))
        with caplog.at_level(logging.WARNING):
            router.listen("rs://0.0.0.0:0")
        told = [record.getMessage() for record in caplog.records]
        assert "rs://0.0.0.0:0 does not offer ticket, which realm closed has" in told
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            router.listen("rs://0.0.0.0:0", auth=["ticket"])
        assert "everybody on the way can read them" in caplog.text
