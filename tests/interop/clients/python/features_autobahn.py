"""autobahn-python uses features of the Advanced Profile; ../README.md tells what it prints."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions
from run_autobahn import Autobahn

PATIENCE = 20.0
NAMES = ("progress", "progress_of_wamplite", "canceled", "timeout", "prefixes", "wildcards")
NAMES += ("shared", "lists", "meta", "retained", "history")  # testament comes last


class Trial:
    """A caller and a callee, who also publish and subscribe."""

    def __init__(self, one: Any, other: Any, prefix: str) -> None:
        self.one, self.other, self.prefix = one, other, prefix

    async def register(self, name: str, endpoint: Any, **options: Any) -> None:
        await self.other.register(
            endpoint, f"{self.prefix}.{name}", options=RegisterOptions(**options)
        )

    async def events(self, session: Any, topic: str, **options: Any) -> asyncio.Queue[Any]:
        came: asyncio.Queue[Any] = asyncio.Queue()
        await session.subscribe(
            lambda *args, details=None, **kwargs: came.put_nowait((args, details)),
            topic if topic.startswith("wamp.") else f"{self.prefix}.{topic}",
            options=SubscribeOptions(details_arg="details", **options),
        )
        return came

    async def publish(self, topic: str, *args: Any, **options: Any) -> None:
        options = {"acknowledge": True, **options}
        await self.one.publish(f"{self.prefix}.{topic}", *args, options=PublishOptions(**options))

    async def progress(self) -> Any:
        def count(number: int, details: Any = None) -> int:
            for value in range(1, number + 1):
                details.progress(value)
            return number

        await self.register("count", count, details_arg="details")
        return await self.counted("count")

    async def progress_of_wamplite(self) -> Any:
        return await self.counted("counted")

    async def counted(self, name: str) -> Any:
        parts: list[int] = []
        options = CallOptions(on_progress=parts.append)
        return [parts, await self.one.call(f"{self.prefix}.{name}", 3, options=options)]

    async def error_of(self, asked: Any) -> str:
        try:
            await asked
        except ApplicationError as error:
            return str(error.error)
        except asyncio.CancelledError:
            return "canceled here"
        return "none"

    async def canceled(self) -> Any:
        interrupted = asyncio.Event()

        async def slow() -> None:
            try:
                await asyncio.sleep(PATIENCE)
            except asyncio.CancelledError:
                interrupted.set()
                raise

        await self.register("slow", slow)
        call = self.one.call(f"{self.prefix}.slow")
        await asyncio.sleep(0.2)
        call.cancel()
        await asyncio.wait_for(interrupted.wait(), PATIENCE)
        return "interrupted"

    async def timeout(self) -> Any:
        async def slower() -> None:
            await asyncio.sleep(PATIENCE)

        await self.register("slower", slower)
        options = CallOptions(timeout=200)
        return await self.error_of(self.one.call(f"{self.prefix}.slower", options=options))

    async def prefixes(self) -> Any:
        came = await self.events(self.other, "temp", match="prefix")
        await self.publish("temp.kitchen", 21)
        _, details = await came.get()
        return details.topic

    async def wildcards(self) -> Any:
        await self.register(
            ".do", lambda details=None: details.procedure, match="wildcard", details_arg="details"
        )
        return await self.one.call(f"{self.prefix}.x.do")

    async def shared(self) -> Any:
        await self.register("shared", lambda: "one", invoke="roundrobin")
        await self.one.register(
            lambda: "two", f"{self.prefix}.shared", options=RegisterOptions(invoke="roundrobin")
        )
        return [await self.one.call(f"{self.prefix}.shared") for _ in range(4)]

    async def lists(self) -> Any:
        mine, others = await self.events(self.one, "l"), await self.events(self.other, "l")
        ids = self.one._session_id, self.other._session_id
        await self.publish("l", "no other", exclude=[ids[1]], exclude_me=False)
        await self.publish("l", "the other", eligible=[ids[1]], exclude_me=False)
        await self.publish("l", "nobody", eligible=[], exclude_me=False)
        await self.publish("l", "all", exclude_me=False)
        return [[(await came.get())[0][0] for _ in range(2)] for came in (mine, others)]

    async def meta(self) -> Any:
        created = await self.events(self.one, "wamp.registration.on_create")
        await self.register("meta", lambda: None)
        told = (await created.get())[0][1]["uri"]
        number = await self.one.call("wamp.registration.lookup", told)
        callees = await self.one.call("wamp.registration.count_callees", number)
        ids = await self.one.call("wamp.session.list")
        return [told, callees, self.other._session_id in ids]

    async def retained(self) -> Any:
        await self.publish("kept", "old", retain=True)
        await self.publish("kept", "kept", retain=True)
        came = await self.events(self.other, "kept", get_retained=True)
        args, details = await came.get()
        return [args[0], details.retained]

    async def testament(self, last: Any) -> Any:
        came = await self.events(self.one, "will")
        await last.call("wamp.session.add_testament", f"{self.prefix}.will", ["gone"], {})
        last._transport.abort() if hasattr(last._transport, "abort") else last.leave()
        return (await came.get())[0][0]

    async def history(self) -> Any:
        await self.publish("past", 1)
        await self.publish("past", 2)
        subscription = await self.other.subscribe(lambda *_: None, f"{self.prefix}.past")
        found = await self.other.call(
            "wamp.subscription.get_events", subscription.id, reverse=False
        )
        found = list(found.results) if hasattr(found, "results") else [found]
        return [event["args"][0] for event in found]


async def joined(realm: str, url: str) -> Any:
    adapter = Autobahn()
    await adapter.join(url, realm, "json")
    return adapter.session


async def main(realm: str, prefix: str, url: str) -> None:
    trial = Trial(await joined(realm, url), await joined(realm, url), prefix)
    last = await joined(realm, url)
    for name in NAMES:
        told = await asyncio.wait_for(getattr(trial, name)(), PATIENCE)
        print(json.dumps({name: told}), flush=True)
    told = await asyncio.wait_for(trial.testament(last), PATIENCE)
    print(json.dumps({"testament": told}), flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    finally:
        sys.stdout.flush()
    os._exit(0)  # autobahn leaves timers of closed connections behind
