"""How long whoever has guessed wrong waits before the next login is judged.

    by address   after a bad login `login_delay`, twice as much after each further one, at most
                 `max_login_delay`; one login at a time, so that many connections guess no faster
    by authid    the same, once bad logins for it came from several addresses; not one at a time,
                 so that nobody keeps its user out for longer than `max_login_delay`

A login that would wait for longer than its handshake may last is refused without being judged. A
good login forgets the bad ones of its address for its own authid, not those for others: who has one
account does not guess at another's faster for it. What is remembered is bounded, the worst longest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice

from ..core import uris
from ..core.handshake import Accepted
from ..core.messages import Abort, Challenge, Hello
from ..locks import Latch, Lock
from .connections import origin_of
from .limits import Limits

MOST = 1024  # addresses, and as many names, that are remembered
FORGET = 900.0  # seconds after the last bad login
LOOKED_AT = 8  # of the oldest, where one has to be forgotten: the least bad of them
LONGEST_NAME = 64  # characters that are kept as they are
SEVERAL = None
Tell = Callable[[str, str], None]  # what is counted, and about whom


class Guesses:
    """The bad logins of one address, or for one name."""

    __slots__ = ("at", "bad", "other", "until")

    def __init__(self, other: str) -> None:
        self.bad = 0
        self.other: str | None = other  # the one name tried, or the one address; or SEVERAL
        self.at = 0.0  # the last one
        self.until = 0.0  # when the next login is judged


class Remembered:
    """Guesses by address or by name, the last ones last."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._guesses: dict[str, Guesses] = {}

    def __len__(self) -> int:
        return len(self._guesses)

    def get(self, key: str) -> Guesses | None:
        """Return what is remembered of it."""
        found = self._guesses.get(key)
        if found is not None and self._clock() - found.at > FORGET:
            del self._guesses[key]
            return None
        return found

    def note(self, key: str, other: str) -> Guesses:
        """Note a bad login."""
        found = self.get(key) or Guesses(other)
        self._guesses.pop(key, None)
        if len(self._guesses) >= MOST:
            oldest = islice(self._guesses, LOOKED_AT)
            del self._guesses[min(oldest, key=lambda name: self._guesses[name].bad)]
        self._guesses[key] = found  # behind all others
        found.bad += 1
        found.at = self._clock()
        if found.other != other:
            found.other = SEVERAL
        return found

    def forgive(self, key: str, other: str) -> None:
        """Forget what is remembered of it, if all of it was with this other."""
        found = self._guesses.get(key)
        if found is not None and found.other == other:
            del self._guesses[key]


class Logins:
    """What a router remembers of bad logins; any thread, the lock is never held while one waits."""

    def __init__(
        self, limits: Limits, tell: Tell, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits
        self._tell = tell
        self._clock = clock
        self._lock = Lock()  # guards the next two
        self.addresses = Remembered(clock)
        self.names = Remembered(clock)
        self._ended = Latch()

    def wait(self, address: str | None, hello: Hello, patience: float, who: str) -> Abort | None:
        """Wait until a login may be judged; where that is beyond `patience` seconds, refuse it."""
        seconds = self.reserve(address, hello, patience)
        if seconds > patience:
            self._tell("logins_refused", who)
            text = f"too many bad logins from your address: try again in {seconds:.0f} s"
            return Abort({"message": text}, uris.UNAVAILABLE)
        if seconds > 0:
            self._tell("logins_delayed", who)
            self._ended.wait(seconds)
        return None

    def reserve(self, address: str | None, hello: Hello, patience: float) -> float:
        """Return in how many seconds a login is judged, and have the next one of there wait."""
        now = start = self._clock()
        origin = origin_of(address)
        with self._lock:
            tried = self.names.get(name_of(hello))
            if tried is not None and tried.other is SEVERAL:
                start = now + self._delay(tried)
            guesses = self.addresses.get(origin) if origin else None
            if guesses is not None:
                start = max(start, guesses.until)
                if start - now <= patience:
                    guesses.until = start + self._delay(guesses)
        return start - now

    def judged(
        self,
        address: str | None,
        hello: Hello,
        outcome: Accepted | Abort | Challenge | None,
        who: str,
    ) -> bool:
        """Remember how a login went; True if it was a bad one."""
        is_bad = type(outcome) is Abort and outcome.reason == uris.AUTHENTICATION_DENIED
        if is_bad:
            self._tell("bad_logins", who)
        elif type(outcome) is not Accepted:
            return False
        name, origin = name_of(hello), origin_of(address) or ""
        with self._lock:
            if is_bad:
                if name:
                    self.names.note(name, origin)
                if origin:
                    guesses = self.addresses.note(origin, name)
                    guesses.until = max(guesses.until, self._clock() + self._delay(guesses))
            else:
                self.addresses.forgive(origin, name)
                self.names.forgive(name, origin)
        return is_bad

    def close(self) -> None:
        """Let nobody wait any more."""
        self._ended.set()

    def _delay(self, guesses: Guesses) -> float:
        doubled = min(guesses.bad - 1, 32)
        return min(self.limits.login_delay * 2.0**doubled, self.limits.max_login_delay)


def name_of(hello: Hello) -> str:
    """Return what the bad logins for a user of a realm are remembered by; "": it names none."""
    authid = hello.details.get("authid") or ""
    if not authid:
        return ""
    name = f"{hello.realm} {authid}"
    if len(name) > LONGEST_NAME:
        from hashlib import sha256  # OpenSSL takes 4 MB, and few names are so long

        return sha256(name.encode(errors="surrogatepass")).hexdigest()
    return name
