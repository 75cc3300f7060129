"""autobahn-python, with asyncio."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer
from autobahn.wamp.types import CallOptions, CallResult, PublishOptions
from scenario import Adapter, Fault, Payload, run

SERIALIZERS = {"json": JsonSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer}


class Session(ApplicationSession):  # type: ignore[misc] - autobahn may have no types here
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        loop = asyncio.get_running_loop()
        self.joined, self.left = loop.create_future(), loop.create_future()

    def onJoin(self, details: Any) -> None:
        self.joined.set_result(details)

    def onLeave(self, details: Any) -> None:
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(f"{details.reason}: {details.message}"))
        self.left.set_result(details.reason)
        self.disconnect()


class Autobahn(Adapter):
    async def join(self, url: str, realm: str, serializer: str) -> None:
        made: list[Session] = []

        def make(config: Any) -> Session:
            made.append(Session(config))
            return made[0]

        runner = ApplicationRunner(url, realm, serializers=[SERIALIZERS[serializer]()])
        await runner.run(make, start_loop=False)
        while not made:  # a WebSocket makes its session when the handshake is over
            await asyncio.sleep(0.005)
        self.session = made[0]
        await self.session.joined

    async def register(self, uri: str, endpoint: Callable[[Any, Any], Payload]) -> Any:
        def invoked(*args: Any, **kwargs: Any) -> Any:
            try:
                positional, keywords = endpoint(list(args), kwargs)
            except Fault as fault:
                raise ApplicationError(fault.uri, *fault.arguments, **fault.keywords) from None
            return CallResult(*positional, **keywords)

        return await self.session.register(invoked, uri)

    async def unregister(self, registration: Any) -> None:
        await registration.unregister()

    async def call(self, uri: str, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        try:
            result = await self.session.call(uri, *args, **kwargs, options=CallOptions())
        except ApplicationError as error:
            raise Fault(error.error, list(error.args), error.kwargs) from None
        if isinstance(result, CallResult):
            return list(result.results), result.kwresults
        return [result], {}

    async def subscribe(self, uri: str, handler: Callable[[Any, Any], None]) -> Any:
        return await self.session.subscribe(
            lambda *args, **kwargs: handler(list(args), kwargs), uri
        )

    async def unsubscribe(self, subscription: Any) -> None:
        await subscription.unsubscribe()

    async def publish(self, uri: str, args: list[Any], kwargs: dict[str, Any]) -> bool:
        options = PublishOptions(acknowledge=True)
        publication = await self.session.publish(uri, *args, **kwargs, options=options)
        return publication.id > 0

    async def leave(self) -> None:
        self.session.leave()
        await self.session.left


if __name__ == "__main__":
    status = asyncio.run(run(Autobahn, *sys.argv[1:]))
    sys.stdout.flush()
    os._exit(status)  # autobahn leaves timers of closed connections behind
