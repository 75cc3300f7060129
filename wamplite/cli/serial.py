"""Publish what a serial device sends: each line an event of one topic.

--decode text: the line is the only argument. json: an object's members are keyword arguments, any
other value is the only argument. nmea: the sentence, its checksum verified, is the only argument;
keyword arguments are talker, type and fields. Other lines are counted and dropped, and with text
and json the first line after every opening too, for it may be half a line.

It goes on when the device is lost and comes back, and when the router is away: readings wait for
it. It ends at SIGTERM or Ctrl-C.
"""

from __future__ import annotations

import argparse
import logging

from .. import signals
from ..bridge import SerialBridge
from ..client.component import Component
from ..core import uris
from ..core.errors import UsageError
from . import logs
from .common import add_connection, connection, positive, seconds

log = logging.getLogger(__name__)

FRAMINGS = ("lines", "cobs", "slip")
DECODERS = ("text", "bytes", "json", "nmea")
LOOK = 0.5  # seconds between two checks whether the router has refused the session for good


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite serial`."""
    add = parser.add_argument
    add("device", metavar="DEVICE", help="its path; a link is followed at every opening")
    add("--baud", type=positive, default=9600, metavar="N", help="default: %(default)s")
    add("--publish", required=True, metavar="URI", help="the topic")
    add(
        "--framing", choices=("lines", "cobs", "slip"), default="lines", help="default: %(default)s"
    )
    add(
        "--decode",
        choices=("text", "bytes", "json", "nmea"),
        default="text",
        help="default: %(default)s",
    )
    add(
        "--figures",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="how often to log the counters, if they have changed (default: %(default)g)",
    )
    logs.add_options(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Publish until SIGTERM or Ctrl-C, or until the router refuses us for good."""
    if not uris.is_valid(options.publish):
        raise UsageError(
            f"--publish: {options.publish!r} is not a valid URI: {uris.flaw(options.publish)}"
        )
    component = Component(**connection(options), initial_retry_delay=0.2, max_retry_delay=2.0)
    bridge = SerialBridge(
        options.device,
        options.publish,
        component,
        baud=options.baud,
        framing=options.framing,
        decode=options.decode,
    )
    log = logs.to_stderr(options.log_level, options.log_format)
    with signals.Ending() as ending, log, bridge:
        follow(bridge, component, options.figures, ending)
        ending.release()
    if component.error is not None:
        raise component.error
    return 0


def follow(
    bridge: SerialBridge, component: Component, interval: float, ending: signals.Ending
) -> None:
    """Log the counters each `interval` seconds, until a signal or the end of the component."""
    figures, waited = bridge.figures(), 0.0
    while component.error is None and not ending.wait(LOOK, bridge.figures):
        waited += LOOK
        if waited >= interval:
            waited = 0.0
            figures = log_changed(bridge, figures)


def log_changed(bridge: SerialBridge, before: str) -> str:
    """Log the counters unless they are the same as before."""
    figures = bridge.figures()
    if figures != before:
        log.info("%s", figures)
    return figures
