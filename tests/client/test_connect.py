"""connect(): every URL, every serializer, and what it says when there is nobody."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, soon


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


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"serializer": "xml"}, "json, msgpack, cbor"),
        ({"connect_timeout": 0}, "connect_timeout must be seconds above 0"),
        ({"timeout": -1}, "timeout must be seconds"),
        ({"realm": "no realm"}, "is not a valid realm"),
        ({"url": "http://127.0.0.1"}, "http"),
    ],
)
def test_what_cannot_be_is_refused(router: wamplite.Router, options: Any, text: str) -> None:
    url = router.listen("rs://127.0.0.1:0")
    with pytest.raises(wamplite.UsageError, match=text):
        wamplite.connect(**({"url": url} | options))


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
