"""`session.reflection`: what is told of procedures, topics and errors, and telling of one's own.

It calls the procedures of RFC "Interface Reflection", so a router that lacks them answers
NoSuchProcedure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Reflection", "reflection"]


def reflection(session: Any) -> Reflection:
    """Return the reflection API as a session reaches it."""
    return Reflection(session)


class Reflection:
    """The reflection API. kind: "procedure", "topic" or "error"."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def define(
        self,
        uri: str,
        definition: dict[str, Any] | Callable[..., Any] | None,
        kind: str = "procedure",
    ) -> None:
        """Tell of a URI by a dict, like a JSON Schema, or by what a function tells of itself.

        It holds until the session ends, or until None is told.
        """
        if callable(definition):
            from .describing import describe

            definition = describe(definition)
        self._session.call("wamp.reflect.define", uri, definition, kind=kind)

    def describe(self, uri: str, kind: str = "procedure") -> dict[str, Any] | None:
        """Return what is told of a URI, or None."""
        told: dict[str, Any] | None = self._session.call("wamp.reflect.describe", uri, kind=kind)
        return told

    def uris(self, kind: str = "procedure", prefix: str = "") -> Iterator[str]:
        """Give the URIs that are defined, registered or subscribed to, in order."""
        after = ""
        procedure = f"wamp.reflection.{kind}.list"
        while listed := self._session.call(procedure, prefix=prefix, after=after):
            yield from listed
            after = listed[-1]
