"""ssh-agent: it has the private key and signs, whoever asks never sees it.

Its protocol (draft-ietf-sshm-ssh-agent): the size, the type and what it says, over the Unix socket
that SSH_AUTH_SOCK names; one question, one answer.
"""

from __future__ import annotations

import os
import socket
from typing import NamedTuple

from ..core import uris
from ..core.errors import AuthenticationFailed, UsageError
from .key_files import SSH, string, strings
from .keys import KEY

ASK, KEYS, SIGN, SIGNED = 11, 12, 13, 14  # types of messages
MOST = 256 * 1024  # bytes of an answer, as in OpenSSH
SECONDS = 8.0  # for an answer: somebody may have to confirm it
SIGNATURE = 64  # octets


class AgentKey(NamedTuple):
    """A key that an agent has: what it signs, and what it is called there."""

    pubkey: str
    comment: str
    path: str  # of the agent's socket

    def sign(self, message: bytes) -> bytes:
        """Return the signature; AuthenticationFailed where the agent gives none."""
        blob = string(SSH) + string(bytes.fromhex(self.pubkey))
        question = bytes([SIGN]) + string(blob) + string(message) + bytes(4)
        try:
            answer = _ask(self.path, question)
            if answer[0] == SIGNED:
                [signature] = strings(answer[1:])
                kind, found = strings(signature)
                if kind == SSH and len(found) == SIGNATURE:
                    return found
            why = "it refused"
        except (OSError, ValueError) as exc:
            why = str(exc)
        text = f"cryptosign: ssh-agent did not sign with {self.comment or self.pubkey}: {why}"
        raise AuthenticationFailed(uris.AUTHENTICATION_FAILED, text)


def agent_key(which: str | None = None, path: str | None = None) -> AgentKey:
    """Return the key of an agent with this comment or public key (in hex), or its only one.

    path: of the agent's socket; None: $SSH_AUTH_SOCK. UsageError where there is no such key.
    """
    keys = agent_keys(path)
    wanted = [key for key in keys if which in (None, key.comment, key.pubkey)]
    if len(wanted) == 1:
        return wanted[0]
    there = ", ".join(f"{key.comment} {key.pubkey}" for key in keys) or "none"
    what = "an Ed25519 key" if which is None else f"the key {which!r}"
    count = "more than one of" if wanted else "none of"
    raise UsageError(f"ssh-agent: {what} is wanted, {count} its keys fits; it has: {there}")


def agent_keys(path: str | None = None) -> list[AgentKey]:
    """Return the Ed25519 keys that an agent has; UsageError where there is no agent."""
    path = path or os.environ.get("SSH_AUTH_SOCK", "")
    if not path:
        raise UsageError("ssh-agent: none is running: $SSH_AUTH_SOCK is not set")
    try:
        answer = _ask(path, bytes([ASK]))
        if answer[0] != KEYS:
            raise ValueError(f"its answer is of type {answer[0]}")
        words = list(strings(answer[5:]))
        pairs = zip(words[::2], words[1::2], strict=True)
        keys = [(list(strings(blob)), comment) for blob, comment in pairs]
    except (OSError, ValueError) as exc:
        raise UsageError(f"ssh-agent at {path}: {getattr(exc, 'strerror', '') or exc}") from exc
    return [
        AgentKey(blob[1].hex(), comment.decode(errors="replace"), path)
        for blob, comment in keys
        if blob[:1] == [SSH] and len(blob) == 2 and len(blob[1]) == KEY
    ]


def _ask(path: str, question: bytes) -> bytes:
    """Return the answer to one question; OSError or ValueError where there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
        agent.settimeout(SECONDS)
        agent.connect(path)
        agent.sendall(string(question))
        size = int.from_bytes(_exactly(agent, 4), "big")
        if not 0 < size <= MOST:
            raise ValueError(f"an answer of {size} bytes")
        return _exactly(agent, size)


def _exactly(agent: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        if not (part := agent.recv(size - len(found))):
            raise ValueError("it hung up")
        found += part
    return found
