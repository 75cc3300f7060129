"""A service that comes back: joins, restores what it serves, and joins again after a loss.

    ┌─> connect ─> register, subscribe ─> on_join ─> wait for the end ─> on_leave ─┐
    └────────────────────── retry_delay, unless it was refused for good ───────────┘

Three refusals end it, with a line in the log: of who we are, of a realm that does not exist, of a
name that this peer may not register or subscribe. Nothing else does: a name that is taken, or needs
a feature that the router lacks, is asked for again by itself; what on_join raises is logged and the
session joined anew; what on_leave raises is logged. All of this happens on the component's thread;
users' handlers have threads of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .. import features as by_name
from ..core.conversation import Conversation
from ..core.errors import UsageError, WampliteError
from ..forks import watch
from ..locks import Latch
from ..signals import Gate, with_signals
from .connect import URL, checked_url, join
from .faults import log, said
from .lasting import Lasting, LastingVerbs
from .retries import ON_A_CABLE, ON_A_NETWORK, RETRYING, Retries
from .session import Session
from .stay import Stay, unless_final, without_inside
from .terms import KEYWORDS, Terms, check_keywords

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .terms import Keywords

HANDLERS = 10.0  # seconds for handlers of a lost session that none of the next may run beside


class Component(LastingVerbs):
    """A session that comes back. `session` is the current one, or None.

    Takes what `connect()` does, by keyword, and the retry words; what cannot be meant is refused.
    max_retry_delay: 30 s by default, 2 s on a serial line, which has one user.
    As a context manager it is started, and stopped at the end.
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
        super().__init__(url)
        check_keywords("Component()", connecting, (*KEYWORDS, *RETRYING))
        self._terms = checked_url(Terms(url, realm, **connecting))
        self._answers = _answers(self._terms)
        self.url = self._terms.url  # without a password
        self.realm = realm
        self.error: BaseException | None = None  # what ended it
        if max_retry_delay is None:
            max_retry_delay = ON_A_CABLE if url.startswith("serial:") else ON_A_NETWORK
        self._retries = Retries(
            max_retries,
            initial_retry_delay,
            retry_delay_growth,
            retry_delay_jitter,
            max_retry_delay,
        )
        self._latest: Session | None = None  # the current one, or the one before
        self._stopped = Latch()
        self._is_dialling = False

    # ---- its life

    def run(self) -> None:
        """Serve until SIGINT, SIGTERM or stop(); raises what was refused for good."""
        self._check_idle()
        gate = Gate()

        def serve() -> None:
            self._start(gate.open)
            gate.wait()

        try:
            with_signals(gate, serve)
        finally:
            self.stop()
        if self.error is not None:
            raise self.error

    def start(self) -> None:
        """Serve on a thread of its own; `error`, and the log, tell what ended it."""
        self._check_idle()
        self._start(lambda: None)

    def stop(self, timeout: float = 10.0) -> None:
        """Leave, and do not come back; bounded by `timeout` seconds.

        In a handler it returns at once: the session ends when its handlers have returned.
        """
        if self.owner:
            return
        self._stopped.set()
        with self._changed:
            session, latest, thread = self.session, self._latest, self._thread
        if latest is not None and latest.in_handler:
            if session is not None:
                threading.Thread(
                    target=session.leave, name=f"wamplite-leave-{session.id}", daemon=True
                ).start()
            return
        if session is not None:
            session.leave(timeout=timeout / 2)
        elif self._is_dialling:
            return  # nothing is open: the thread ends by itself, within connect_timeout
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout / 2)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _check_idle(self) -> None:
        self.check_process()
        if self._thread is not None and self._thread.is_alive():
            raise UsageError("the component is running already")

    def _start(self, done: Callable[[], None]) -> None:
        watch(self)
        self._stopped.clear()
        self._is_over = False
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
                log("WARNING", f"{self._naming(error)}; again in {delay:.1f} s")
                self._stopped.wait(delay)
        except BaseException as error:
            self.error = without_inside(error)
            log("ERROR", f"the component has ended: {self._naming(error)}")
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()
            done()

    def _naming(self, error: BaseException) -> str:
        text = str(error) if isinstance(error, WampliteError) else said(error)
        return text if text.startswith(self.url) else f"{self.url}: {text}"

    def _serve_once(self) -> BaseException | None:
        """Serve one session to its end; return why it ended, None if we left, or raise for good."""
        self._is_dialling = True
        try:
            session = join(self._terms)
        except WampliteError as error:
            return unless_final(error)
        except Exception as error:  # of an authmethod, or the system has no more of something
            log("ERROR", f"{self.url}: joining raised {said(error)}; it is tried again", error)
            return error
        finally:
            self._is_dialling = False
        stay = Stay(session, self.url, self._retries)
        try:
            wishes = self._begin(session)
            if self._stopped.is_set():
                return None
            return stay.serve(wishes, lambda: self._restored(session), self._on_join)
        finally:
            with self._changed:
                self.session = self._ready = None
            self._part_with(session)
            stay.tell_left(self._on_leave)

    def _part_with(self, session: Session) -> None:
        """Leave a session; of one that was lost wait for no more than the next one has to."""
        lost = session.error
        if lost is None or self._stopped.is_set():
            session.leave(timeout=HANDLERS)
        else:
            waits = f"joining again when its handlers have returned, within {HANDLERS:g} s"
            session.settle(HANDLERS, lambda: log("WARNING", f"{self._naming(lost)}; {waits}"))

    def _begin(self, session: Session) -> list[Lasting[Any]]:
        """Let everybody have the session; return what it is to be asked for."""
        with self._changed:  # what is declared from now on is asked for at once
            for exception, error in list(self._defined.uris.items()):
                session.define(exception, error)
            self.session = self._latest = session
            return list(self._wishes)

    def _restored(self, session: Session) -> None:
        with self._changed:
            self._ready = session
            self._changed.notify_all()


def _answers(terms: Terms) -> Container[type]:
    """Return what procedures may return beyond values, asked of features that are made for it."""
    features = by_name.for_client(terms.features)
    return Conversation(lambda _: None, lambda *_: None, lambda *_: None, features).answers
