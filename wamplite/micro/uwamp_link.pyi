"""The types of uwamp_link.py."""

from collections.abc import Callable
from typing import Any

from .uwamp import Client

NOT_NOW: tuple[int, ...]

def ticks_ms() -> int: ...
def attempt(does: Callable[[Any], Any], value: Any) -> Any: ...

class Link:
    first: int
    longest: int
    patience: int
    pace: int
    room: int
    wamp: Client

    def __init__(self, wamp: Client) -> None: ...
    def run(self, work: Callable[[], object] | None = ...) -> None: ...
    async def serve(self) -> None: ...
    def poll(self, wait: int) -> None: ...
    def step(self) -> bool: ...

class Tcp(Link):
    def __init__(self, wamp: Client, host: str, port: int, tls: Any = ...) -> None: ...

class Uart(Link):
    def __init__(self, wamp: Client, uart: Any) -> None: ...
