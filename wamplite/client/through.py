"""The verbs of a session for what has one session after the other: the current one does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..core.errors import SessionNotReady
from ..forks import OfOneProcess
from ..locks import Condition
from .calling import CallOutcome
from .options import Options
from .publishing import Outcome
from .results import Result
from .session import Session


class ThroughSession(OfOneProcess):
    """Calls and publishes through the current session; SessionNotReady where there is none."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session: Session | None = None
        self._ready: Session | None = None  # the current one, once it has been restored
        self._is_over = True  # nothing will join
        # Guards `session` and all that changes with it; tells of `_ready`, and of the end.
        self._changed = Condition()

    def wait_joined(self, timeout: float | None = None) -> Session:
        """Wait until there is a session that has all it serves, at most `timeout` seconds.

        Returns the session.

        Raises SessionNotReady where there is none in time, or the component has ended.
        """
        self.check_process()
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._is_over, timeout)
            ready = self._ready
        return ready or self.current()

    def current(self) -> Session:
        """Return the current session; SessionNotReady where there is none."""
        self.check_process()
        session = self.session
        if session is None:
            raise SessionNotReady(f"{self.url}: the component has no session at the moment")
        return session

    def call(
        self,
        procedure: str,
        /,
        *args: Any,
        options: Options = None,
        on_progress: Callable[[Any], object] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call a procedure as `Session.call` does."""
        session = self.current()
        return session.call(procedure, *args, options=options, on_progress=on_progress, **kwargs)

    def call_progressive(
        self, procedure: str, /, *args: Any, options: Options = None, **kwargs: Any
    ) -> Iterator[Any]:
        """Call a procedure as `Session.call_progressive` does."""
        return self.current().call_progressive(procedure, *args, options=options, **kwargs)

    def call_parts(
        self,
        procedure: str,
        parts: Iterable[Any],
        *,
        options: Options = None,
        on_progress: Callable[[Any], object] | None = None,
    ) -> Any:
        """Call a procedure as `Session.call_parts` does."""
        session = self.current()
        return session.call_parts(procedure, parts, options=options, on_progress=on_progress)

    def call_result(
        self,
        procedure: str,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        options: Options = None,
    ) -> Result:
        """Call as `Session.call_result` does."""
        return self.current().call_result(procedure, args, kwargs, options=options)

    def call_all(
        self,
        calls: Iterable[tuple[str, Iterable[Any], Mapping[str, Any], Options]],
        *,
        timeout: float | None = None,
    ) -> list[CallOutcome]:
        """Call as `Session.call_all` does."""
        return self.current().call_all(calls, timeout=timeout)

    def publish(
        self, topic: str, /, *args: Any, options: Options = None, **kwargs: Any
    ) -> int | None:
        """Publish an event as `Session.publish` does."""
        return self.current().publish(topic, *args, options=options, **kwargs)

    def publish_args(
        self,
        topic: str,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        options: Options = None,
    ) -> int | None:
        """Publish as `Session.publish_args` does."""
        return self.current().publish_args(topic, args, kwargs, options=options)

    def publish_all(
        self,
        events: Iterable[tuple[str, Iterable[Any], Mapping[str, Any], Options]],
        *,
        timeout: float | None = None,
    ) -> list[Outcome]:
        """Publish as `Session.publish_all` does."""
        return self.current().publish_all(events, timeout=timeout)
