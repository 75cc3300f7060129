"""`register` and `subscribe`, as functions and as decorators, of a session and of a component."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from ..core.messages import Message, Register, Subscribe
from .faults import log
from .options import Options, refuse_keywords
from .values import in_order

Function = TypeVar("Function", bound=Callable[..., Any])
Registered = TypeVar("Registered")
Subscribed = TypeVar("Subscribed")


class Serves(ABC, Generic[Registered, Subscribed]):
    """What lets handlers serve: a session for itself, a component for every session."""

    @overload
    def register(
        self, procedure: str, handler: Callable[..., Any], *, options: Options = None
    ) -> Registered: ...
    @overload
    def register(
        self, procedure: Callable[..., Any], handler: str, *, options: Options = None
    ) -> Registered: ...
    @overload
    def register(
        self, procedure: str, handler: None = None, *, options: Options = None
    ) -> Decorator: ...
    def register(
        self, procedure: Any, handler: Any = None, *, options: Options = None, **unknown: Any
    ) -> Any:
        """Let a handler serve a procedure; returns a handle to give it up by.

        Without a handler it is a decorator, which returns the function: `@register("com.app.p")`.
        `register(handler, procedure)` works too. A component serves it in every session; what the
        current one is refused raises, and is not asked for in later ones.
        """
        return self._declare(Register, self._register, procedure, handler, options, unknown)

    @overload
    def subscribe(
        self, topic: str, handler: Callable[..., Any], *, options: Options = None
    ) -> Subscribed: ...
    @overload
    def subscribe(
        self, topic: Callable[..., Any], handler: str, *, options: Options = None
    ) -> Subscribed: ...
    @overload
    def subscribe(
        self, topic: str, handler: None = None, *, options: Options = None
    ) -> Decorator: ...
    def subscribe(
        self, topic: Any, handler: Any = None, *, options: Options = None, **unknown: Any
    ) -> Any:
        """Let a handler have a topic's events; returns a handle to give it up by.

        Without a handler it is a decorator, which returns the function: `@subscribe("com.app.t")`.
        `subscribe(handler, topic)` works too. A component handles it in every session; what the
        current one is refused raises, and is not asked for in later ones.
        """
        return self._declare(Subscribe, self._subscribe, topic, handler, options, unknown)

    @abstractmethod
    def _register(
        self, procedure: str, handler: Callable[..., Any], options: Options
    ) -> Registered:
        """Let a handler serve a procedure."""

    @abstractmethod
    def _subscribe(self, topic: str, handler: Callable[..., Any], options: Options) -> Subscribed:
        """Let a handler have a topic's events."""

    def _declare(
        self,
        kind: type[Message],
        serve: Callable[[str, Any, Options], Any],
        uri: Any,
        handler: Any,
        options: Options,
        unknown: dict[str, Any],
    ) -> Any:
        verb = kind.__name__.lower()
        if unknown:
            refuse_keywords(verb, kind, unknown)
        uri, handler = in_order(uri, handler)
        if handler is None:
            return Decorator(f"{verb}({uri!r})", lambda function: serve(uri, function, options))
        return serve(uri, handler, options)


class Decorator:
    """What `register` and `subscribe` return without a handler; it waits for a function."""

    __slots__ = ("_text", "_serve", "_used")

    def __init__(self, text: str, serve: Callable[[Any], Any]) -> None:
        self._text = text
        self._serve = serve
        self._used = False

    def __call__(self, function: Function) -> Function:
        """Let a function be the handler, and return it."""
        self._used = True
        self._serve(function)
        return function

    def __del__(self) -> None:
        if not self._used:
            log("WARNING", f"{self._text} has no handler, and decorates nothing: it has no effect")
