"""Payloads that no router looks into: packed by one client, unpacked by another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import wamplite
from tests.client.scripted import Peer, leave, soon
from tests.waiting import until
from wamplite.client.passthru import Passthru
from wamplite.core.errors import UsageError

UNREADABLE = "wamplite.error.unreadable_payload"
ANNOUNCED = {"features": {"payload_passthru_mode": True}}


def backwards(args: Any, kwargs: Any, options: Any) -> bytes:
    return json.dumps([args, kwargs, options.get("ppt_keyid")]).encode()[::-1]


def forwards(payload: bytes, details: Any) -> Any:
    args, kwargs, key = json.loads(payload[::-1])
    assert key == details.get("ppt_keyid")
    return args, kwargs


BACKWARDS = wamplite.PayloadScheme(backwards, forwards)
SCHEMES = {"x_backwards": BACKWARDS}
SEALED = {"ppt_scheme": "x_backwards", "ppt_keyid": "7"}
PACKED: list[dict[str, Any]] = [
    {"ppt_scheme": "mqtt"},
    {"ppt_scheme": "mqtt", "ppt_serializer": "native"},
    {"ppt_scheme": "mqtt", "ppt_serializer": "json"},
    {"ppt_scheme": "x_mine", "ppt_serializer": "msgpack"},
    {"ppt_scheme": "wamp", "ppt_serializer": "cbor"},
    SEALED,
    {**SEALED, "ppt_serializer": "json", "ppt_cipher": "rot"},
]


class Pair:
    """A session that serves and listens, and one that asks; each with these schemes."""

    def __init__(self, url: str) -> None:
        self.other = wamplite.connect(url, features="all", ppt_schemes=SCHEMES)
        self.asker = wamplite.connect(url, features="all", ppt_schemes=SCHEMES)


@pytest.fixture
def pair() -> Iterator[Pair]:
    with wamplite.Router(features="all") as router:
        pair = Pair(router.listen("rs://127.0.0.1:0"))
        with pair.other, pair.asker:
            yield pair


def echo(*args: Any, details: wamplite.Invocation, **kwargs: Any) -> wamplite.Result:
    sealed = {key: value for key, value in details.details.items() if key.startswith("ppt_")}
    return wamplite.Result([*args, sorted(sealed)], kwargs, sealed)


# ---- what arrives


@pytest.mark.parametrize("options", PACKED)
def test_a_call_and_its_result_are_what_they_were(pair: Pair, options: Any) -> None:
    pair.other.register("com.app.echo", echo)
    result = pair.asker.call_result("com.app.echo", [1, "ü"], {"k": [2]}, options=options)
    assert result == wamplite.Result([1, "ü", sorted(options)], {"k": [2]})
    assert result.details == options
    assert pair.asker.call("com.app.echo", 5) == wamplite.Result([5, []])


@pytest.mark.parametrize("options", PACKED)
def test_an_event_is_what_it_was(pair: Pair, options: Any) -> None:
    seen: list[wamplite.Event] = []

    def on_event(event: wamplite.Event) -> None:
        seen.append(event)

    pair.other.subscribe("com.app.t", on_event)
    pair.asker.publish("com.app.t", 1, "x", k=2, options={**options, "acknowledge": True})
    pair.asker.publish_all([("com.app.t", [3], {}, options)])
    until(lambda: len(seen) == 2)
    assert [(event.args, event.kwargs) for event in seen] == [([1, "x"], {"k": 2}), ([3], {})]
    assert all(event.details.items() >= options.items() for event in seen)


@pytest.mark.parametrize("options", PACKED)
def test_an_error_is_what_it_was(pair: Pair, options: Any) -> None:
    def fail() -> None:
        error = wamplite.ApplicationError("com.app.no", "why", code=5)
        error.details = options
        raise error

    pair.other.register("com.app.fail", fail)
    with pytest.raises(wamplite.ApplicationError) as raised:
        pair.asker.call("com.app.fail")
    error = raised.value
    assert (error.error, error.args, error.kwargs) == ("com.app.no", ("why",), {"code": 5})
    assert error.details == options


def test_partial_results_and_parts_of_a_call_are_packed_too(pair: Pair) -> None:
    def double(invocation: wamplite.Invocation) -> Any:
        for part in invocation.parts():
            yield wamplite.Result([2 * part.args[0]], details=SEALED)

    pair.other.register("com.app.double", double)
    seen: list[Any] = []
    pair.asker.call_parts("com.app.double", [1, 2, 3], options=SEALED, on_progress=seen.append)
    assert seen == [2, 4, 6]


def test_bytes_of_another_technology_go_out_as_they_are(pair: Pair) -> None:
    pair.other.register("com.app.length", len)
    assert pair.asker.call("com.app.length", b"\0\1\2", options={"ppt_scheme": "mqtt"}) == 3


# ---- on the wire


def test_the_payload_is_one_binary_value(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, features="all", ppt_schemes=SCHEMES)
    peer.welcome(broker=ANNOUNCED, dealer=ANNOUNCED)
    session = joining.result()
    session.publish("com.app.t", 1, k=2, options=SEALED)
    _, _, options, _, args = peer.receive()
    assert options == SEALED and args == ["\0" + _base64(backwards([1], {"k": 2}, SEALED))]
    calling = soon(session.call, "com.app.p", 5, options={**SEALED, "ppt_serializer": "json"})
    assert peer.receive()[4] == ["\0" + _base64(backwards([5], {}, SEALED))]
    peer.send([50, 2, {"ppt_scheme": "mqtt", "ppt_serializer": "json"}, ["\0eyJhcmdzIjpbN119"]])
    assert calling.result() == 7
    leave(peer, session)


def _base64(payload: bytes) -> str:
    import base64

    return base64.b64encode(payload).decode()


# ---- what cannot be packed


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"ppt_scheme": "amqp"}, "ppt_scheme must be mqtt, wamp or begin with x_, not 'amqp'"),
        ({"ppt_scheme": "wamp"}, "nothing seals ppt_scheme 'wamp': connect"),
        ({"ppt_scheme": "wamp", "ppt_serializer": "json"}, r"nothing seals .* \(json\)"),
        ({"ppt_scheme": "x_mine"}, "nothing seals ppt_scheme 'x_mine'"),
        (
            {"ppt_scheme": "x_mine", "ppt_serializer": "json", "ppt_cipher": "aes256gcm"},
            r"nothing seals ppt_scheme 'x_mine' \(json, aes256gcm\)",
        ),
        ({"ppt_scheme": "mqtt", "ppt_serializer": "flatbuffers"}, "serializer must be one of"),
    ],
)
def test_what_nothing_seals_is_not_sent(options: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        Passthru(None).pack("CALL of com.app.p", [1], {}, options)


def test_a_scheme_must_encode_to_bytes() -> None:
    wrong: Any = wamplite.PayloadScheme(lambda *_: "text", forwards)  # type: ignore[arg-type,return-value]
    with pytest.raises(UsageError, match="CALL: ppt_scheme 'x_a' must encode to bytes, not str"):
        Passthru({"x_a": wrong}).pack("CALL", [], {}, {"ppt_scheme": "x_a"})


@pytest.mark.parametrize("wrong", [{"x_a": backwards}, {5: BACKWARDS}, {"": BACKWARDS}, [1]])
def test_schemes_are_checked_before_anything_is_dialled(wrong: Any) -> None:
    with pytest.raises(UsageError, match="ppt_schemes must be a dict of names and PayloadSchemes"):
        wamplite.connect("rs://127.0.0.1:1", ppt_schemes=wrong)


@pytest.mark.parametrize("scheme", [None, ""])
def test_without_a_scheme_nothing_is_packed(scheme: Any) -> None:
    options = {"ppt_scheme": scheme, "ppt_serializer": "json"}
    assert Passthru(None).pack("CALL", [1], {"k": 2}, options) == ([1], {"k": 2})
    assert Passthru(None).unpack("EVENT", [1], None, options) == ([1], {})


def test_what_is_sealed_goes_only_to_a_router_that_announces_it_and_from_who_does() -> None:
    options = {"ppt_scheme": "mqtt"}
    with (
        wamplite.Router() as router,
        router.connect(features="all") as session,
        pytest.raises(wamplite.ApplicationError, match="take the option ppt_scheme"),
    ):
        session.publish("com.app.t", 1, options=options)
    with (
        wamplite.Router(features="all") as router,
        router.connect() as session,
        pytest.raises(UsageError, match="needs the feature payload_passthru_mode"),
    ):
        session.call("com.app.p", options=options)


def test_an_answer_that_must_not_be_sent_so_is_an_error(pair: Pair) -> None:
    with (
        wamplite.Router(features="all") as router,
        router.connect() as callee,
        router.connect(features="all") as caller,
    ):
        callee.register("com.app.p", lambda: wamplite.Result([1], details=SEALED))
        with pytest.raises(wamplite.ApplicationError, match="payload_passthru_mode") as refused:
            caller.call("com.app.p")
        assert refused.value.error == "wamp.error.runtime_error"
        assert not callee.lost.is_set()


# ---- what cannot be read


CASES: list[tuple[dict[str, Any], list[Any], str]] = [
    ({"ppt_scheme": "x_a", "ppt_cipher": "c"}, [b"x"], "nothing unseals it"),
    ({"ppt_scheme": "mqtt", "ppt_serializer": "json"}, [b"{"], "not JSON"),
    ({"ppt_scheme": "mqtt", "ppt_serializer": "json"}, [b"[1]"], "it must hold"),
    ({"ppt_scheme": "mqtt", "ppt_serializer": "json"}, [b'{"args": 1}'], "args must be a list"),
    ({"ppt_scheme": "mqtt", "ppt_serializer": "json"}, ["text"], "one binary value"),
    ({"ppt_scheme": "mqtt", "ppt_serializer": "json"}, [b"1", b"2"], "one binary value"),
    ({"ppt_scheme": "mqtt", "ppt_serializer": "flatbuffers"}, [b"x"], "serializer must be one"),
    ({"ppt_scheme": "mqtt"}, [{"args": 1}], "args must be a list"),
    ({"ppt_scheme": "x_backwards"}, [b"junk"], "it is damaged"),
]


@pytest.mark.parametrize(("details", "args", "why"), CASES)
def test_what_cannot_be_read_is_told_with_its_scheme(details: Any, args: Any, why: str) -> None:
    with pytest.raises(wamplite.ApplicationError, match=why) as raised:
        Passthru(SCHEMES).unpack("EVENT of com.app.t", args, None, details)
    assert raised.value.error == UNREADABLE
    assert f"ppt_scheme '{details['ppt_scheme']}'" in raised.value.args[0]


def test_an_unread_binary_payload_is_one_binary_value() -> None:
    options = {"ppt_scheme": "mqtt", "ppt_serializer": "json"}
    assert Passthru(None).unpack("EVENT", b'{"kwargs": {"k": 1}}', None, options) == ([], {"k": 1})


def test_who_cannot_read_a_call_or_its_answer_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with wamplite.Router(features="all") as router:
        other = wamplite.PayloadScheme(backwards, lambda payload, details: 1 / 0)
        with (
            router.connect(features="all", ppt_schemes={"x_backwards": other}) as deaf,
            router.connect(features="all", ppt_schemes=SCHEMES) as asker,
        ):
            deaf.register("com.app.p", echo)
            asker.register("com.app.q", lambda: wamplite.Result([1], details=SEALED))
            with pytest.raises(wamplite.ApplicationError) as raised:
                asker.call("com.app.p", 1, options=SEALED)
            assert raised.value.error == UNREADABLE
            with pytest.raises(wamplite.ApplicationError) as raised:
                deaf.call("com.app.q")
            assert raised.value.error == UNREADABLE
            heard: list[Any] = []
            deaf.subscribe("com.app.t", heard.append)
            asker.publish("com.app.t", 1, options=SEALED)
            asker.publish("com.app.t", 2)
            until(lambda: heard == [2])
    assert any("EVENT of com.app.t" in record.getMessage() for record in caplog.records)


def test_an_error_that_cannot_be_read_keeps_its_name(peer: Peer) -> None:
    session = peer.join(features={"dealer": ANNOUNCED})
    calling = soon(session.call, "com.app.p")
    peer.receive()
    peer.send([8, 48, 1, {"ppt_scheme": "x_a", "ppt_cipher": "c"}, "com.app.no", ["\0eA=="]])
    with pytest.raises(wamplite.ApplicationError) as raised:
        calling.result()
    assert (raised.value.error, raised.value.args) == ("com.app.no", (b"x",))
    leave(peer, session)
