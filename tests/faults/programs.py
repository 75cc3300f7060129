"""Programs that embed a router, for faults that the command line has no options for.

    python -m tests.faults.programs KIND [ARGUMENT...]

It prints what `wamplite router` prints, and ends as that does. `embedded(...)` starts one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import wamplite
from tests.faults.authorizing import authorizing
from tests.faults.sessions import Session
from tests.processes import TROUBLE, Program, RouterProcess, serving
from wamplite.auth import User, Users, keys, methods
from wamplite.core.handshake import AuthMethod, anonymous
from wamplite.core.messages import Challenge
from wamplite.router.accepting import Accepting
from wamplite.router.housekeeper import Housekeeper
from wamplite.router.listener import Listener
from wamplite.router.routing import Routing
from wamplite.router.socket_connection import SocketConnection
from wamplite.router.turning_away import TurningAway

PASSWORD = "pässword"
SEED = "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510"
PUBKEY = "1adfc8bfe1d35616e64dffbd900096f23b066f914c8c2ffbb66f6075b96e116d"
HANDSHAKE = 3.0  # seconds


class Embedded(RouterProcess):
    """A router within a program of its own."""

    def __init__(self, *words: str) -> None:
        Program.__init__(self, sys.executable, "-W", "default", "-m", __name__, *words)
        self.urls: list[str] = []


@contextmanager
def embedded(*words: str, trouble: Sequence[str] = TROUBLE) -> Iterator[RouterProcess]:
    """Run such a program; it must end well, without these words in its log."""
    with serving(Embedded(*words), trouble) as router:
        yield router


# ---- in the program


def known() -> Users:
    """Return the users."""
    joe = User.of_password("joe", "sensor", PASSWORD, iterations=keys.LEAST_ITERATIONS)
    return Users([joe, User.of_pubkeys("key", "admin", PUBKEY)])


def guarded() -> wamplite.Router:
    """Make a router with users, and all else as it is without a setting."""
    return wamplite.Router(authmethods={"anonymous": anonymous, **methods(known())})


def authenticating(seconds: str) -> wamplite.Router:
    """Make a router with users, and with methods that raise, or sleep so many seconds."""

    def raises(hello: Any, joining: Any) -> Any:
        raise ZeroDivisionError("a bug in an authmethod")

    def raises_later(hello: Any, joining: Any) -> Any:
        yield Challenge("raises later", {})
        raise ZeroDivisionError("a bug in an authmethod, later")

    def sleeps(hello: Any, joining: Any) -> Any:
        time.sleep(float(seconds))
        return anonymous(hello, joining)

    found: dict[str, AuthMethod] = {"anonymous": anonymous, **methods(known())}
    found |= {"raises": raises, "raises later": raises_later, "sleeps": sleeps}
    settings: dict[str, Any] = {"handshake_timeout": HANDSHAKE, "linger": 0.2, "login_delay": 0}
    settings["ping_interval"] = 0  # whoever stands by may be silent for as long as this takes
    return wamplite.Router(authmethods=found, **settings)


def faulty() -> wamplite.Router:
    """Make a router in which an event to faults.break lets a place raise the next time."""
    router = wamplite.Router(ping_interval=0.5, linger=0.2)
    places = {
        "housekeeper": (Housekeeper, "_once"),
        "housekeeper, ticking": (SocketConnection, "tick"),
        "housekeeper, writing": (Housekeeper, "_sweep"),
        "accepting": (Accepting, "_accept_one"),
        "accepting, serving": (Listener, "stream"),
        "connection": (SocketConnection, "receive"),
        "connection, opening": (SocketConnection, "_open"),
        "routing": (Routing, "_round"),
        "routing, handling": (Routing, "_handle"),
        "routing, delivering": (Routing, "_deliver"),
        "turning away": (TurningAway, "_serve"),
    }

    def break_(place: str, fault: str) -> None:
        kind, name = places[place]
        whole = getattr(kind, name)

        def broken(*args: Any) -> Any:
            setattr(kind, name, whole)
            raise {"bug": ZeroDivisionError, "memory": MemoryError, "exit": SystemExit}[fault]

        setattr(kind, name, broken)

    obeys(router, "faults.break", break_)
    return router


def jumping() -> wamplite.Router:
    """Make a router whose wall clock an event to faults.jump puts on or back."""
    whole, passed = time.time, [0.0]
    router = wamplite.Router(ping_interval=20.0, handshake_timeout=30.0)

    def jump(seconds: float) -> None:
        passed[0] += seconds
        time.time = lambda: whole() + passed[0]

    obeys(router, "faults.jump", jump)
    return router


def obeys(router: wamplite.Router, topic: str, act: Callable[..., None]) -> None:
    """Let events to a topic be done, and told to have been: by a thread that is there anyway."""
    session = router.connect("realm1")

    def heed(*args: Any) -> None:
        act(*args)
        session.publish(f"{topic}.done")

    session.subscribe(topic, heed)


def order(session: Session, topic: str, *args: Any) -> None:
    """Have something done in such a program."""
    session.subscribe(f"{topic}.done")
    assert session.ask(16, {"acknowledge": True}, topic, list(args))[0] == 17
    assert session.hear()[0] == 36


LIES: dict[str, dict[str, Any]] = {  # by realm: how a CHALLENGE differs from what it should be
    "nonce.same": {"nonce": "{nonce}"},
    "nonce.other": {"nonce": "MTIzNDU2Nzg5MDEyMzQ1Ng=="},
    "iterations.few": {"iterations": 1},
    "iterations.many": {"iterations": 2**31},
    "kdf.none": {"kdf": "none"},
    "verifier.wrong": {},
}


def lying() -> wamplite.Router:
    """Make a router that does not know the password and would like to learn it."""

    def lies(hello: Any, joining: Any) -> Any:
        nonce = hello.details["authextra"]["nonce"]
        extra = {"nonce": nonce + "more", "salt": "c2FsdHNhbHQ=", "kdf": "pbkdf2", "memory": None}
        extra |= {"iterations": keys.LEAST_ITERATIONS, **LIES[joining.realm]}
        extra["nonce"] = extra["nonce"].format(nonce=nonce)
        yield Challenge("wamp-scram", extra)
        identity = anonymous(hello, joining)
        return identity._replace(authextra={"verifier": "d3Jvbmc="})

    return wamplite.Router(realms=LIES, authmethods={"wamp-scram": lies})


def judging() -> wamplite.Router:
    """Make a router with roles, of which an event to faults.revise takes something away."""
    router, revise = authorizing()
    obeys(router, "faults.revise", revise)
    return router


KINDS: dict[str, Callable[..., wamplite.Router]] = {
    "authenticating": authenticating,
    "guarded": guarded,
    "lying": lying,
    "faulty": faulty,
    "jumping": jumping,
    "judging": judging,
}


def main() -> None:
    """Run the router that the command line names until a signal."""
    kind, *words = sys.argv[1:]
    with KINDS[kind](*words) as router:
        print(f"listening {router.listen('tcp://127.0.0.1:0')}")
        print("ready", flush=True)
        router.run_forever()


if __name__ == "__main__":
    main()
