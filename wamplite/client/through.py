"""The verbs of a session for what has one session after the other: the current one does it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from .options import Options
from .pipeline import Published
from .results import Result
from .session import Session


class ThroughSession(ABC):
    """Calls and publishes through the current session; SessionNotReady where there is none."""

    @abstractmethod
    def current(self) -> Session:
        """Return the current session; SessionNotReady where there is none."""

    def call(self, procedure: str, /, *args: Any, options: Options = None, **kwargs: Any) -> Any:
        """Call a procedure as `Session.call` does."""
        return self.current().call(procedure, *args, options=options, **kwargs)

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
    ) -> list[Published]:
        """Publish as `Session.publish_all` does."""
        return self.current().publish_all(events, timeout=timeout)
