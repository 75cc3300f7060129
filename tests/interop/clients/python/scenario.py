"""The sessions that README.md tells of, over any asyncio client: the adapter knows which."""

from __future__ import annotations

import asyncio
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

Payload = tuple[list[Any], dict[str, Any]]
SECONDS = 20


def binary(value: dict[str, Any]) -> Any:
    """Read bytes, which JSON lacks: {"$bytes": hexadecimal} stands for them."""
    return bytes.fromhex(value["$bytes"]) if set(value) == {"$bytes"} else value


def show(seen: Any) -> None:
    print(json.dumps(seen, default=lambda value: {"$bytes": bytes(value).hex()}), flush=True)


class Fault(Exception):
    """An error of the other application: its URI, args and kwargs."""

    def __init__(self, uri: str, args: Any, kwargs: Any) -> None:
        super().__init__(uri)
        self.uri, self.arguments, self.keywords = uri, args, kwargs


class Adapter(ABC):
    """One session of some client. Handlers are plain functions of args and kwargs."""

    @abstractmethod
    async def join(self, url: str, realm: str, serializer: str) -> None: ...
    @abstractmethod
    async def register(self, uri: str, endpoint: Callable[[Any, Any], Payload]) -> Any: ...
    @abstractmethod
    async def unregister(self, registration: Any) -> None: ...
    @abstractmethod
    async def call(self, uri: str, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]: ...
    @abstractmethod
    async def subscribe(self, uri: str, handler: Callable[[Any, Any], None]) -> Any: ...
    @abstractmethod
    async def unsubscribe(self, subscription: Any) -> None: ...
    @abstractmethod
    async def publish(self, uri: str, args: list[Any], kwargs: dict[str, Any]) -> bool: ...
    @abstractmethod
    async def leave(self) -> None: ...


class Callee:
    def __init__(self, session: Adapter, prefix: str) -> None:
        self.session, self.prefix = session, prefix
        self.events: list[dict[str, Any]] = []
        self.arrived = asyncio.Event()

    def on_event(self, args: Any, kwargs: Any) -> None:
        self.events.append({"args": args, "kwargs": kwargs})
        self.arrived.set()

    def fail(self, args: Any, kwargs: Any) -> Payload:
        raise Fault(f"{self.prefix}.error", [42], {"why": "because"})

    async def start(self) -> None:
        register = self.session.register
        self.echo = await register(f"{self.prefix}.echo", lambda args, kwargs: (args, kwargs))
        self.failing = await register(f"{self.prefix}.fail", self.fail)
        self.topic = await self.session.subscribe(f"{self.prefix}.topic", self.on_event)

    async def finish(self) -> dict[str, Any]:
        await asyncio.wait_for(self.arrived.wait(), SECONDS)
        await self.session.unsubscribe(self.topic)
        await self.session.unregister(self.echo)
        await self.session.unregister(self.failing)
        await self.session.leave()
        return {"events": self.events}


async def error_of(session: Adapter, uri: str) -> dict[str, Any]:
    try:
        await session.call(uri, [1], {})
    except Fault as fault:
        return {"uri": fault.uri, "args": fault.arguments, "kwargs": fault.keywords}
    raise AssertionError(f"{uri} was expected to fail")


async def use(session: Adapter, prefix: str, payload: Payload) -> dict[str, Any]:
    args, kwargs = await session.call(f"{prefix}.echo", *payload)
    return {
        "result": {"args": args, "kwargs": kwargs},
        "error": await error_of(session, f"{prefix}.fail"),
        "missing": (await error_of(session, f"{prefix}.nobody"))["uri"],
        "published": await session.publish(f"{prefix}.topic", *payload),
    }


async def joined(make: Callable[[], Adapter], realm: str, serializer: str, url: str) -> Adapter:
    session = make()
    await session.join(url, realm, serializer)
    return session


async def play(make: Callable[[], Adapter], realm: str, payload: Payload, *triple: str) -> Any:
    prefix, *where = triple
    callee = Callee(await joined(make, realm, *where), prefix)
    caller = await joined(make, realm, *where)
    await callee.start()
    seen = await use(caller, prefix, payload)
    events = await callee.finish()
    seen["gone"] = (await error_of(caller, f"{prefix}.echo"))["uri"]
    await caller.leave()
    return {"callee": events, "caller": seen}


async def serve(make: Callable[[], Adapter], realm: str, payload: Payload, *triple: str) -> Any:
    prefix, *where = triple
    callee = Callee(await joined(make, realm, *where), prefix)
    await callee.start()
    show({"ready": True})
    await asyncio.to_thread(sys.stdin.read)
    return {"callee": await callee.finish()}


async def call(make: Callable[[], Adapter], realm: str, payload: Payload, *triple: str) -> Any:
    prefix, *where = triple
    caller = await joined(make, realm, *where)
    seen = await use(caller, prefix, payload)
    await caller.leave()
    return {"caller": seen}


PLAYS = {"both": play, "serve": serve, "use": call}


async def run(make: Callable[[], Adapter], mode: str, realm: str, text: str, *rest: str) -> int:
    payload = json.loads(text, object_hook=binary)
    values = (payload["args"], payload["kwargs"])
    limit = 600 if mode == "serve" else SECONDS
    failures = 0
    for start in range(0, len(rest), 3):
        try:
            seen = await asyncio.wait_for(
                PLAYS[mode](make, realm, values, *rest[start : start + 3]), limit
            )
        except Exception as error:
            failures += 1
            seen = {"failed": f"{type(error).__name__}: {error}"}
        show(seen)
    return min(failures, 1)
