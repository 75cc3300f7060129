"""Transport framing within TLS: case 25 of the catalogue."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator

import pytest

from tests.faults.sessions import Session, open_session
from tests.faults.wire import Closed, Wire, raw_frame, upgrade
from tests.processes import RouterProcess, running
from tests.transports.streams import Certificate
from tests.waiting import until


@pytest.fixture(scope="module")
def options(certificate: Certificate) -> list[str]:
    return ["--cert", certificate.cert, "--key", certificate.key]


@pytest.fixture(scope="module")
def listen() -> list[str]:
    """Listen for the bystander in the open, and for the attackers within TLS."""
    return ["tcp://127.0.0.1:0", "tls://127.0.0.1:0"]


@pytest.fixture(scope="module")
def tls_port(router: RouterProcess) -> int:
    return int(router.urls[1].rpartition(":")[2])


@pytest.fixture(scope="module")
def context(certificate: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate.cert)


@pytest.fixture(scope="module", autouse=True)
def listener(tls_port: int, context: ssl.SSLContext) -> None:
    """Let the router load what TLS needs before it is measured."""
    for dialect in ("rs-json", "ws-msgpack"):
        secure(tls_port, dialect, context).leave()


def secure(port: int, dialect: str, context: ssl.SSLContext) -> Session:
    return open_session(port, dialect, context=context)


@pytest.fixture
def witness(tls_port: int, context: ssl.SSLContext) -> Iterator[Session]:
    """Return a session within TLS that must not suffer."""
    session = secure(tls_port, "ws-json", context)
    yield session
    assert session.is_served()
    session.leave()
    fresh = secure(tls_port, "rs-msgpack", context)
    assert fresh.is_served()
    fresh.leave()


def test_25_silent_clients_keep_nobody_waiting(witness: Session, tls_port: int) -> None:
    silent = [Wire(tls_port) for _ in range(20)]
    assert witness.is_served()
    for wire in silent:
        wire.close()


@pytest.mark.parametrize(
    "text",
    [
        b"\x7f\xf2\x00\x00" + raw_frame(b"\x93\x01"),
        b"GET /ws HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\xff\xff" * 9,
    ],
)
def test_25_plain_text_on_the_port_of_tls_is_closed(
    witness: Session, tls_port: int, text: bytes
) -> None:
    wire = Wire(tls_port)
    wire.send(text)
    if text.startswith(b"\x16"):
        wire.close()  # it may still become a handshake
        return
    answer = wire.rest()
    wire.close()
    assert not answer.startswith((b"\x7f", b"HTTP/1.1 101"))
    if text.startswith(b"GET"):
        assert b"plain HTTP on a TLS port" in answer
    else:
        assert len(answer) < 64  # an alert at most


def test_25_a_plain_upgrade_on_the_port_of_tls_is_closed(witness: Session, tls_port: int) -> None:
    wire = Wire(tls_port)
    wire.send(upgrade(tls_port, "Sec-WebSocket-Protocol: wamp.2.json"))
    assert b"101" not in wire.rest()
    wire.close()


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_25_an_abrupt_end_without_close_notify_frees_the_session(
    witness: Session, tls_port: int, dialect: str, context: ssl.SSLContext, how: str
) -> None:
    attacker = secure(tls_port, dialect, context)
    attacker.register("faults.tls.serve")
    witness.say(48, 1, {}, "faults.tls.serve")
    assert attacker.hear()[0] == 68
    if how == "fin":
        attacker.close()
    else:
        attacker.transport.reset()
    assert witness.hear()[4] == "wamp.error.canceled"
    witness.request = 1
    witness.register("faults.tls.serve")


def test_25_garbage_within_an_established_connection_ends_that_one_alone(
    witness: Session, tls_port: int, dialect: str, context: ssl.SSLContext
) -> None:
    attacker = secure(tls_port, dialect, context)
    record = b"\x17\x03\x03\x00\x20" + b"x" * 32  # that nobody encrypted
    with open(attacker.transport.sock.fileno(), "wb", buffering=0, closefd=False) as raw:
        raw.write(record)
    with pytest.raises(Closed):
        attacker.hear()
    attacker.close()


def test_25_renegotiation_is_refused_and_costs_that_connection_at_most(
    witness: Session, tls_port: int
) -> None:
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{tls_port}", "-tls1_2"]
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    with running(*words, stdin=subprocess.PIPE) as client:
        stdin = client.process.stdin
        assert stdin is not None
        until(lambda: client.line().startswith("---"), client.stderr)
        stdin.write(b"R\n")  # its word for: agree on new keys
        client.await_stderr("RENEGOTIATING")
        assert client.wait() != 0, "the router agreed to new keys"
    assert witness.is_served()
