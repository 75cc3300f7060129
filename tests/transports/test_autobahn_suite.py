"""The Autobahn WebSocket test suite: other people's judgement of our frames, both sides.

`wstest` (autobahntestsuite 0.8.2, on a Python 2.7; `tools/peers` installs it) drives an echo over
the server, once for each kind of message that takes the server's quick way, and serves the cases to
our client. Of the limits and the performance (9) one case each is enough, of deflated messages (12,
13) one of each size of message and one of each kind of offer.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Set
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import websocket

from tests.interop.peers import place
from tests.processes import running
from tests.transports.websocket_echo import LIMIT, Echoing
from wamplite.core.errors import WampliteError
from wamplite.transports import deflate
from wamplite.transports.socket_stream import SocketStream
from wamplite.transports.websocket_client import HandshakeSocket, WebSocketClient

CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.1", "9.2.1", "10.*"]
CASES += ["12.1.1", "12.1.5", "12.1.9", "12.2.4", "12.3.12"]
CASES += [f"13.{number}.4" for number in range(1, 8)]
NUMBER = 249 + 12
DECLINED = {f"13.{number}.4" for number in range(3, 7)}  # a window that our client does not offer
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}
SECONDS = 150  # the suite takes 10


def judge(report: Path, declined: Set[str] = frozenset()) -> None:
    """Assert that all cases were run and none failed, nor its closing."""
    cases: dict[str, dict[str, Any]] = next(iter(json.loads(report.read_text()).values()))
    failed = {
        name: (case["behavior"], case["behaviorClose"])
        for name, case in cases.items()
        if not {case["behavior"], case["behaviorClose"]} <= PASSED
    }
    assert failed == dict.fromkeys(declined, ("UNIMPLEMENTED", "OK"))
    assert len(cases) == NUMBER


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 10)
@pytest.mark.parametrize("kind", ["text", "binary"])
def test_the_server_passes(kind: str, tmp_path: Path) -> None:
    wstest = place("wstest") / "bin" / "wstest"
    echo = [sys.executable, "-m", "tests.transports.websocket_echo", kind]
    with running(*echo, stdin=subprocess.PIPE) as program:
        spec = {
            "outdir": str(tmp_path / "report"),
            "servers": [{"agent": "wamplite", "url": f"ws://127.0.0.1:{program.line()}"}],
            "cases": CASES,
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        (tmp_path / "spec.json").write_text(json.dumps(spec))
        subprocess.run(
            [wstest, "-m", "fuzzingclient", "-s", tmp_path / "spec.json"],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            timeout=SECONDS,
            check=True,
        )
        judge(tmp_path / "report" / "index.json")
        assert program.stderr() == ""


# The client's side


class EchoClient(Echoing, WebSocketClient):
    """A client that takes both kinds of messages."""


def visit(url: str, serializer: str = "json") -> list[bytes]:
    """Connect, echo until the end, and return what came."""
    place = urlsplit(url)
    stream = SocketStream(socket.create_connection((place.hostname, place.port)))
    came = []
    try:
        handshake = HandshakeSocket(stream, time.monotonic() + 10)
        library = websocket.WebSocket()
        asked = [f"Sec-WebSocket-Extensions: {deflate.OFFER}"]
        library.connect(url, socket=handshake, suppress_origin=True, header=asked)
        answer = library.getheaders().get("sec-websocket-extensions")
        stream.set_receive_timeout(20)
        agreed = deflate.agreed(answer) if answer else None
        client = EchoClient(stream, serializer, LIMIT, handshake.unread, agreed)
        while True:
            for message in client.receive():
                came.append(message)
                client.echo(message)
                stream.flush(10)
    except WampliteError:
        stream.finish()
        stream.linger(1)
    finally:
        stream.close()
    return came


def connectable(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 10)
def test_the_client_passes(tmp_path: Path) -> None:
    wstest = place("wstest") / "bin" / "wstest"
    port = free_port()
    url = f"ws://127.0.0.1:{port}"
    spec = {
        "url": url,
        "outdir": str(tmp_path / "report"),
        "webport": 0,
        "cases": CASES,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    with running(str(wstest), "-m", "fuzzingserver", "-s", str(tmp_path / "spec.json")) as program:
        while not connectable(port):
            assert program.process.poll() is None, program.stderr()
            time.sleep(0.1)
        assert visit(f"{url}/getCaseCount") == [b"%d" % NUMBER]
        for number in range(1, NUMBER + 1):
            visit(f"{url}/runCase?case={number}&agent=wamplite")
        visit(f"{url}/updateReports?agent=wamplite")
    judge(tmp_path / "report" / "index.json", DECLINED)
