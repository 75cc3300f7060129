"""autobahn-python that joins three times over one transport: URL REALM SERIALIZER."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer

SERIALIZERS = {"json": JsonSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer}
ROUNDS, SECONDS = 3, 20


class Series(ApplicationSession):  # type: ignore[misc] - autobahn may have no types here
    """Serves `series.answer`, calls it, leaves, and joins again over what carried it."""

    left = 0

    async def onJoin(self, details: Any) -> None:
        await self.register(lambda: self.left, "series.answer")
        told = {"session": details.session, "answer": await self.call("series.answer")}
        print(json.dumps({**told, "transport": id(self._transport)}), flush=True)
        self.leave()

    def onLeave(self, details: Any) -> None:
        self.left += 1
        if details.reason == "wamp.close.goodbye_and_out" and self.left < ROUNDS:
            self.join(self.config.realm)
        else:
            print(json.dumps({"reason": details.reason}), flush=True)
            self.disconnect()

    def onDisconnect(self) -> None:
        asyncio.get_running_loop().stop()


def main(url: str, realm: str, serializer: str) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.call_later(SECONDS, loop.stop)
    runner = ApplicationRunner(url, realm, serializers=[SERIALIZERS[serializer]()])
    loop.run_until_complete(runner.run(Series, start_loop=False))
    loop.run_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # autobahn leaves timers of closed connections behind
