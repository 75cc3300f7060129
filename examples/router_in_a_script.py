"""A router inside your own program, with a session in the same process and one over the network.

Run it: python examples/router_in_a_script.py
"""

import threading

import wamplite

arrived = threading.Event()


def on_greeting(text: str) -> None:
    print("the program hears:", text)
    arrived.set()


with wamplite.Router(realms=["realm1"]) as router:
    url = router.listen("tcp://127.0.0.1:0")  # 0: any free port; WebSocket and RawSocket on it
    with router.connect("realm1") as inside:  # no socket: a call away from the router
        inside.subscribe("com.example.greeting", on_greeting)
        with wamplite.connect(url.replace("tcp://", "rs://"), realm="realm1") as outside:
            outside.publish("com.example.greeting", "hello", options={"acknowledge": True})
        arrived.wait(10)
