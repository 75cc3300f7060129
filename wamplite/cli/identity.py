"""What proves who a client verb is, of the words that its options were given.

What a command line holds, everybody on the machine can read (ps). So a secret is better given as
`file:PATH` (of a file that nobody else may read) or `env:NAME`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..core.errors import UsageError

PASSPHRASE = "WAMPLITE_KEY_PASSPHRASE"
AGENT = "agent:"


def auth_of(authid: str | None, given: dict[str, str | None]) -> list[Any]:
    """Return the ways to prove who one is, the best first.

    given: key, secret, ticket, cert, channel_binding, and authmethod: which of the two that a
    secret proves it by. UsageError where something cannot be meant.
    """
    from .. import auth

    ways: list[Any] = []
    binding = given["channel_binding"]
    if given["cert"] is not None:
        ways.append(auth.ClientCertificate(authid))
    if given["key"] is not None:
        ways.append(_signing(authid, given["key"], binding))
    by_secret = {"scram": (auth.Scram,), "wampcra": (auth.WampCra,)}
    chosen = given["authmethod"]  # perhaps of the environment, which nobody has checked
    if chosen not in (None, *by_secret):
        raise UsageError(f"authmethod must be scram or wampcra, not {chosen!r}")
    both = by_secret[chosen] if chosen else (auth.Scram, auth.WampCra)
    for name, kinds in (("secret", both), ("ticket", (auth.Ticket,))):
        word = given[name]
        if word is None:
            continue
        if not authid:
            raise UsageError(f"--{name} proves who --authid is: give it, too")
        secret = secret_of(word)
        for kind in kinds:
            words = {"channel_binding": binding} if kind is auth.Scram else {}
            if binding is None or words:  # what cannot be bound would be a way round it
                ways.append(kind(authid, secret, **words))
    if not ways:
        raise UsageError("--channel-binding: nothing of it can be bound; scram and cryptosign can")
    return ways


def secret_of(word: str) -> str:
    """Return the secret that a word is, or names."""
    kind, colon, name = word.partition(":")
    if colon and kind == "file":
        from ..config import read_secret

        return read_secret(str(Path(name).absolute()))
    if colon and kind == "env":
        if not os.environ.get(name):
            raise UsageError(f"{word}: there is no such variable in the environment")
        return os.environ[name]
    return word


def _signing(authid: str | None, word: str, binding: str | None) -> Any:
    from ..auth import CryptoSign

    if word.startswith(AGENT):
        which = word.removeprefix(AGENT) or None
        return CryptoSign.of_agent(authid, which, channel_binding=binding)
    if word.startswith("env:"):
        return CryptoSign(authid, secret_of(word), channel_binding=binding)
    passphrase = os.environ.get(PASSPHRASE)
    path = word.removeprefix("file:")
    return CryptoSign.of_file(authid, path, passphrase, channel_binding=binding)
