"""Have the router publish an event when this ends, however it ends: Ctrl-C, kill -9, power cut.

It stays connected, and prints nothing, until it is ended.
"""

from __future__ import annotations

import argparse
import sys

from .. import signals
from ..core.errors import TransportLost
from .common import DASHES, add_payload, payload, text
from .connection import add_connection, connect
from .needs import procedures_of

TAKES_REST = True
HINTS = {"-": DASHES}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite testament`."""
    parser.add_argument("topic", type=text, metavar="TOPIC")
    add_payload(parser)
    add = parser.add_argument
    add("--retain", action="store_true", help="the router keeps it for who subscribes later")
    add("-v", "--verbose", action="store_true", help="say on stderr when the router has it")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Leave the testament, and wait until Ctrl-C, SIGTERM or a loss."""
    from ..client.testaments import bequeath

    args, kwargs = payload(options)
    with connect(options, code=0) as session:
        with procedures_of("testament_meta_api"):
            asked = {"retain": True} if options.retain else {}
            bequeath(session, options.topic, args, kwargs, asked)
        if options.verbose:
            print(f"testament {options.topic}", file=sys.stderr, flush=True)
        while not session.lost.wait(signals.HEARING):
            continue
        raise session.error or TransportLost(f"{options.url}: the session has ended")
