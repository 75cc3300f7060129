"""A service that comes back: joins, restores what it serves, and joins again after a loss.

    ┌─> connect ─> register, subscribe ─> on_join ─> wait for the end ─> on_leave ─┐
    └────────────────────── retry_delay, unless it was refused for good ───────────┘

The words and defaults of retrying are Autobahn's. What was refused for good ends it: who we are,
a realm that does not exist, options or URIs that nobody takes, a bug in a handler of on_join.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..core import uris
from ..core.errors import (
    ApplicationError,
    AuthenticationFailed,
    NotAuthorized,
    SessionNotReady,
    TransportLost,
    UsageError,
    WampliteError,
)
from ..forks import OfOneProcess, watch
from ..signals import Gate, with_signals
from .checks import in_order
from .connect import URL, checked_url, join
from .session import Options, Session
from .terms import KEYWORDS, Terms, check_keywords

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .terms import Keywords

Function = TypeVar("Function", bound=Callable[..., Any])
Joined = Callable[[Session], Any]

FOR_GOOD = frozenset(
    {
        uris.NO_SUCH_REALM,
        uris.INVALID_URI,
        uris.OPTION_NOT_ALLOWED,
        uris.FEATURE_NOT_SUPPORTED,
        uris.AUTHORIZATION_DENIED,
    }
)
ON_A_NETWORK, ON_A_CABLE = 300.0, 2.0  # seconds: max_retry_delay
RETRYING = (
    "max_retries",
    "initial_retry_delay",
    "retry_delay_growth",
    "retry_delay_jitter",
    "max_retry_delay",
)
HANDLERS = 10.0  # seconds for the handlers of a lost session before the next one is joined


class Retries:
    """How long to wait before the next attempt: growing, never the same for all clients."""

    def __init__(
        self,
        max_retries: int = -1,
        initial_retry_delay: float = 1.5,
        retry_delay_growth: float = 1.5,
        retry_delay_jitter: float = 0.1,
        max_retry_delay: float = 300.0,
    ) -> None:
        self.max_retries = max_retries  # -1: for ever
        self.initial_retry_delay = initial_retry_delay
        self.retry_delay_growth = retry_delay_growth
        self.retry_delay_jitter = retry_delay_jitter
        self.max_retry_delay = max_retry_delay
        self.reset()

    def reset(self) -> None:
        """Start again from the initial delay: a session has been joined."""
        self._failed = 0
        self._delay = self.initial_retry_delay

    def next_delay(self) -> float | None:
        """Return the seconds until the next attempt; None when there have been enough."""
        self._failed += 1
        if 0 <= self.max_retries < self._failed:
            return None
        delay, self._delay = self._delay, self._delay * self.retry_delay_growth
        self._delay = min(self._delay, self.max_retry_delay)
        spread = random.normalvariate(delay, delay * self.retry_delay_jitter)
        return min(max(0.0, spread), self.max_retry_delay)


class Wish(NamedTuple):
    """A subscription or registration to make in every session."""

    verb: str
    uri: str
    handler: Callable[..., Any]
    options: Options


class Component(OfOneProcess):
    """A session that comes back. `session` is the current one, or None.

    Everything that `connect()` takes goes in by keyword, and the retry words beside it.
    max_retry_delay: 300 s unless told otherwise, 2 s on a serial line, which nobody else waits for.
    """

    what = "component"
    again = "make a new one"

    def __init__(
        self,
        url: str = URL,
        realm: str = "realm1",
        *,
        max_retries: int = -1,
        initial_retry_delay: float = 1.5,
        retry_delay_growth: float = 1.5,
        retry_delay_jitter: float = 0.1,
        max_retry_delay: float | None = None,
        **connecting: Unpack[Keywords],
    ) -> None:
        check_keywords("Component()", connecting, (*KEYWORDS, *RETRYING))
        self._terms = checked_url(Terms(url, realm, **connecting))
        self.url = self._terms.url  # without a password
        self.realm = realm
        self.session: Session | None = None
        self.error: BaseException | None = None  # what ended it, when it was started
        if max_retry_delay is None:
            max_retry_delay = ON_A_CABLE if url.startswith("serial:") else ON_A_NETWORK
        self._retries = Retries(
            max_retries,
            initial_retry_delay,
            retry_delay_growth,
            retry_delay_jitter,
            max_retry_delay,
        )
        self._lock = threading.Lock()  # guards `session` and `_wishes`
        self._wishes: list[Wish] = []
        self._on_join: list[Joined] = []
        self._on_leave: list[Joined] = []
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_dialling = False

    # ---- what it serves

    def register(self, procedure: Any, handler: Any = None, *, options: Options = None) -> Any:
        """Serve a procedure in every session; without a handler, a decorator."""
        return self._wish("register", procedure, handler, options)

    def subscribe(self, topic: Any, handler: Any = None, *, options: Options = None) -> Any:
        """Handle a topic's events in every session; without a handler, a decorator."""
        return self._wish("subscribe", topic, handler, options)

    def _wish(self, verb: str, uri: Any, handler: Any, options: Options) -> Any:
        self.check_process()
        uri, handler = in_order(uri, handler)
        if handler is None:
            return lambda function: self._wish(verb, uri, function, options)
        with self._lock:
            session = self.session
            if threading.current_thread() is not self._thread:  # on_join will ask again by itself
                self._wishes.append(Wish(verb, uri, handler, options))
        if session is not None:
            with suppress(TransportLost, SessionNotReady):  # the next session will have it
                getattr(session, verb)(uri, handler, options=options)
        return handler

    def on_join(self, function: Function) -> Function:
        """Call `function(session)` once in each session, after what it serves has been restored."""
        self._on_join.append(function)
        return function

    def on_leave(self, function: Function) -> Function:
        """Call `function(session)` after the end of each session; `session.error` tells why."""
        self._on_leave.append(function)
        return function

    # ---- its life

    def run(self) -> None:
        """Serve until SIGINT, SIGTERM or stop(); raises what was refused for good."""
        gate = Gate()
        self._start(gate.open)
        try:
            with_signals(gate, gate.wait)
        finally:
            self.stop()
        if self.error is not None:
            raise self.error

    def start(self) -> None:
        """Serve on a thread of its own; `error` tells what ended it."""
        self._start(lambda: None)

    def stop(self, timeout: float = 10.0) -> None:
        """Leave, and do not come back; bounded by `timeout`."""
        if self.owner:
            return
        self._stopped.set()
        with self._lock:
            session, thread = self.session, self._thread
        if session is not None:
            session.leave(timeout=timeout / 2)
        elif self._is_dialling:
            return  # nothing is open: the thread ends by itself, within connect_timeout
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout / 2)

    def _start(self, done: Callable[[], None]) -> None:
        self.check_process()
        if self._thread is not None and self._thread.is_alive():
            raise UsageError("the component is running already")
        watch(self)
        self._stopped.clear()
        self._retries.reset()
        self.error = None
        self._thread = threading.Thread(
            target=self._serve, args=(done,), name=f"wamplite-component-{self.realm}", daemon=True
        )
        self._thread.start()

    def _serve(self, done: Callable[[], None]) -> None:
        try:
            while not self._stopped.is_set():
                error = self._serve_once()
                if error is None or self._stopped.is_set():
                    return  # somebody left
                delay = self._retries.next_delay()
                if delay is None:
                    raise error
                _log("%s: %s; again in %.1f s", self.url, error, delay)
                self._stopped.wait(delay)
        except BaseException as error:
            self.error = error
        finally:
            done()

    def _serve_once(self) -> WampliteError | None:
        """Serve one session to its end; return why it ended, None if we left, or raise for good."""
        self._is_dialling = True
        try:
            session = join(self._terms)
        except WampliteError as error:
            return _unless_final(error)
        finally:
            self._is_dialling = False
        try:
            self._restore(session)
            session.lost.wait()
        except WampliteError as error:
            return session.error or _unless_final(error)
        finally:
            with self._lock:
                self.session = None
            session.leave(timeout=HANDLERS)
            for function in self._on_leave:
                function(session)
        return session.error

    def _restore(self, session: Session) -> None:
        with self._lock:
            self.session = session
            wishes = list(self._wishes)
        if self._stopped.is_set():
            session.leave()
            return
        for wish in wishes:
            getattr(session, wish.verb)(wish.uri, wish.handler, options=wish.options)
        for function in self._on_join:
            function(session)
        self._retries.reset()


def _unless_final(error: WampliteError) -> WampliteError:
    """Return an error after which trying again may help; raise any other."""
    refused = isinstance(error, ApplicationError) and error.error in FOR_GOOD
    if refused or isinstance(error, (UsageError, AuthenticationFailed, NotAuthorized)):
        raise error
    return error


def _log(text: str, *values: object) -> None:
    import logging  # 8 ms that a service whose router stays never needs

    logging.getLogger("wamplite.client").warning(text, *values)
