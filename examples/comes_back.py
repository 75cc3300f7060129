"""A service that comes back: python examples/comes_back.py [URL].

It may be started before the router. When the router or the network goes away it joins again as soon
as it can, and registers and subscribes as before. Ctrl-C ends it.
"""

import sys

import wamplite

url = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8080/ws"
service = wamplite.Component(url, realm="realm1", max_retry_delay=5)
lights = {"kitchen": False}


@service.register("com.example.light.set")
def set_light(room: str, on: bool) -> dict[str, bool]:
    lights[room] = on
    return lights


@service.subscribe("com.example.light.all_off")
def all_off() -> None:
    lights.update(dict.fromkeys(lights, False))


@service.on_join
def joined(session: wamplite.Session) -> None:
    print("joined", session.realm, flush=True)


service.run()
