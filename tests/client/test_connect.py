"""connect(): every URL, every serializer, and what it says when there is nobody."""

from __future__ import annotations

import ast
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, Peer, soon
from tests.transports.streams import make_certificate
from wamplite.client import terms
from wamplite.transports.tls import TlsOptions


@pytest.fixture
def router() -> Iterator[wamplite.Router]:
    with wamplite.Router(realms=["realm1"]) as router:
        yield router


@pytest.fixture
def silent() -> Iterator[int]:
    """Give a port that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("serializer", [None, "json", "msgpack", "cbor"])
@pytest.mark.parametrize("scheme", ["rs", "ws", "unix"])
def test_every_transport_and_serializer(
    router: wamplite.Router, tmp_path: Path, scheme: str, serializer: str | None
) -> None:
    if serializer == "cbor":
        pytest.importorskip("cbor2")
    if scheme == "unix":
        url = router.listen(f"unix://{tmp_path}/router.sock")
    else:
        port = router.listen("tcp://127.0.0.1:0").rpartition(":")[2]
        url = f"{scheme}://127.0.0.1:{port}" + ("/ws" if scheme == "ws" else "")
    value = [1, -1, 2**53, 1.5, "é", None, True, {"a": [b"\0\xff"]}]
    with wamplite.connect(url, serializer=serializer) as session:
        session.register("com.app.same", lambda value: value)
        for _ in range(3):
            assert session.call("com.app.same", value) == value


EXCLUSION = {"features": {"publisher_exclusion": True}}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"url": "http://127.0.0.1"}, "http"),
    ({"url": 1}, "url must be a string like ws://127.0.0.1:8080/ws, not 1"),
    ({"url": None}, "url must be a string"),
    ({"realm": "no realm"}, "is not a valid realm"),
    ({"realm": None}, "realm must be a URI like realm1, not None"),
    ({"serializer": "xml"}, "json, msgpack, cbor"),
    ({"serializer": 5}, "serializer must be one of json, msgpack, cbor, not 5"),
    ({"connect_timeout": 0}, "connect_timeout must be seconds above 0"),
    ({"connect_timeout": "5"}, "connect_timeout must be seconds above 0"),
    ({"connect_timeout": float("inf")}, "connect_timeout must be seconds above 0"),
    ({"tls": "router.pem"}, "tls must be TlsOptions or an ssl.SSLContext"),
    ({"ca": 5}, "ca must be the path of a file"),
    ({"fingerprint": b"00"}, "fingerprint must be a SHA-256 in hexadecimal digits"),
    ({"fingerprint": "00"}, "a fingerprint is 64 hexadecimal digits.*, not '00'"),
    ({"tls": TlsOptions(fingerprint="x")}, "a fingerprint is 64 hexadecimal digits"),
    ({"fingerprint": "0" * 64}, "shows no certificate: a fingerprint is for wss, rss and tls"),
    ({"tls": TlsOptions(), "ca": "ca.pem"}, "say them in tls=TlsOptions"),
    ({"max_message_size": "1M"}, "max_message_size must be bytes above 0"),
    ({"timeout": -1}, "timeout must be seconds"),
    ({"timeout": ""}, "timeout must be seconds"),
    ({"authmethods": ["ticket"]}, "authmethods must be a dict of names and functions"),
    ({"authmethods": {"ticket": "secret"}}, "authmethods must be a dict of names and functions"),
    ({"authid": 5}, "authid must be a string"),
    ({"authrole": b"sensor"}, "authrole must be a string"),
    ({"authextra": "x"}, "authextra must be a dict"),
    ({"authextra": {"a": {1}}}, "authextra: a value must be None, bool, .*, not set"),
    (
        {"features": "publisher_exclusion"},
        "features must be basic, standard, all, or a list of names",
    ),
    ({"features": ["sharks"]}, "no feature 'sharks'; there are: .*publisher_exclusion"),
    ({"default": "str"}, "default must be a function, like wamplite.to_plain"),
    ({"ping_interval": "20"}, "ping_interval must be seconds, 0 or more, or None"),
    ({"ping_interval": float("nan")}, "ping_interval must be seconds"),
    (
        {"url": "ws://ann:secret@pi/ws", "headers": {"authorization": "x"}},
        "headers: Authorization is given already, by the user of ws://pi/ws",
    ),
    ({"max_invocations": 0}, "max_invocations must be a number above 0"),
]


@pytest.mark.parametrize(("options", "text"), WRONG)
def test_what_cannot_be_is_refused_before_anything_is_dialled(options: Any, text: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"rs://127.0.0.1:{listener.getsockname()[1]}"
        for make in (wamplite.connect, wamplite.Component):
            with pytest.raises(wamplite.UsageError, match=text):
                make(**({"url": url} | options))
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize(
    ("options", "text"), [case for case in WRONG if not {*case[0]} & {"url", *terms.DIALLING}]
)
def test_a_session_in_process_is_refused_alike(
    router: wamplite.Router, options: Any, text: str
) -> None:
    with pytest.raises(wamplite.UsageError, match=text):
        router.connect(**options)


def test_a_keyword_that_is_none_is_named_with_the_nearest(router: wamplite.Router) -> None:
    text = r"connect\(\) got an unexpected keyword argument 'timout', perhaps timeout"
    with pytest.raises(TypeError, match=text):
        wamplite.connect(timout=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Component\(\) got .* 'timout', perhaps timeout"):
        wamplite.Component(timout=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Component\(\) got .* 'max_retires', perhaps max_retries"):
        wamplite.Component(max_retires=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Router.connect\(\) got .* 'serializer'; there are: .*"):
        router.connect(serializer="json")  # type: ignore[call-arg]


def test_each_signature_names_every_keyword() -> None:
    tree = ast.parse(Path(terms.__file__).read_text())
    listed = {
        node.name: [item.target.id for item in node.body if isinstance(item, ast.AnnAssign)]  # type: ignore[union-attr]
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    assert sorted(listed["JoiningKeywords"]) == sorted(terms.JOINING)
    assert sorted(listed["Keywords"]) == sorted(terms.DIALLING)
    assert wamplite.connect.__kwdefaults__ == terms.Terms._field_defaults


def test_features_are_announced_by_name(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, features=["publisher_exclusion"])
    assert peer.welcome()[2]["roles"]["publisher"] == EXCLUSION
    peer.hang_up()
    joining.result()
    names = (name for name in ["publisher_exclusion"])  # an iterable may be good for one use alone
    app = wamplite.Component(peer.url, features=names, initial_retry_delay=0.01)
    app.start()
    for _ in range(2):
        assert peer.welcome()[2]["roles"]["publisher"] == EXCLUSION
        peer.hang_up()
    app.stop()


@pytest.mark.parametrize("url", ["tcp", "tls", "rs", "rss", "ws", "wss", "unix"])
def test_what_a_router_says_it_listens_on_can_be_dialled(
    router: wamplite.Router, tmp_path: Path, url: str
) -> None:
    files = {}
    if url in ("tls", "rss", "wss"):
        made = make_certificate(tmp_path)
        files = {"cert": made.cert, "key": made.key}
    place = f"unix://{tmp_path}/\udcff.sock" if url == "unix" else f"{url}://127.0.0.1:0"
    dialled = router.listen(place, **files)
    tls = TlsOptions(cafile=files["cert"]) if files else None
    with wamplite.connect(dialled, tls=tls) as session:
        assert session.publish("com.app.t", options={"acknowledge": True})


def test_nobody_there_is_a_loss_that_names_the_url() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(wamplite.TransportLost, match=f"rs://127.0.0.1:{port}"):
        wamplite.connect(f"rs://127.0.0.1:{port}")


@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_somebody_silent_is_waited_for_no_longer_than_asked(silent: int, scheme: str) -> None:
    began = time.monotonic()
    with pytest.raises(wamplite.ConnectTimeout):
        wamplite.connect(f"{scheme}://127.0.0.1:{silent}", connect_timeout=0.2)
    assert time.monotonic() - began < PATIENCE


def test_an_unknown_realm_is_refused(router: wamplite.Router) -> None:
    with pytest.raises(wamplite.JoinRefused, match="no_such_realm"):
        wamplite.connect(router.listen("rs://127.0.0.1:0"), "com.app.nowhere")


def test_no_timeout_at_all_can_be_asked_for(router: wamplite.Router) -> None:
    with wamplite.connect(router.listen("rs://127.0.0.1:0"), timeout=None) as session:
        calling = soon(session.call, "com.app.nothing")
        with pytest.raises(wamplite.NoSuchProcedure):
            calling.result()
