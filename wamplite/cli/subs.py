"""Print the subscriptions that there are: a line of JSON for each.

id, created, uri, match, and the ids of the sessions that are its subscribers.
"""

from __future__ import annotations

import argparse

from .common import emit
from .connection import add_connection, connect
from .needs import procedures_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite subs`."""
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Ask and print."""
    with connect(options) as session, procedures_of("subscription_meta_api"):
        found = session.meta.subscriptions()
    for each in found:
        emit(each)
    return 0
