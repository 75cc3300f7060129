"""One session of a component, from WELCOME to its end.

    restore what is served ──> on_join ──> wait for the end ──> on_leave
           └── what was refused is asked for again on a thread of its own: on_join may not return

All else happens on the component's thread. What users' functions raise is logged, no more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

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
from .faults import log, said
from .lasting import Lasting
from .retries import Retries
from .session import Session

Joined = Callable[[Session], Any]

FOR_GOOD = frozenset(
    {
        uris.NO_SUCH_REALM,
        uris.INVALID_URI,
        uris.OPTION_NOT_ALLOWED,
        uris.AUTHORIZATION_DENIED,
    }
)
LOST = 1.0  # seconds until a session is lost of which a request has said so


class Stay:
    """Serves one session; `serve` first, `tell_left` once it has ended."""

    def __init__(self, session: Session, url: str, retries: Retries) -> None:
        self._session = session
        self._url = url  # for logs
        self._retries = retries
        self._told = False  # on_join has been called

    def serve(
        self,
        wishes: Iterable[Lasting[Any]],
        restored: Callable[[], None],
        on_join: Iterable[Joined],
    ) -> BaseException | None:
        """Serve to the end; return why it ended, None if we left, or raise what is for good.

        restored: called once all has been asked for.
        """
        refused = self._restore(wishes)
        fault = None
        if refused is not None:
            restored()
            if refused:
                threading.Thread(
                    target=self._ask_again,
                    args=(refused,),
                    name=f"wamplite-again-{self._session.id}",
                    daemon=True,
                ).start()
            fault = self._tell_joined(on_join)
            if fault is None:
                self._retries.reset()
                self._session.lost.wait()
        return self._session.error or fault

    def tell_left(self, on_leave: Iterable[Joined]) -> None:
        """Call the functions of on_leave, if those of on_join have been called."""
        for function in on_leave if self._told else ():
            try:
                function(self._session)
            except BaseException as error:  # sys.exit() in it, too
                log("ERROR", f"{self._url}: on_leave raised {said(error)}", error)

    def _restore(self, wishes: Iterable[Lasting[Any]]) -> list[Lasting[Any]] | None:
        """Ask for all that is served; return what was refused, None where the session has ended."""
        try:
            return [wish for wish in wishes if not self._ask(wish)]
        except (TransportLost, SessionNotReady):
            self._session.lost.wait(LOST)
            return None

    def _ask(self, wish: Lasting[Any]) -> bool:
        """Ask for a registration or subscription; False where it was refused, but not for good."""
        try:
            wish.ask(self._session)
        except (TransportLost, SessionNotReady):
            raise
        except WampliteError as error:
            text = f"{self._url}: {wish.verb} {wish.uri}: {unless_final(error)}"
            log("WARNING", f"{text}; it is asked for again, all else is served")
            return False
        return True

    def _ask_again(self, refused: list[Lasting[Any]]) -> None:
        """Ask for what the session was refused, until it has all of it or has ended."""
        delays = self._retries.endless()
        while refused and not self._session.lost.wait(delays.next_delay()):
            for wish in list(refused):
                try:
                    wish.ask(self._session)
                except (TransportLost, SessionNotReady):
                    return
                except WampliteError as error:
                    log("DEBUG", f"{self._url}: {wish.verb} {wish.uri}: {error}")
                    continue
                refused.remove(wish)
                if wish.active:
                    log("WARNING", f"{self._url}: {wish.verb} {wish.uri}: done at last")

    def _tell_joined(self, on_join: Iterable[Joined]) -> BaseException | None:
        """Call what waits for a session; return what was raised, unless the session was lost."""
        self._told = True
        lost = self._session.lost
        for function in on_join:
            try:
                function(self._session)
            except BaseException as error:
                if isinstance(error, (TransportLost, SessionNotReady)) and lost.wait(LOST):
                    return None
                log("ERROR", f"{self._url}: on_join raised {said(error)}; joining anew", error)
                return error
        return None


def unless_final(error: WampliteError) -> WampliteError:
    """Return an error after which trying again may help; raise any other."""
    refused = isinstance(error, ApplicationError) and error.error in FOR_GOOD
    if refused or isinstance(error, (UsageError, AuthenticationFailed, NotAuthorized)):
        raise error
    return error


def without_inside(error: BaseException) -> BaseException:
    """Return an error without the library's own traceback where its text tells all."""
    return error.with_traceback(None) if isinstance(error, WampliteError) else error
