"""Publish what a serial device sends: each line an event of one topic.

--decode text: the line is the only argument. json: an object's members are keyword arguments, any
other value is the only argument. nmea: the sentence, its checksum verified, is the only argument;
keyword arguments are talker, type and fields. Other lines are counted and dropped, and with text
and json the first line after every opening too, for it may be half a line.

It goes on when the device is lost and comes back, and when the router is away: readings wait for
it. It ends at SIGTERM or Ctrl-C. It is `wamplite bridge` with one port and one topic, which adds
nothing to the events.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from ..client.component import Component
from ..core import uris
from ..core.errors import UsageError
from . import logs
from .bridge import add_figures, serve
from .common import add_connection, connection, positive

if TYPE_CHECKING:
    from ..bridge.settings import BridgeSettings


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite serial`."""
    add = parser.add_argument
    add("device", metavar="DEVICE", help="its path; a link is followed at every opening")
    add("--baud", type=positive, default=9600, metavar="N", help="default: %(default)s")
    add("--publish", required=True, metavar="URI", help="the topic")
    framings, decoders = "lines, cobs, slip ...", "text, bytes, json, nmea ..."
    add("--framing", default="lines", metavar="KIND", help=f"{framings} (default: %(default)s)")
    add("--decode", default="text", metavar="KIND", help=f"{decoders} (default: %(default)s)")
    add_figures(parser)
    logs.add_options(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Publish until SIGTERM or Ctrl-C, or until the router refuses us for good."""
    from ..bridge.bridge import Bridge

    settings = settings_of(options)
    given = connection(options)

    def make() -> Bridge:
        component = Component(**given, initial_retry_delay=0.2, max_retry_delay=2.0)
        return Bridge(settings, component=component)

    return serve(make, options)


def settings_of(options: argparse.Namespace) -> BridgeSettings:
    """Return a bridge of one port; UsageError where something else than a device stands there."""
    from ..bridge.configuration.tables import from_dict
    from ..transports import serial_path

    if not uris.is_valid(options.publish):
        raise UsageError(
            f"--publish: {options.publish!r} is not a valid URI: {uris.flaw(options.publish)}"
        )
    serial_path.check(options.device)
    is_path = "://" not in options.device and not options.device.startswith("usb:")
    port = {
        "name": "serial",
        "device": os.path.abspath(options.device) if is_path else options.device,
        "baudrate": options.baud,
        "framing": options.framing,
        "decode": options.decode,
        "publish": [{"topic": options.publish}],
        "status": False,
    }
    buffer = {"max_messages": 10_000, "max_bytes": "16 MiB", "max_age": 0, "marks": False}
    return from_dict({"port": [port], "buffer": buffer})
