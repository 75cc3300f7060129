"""ssh-agent: the real one signs; one that answers nonsense is told of."""

from __future__ import annotations

import fcntl
import shutil
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import wamplite
from tests.auth.dialogues import DENIED
from tests.auth.test_key_files import SECONDS, keygen
from tests.waiting import until
from wamplite import AuthenticationFailed, JoinRefused, Router, UsageError
from wamplite.auth import CryptoSign, User, Users, methods
from wamplite.auth.key_files import public_keys, string
from wamplite.auth.ssh_agent import KEYS, MOST, SIGNED, AgentKey, agent_key, agent_keys


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run ssh-agent; yield its socket."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("there is no ssh-agent")
    path = str(tmp_path / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: answers(path))
            monkeypatch.setenv("SSH_AUTH_SOCK", path)
            yield path
        finally:
            process.terminate()


def answers(path: str) -> bool:
    """Tell whether the agent listens: its socket is there a moment before."""
    try:
        return agent_keys(path) == []
    except UsageError:
        return False


def add(path: Path) -> None:
    subprocess.run(["ssh-add", "-q", str(path)], check=True, capture_output=True, timeout=SECONDS)


def test_the_agent_signs_and_the_key_stays_with_it(agent: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="an Ed25519 key is wanted, none of its keys fits"):
        agent_key()
    path = keygen(tmp_path / "key")
    add(path)
    add(keygen(tmp_path / "other kind", kind="rsa"))
    [pubkey] = public_keys(f"{path}.pub")
    with Router(
        authmethods=methods(Users([User.of_pubkeys("joe", "a", pubkey)])), login_delay=0
    ) as router:
        url = router.listen("rs://127.0.0.1:0")
        for which in (None, "joe@pi", pubkey):
            with wamplite.connect(url, auth=CryptoSign.of_agent(None, which)) as session:
                assert session.authid == "joe"
        add(keygen(tmp_path / "second"))
        with pytest.raises(UsageError, match=f"more than one of .*{pubkey}"):
            CryptoSign.of_agent(None)
        with pytest.raises(UsageError, match="the key 'nobody' is wanted, none of"):
            CryptoSign.of_agent(None, "nobody")
        stranger = next(key for key in agent_keys() if key.pubkey != pubkey)
        with pytest.raises(JoinRefused) as refused:
            wamplite.connect(url, auth=CryptoSign("joe", stranger))
        assert refused.value.error == DENIED
        gone = CryptoSign.of_agent(None, pubkey)
        subprocess.run(["ssh-add", "-q", "-D"], check=True, capture_output=True, timeout=SECONDS)
        with pytest.raises(AuthenticationFailed, match="did not sign with joe@pi: it refused"):
            wamplite.connect(url, auth=gone)


def test_no_agent_is_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(UsageError, match="SSH_AUTH_SOCK is not set"):
        agent_keys()
    with pytest.raises(UsageError, match="No such file"):
        agent_keys(str(tmp_path / "nothing"))


def answering(path: Path, *pieces: bytes) -> threading.Thread:
    """Serve one question with these bytes, each piece once those before it have been taken."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def serve() -> None:
        with server:
            peer, _ = server.accept()
            with peer:
                peer.recv(1000)
                for piece in pieces:
                    until(lambda: not waiting(peer), "what was sent is taken")
                    peer.sendall(piece)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def waiting(peer: socket.socket) -> int:
    """Return how much of what was sent waits to be taken."""
    return int.from_bytes(fcntl.ioctl(peer, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def test_an_answer_may_come_in_pieces_and_what_is_behind_it_is_left(tmp_path: Path) -> None:
    answer = string(bytes([KEYS]) + bytes(4))
    pieces = [answer[:2], answer[2:6], answer[6:] + b"more"]
    thread = answering(tmp_path / "agent", *pieces)
    assert agent_keys(str(tmp_path / "agent")) == []
    thread.join()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"", "it hung up"),
        (b"\0\0\0\x05" + bytes([KEYS]), "it hung up"),
        (bytes(4), "an answer of 0 bytes"),
        ((MOST + 1).to_bytes(4, "big"), "an answer of 262145 bytes"),
        (string(b"\x05"), "its answer is of type 5"),
        (string(bytes([KEYS]) + bytes(4) + b"\0\0\0\x09x"), "cut off"),
        (string(bytes([KEYS]) + bytes(4) + string(string(b"ssh-ed25519"))), "shorter"),
    ],
)
def test_nonsense_is_told_of(answer: bytes, text: str, tmp_path: Path) -> None:
    thread = answering(tmp_path / "agent", answer)
    with pytest.raises(UsageError, match=text):
        agent_keys(str(tmp_path / "agent"))
    thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        string(bytes([SIGNED])),
        string(bytes([SIGNED]) + string(string(b"ssh-ed25519") + string(b"short"))),
        string(bytes([SIGNED]) + string(string(b"ssh-rsa") + string(bytes(64)))),
        string(bytes([SIGNED]) + string(b"\0\0\0\x09x")),
    ],
)
def test_a_signature_that_is_none_is_told_of(answer: bytes, tmp_path: Path) -> None:
    thread = answering(tmp_path / "agent", answer)
    with pytest.raises(AuthenticationFailed, match="did not sign with pi"):
        AgentKey("00" * 32, "pi", str(tmp_path / "agent")).sign(b"x")
    thread.join()
    empty = string(bytes([KEYS]) + bytes(4) + string(b"") + string(b"nothing"))
    thread = answering(tmp_path / "other", empty)
    assert agent_keys(str(tmp_path / "other")) == []
    thread.join()
