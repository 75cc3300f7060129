"""A method of authentication asked by its messages, either side of it."""

from __future__ import annotations

from typing import Any

from wamplite.auth import User, Users, keys, methods
from wamplite.core.errors import WampliteError
from wamplite.core.handshake import Acceptor
from wamplite.core.messages import Authenticate, Hello

PASSWORD = "pässword, with = and ,"
SEED = "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510"
PUBKEY = "1adfc8bfe1d35616e64dffbd900096f23b066f914c8c2ffbb66f6075b96e116d"
QUICK = keys.LEAST_ITERATIONS
USERS = Users(
    [
        User.of_password("joe", "sensor", PASSWORD, iterations=QUICK),
        User.of_secret("old", "sensor", PASSWORD),
        User.of_pubkeys("key", "admin", PUBKEY.upper()),
    ]
)
DENIED = "wamp.error.authentication_denied"
FAILED = "wamp.error.authentication_failed"


class OneName:
    """A client that offers one of the names of a method."""

    def __init__(self, auth: Any, name: str) -> None:
        self.authid, self._auth, self._name = auth.authid, auth, name

    def methods(self, tls: Any) -> dict[str, Any]:
        return {self._name: self._auth.methods(tls)[self._name]}


class Talk:
    """The router's side, asked by a method."""

    def __init__(
        self,
        method: str,
        authid: str | None,
        users: Users = USERS,
        tls: Any = None,
        **extra: Any,
    ) -> None:
        self.acceptor = Acceptor({"realm1": object()}, methods(users, [method]), tls=tls)
        details: dict[str, Any] = {"roles": {"caller": {}}, "authmethods": [method]}
        details |= {"authid": authid} if authid is not None else {}
        details |= {"authextra": extra} if extra else {}
        self.answer = self.acceptor.on_message(Hello("realm1", details))

    def say(self, signature: str, **extra: Any) -> Any:
        return self.acceptor.on_message(Authenticate(signature, extra))


def asked(auth: Any, name: str, *messages: Any) -> list[Any]:
    """Return what a client says, or the error that it raises."""
    dialogue = auth.methods(None)[name]()
    said = [next(dialogue)]
    for message in messages:
        try:
            said.append(dialogue.send(message(said) if callable(message) else message))
        except (WampliteError, StopIteration) as error:
            said.append(error)
    return said
