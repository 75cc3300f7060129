#!/usr/bin/env python3
"""Whether a router tells by its time who there is: a wrong secret against an unknown name.

    tools/login_times.py [--rounds N] [METHOD...]

Both are tried in turn, over connections of their own, and what is sent differs by the name alone.
Printed are the medians of the time from HELLO to ABORT, in milliseconds, and their ratio. The exit
status is 1 where a ratio is not within 10 % of 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import wamplite
from wamplite.auth import User, Users, methods
from wamplite.auth.ed25519 import InPython
from wamplite.core.messages import Authenticate

BOUND = 0.1
KNOWN, UNKNOWN = "joe", "ann"
KEYS = {name: InPython().pubkey(name.encode().ljust(32)).hex() for name in (KNOWN, UNKNOWN)}
ASKING = ("ticket", "wampcra", "wamp-scram", "scram", "cryptosign")
NONCE = b64encode(bytes(16)).decode()
PROOF = b64encode(bytes(32)).decode()  # of the right size, and wrong


class Guess:
    """A client that answers whatever it is asked with what is wrong."""

    def __init__(self, method: str, authid: str) -> None:
        self.authid, self._method = authid, method

    def methods(self, tls: Any) -> dict[str, Any]:
        return {self._method: self._guess}

    def _guess(self) -> Iterator[Any]:
        pubkey = KEYS[self.authid]
        extra = {"nonce": NONCE, "channel_binding": None, "pubkey": pubkey}
        asked = yield {"authextra": extra}
        if self._method == "cryptosign":
            yield Authenticate("00" * 64 + asked.extra["challenge"], {})
        else:
            repeated = {"nonce": asked.extra.get("nonce"), "channel_binding": None}
            yield Authenticate(PROOF, repeated | {"cbind_data": None})


def users() -> Users:
    """Return one user by each kind of secret, under one name."""
    password = User.of_password(KNOWN, "a", "s3cret")
    key = User.of_pubkeys(KNOWN, "a", KEYS[KNOWN])
    return Users([User(KNOWN, "a", password.scram, password.cra, key.pubkeys)])


def times(url: str, method: str, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds that a wrong secret takes, and an unknown name."""
    found: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    for number in range(rounds):
        for authid in (KNOWN, UNKNOWN) if number % 2 else (UNKNOWN, KNOWN):
            began = time.perf_counter()
            try:
                wamplite.connect(url, auth=Guess(method, authid))
            except wamplite.AuthenticationFailed:
                found[authid].append(time.perf_counter() - began)
    return found[KNOWN], found[UNKNOWN]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("methods", nargs="*", default=ASKING, metavar="METHOD")
    options = parser.parse_args()
    worst = 0.0
    with wamplite.Router(authmethods=methods(users()), login_delay=0) as router:
        url = router.listen("rs://127.0.0.1:0")
        print(f"{'method':12}{'wrong secret':>14}{'unknown name':>14}{'ratio':>8}")
        for method in options.methods:
            wrong, unknown = (1000 * median(one) for one in times(url, method, options.rounds))
            print(f"{method:12}{wrong:14.3f}{unknown:14.3f}{unknown / wrong:8.3f}", flush=True)
            worst = max(worst, abs(unknown / wrong - 1))
    return int(worst > BOUND)


if __name__ == "__main__":
    sys.exit(main())
