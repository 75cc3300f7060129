"""Print who is there: a line of JSON for each session, as the router tells of it.

session, authid, authrole, authmethod, authprovider and transport.
"""

from __future__ import annotations

import argparse

from .common import emit, text
from .connection import add_connection, connect
from .needs import procedures_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite sessions`."""
    parser.add_argument(
        "--role",
        dest="roles",
        type=text,
        action="append",
        metavar="AUTHROLE",
        help="only those of this authrole; repeatable",
    )
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Ask and print."""
    with connect(options) as session, procedures_of("session_meta_api"):
        found = session.meta.sessions(options.roles)
    for each in found:
        emit(each)
    return 0
