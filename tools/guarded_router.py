#!/usr/bin/env python3
"""Run a router with authorization and so many permissions, for tools/feature_rates.py.

    python tools/guarded_router.py GROUP NUMBER

A third of them are exact, a third prefixes and a third wildcards; anonymous sessions may do
everything under "bench.", which is what a load generator uses.
"""

from __future__ import annotations

import logging
import sys
from functools import partial

import wamplite
from wamplite.auth import Authorization, Permission, Role

ALLOW = ("call", "register", "publish", "subscribe")


def permissions(number: int) -> tuple[Permission, ...]:
    """Return so many permissions, one of which is for what is measured."""
    shapes = (("com.app{}.a.b", "exact"), ("com.app{}.", "prefix"), ("com.app{}..a", "wildcard"))
    others = [
        Permission(uri.format(index), match, ALLOW)
        for index in range(number)
        for uri, match in shapes
    ]
    return (*others[: number - 1], Permission("bench.", "prefix", ALLOW))


def main() -> None:
    group, number = sys.argv[1], int(sys.argv[2])
    logging.basicConfig(level=logging.WARNING)
    roles = [Role("anonymous", permissions(number))]
    with wamplite.Router(features=[group, partial(Authorization, roles)]) as router:
        print("listening", router.listen("rs://127.0.0.1:0"), flush=True)
        print("ready", flush=True)
        router.run_forever()


if __name__ == "__main__":
    main()
