"""One session of a component, from WELCOME to its end.

    restore what is served ──> on_join ──> wait, and ask again for what was refused ──> on_leave

All of it on the component's thread. Whatever users' functions raise is logged and goes no further.
"""

from __future__ import annotations

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
        uris.FEATURE_NOT_SUPPORTED,
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
        self, wishes: Iterable[Lasting[Any]], on_join: Iterable[Joined]
    ) -> BaseException | None:
        """Serve to the end; return why it ended, None if we left, or raise what is for good."""
        refused = self._restore(wishes)
        fault = None
        if refused is not None:
            fault = self._tell_joined(on_join)
            if fault is None:
                self._retries.reset()
                self._attend(refused)
        return self._session.error or fault

    def tell_left(self, on_leave: Iterable[Joined]) -> None:
        """Call what waits for the end of sessions that on_join was told of."""
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
        """Ask for one thing that is served; False where it was refused, but not for good."""
        try:
            wish.ask(self._session)
        except (TransportLost, SessionNotReady):
            raise
        except WampliteError as error:
            text = f"{self._url}: {wish.verb} {wish.uri}: {unless_final(error)}"
            log("WARNING", f"{text}; it is asked for again, all else is served")
            return False
        return True

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

    def _attend(self, refused: list[Lasting[Any]]) -> None:
        """Wait for the end of the session, and ask again for what it was refused."""
        retries = self._retries.endless()
        while not self._session.lost.wait(retries.next_delay() if refused else None):
            for wish in list(refused):
                try:
                    granted = not wish.active or self._ask(wish)
                except (TransportLost, SessionNotReady):
                    break  # the wait will tell
                if granted:
                    refused.remove(wish)
                    log("INFO", f"{self._url}: {wish.verb} {wish.uri}: done at last")


def unless_final(error: WampliteError) -> WampliteError:
    """Return an error after which trying again may help; raise any other."""
    refused = isinstance(error, ApplicationError) and error.error in FOR_GOOD
    if refused or isinstance(error, (UsageError, AuthenticationFailed, NotAuthorized)):
        raise error
    return error
