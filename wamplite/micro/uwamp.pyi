"""The types of uwamp.py, which has no room for them."""

from collections.abc import Callable, Mapping
from typing import Any

def since(then: int, now: int) -> int: ...
def copy(value: Any, leaf: Callable[[Any], Any]) -> Any: ...
def to_json(value: object) -> str | bool | float | None: ...
def from_json(value: Any) -> Any: ...

class Client:
    timeout: int
    limit: int
    keepalive: int
    most: int
    ticket: str | None
    left: bool
    details: Mapping[str, Any]
    joined: int
    lost: str
    report: Callable[..., object]
    sign: Callable[[str, Mapping[str, Any]], str | None]

    def __init__(self, realm: str, **details: Any) -> None: ...
    def subscribe(
        self,
        topic: str,
        handler: Callable[..., object],
        options: Mapping[str, Any] = ...,
        kind: int = ...,
    ) -> None: ...
    def register(
        self, procedure: str, handler: Callable[..., Any], options: Mapping[str, Any] = ...
    ) -> None: ...
    def unsubscribe(self, topic: str, kind: int = ...) -> None: ...
    def unregister(self, procedure: str) -> None: ...
    def publish(
        self,
        topic: str,
        *args: Any,
        options: Mapping[str, Any] = ...,
        then: Callable[[Any, str | None], object] | None = ...,
        **kwargs: Any,
    ) -> bool: ...
    def call(
        self,
        procedure: str,
        then: Callable[[Any, str | None], object],
        *args: Any,
        options: Mapping[str, Any] = ...,
        **kwargs: Any,
    ) -> bool: ...
    def open(self, now: int) -> None: ...
    def leave(self) -> None: ...
    def clear(self, why: str) -> None: ...
    def step(self, data: bytes | None, now: int, room: int = ...) -> bytes: ...

class RawSocket(Client): ...
