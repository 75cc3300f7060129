"""The router of the Python package xconn: WebSocket alone."""

from __future__ import annotations

import asyncio
import sys

from xconn.router import Router
from xconn.server import Server


async def main(port: int) -> None:
    router = Router()
    router.add_realm("realm1")
    await Server(router).start("127.0.0.1", port)
    await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1])))
