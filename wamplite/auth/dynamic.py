"""Who somebody is says a function, or a procedure of the realm: Crossbar's dynamic authenticators.

    authenticate(realm, authid, details) -> the role, or a dict, or None

details has `authmethod`, `authextra`, `session` (the id that WELCOME will carry), `transport` and,
by method, `ticket`, `pubkey` or `certificate` (what it may be known by). The dict has `role`,
perhaps `authid` (another name) and `extra` (for WELCOME.Details.authextra), and what proves it:

    ticket, tls    nothing: whoever answers has judged; a `secret` must be the ticket all the same
    wampcra        secret; or a derived one with salt, iterations and keylen, which is 32
    scram          secret; or kdf, salt, stored-key and server-key (hex), iterations, memory
    cryptosign     pubkey, or a list of them, hex

An error, no answer within `timeout`, an exception, and an answer that is none of that mean no. It
is asked in the connection's own thread, and nobody else waits. Who may register the procedure is
believed: guard it. (A function that a wamplite session registers must not call its third parameter
`details`: that would be those of the call.)
"""

from __future__ import annotations

import hmac
import logging
import os
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any

from ..core import uris
from ..core.errors import ApplicationError, UsageError
from ..core.feature import Refused
from ..core.messages import Error, Result
from ..limit import RateLimit
from ..locks import Lock
from .keys import ITERATIONS, KDFS, KEY, PBKDF2, CraKey, ScramKeys, from_hex, mac, scram_keys
from .saslprep import saslprep
from .users import Claim, User

logger = logging.getLogger("wamplite.auth")

Answering = Callable[[str, "str | None", dict[str, Any]], Any]
MOST_CACHED = 1024
MOST_AT_ONCE = 16  # functions that have not returned yet
QUIET = 10.0  # seconds between two warnings
TROUBLE = "the router could not find out who you are: its log says why"
NO_ANSWER = {uris.NO_SUCH_PROCEDURE, uris.NO_SUCH_REALM, uris.TIMEOUT, uris.CANCELED}
NO_ANSWER |= {uris.UNAVAILABLE, uris.NO_AVAILABLE_CALLEE}


class NoAnswer(Exception):
    """Nobody has said yes or no, and why."""


class Authenticator:
    """Asks a function, or a procedure by its URI.

    realm: of the procedure; None: the one that is joined. timeout: seconds for an answer, below the
    router's handshake_timeout. cache: seconds that a yes stays good; then it must not depend on
    authextra. Any thread.
    """

    def __init__(
        self,
        ask: str | Answering,
        *,
        realm: str | None = None,
        timeout: float = 5.0,
        cache: float = 0.0,
    ) -> None:
        if isinstance(ask, str) and not uris.is_valid(ask):
            raise UsageError(f"an authenticator is a function or a procedure, not {ask!r}")
        if not timeout > 0 or cache < 0:
            raise UsageError("an authenticator needs a timeout above 0, and a cache of 0 or more")
        self._ask, self._realm = ask, realm
        self._timeout, self._seconds = timeout, cache
        self._places = threading.Semaphore(MOST_AT_ONCE)
        self._secret = os.urandom(32)
        self._lock = Lock()  # guards the next two
        self._cache: dict[bytes, tuple[float, User]] = {}
        self._lines = RateLimit(1, QUIET)

    def user(self, claim: Claim, **known: Any) -> User | None:
        """Return who that is and what proves it; None: nobody. Refused where nobody can say.

        known: ticket or certificate, or the pubkey that was shown.
        """
        key = self._key(claim, known)
        with self._lock:
            until, found = self._cache.get(key, (0.0, None))
        if found is not None and time.monotonic() < until:
            return found
        try:
            answer = self._answer(claim, known)
            user = None if answer is None else self._user(claim, answer, known)
        except NoAnswer as trouble:
            self._warn(claim, str(trouble))
            raise Refused(uris.AUTHENTICATION_FAILED, TROUBLE) from None
        if user is not None and self._seconds:
            self._keep(key, user)
        return user

    # ---- asking

    def _answer(self, claim: Claim, known: dict[str, Any]) -> Any:
        hello, joining = claim.hello, claim.joining
        details = {
            "authmethod": claim.method,
            "authextra": hello.details.get("authextra") or {},
            "session": joining.session,
            "transport": {
                "listener": joining.listener,
                "peer": joining.address,
                "tls": joining.tls is not None,
            },
            **known,
        }
        args = [joining.realm, claim.authid or None, details]
        if isinstance(self._ask, str):
            return self._of_procedure(self._ask, claim, args)
        return self._of_function(self._ask, args)

    def _of_procedure(self, procedure: str, claim: Claim, args: list[Any]) -> Any:
        ask = claim.joining.ask
        if ask is None:
            raise NoAnswer(f"{procedure} can be asked by no session of this kind")
        answer = ask(self._realm or claim.joining.realm, procedure, args, self._timeout)
        if isinstance(answer, Error):
            if answer.error in NO_ANSWER:
                raise NoAnswer(f"{procedure}: {answer.error}")
            return None  # it said no
        assert isinstance(answer, Result)
        if isinstance(answer.args, list) and len(answer.args) == 1 and not answer.kwargs:
            return answer.args[0]
        return answer.args or answer.kwargs or None

    def _of_function(self, function: Answering, args: list[Any]) -> Any:
        """Run it in a thread of its own: nothing else could be given up in time."""
        if not self._places.acquire(blocking=False):
            raise NoAnswer(f"{MOST_AT_ONCE} calls of {function!r} have not returned")
        answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

        def run() -> None:
            try:
                answers.put((function(*args), None))
            except BaseException as error:
                answers.put((None, error))
            finally:
                self._places.release()

        threading.Thread(target=run, name="wamplite-authenticator", daemon=True).start()
        try:
            answer, error = answers.get(timeout=self._timeout)
        except Empty:
            raise NoAnswer(f"{function!r} did not return in {self._timeout:g} s") from None
        if isinstance(error, ApplicationError):
            return None  # as a procedure says no
        if error is not None:
            raise NoAnswer(f"{function!r} failed: {error!r}")
        return answer

    def _user(self, claim: Claim, answer: Any, known: dict[str, Any]) -> User | None:
        told = {"role": answer} if isinstance(answer, str) else answer
        if not isinstance(told, dict):
            raise NoAnswer(f"expected a role or a dict, not {type(answer).__name__}")
        role, extra = _one(told, "role", str), _one(told, "extra", dict, None)
        authid = _one(told, "authid", str, claim.authid or known.get("pubkey"))
        if _one(told, "realm", str, claim.joining.realm) != claim.joining.realm:
            raise NoAnswer("it is for another realm")
        if not role or not authid:
            raise NoAnswer("a role and an authid are needed")
        user = User(authid, role, provider="dynamic", extra=extra)
        return READERS[claim.method](user, told, known, self._secret)

    # ---- cache and log

    def _key(self, claim: Claim, known: dict[str, Any]) -> bytes:
        told = repr((claim.joining.realm, claim.authid, claim.method, sorted(known.items())))
        return mac(self._secret, told.encode("utf-8", "backslashreplace"))

    def _keep(self, key: bytes, user: User) -> None:
        now = time.monotonic()
        with self._lock:
            self._cache.pop(key, None)
            self._cache[key] = now + self._seconds, user
            while len(self._cache) > MOST_CACHED:
                del self._cache[next(iter(self._cache))]  # the oldest

    def forget(self) -> None:
        """Ask anew from now on: what was answered so far may have changed."""
        with self._lock:
            self._cache.clear()

    def _warn(self, claim: Claim, text: str) -> None:
        with self._lock:
            is_told = self._lines.allows(None, time.monotonic())
        if is_told:
            where = claim.joining.realm
            logger.warning("realm %s: the authenticator for %s: %s", where, claim.method, text)


def _one(told: dict[str, Any], key: str, kind: type, *default: Any) -> Any:
    """Return a value of an answer, or its default; NoAnswer where it is of another type."""
    value = told.get(key)
    if value is None and default:
        return default[0]
    if type(value) is not kind:
        raise NoAnswer(f"{key} must be {kind.__name__}, not {type(value).__name__}")
    return value


# ---- what an answer says, by method: (user, told, known, a secret of ours) -> the user, or nobody


def _of_ticket(user: User, told: Any, known: Any, own: bytes) -> User | None:
    secret = _one(told, "secret", str, _one(told, "ticket", str, None))
    given = known["ticket"].encode()
    is_right = secret is None or hmac.compare_digest(secret.encode(), given)
    return user if is_right else None


def _of_tls(user: User, told: Any, known: Any, own: bytes) -> User | None:
    return user


def _of_wampcra(user: User, told: Any, known: Any, own: bytes) -> User | None:
    salt, iterations = _one(told, "salt", str, ""), _one(told, "iterations", int, 0)
    if bool(salt) != (iterations > 0) or _one(told, "keylen", int, KEY) != KEY:
        raise NoAnswer("salt, iterations and a keylen of 32 belong together")
    return replace(user, cra=CraKey(_one(told, "secret", str).encode(), salt, iterations))


def _of_scram(user: User, told: Any, known: Any, own: bytes) -> User | None:
    if "secret" in told:
        salt = b64encode(mac(own, user.authid.encode())[:16]).decode()
        try:
            prepared = saslprep(_one(told, "secret", str))
        except ValueError as error:
            raise NoAnswer(f"of the secret {error}") from None
        return replace(user, scram=scram_keys(prepared, salt, ITERATIONS))
    try:
        salt = b64encode(bytes.fromhex(_one(told, "salt", str))).decode()
    except ValueError:
        raise NoAnswer("salt must be hexadecimal digits") from None
    stored, server = (from_hex(told.get(key), KEY) for key in ("stored-key", "server-key"))
    if not stored or not server:
        raise NoAnswer("stored-key and server-key must be 64 hexadecimal digits")
    iterations, memory = _one(told, "iterations", int), _one(told, "memory", int, 0)
    kdf = _one(told, "kdf", str, PBKDF2)
    if kdf not in KDFS:
        raise NoAnswer(f"kdf must be one of {', '.join(KDFS)}, not {kdf!r}")
    return replace(user, scram=ScramKeys(salt, iterations, stored, server, kdf, memory))


def _of_cryptosign(user: User, told: Any, known: Any, own: bytes) -> User | None:
    pubkeys = told.get("pubkey")
    several = [pubkeys] if isinstance(pubkeys, str) else pubkeys
    if not isinstance(several, list) or not all(from_hex(one, KEY) for one in several):
        raise NoAnswer("pubkey must be 64 hexadecimal digits, or a list of such")
    return user if known["pubkey"] in several else None


READERS: dict[str, Callable[[User, Any, Any, bytes], User | None]] = {
    "ticket": _of_ticket,
    "tls": _of_tls,
    "wampcra": _of_wampcra,
    "wamp-scram": _of_scram,
    "scram": _of_scram,
    "cryptosign": _of_cryptosign,
}
