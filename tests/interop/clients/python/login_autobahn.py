"""autobahn-python joins as METHOD AUTHID SECRET REALM URL say; tells who it is, or why not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession
from autobahn.wamp.auth import create_authenticator
from autobahn.wamp.serializer import JsonSerializer


class Session(ApplicationSession):  # type: ignore[misc] - autobahn may have no types here
    method, authid, secret = sys.argv[1:4]

    def onConnect(self) -> None:
        key = {"ticket": "ticket", "wampcra": "secret", "scram": "password"}
        named = {key.get(self.method, "privkey"): self.secret, "authid": self.authid}
        if self.method == "cryptosign":
            named["authextra"] = {}
        self.authenticator = create_authenticator(self.method, **named)
        extra = self.authenticator.authextra
        self.join(self.config.realm, [self.method], self.authid, authextra=extra)

    def onChallenge(self, challenge: Any) -> Any:
        answer = self.authenticator.on_challenge(self, challenge)
        return answer.decode() if isinstance(answer, bytes) else answer

    def onWelcome(self, welcome: Any) -> Any:
        return self.authenticator.on_welcome(self, welcome.authextra)

    def onJoin(self, details: Any) -> None:
        tell(authid=details.authid, authrole=details.authrole, authmethod=details.authmethod)

    def onLeave(self, details: Any) -> None:
        tell(refused=details.reason)


def tell(**told: Any) -> None:
    print(json.dumps(told), flush=True)
    os._exit(0)


async def main(realm: str, url: str) -> None:
    runner = ApplicationRunner(url, realm, serializers=[JsonSerializer()])
    await runner.run(Session, start_loop=False)
    await asyncio.sleep(20)


asyncio.run(main(*sys.argv[4:]))
