"""From HELLO to WELCOME or ABORT, both sides (RFC "Session Establishment").

    client                                          router
    HELLO, with what the methods add         ──>    realm known? one of these methods? begin it
    answer, by the method that it names      <──    CHALLENGE, any number of times
    AUTHENTICATE                             ──>    go on
    may the method take this for the router? <──    WELCOME
    ABORT, and an exception                  <──    ABORT: whatever else, at any time

A method of authentication is a dialogue, on either side a generator that is begun anew for each
session. One that breaks lets nobody in: ABORT `wamp.error.authentication_failed`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

from . import uris
from .errors import AuthenticationFailed, ProtocolError, UsageError, from_abort
from .feature import Refused
from .ids import new_authid, new_session
from .members import Identity, Violation
from .messages import (
    Abort,
    Authenticate,
    Challenge,
    Error,
    Hello,
    Message,
    Result,
    Welcome,
    name_of,
)
from .roles import kept
from .unfit import Unfit
from .words import shorten

_TEXT = frozenset({str})
ANYBODY = ["anonymous"]  # how somebody joins who wishes for nothing

# ---- the router's side


Ask = Callable[[str, str, list[Any], float], "Result | Error"]
# Of realm, procedure, args and seconds: calls in the router's name, and waits for the answer.


class Joining(NamedTuple):
    """What is known of a session before it is one, for a method of authentication."""

    session: int  # the id that WELCOME will carry
    realm: str
    listener: str = ""  # the URL that it came to
    address: str | None = None  # of the peer; "": a Unix socket, None: in this process, serial
    tls: Any = None  # transports.tls.TlsFacts, within TLS
    ask: Ask | None = None
    cookie: Any = None  # auth.cookie.ShownCookie, where cookies count


Dialogue = Generator[Challenge, Authenticate, Identity]
# Yields CHALLENGEs, is sent AUTHENTICATEs, returns who it is; raises Refused.
AuthMethod = Callable[[Hello, Joining], "Dialogue | Identity | None"]
# Identity: it has nothing to ask. None: it says nothing of this one, and the next method that HELLO
# offers has its turn.
Offer = Callable[[str], Mapping[str, AuthMethod]]  # of a realm: what it is to be joined by


class Accepted(NamedTuple):
    """The outcome that lets a session in."""

    session: int
    realm: str
    identity: Identity
    roles: dict[str, Any]  # those of a client, with the features that are on
    answers_ping: bool = False  # it announced so
    agent: str = ""


class Anonymous:
    """Lets anybody in, under a random authid: what HELLO wishes to be called is not a fact."""

    def __init__(self, role: str) -> None:
        self._role = role

    def __call__(self, hello: Hello, joining: Joining) -> Identity:
        return Identity(new_authid(), self._role, "anonymous", "static")


anonymous = Anonymous("anonymous")
OPEN: Mapping[str, AuthMethod] = {"anonymous": anonymous}  # nobody has to say who they are


class Acceptor:
    """One handshake: feed it each message, it returns the answer to send or what was accepted.

    authmethods: by name, of all realms alike, or what tells those of a realm; None: nobody has to
    say who they are. trusted: who the peer is, where that needs no proof; else it is asked by an
    authmethod. listener, address, tls, ask, cookie: see Joining.
    """

    def __init__(
        self,
        realms: Mapping[str, Any],
        authmethods: Mapping[str, AuthMethod] | Offer | None = None,
        *,
        trusted: Identity | None = None,
        listener: str = "",
        address: str | None = None,
        tls: Any = None,
        ask: Ask | None = None,
        cookie: Any = None,
    ) -> None:
        self._realms = realms
        self._authmethods = OPEN if authmethods is None else authmethods
        self._trusted = trusted
        self._place = listener, address, tls, ask, cookie
        self._offered: Mapping[str, AuthMethod] | None = None  # of the realm that HELLO names
        self._dialogue: Dialogue | None = None
        self._about: tuple[Hello, Joining]  # what the dialogue was begun with

    def on_message(
        self, message: Message | Violation | Unfit
    ) -> Challenge | Abort | Accepted | None:
        """Answer one message: None says that the peer gave up and wants no answer."""
        if type(message) is Abort:
            return None
        if isinstance(message, Unfit):
            message = message.message
        try:
            if type(message) is Hello and self._dialogue is None:
                return self._on_hello(message)
            if isinstance(message, Violation):
                raise ProtocolError(message.text)
            return self._on_other(message)
        except Refused as refused:
            text = str(refused.args[0] if refused.args else refused.error)
            return Abort({"message": text}, refused.error)
        except ProtocolError as error:
            return Abort({"message": shorten(str(error))}, uris.PROTOCOL_VIOLATION)

    def may_take_long(self, message: Any) -> bool:
        """Tell whether an authmethod has its turn with this that may ask others, or a disk."""
        if type(message) is not Hello or self._trusted is not None:
            return self._dialogue is not None
        self._offered = methods = self._methods_of(message.realm)
        for wish in message.details.get("authmethods") or ANYBODY:
            if type(methods.get(wish, anonymous)) is not Anonymous:
                return True
        return False

    def _methods_of(self, realm: str) -> Mapping[str, AuthMethod]:
        methods = self._authmethods
        return methods(realm) if callable(methods) else methods

    def _on_hello(self, message: Hello) -> Challenge | Accepted:
        if message.realm not in self._realms:
            raise _no_realm(message.realm)
        joining = Joining(new_session(), message.realm, *self._place)
        wishes = message.details.get("authmethods") or ANYBODY
        begun = self._trusted or self._begin(message, joining, wishes)
        if isinstance(begun, Identity):
            return _accepted(message, joining, begun)
        self._dialogue, self._about = begun, (message, joining)
        return self._advance(next)

    def _begin(self, hello: Hello, joining: Joining, wishes: list[str]) -> Dialogue | Identity:
        """Begin the first method that HELLO wishes for and that can do something with it."""
        methods = self._offered
        if methods is None:
            methods = self._methods_of(joining.realm)
        for wish in wishes:
            method = methods.get(wish)
            begun = None if method is None else method(hello, joining)
            if begun is not None:
                return begun
        offered = ", ".join(methods) or "nothing"
        raise Refused(
            uris.NO_MATCHING_AUTH_METHOD, f"offered here: {offered}; wished for: {wishes}"
        )

    def _on_other(self, message: Message) -> Challenge | Accepted:
        if self._dialogue is None:
            raise ProtocolError(f"a session starts with HELLO, not {name_of(message)}")
        if type(message) is not Authenticate:
            raise ProtocolError(f"CHALLENGE is answered with AUTHENTICATE, not {name_of(message)}")
        return self._advance(lambda dialogue: dialogue.send(message))

    def _advance(self, step: Callable[[Dialogue], Challenge]) -> Challenge | Accepted:
        assert self._dialogue is not None
        try:
            challenge = step(self._dialogue)
        except StopIteration as done:
            return _accepted(*self._about, done.value)
        if not isinstance(challenge, Challenge):
            raise TypeError(f"an authmethod must yield CHALLENGE, not {type(challenge).__name__}")
        return challenge


def _no_realm(realm: str) -> Refused:
    """Return why nobody can join a realm."""
    name = repr(realm)
    if not uris.is_valid(realm):
        return Refused(uris.INVALID_URI, f"{name} is not a valid realm")
    text = f"join another, or give the router --realm {name}, in Python realms=[{name}]"
    return Refused(uris.NO_SUCH_REALM, f"there is no realm {name} here: {text}")


def _accepted(hello: Hello, joining: Joining, identity: Identity) -> Accepted:
    if not isinstance(identity, Identity):
        raise TypeError(f"an authmethod must return Identity, not {type(identity).__name__}")
    if not _TEXT.issuperset(map(type, identity[:4])):
        _check(identity)
    details = hello.details
    agent = details.get("agent")
    return Accepted(
        joining.session,
        joining.realm,
        identity,
        kept(details["roles"]),
        details.get(uris.ANSWERS_PING) is True,
        shorten(agent) if agent else "",
    )


def _check(identity: Identity) -> None:
    """Raise TypeError where an authmethod says of somebody what is no text."""
    for name, said in zip(Identity._fields[:4], identity, strict=False):
        if not isinstance(said, str):
            raise TypeError(f"{name} of an Identity must be str, not {type(said).__name__}")


# ---- the client's side

ClientDialogue = Generator[dict[str, Any] | Authenticate, Any, None]
# Yields what it adds to HELLO.Details, is sent each CHALLENGE and yields its AUTHENTICATE; is sent
# WELCOME at last, and returns, or raises AuthenticationFailed where it is not what it should be.
ClientMethod = Callable[[], ClientDialogue]


class Joiner:
    """One handshake: send `hello`, feed what comes; each answer tells what to send, or WELCOME.

    authmethods: name -> method, in order of preference.
    """

    def __init__(
        self,
        realm: str,
        roles: dict[str, Any],
        *,
        authmethods: Mapping[str, ClientMethod] | None = None,
        authid: str | None = None,
        authrole: str | None = None,
        authextra: dict[str, Any] | None = None,
        agent: str | None = None,
    ) -> None:
        if not uris.is_valid(realm):
            raise UsageError(f"{realm!r} is not a valid realm")
        self._dialogues = {name: method() for name, method in (authmethods or {}).items()}
        self._asked: ClientDialogue | None = None
        wishes = {
            "authmethods": list(self._dialogues) or None,
            "authid": authid,
            "authrole": authrole,
            "authextra": authextra,
            "agent": agent,
        }
        details = {key: value for key, value in wishes.items() if value is not None}
        for dialogue in self._dialogues.values():
            details = _with(details, next(dialogue))
        self.hello = Hello(realm, {"roles": roles, **details, uris.ANSWERS_PING: True})

    def on_message(self, message: Message | Unfit) -> Welcome | Authenticate | Abort:
        """Return WELCOME, or what to send: after an ABORT, `error` tells why it is sent."""
        if isinstance(message, Unfit):
            message = message.message
        if type(message) is Welcome:
            return self._on_welcome(message)
        if type(message) is Challenge:
            return self._on_challenge(message)
        if type(message) is Abort:
            args = message.args
            if not args and "message" in message.details:
                args = [message.details["message"]]
            raise from_abort(message.reason, args, message.kwargs)
        text = f"HELLO is answered with WELCOME, CHALLENGE or ABORT, not {name_of(message)}"
        return self.refuse(ProtocolError(text))

    def refuse(self, error: Exception) -> Abort:
        """Remember why the handshake ends here and return the ABORT that says so."""
        self.error = error
        broken = isinstance(error, ProtocolError)
        reason = uris.PROTOCOL_VIOLATION if broken else uris.AUTHENTICATION_FAILED
        return Abort({"message": shorten(str(error))}, reason)

    def _on_challenge(self, challenge: Challenge) -> Authenticate | Abort:
        method = challenge.authmethod
        self._asked = self._dialogues.get(method)
        if self._asked is None:
            offered = ", ".join(self._dialogues) or "anonymous"
            return self._fail(f"CHALLENGE asks for {method!r}; offered was: {offered}")
        try:
            answer = self._asked.send(challenge)
        except AuthenticationFailed as error:
            return self.refuse(error)
        except StopIteration:
            return self._fail(f"the method {method!r} has no answer to a further CHALLENGE")
        except Exception as error:
            return self._fail(f"the method {method!r} failed: {error!r}", error)
        if not isinstance(answer, Authenticate):
            return self._fail(f"the method {method!r} answered {type(answer).__name__}")
        return answer

    def _on_welcome(self, welcome: Welcome) -> Welcome | Abort:
        try:
            if self._asked is not None:
                self._asked.send(welcome)
        except AuthenticationFailed as error:
            return self.refuse(error)
        except StopIteration:
            pass
        except Exception as error:
            return self._fail(f"the method of authentication failed: {error!r}", error)
        for dialogue in self._dialogues.values():
            dialogue.close()
        return welcome

    def _fail(self, text: str, cause: Exception | None = None) -> Abort:
        error = AuthenticationFailed(uris.AUTHENTICATION_FAILED, text)
        error.__cause__ = cause
        return self.refuse(error)


def _with(details: dict[str, Any], added: Any) -> dict[str, Any]:
    """Return HELLO.Details with what a method adds; of authextra, both."""
    if not isinstance(added, dict):
        raise UsageError(f"a method of authentication must begin with a dict, not {added!r}")
    extra, more = details.get("authextra", {}), added.get("authextra", {})
    for key in extra.keys() & more.keys():
        if extra[key] != more[key]:
            raise UsageError(f"the methods of authentication need another authextra.{key} each")
    extra = {**extra, **more}
    return {**details, **added, **({"authextra": extra} if extra else {})}
