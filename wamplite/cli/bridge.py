"""Run the bridge that FILE describes: many serial devices to topics, and procedures to devices.

It goes on when devices are lost and come back, and when the router is away: events wait for it. It
ends at SIGTERM or Ctrl-C. docs/bridge.md explains every key of FILE. Modules for `python:` decoders
are looked for in the directory of FILE, too.

--stdout json needs no router and no outbox: each event is a line {"topic", "args", "kwargs"}.

--watch shows live what PORT sends, byte by byte, which frames are found in it, what is dropped and
why, and what would be published; nothing is. --replay puts the bytes of a file through PORT's
framing and decoder, without the device: a line for each event and each drop; exit code 1 where
nothing would be published. When piped both print JSON lines; docs/bridge.md explains them.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import collector, notify, signals
from ..core.errors import UsageError
from . import logs
from .common import emit, seconds
from .connection import telling_who

if TYPE_CHECKING:
    from ..bridge.bridge import Bridge
    from ..bridge.settings import BridgeSettings, PortSettings

log = logging.getLogger(__name__)

MODBUS_TCP = ":502"  # the port that is registered for it
SPEAKS_TCP = 'RTU over TCP; at port 502 it is Modbus/TCP as a rule: modbus_framing = "tcp"'
WHO = "[session] says it: authid, with secret_file by its authmethods, or key_file, that proves it"
LOOK = 0.5  # seconds between two calls of Watch


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite bridge`."""
    add = parser.add_argument
    add("file", metavar="FILE", help="what to do, in TOML")
    add("port", metavar="PORT", nargs="?", help="of FILE, for --watch and --replay")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="check FILE, and do nothing else")
    mode.add_argument("--watch", action="store_true", help="show what PORT sends, publish nothing")
    mode.add_argument("--replay", metavar="CAPTURE", help="a file of raw bytes; -: stdin")
    add("--stdout", choices=("json",), help="print events instead of publishing them")
    add_figures(parser)
    logs.add_options(parser)


def add_figures(parser: argparse.ArgumentParser) -> None:
    """Add --figures."""
    parser.add_argument(
        "--figures",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="how often to log the counters, if they have changed (default: %(default)g)",
    )


def run(options: argparse.Namespace) -> int:
    """Run a bridge until SIGTERM or Ctrl-C, or until the router refuses us for good."""
    sys.path.append(str(Path(options.file).resolve().parent))
    from ..bridge.configuration.tables import from_file

    settings = from_file(options.file)
    if options.watch or options.replay is not None:
        from . import bridge_steps

        return bridge_steps.run(options, settings)
    if options.port is not None:
        raise UsageError(f"{options.port!r}: PORT is for --watch and --replay")
    if options.check:
        return check(settings, options.file)
    from ..bridge.bridge import Bridge

    printer = Printer() if options.stdout else None
    if printer is not None:  # without a router no event has to wait
        settings = replace(settings, buffer=replace(settings.buffer, path=""))
    session = settings.session
    with telling_who(bool(session.secret_file or session.key_file), WHO):
        return serve(lambda: Bridge(settings, sink=printer), options, printer)


def serve(
    make: Callable[[], Bridge], options: argparse.Namespace, printer: Printer | None = None
) -> int:
    """Run the bridge that `make` returns until a signal, or until the router refuses us for good.

    printer: what the bridge hands its events to, in place of a router.
    """
    with signals.Ending(), logs.to_stderr(options.log_level, options.log_format):
        bridge = make()
        watch = Watch(bridge, printer, options.figures)
        collector.settle()
        bridge.run_forever(watch, LOOK, lambda: notify.tell("STOPPING=1"))
    return 0


def check(settings: BridgeSettings, file: str) -> int:
    """Print what the file describes, and check the devices and files that it names."""
    if settings.session.secret_file:
        from ..config import read_secret

        read_secret(settings.session.secret_file)
    known: dict[object, str] = {}  # identity of a device -> name of its port
    for port in settings.ports:
        print(f"{port.name}: {in_words(port, known)}{plus(port.idle_because)}")
        for line in port.at.doubts() if port.at else ():
            print(line)
    if settings.buffer.path:
        from ..storage.database import unusable

        print(f"outbox: {settings.buffer.path}{plus(unusable(settings.buffer.path))}")
    number = len(settings.ports)
    session = settings.session
    print(f"{file}: fine, {number} port{'s'[: number - 1]}, {session.realm} at {session.url}")
    return 0


def in_words(port: PortSettings, known: dict[object, str]) -> str:
    """Return the device of a port, whether it is there, and what prevents its use."""
    from ..bridge.device import names
    from ..transports import serial_path

    try:
        device = names.resolve(port.device)
    except OSError as exc:
        return f"{port.device}: {exc.strerror}"
    found = names.identity(device)
    if found is None and "://" in device:
        return f"{port.device}{plus(perhaps_tcp(port))}"
    if found is None:
        return f"{port.device}, not there now"
    other = known.setdefault(found, port.name)
    if other != port.name:
        return f"{port.device}: the same device as that of {other}"
    wrong = serial_path.no_device(device)
    if not wrong and not os.access(device, os.R_OK | os.W_OK):
        wrong = names.denied(device)
    return f"{port.device}{plus(wrong)}{names.advice(device)}"


def perhaps_tcp(port: PortSettings) -> str:
    """Say so where a port speaks Modbus RTU to where Modbus/TCP is spoken."""
    asked = [poll.modbus for poll in port.polls]
    asked += [procedure.modbus for procedure in port.procedures]
    asked += [subscribe.modbus for subscribe in port.subscribes]
    is_rtu = port.modbus_framing == "rtu" and any(asked)
    return SPEAKS_TCP if is_rtu and port.device.endswith(MODBUS_TCP) else ""


def plus(complaint: str) -> str:
    """Return a complaint with a colon before it, or ""."""
    return complaint and f": {complaint}"


class Printer:
    """Prints events, until stdout is closed by its reader."""

    def __init__(self) -> None:
        self.broken: OSError | None = None

    def __call__(self, events: list[tuple[str, list[Any], dict[str, Any]]]) -> None:
        """Print a line for each event, and flush."""
        if self.broken is not None:
            return
        try:
            for topic, args, kwargs in events:
                emit({"topic": topic, "args": args, "kwargs": kwargs})
            sys.stdout.flush()
        except OSError as exc:
            self.broken = exc  # Watch raises it


class Watch:
    """Called each LOOK seconds: logs counters, checks stdout and the threads."""

    def __init__(self, bridge: Bridge, printer: Printer | None, interval: float) -> None:
        self._bridge = bridge
        self._printer = printer
        self._interval = interval
        self._waited = 0.0
        self._said = bridge.figures().splitlines()
        self._pulse: notify.Pulse | None = None

    def __call__(self) -> None:
        """Log counters that have changed, and send systemd a sign of life, where it is time."""
        if self._printer is not None and self._printer.broken is not None:
            raise self._printer.broken
        self._waited += LOOK
        if self._waited >= self._interval:
            self._waited = 0.0
            figures = self._bridge.figures().splitlines()
            for line in figures:
                if line not in self._said:
                    log.info("%s", line)
            self._said = figures
        if self._pulse is None:
            self._pulse = notify.Pulse()
            notify.tell("READY=1")
        if self._pulse.is_due and is_alive(self._bridge):
            self._pulse.beat()


def is_alive(bridge: Bridge) -> bool:
    """Tell whether all threads run and the counts can be read: no thread hangs under a lock."""
    wanted = {"wamplite-publisher", *(f"wamplite-port-{name}" for name in bridge.ports)}
    bridge.report()
    return wanted <= {thread.name for thread in threading.enumerate()}
