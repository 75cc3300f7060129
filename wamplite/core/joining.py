"""From HELLO to WELCOME or ABORT, as the client sees it (RFC "Session Establishment").

HELLO ──> WELCOME                      joined
      ──> CHALLENGE ──> AUTHENTICATE   by the authmethod it names, any number of times
      ──> ABORT                        JoinRefused, AuthenticationFailed
      ──> anything else                ABORT wamp.error.protocol_violation, ProtocolError
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import uris
from .errors import AuthenticationFailed, ProtocolError, UsageError, from_abort
from .messages import CODES, NAMES, Abort, Authenticate, Challenge, Hello, Message, Welcome
from .unfit import Unfit

Answer = Callable[[Challenge], Authenticate]  # how an authmethod answers its CHALLENGE


class Joiner:
    """One handshake: send `hello`, feed what comes; each answer tells what to send, or WELCOME.

    authmethods: the doorway of authentication, name -> answer to CHALLENGE, in order of preference.
    """

    def __init__(
        self,
        realm: str,
        roles: dict[str, Any],
        *,
        authmethods: Mapping[str, Answer] | None = None,
        authid: str | None = None,
        authrole: str | None = None,
        authextra: dict[str, Any] | None = None,
        agent: str | None = None,
    ) -> None:
        if not uris.is_valid(realm):
            raise UsageError(f"{realm!r} is not a valid realm")
        self._authmethods = dict(authmethods or {})
        wishes = {
            "authmethods": list(self._authmethods) or None,
            "authid": authid,
            "authrole": authrole,
            "authextra": authextra,
            "agent": agent,
        }
        details = {key: value for key, value in wishes.items() if value is not None}
        self.hello = Hello(realm, {"roles": roles, **details, uris.ANSWERS_PING: True})

    def on_message(self, message: Message | Unfit) -> Welcome | Authenticate | Abort:
        """Return WELCOME, or what to send: after an ABORT, `error` tells why it is sent."""
        if isinstance(message, Unfit):
            message = message.message
        if type(message) is Welcome:
            return message
        if type(message) is Challenge:
            return self._on_challenge(message)
        if type(message) is Abort:
            args = message.args
            if not args and "message" in message.details:
                args = [message.details["message"]]
            raise from_abort(message.reason, args, message.kwargs)
        name = NAMES[CODES[type(message)]]
        return self.refuse(
            ProtocolError(f"HELLO is answered with WELCOME, CHALLENGE or ABORT, not {name}")
        )

    def refuse(self, error: Exception) -> Abort:
        """Remember why the handshake ends here and return the ABORT that says so."""
        self.error = error
        broken = isinstance(error, ProtocolError)
        reason = uris.PROTOCOL_VIOLATION if broken else uris.AUTHENTICATION_FAILED
        return Abort({"message": str(error)}, reason)

    def _on_challenge(self, challenge: Challenge) -> Authenticate | Abort:
        answer = self._authmethods.get(challenge.authmethod)
        if answer is not None:
            return answer(challenge)
        offered = ", ".join(self._authmethods) or "anonymous"
        text = f"CHALLENGE asks for {challenge.authmethod!r}; offered was: {offered}"
        return self.refuse(AuthenticationFailed(uris.AUTHENTICATION_FAILED, text))
