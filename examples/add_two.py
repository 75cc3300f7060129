"""Serve com.example.add_two and call it: python examples/add_two.py [URL].

Start `wamplite router` first. The callee and the caller may be two programs on two machines.
"""

import sys

import wamplite

url = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8080/ws"


def add_two(a: float, b: float) -> float:
    return a + b


with wamplite.connect(url, realm="realm1") as callee, wamplite.connect(url) as caller:
    callee.register("com.example.add_two", add_two)
    print("2 + 3 =", caller.call("com.example.add_two", 2, 3))
    try:
        caller.call("com.example.add_three", 2, 3, 4)
    except wamplite.NoSuchProcedure as error:
        print("nobody adds three:", error.error)
