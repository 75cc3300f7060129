"""What runs on the board, on MicroPython and CPython alike; drive.mjs and drive.py feed it bytes.

It serves com.test.echo, com.test.fail and com.test.figures; what comes on com.test.down it
publishes on com.test.back. At com.test.work [n] it publishes n events and makes n calls, as fast
as there is room for them.
"""

import uwamp

wamp = None
figures = {}


def begin(kind, now):
    """Begin on a new connection."""
    global wamp
    if wamp is None:
        wamp = getattr(uwamp, kind)("realm1")
        wamp.subscribe("com.test.down", lambda number: wamp.publish("com.test.back", number))
        wamp.subscribe("com.test.work", work)
        wamp.register("com.test.echo", lambda *args, **kwargs: [args, kwargs])
        wamp.register("com.test.fail", lambda: 1 // 0)
        wamp.register("com.test.figures", lambda: figures)
    wamp.open(now)


def is_lost():
    return bool(wamp.lost)


def work(number):
    figures.update(todo=number, published=0, called=0, answered=0, wrong=0)


def step(data, now):
    """Take bytes, do some of the work, return bytes."""
    out = wamp.step(data, now)
    while figures and figures["published"] < figures["todo"]:
        if not wamp.publish("com.test.up", figures["published"], unit="C"):
            break
        figures["published"] += 1
    while figures and figures["called"] < figures["todo"] and call(figures["called"]):
        figures["called"] += 1
    return out


def call(number):
    def then(result, error):
        figures["answered"] += 1
        figures["wrong"] += error is not None or result != number + 1

    return wamp.call("com.test.add_one", then, number)
