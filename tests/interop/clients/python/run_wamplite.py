"""wamplite's own client: blocking, so each request waits in a thread beside the event loop."""

from __future__ import annotations

import asyncio
import sys
from asyncio import to_thread
from collections.abc import Callable
from typing import Any

from scenario import Adapter, Fault, Payload, run

import wamplite


class Wamplite(Adapter):
    async def join(self, url: str, realm: str, serializer: str) -> None:
        self.session = await to_thread(wamplite.connect, url, realm=realm, serializer=serializer)

    async def register(self, uri: str, endpoint: Callable[[Any, Any], Payload]) -> Any:
        def invoked(*args: Any, **kwargs: Any) -> wamplite.Result:
            try:
                positional, keywords = endpoint(list(args), kwargs)
            except Fault as fault:
                raise wamplite.ApplicationError(
                    fault.uri, *fault.arguments, **fault.keywords
                ) from None
            return wamplite.Result(positional, keywords)

        return await to_thread(self.session.register, uri, invoked)

    async def unregister(self, registration: Any) -> None:
        await to_thread(registration.unregister)

    async def call(self, uri: str, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        try:
            result = await to_thread(self.session.call_result, uri, args=args, kwargs=kwargs)
        except wamplite.ApplicationError as error:
            raise Fault(error.error, list(error.args), error.kwargs) from None
        return list(result.args), result.kwargs

    async def subscribe(self, uri: str, handler: Callable[[Any, Any], None]) -> Any:
        loop = asyncio.get_running_loop()

        def on_event(*args: Any, **kwargs: Any) -> None:
            loop.call_soon_threadsafe(handler, list(args), kwargs)

        return await to_thread(self.session.subscribe, uri, on_event)

    async def unsubscribe(self, subscription: Any) -> None:
        await to_thread(subscription.unsubscribe)

    async def publish(self, uri: str, args: list[Any], kwargs: dict[str, Any]) -> bool:
        # returns after PUBLISHED: an ERROR would be raised
        options = {"acknowledge": True}
        await to_thread(self.session.publish, uri, *args, **kwargs, options=options)
        return True

    async def leave(self) -> None:
        await to_thread(self.session.leave)


if __name__ == "__main__":
    sys.exit(asyncio.run(run(Wamplite, *sys.argv[1:])))
