"""From HELLO to WELCOME: what a client says, takes and refuses, and that it cannot hang."""

from __future__ import annotations

import time
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, Peer, inside, leave, soon

SOON = 0.2  # seconds that a test lets a timeout run
ALL_ROLES: dict[str, Any] = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}


def test_hello_announces_the_four_roles(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1", authid="joe", features="basic")
    hello = peer.welcome()
    assert hello[1] == "realm1"
    assert hello[2]["roles"] == ALL_ROLES
    assert hello[2]["authid"] == "joe"
    assert hello[2]["agent"] == f"wamplite-{wamplite.__version__}"
    session = joining.result()
    assert (session.id, session.realm, session.error) == (4711, "realm1", None)
    leave(peer, session)


NULLS = ("agent", "authextra", "authid", "authmethod", "authprovider", "authrole", "realm")


def test_a_welcome_may_say_null_and_announce_by_anything(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    features = {"call_timeout": 1, "call_canceling": None, "progressive_call_results": "yes"}
    roles = {"dealer": {"features": features}, "broker": None, "caller": {}, "subscriber": 5}
    peer.send([2, 4711, {"roles": roles, **dict.fromkeys(NULLS)}])
    session = joining.result()
    assert (session.id, session.realm) == (4711, "realm1")
    assert session.authid is session.authrole is session.authmethod is None
    assert not any(inside(session).announced("dealer", feature) for feature in features)
    assert not inside(session).announced("broker", "publisher_exclusion")
    with pytest.raises(wamplite.CallTimeout):
        session.call("com.app.p", options={"timeout": 0.01})
    assert peer.receive() == [48, 1, {}, "com.app.p"]
    leave(peer, session)


@pytest.mark.parametrize("number", [0, -1, 2**53 + 1, 2**56, "7", 7.0, None, True])
def test_an_id_that_is_none_is_refused_by_name(peer: Peer, number: Any) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    peer.send([2, number, {"roles": {"broker": {}, "dealer": {}}}])
    assert peer.receive()[2] == "wamp.error.protocol_violation"
    peer.hang_up()
    with pytest.raises(wamplite.ProtocolError, match="WELCOME: Session must be an"):
        joining.result()
    session = peer.join()
    subscribing = soon(session.subscribe, "com.app.t", print)
    peer.send([33, peer.receive()[1], number])
    with pytest.raises(wamplite.ProtocolError, match="SUBSCRIBED: Subscription must be an"):
        subscribing.result()


def test_the_largest_ids_are_taken(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    peer.send([2, 2**53, {"roles": {"broker": {}, "dealer": {}}}])
    session = joining.result()
    assert session.id == 2**53
    subscribing = soon(session.subscribe, "com.app.t", print)
    peer.send([33, peer.receive()[1], 2**53])
    assert subscribing.result().id == 2**53
    leave(peer, session)


def test_a_welcome_that_is_refused_is_answered_with_role_and_feature(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    peer.send([2, 4711, {"roles": {"broker": {"features": [1]}}}])
    assert peer.receive()[2] == "wamp.error.protocol_violation"
    peer.hang_up()
    with pytest.raises(wamplite.ProtocolError, match="not the features of broker as a list"):
        joining.result()


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("wamp.error.no_such_realm", wamplite.JoinRefused),
        ("wamp.error.not_authorized", wamplite.AuthenticationFailed),
    ],
)
def test_abort_refuses_the_session(peer: Peer, reason: str, kind: type[Exception]) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    peer.send([3, {"message": "no"}, reason])
    with pytest.raises(kind, match=f"{reason}: 'no'"):
        joining.result()


def test_a_challenge_nobody_can_answer_is_answered_with_abort(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    peer.send([4, "ticket", {}])
    assert peer.receive()[2] == "wamp.error.authentication_failed"
    peer.hang_up()
    with pytest.raises(wamplite.AuthenticationFailed, match="ticket"):
        joining.result()


def test_a_challenge_is_answered_through_the_doorway(peer: Peer) -> None:
    from wamplite.core.messages import Authenticate

    def ticket() -> Any:
        yield {"authid": "joe"}
        yield Authenticate("s3cret", {})

    methods = {"ticket": ticket}
    joining = soon(wamplite.connect, peer.url, "realm1", authmethods=methods)
    peer.accept()
    assert peer.receive()[2]["authmethods"] == ["ticket"]
    peer.send([4, "ticket", {}])
    assert peer.receive() == [5, "s3cret", {}]
    details = {"roles": {"dealer": {}}, "authid": "joe", "authrole": "sensor"}
    peer.send([2, 1, details | {"authmethod": "ticket"}])
    session = joining.result()
    assert (session.authid, session.authrole, session.authmethod) == ("joe", "sensor", "ticket")
    leave(peer, session)


@pytest.mark.parametrize("data", [b"\0\0\0\x02{]", b"\0\0\0\x09[33,1,70]"[:13], b"\5\0\0\0"])
def test_nonsense_instead_of_welcome_is_a_protocol_error(peer: Peer, data: bytes) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1", connect_timeout=2)
    peer.accept()
    peer.receive()
    peer.send_bytes(data)
    assert peer.receive()[2] == "wamp.error.protocol_violation"
    peer.hang_up()
    with pytest.raises(wamplite.ProtocolError):
        joining.result()


def test_a_router_that_drips_does_not_outlast_the_deadline(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1", connect_timeout=4 * SOON)
    peer.accept()
    began = time.monotonic()
    while joining.is_waiting:
        try:
            peer.send_bytes(b"\1\0\0\0")  # PING after PING
        except OSError:
            break
        time.sleep(0.01)
    with pytest.raises(wamplite.ConnectTimeout):
        joining.result()
    assert time.monotonic() - began < 20 * SOON


def test_a_router_that_hangs_up_instead_of_welcome_is_a_loss(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.hang_up()
    with pytest.raises(wamplite.TransportLost, match="127.0.0.1"):
        joining.result()


def test_a_router_that_says_nothing_is_not_waited_for_at_the_end_again(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wamplite.channel.LINGER", PATIENCE)
    began = time.monotonic()
    joining = soon(wamplite.connect, peer.url, "realm1", connect_timeout=SOON)
    peer.accept()
    with pytest.raises(wamplite.ConnectTimeout):
        joining.result()
    assert time.monotonic() - began < PATIENCE / 2
