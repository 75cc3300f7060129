"""xconn for Python, its asyncio session."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from scenario import Adapter, Fault, Payload, run
from wampproto.serializers import CBORSerializer, JSONSerializer, MsgPackSerializer
from xconn.async_client import connect
from xconn.exception import ApplicationError
from xconn.types import Event, Invocation, Result

SERIALIZERS = {"json": JSONSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer}


class Xconn(Adapter):
    async def join(self, url: str, realm: str, serializer: str) -> None:
        self.session = await connect(url, realm, serializer=SERIALIZERS[serializer]())

    async def register(self, uri: str, endpoint: Callable[[Any, Any], Payload]) -> Any:
        async def invoked(invocation: Invocation) -> Result:
            try:
                return Result(*endpoint(invocation.args, invocation.kwargs))
            except Fault as fault:
                raise ApplicationError(fault.uri, *fault.arguments, **fault.keywords) from None

        return await self.session.register(uri, invoked)

    async def unregister(self, registration: Any) -> None:
        await registration.unregister()

    async def call(self, uri: str, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        try:
            result = await self.session.call(uri, args, kwargs)
        except ApplicationError as error:
            raise Fault(error.message, list(error.args), error.kwargs) from None
        return result.args, result.kwargs

    async def subscribe(self, uri: str, handler: Callable[[Any, Any], None]) -> Any:
        async def on_event(event: Event) -> None:
            handler(event.args, event.kwargs)

        return await self.session.subscribe(uri, on_event)

    async def unsubscribe(self, subscription: Any) -> None:
        await subscription.unsubscribe()

    async def publish(self, uri: str, args: list[Any], kwargs: dict[str, Any]) -> bool:
        # returns None, and only after PUBLISHED: an ERROR would be raised
        await self.session.publish(uri, args, kwargs, {"acknowledge": True})
        return True

    async def leave(self) -> None:
        await self.session.leave()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(Xconn, *sys.argv[1:])))
