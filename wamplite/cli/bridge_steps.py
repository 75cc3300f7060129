"""`wamplite bridge --watch` and `--replay`: what becomes of a port's bytes, step by step."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import signals
from ..bridge.framing.checksums import WrongChecksum
from ..bridge.watched import Step, WatchedPort
from ..core.errors import UsageError
from ..core.words import printable, shorten
from ..file_errors import doing
from ..locks import Latch, Lock
from ..schema import nearest
from . import logs
from .common import hear_signals, to_json

if TYPE_CHECKING:
    from ..bridge.settings import BridgeSettings, PortSettings

CHUNK = 65536
ENDING = 1.0  # seconds for the port to end
ROW = 16  # bytes of a line
TOLD_OF_A_CAPTURE = ("event", "dropped")


def run(options: argparse.Namespace, settings: BridgeSettings) -> int:
    """Watch a port, or replay a capture through it."""
    port = chosen(settings, options.port, options.file)
    as_json = bool(options.stdout) or not sys.stdout.isatty()
    logging.getLogger("wamplite.bridge.intake").setLevel(logging.ERROR)  # each drop is a step
    with logs.to_stderr(options.log_level, options.log_format):
        if options.replay is not None:
            return replay(port, settings.buffer.marks, options.replay, as_json)
        return watch(port, settings.buffer.marks, as_json)


def chosen(settings: BridgeSettings, name: str | None, file: str) -> PortSettings:
    """Return the port of that name, or the only one; UsageError where there is none such."""
    ports = {port.name: port for port in settings.ports}
    if name is None and len(ports) == 1:
        name = next(iter(ports))
    if name is None:
        raise UsageError(f"which PORT? {file} has {', '.join(ports)}")
    if name not in ports:
        raise UsageError(f"{file} has no port {name!r}; {nearest(name, ports)}")
    return ports[name]


class StepPrinter:
    """Prints steps until stdout is closed by its reader; any thread may call it."""

    def __init__(self, line_of: Callable[[Step], str]) -> None:
        self.broken: OSError | None = None
        self._line_of = line_of
        self._lock = Lock()  # guards stdout: each line is whole

    def __call__(self, step: Step) -> None:
        """Print a step, and flush."""
        with self._lock:
            if self.broken is not None:
                return
            try:
                sys.stdout.write(f"{self._line_of(step)}\n")
                sys.stdout.flush()
            except OSError as exc:
                self.broken = exc


def watch(settings: PortSettings, marks: bool, as_json: bool) -> int:
    """Show what a port does until Ctrl-C, or a signal that ends a program."""
    began = time.monotonic()

    def line_of(step: Step) -> str:
        seconds = round(time.monotonic() - began, 3)
        return to_json({"seconds": seconds, **step}) if as_json else in_words(seconds, step)

    hear_signals(code=0)
    printer = StepPrinter(line_of)
    port = WatchedPort(settings, printer, marks)
    port.start()
    try:
        never = Latch()
        while printer.broken is None:
            never.wait(signals.HEARING)
        raise printer.broken
    finally:
        port.stop(ENDING)


def replay(settings: PortSettings, marks: bool, capture: str, as_json: bool) -> int:
    """Put a capture through a port; 1 where nothing would be published."""
    if settings.modbus_framing == "tcp":
        raise UsageError(f'port "{settings.name}" is polled by Modbus/TCP: it has no framing')
    meant = of_replies(settings)
    publish = tuple(replace(one, min_interval=0.0, max_interval=0.0) for one in meant.publish)
    line_of = to_json if as_json else lambda step: in_words(step["at"], step)
    printer = StepPrinter(line_of)

    def tell(step: Step) -> None:
        if step["step"] in TOLD_OF_A_CAPTURE:
            printer(step)

    port = WatchedPort(replace(meant, publish=publish), tell, marks)
    if meant is settings:  # else the first frame is a reply, and whole
        port.intake.opened()
    for data in pieces(capture):
        port.intake.replay(meant.without_parity(data))
        if printer.broken is not None:
            raise printer.broken
    port.intake.ended()
    figures = port.figures()
    print(summary(port.intake.at, figures, settings), file=sys.stderr)
    return 0 if figures["published"] else 1


def of_replies(settings: PortSettings) -> PortSettings:
    """Return a port that takes each frame for the reply to its only poll, if that is all it has."""
    asked = [(poll, poll.reply) for poll in settings.polls if poll.reply is not None]
    if settings.publish or len(asked) != 1 or asked[0][0].is_joined or asked[0][0].then:
        return settings
    ((poll, reply),) = asked
    framing = poll.framing or settings.framing
    return replace(settings, framing=framing, decode=reply, publish=(poll,), polls=())


def pieces(capture: str) -> Iterator[bytes]:
    """Give the bytes of a capture, or of stdin."""
    if capture == "-":
        yield from iter(lambda: os.read(sys.stdin.fileno(), CHUNK), b"")
        return
    with doing("read the capture", capture), open(capture, "rb") as file:
        yield from iter(lambda: file.read(CHUNK), b"")


def summary(size: int, figures: dict[str, Any], settings: PortSettings) -> str:
    """Return the counts, and what a capture cannot show."""
    dropped = figures["dropped"]
    reasons = ", ".join(f"{reason}: {number}" for reason, number in dropped.items())
    text = (
        f"{size} bytes: frames={figures['frames']} events={figures['published']}"
        f" dropped={sum(dropped.values())}{f' ({reasons})' if reasons else ''}"
    )
    timed = [name for name in ("min_interval", "max_interval") if is_set(settings, name)]
    timed += ["gap"] if getattr(settings.framing, "gap", 0) else []
    return text + (f"; a capture has no times: {', '.join(timed)} not kept" if timed else "")


def is_set(settings: PortSettings, name: str) -> bool:
    """Tell whether a `publish` of the port has a key."""
    return any(getattr(publish, name) for publish in settings.publish)


def in_words(when: float, step: Step) -> str:
    """Return a step for a person: when, what, and its facts; bytes in rows of hex and text."""
    stamp = f"{when:10.3f}" if isinstance(when, float) else f"{when:8}"
    kind = step["step"]
    lines = rows(step) if kind in ("bytes", "written") else [FACTS[kind](step)]
    return "\n".join(f"{stamp}  {kind:9}{line}".rstrip() for line in lines)


def rows(step: Step) -> list[str]:
    """Return bytes as rows of hex and text."""
    data = bytes.fromhex(step["hex"])
    return [
        f"{data[at : at + ROW].hex(' '):{3 * ROW}} |{plain(data[at : at + ROW])}|"
        for at in range(0, len(data), ROW)
    ]


def plain(data: bytes) -> str:
    """Return bytes as text, a dot for each that is none."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)


def of_drop(step: Step) -> str:
    """Return why something was dropped, and what."""
    number = step["frames"]
    what = [step["reason"]]
    what += [f"{number} times"] if number > 1 else []
    what += [f"{step['bytes']} bytes"] if "bytes" in step else []
    if "checksum" in step:
        wrong = WrongChecksum(step["checksum"], step["found"], step["computed"])
        return f"{', '.join(what)}: {wrong.told}"
    return ", ".join(what) + (f": {shorten(step['text'])}" if "text" in step else "")


FACTS: dict[str, Callable[[Step], str]] = {
    "frame": lambda step: f"{shorten(step['text'])}  ({len(bytes.fromhex(step['hex']))} bytes)",
    "reply": lambda step: "to what was asked",
    "dropped": of_drop,
    "event": lambda step: printable(
        f"{step['topic']} {to_json(step['args'])} {to_json(step['kwargs'])}"
    ),
    "state": lambda step: printable(f"{step['state']} {step['why']}"),
}
