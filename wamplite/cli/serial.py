"""Publish what a serial device sends: each line an event of one topic.

The line is 8N1 at 9600 baud unless --baud, --bytesize, --parity and --stopbits say otherwise. A
frame is a line, or ends at --delimiter, or is of another --framing.

--decode text: the line is the only argument. json: an object's members are keyword arguments, any
other value is the only argument. nmea: the sentence, its checksum verified, is the only argument;
keyword arguments are talker, type and fields. --regex and --csv take the values out of a text.
Other lines are counted and dropped, and the first line after every opening too, for it may be half
a line, unless a checksum proves it whole.

--set gives any other key of a port as the file of a bridge has it, by its path: framing.gap=0.2,
and those of [buffer]: buffer.path=/var/lib/x/outbox. What is no value of TOML is a text.

It goes on when the device is lost and comes back, and when the router is away: readings wait for
it. It ends at SIGTERM or Ctrl-C. It is `wamplite bridge` with one port and one topic, which adds
nothing to the events.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from ..client.component import Component
from ..core import uris
from ..core.errors import UsageError
from . import logs
from .bridge import add_figures, serve
from .common import positive
from .connection import add_connection, connection, telling_who

if TYPE_CHECKING:
    from ..bridge.settings import BridgeSettings

SET = (
    "any other key of [[port]] or [buffer], see docs/bridge-keys.md: silence='2 min',"
    " framing.max_bytes=64, publish.retain=true, buffer.path=FILE; repeatable"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite serial`."""
    add = parser.add_argument
    add("device", metavar="DEVICE", help="its path; a link is followed at every opening")
    add("--baud", type=positive, default=9600, metavar="N", help="default: %(default)s")
    add("--publish", required=True, metavar="URI", help="the topic")
    framings, decoders = "lines, cobs, slip ...", "text, bytes, json, nmea ..."
    add("--framing", default="lines", metavar="KIND", help=f"{framings} (default: %(default)s)")
    add("--decode", metavar="KIND", help=f"{decoders} (default: text)")
    add_line(parser)
    add_kinds(parser)
    add("--set", action="append", default=[], metavar="KEY=VALUE", help=SET)
    add_figures(parser)
    logs.add_options(parser)
    add_connection(parser)


def add_line(parser: argparse.ArgumentParser) -> None:
    """Add what a device's line is like: 7E1 and so on."""
    add = parser.add_argument
    add("--bytesize", type=positive, default=8, metavar="N", help="5 to 8 (default: %(default)s)")
    add("--parity", default="N", metavar="P", help="N, E, O, M or S (default: %(default)s)")
    add("--stopbits", type=float, default=1, metavar="N", help="1, 1.5 or 2 (default: 1)")


def add_kinds(parser: argparse.ArgumentParser) -> None:
    """Add what framings and decoders may be told; each of them chooses its kind, too."""
    add = parser.add_argument
    add("--delimiter", metavar="TEXT", help="what ends a frame; \\r, \\n, \\x02 are bytes")
    add("--checksum", metavar="KIND", help="at the end of each frame: sum8, xor, crc16-modbus ...")
    add("--regex", metavar="PATTERN", help="its groups are the arguments, by name if they have one")
    add("--csv", metavar="NAMES", help="the values' names, separated by commas: temp,,hum")
    add("--encoding", metavar="NAME", help="of text, such as latin-1 (default: utf-8)")


def run(options: argparse.Namespace) -> int:
    """Publish until SIGTERM or Ctrl-C, or until the router refuses us for good."""
    from ..bridge.bridge import Bridge

    settings = settings_of(options)
    given = connection(options)

    def make() -> Bridge:
        component = Component(**given, initial_retry_delay=0.2, max_retry_delay=2.0)
        return Bridge(settings, component=component)

    with telling_who("auth" in given):
        return serve(make, options)


def settings_of(options: argparse.Namespace) -> BridgeSettings:
    """Return a bridge of one port; UsageError where something else than a device stands there."""
    from ..bridge.configuration.tables import PORT, from_dict
    from ..transports import serial_path
    from .port_keys import set_keys

    if not uris.is_valid(options.publish):
        raise UsageError(
            f"--publish: {options.publish!r} is not a valid URI: {uris.flaw(options.publish)}"
        )
    serial_path.check(options.device)
    is_path = "://" not in options.device and not options.device.startswith("usb:")
    port: dict[str, Any] = {
        "name": "serial",
        "device": os.path.abspath(options.device) if is_path else options.device,
        "baudrate": options.baud,
        "bytesize": options.bytesize,
        "parity": options.parity,
        "stopbits": options.stopbits,
        "framing": _framing(options),
        "decode": _decode(options),
        "publish": [{"topic": options.publish}],
        "status": False,
    }
    buffer = {"max_messages": 10_000, "max_bytes": "16 MiB", "max_age": 0, "marks": False}
    set_keys(port, buffer, PORT.keys, options.set)
    return from_dict({"port": [port], "buffer": buffer})


def _framing(options: argparse.Namespace) -> dict[str, Any]:
    table: dict[str, Any] = {"kind": options.framing}
    if options.delimiter is not None:
        escaped = options.delimiter.encode("latin-1", "backslashreplace")
        try:
            delimiter = escaped.decode("unicode_escape")
        except UnicodeError as exc:
            raise UsageError(f"--delimiter: {options.delimiter!r} is no text: {exc}") from exc
        table |= {"kind": "delimiter", "delimiter": delimiter}
    return table | ({"checksum": options.checksum} if options.checksum else {})


def _decode(options: argparse.Namespace) -> dict[str, Any]:
    asked = [name for name in ("decode", "regex", "csv") if getattr(options, name) is not None]
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} and --{asked[1]}: a frame is decoded in one way")
    table: dict[str, Any] = {"kind": options.decode or "text"}
    if options.regex is not None:
        table = {"kind": "regex", "pattern": options.regex}
    elif options.csv is not None:
        table = {"kind": "csv", "fields": [name.strip() for name in options.csv.split(",")]}
    return table | ({"encoding": options.encoding} if options.encoding else {})
