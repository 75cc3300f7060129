"""Show readings of a serial device arriving as WAMP events; run by tools/demo.

Starts `wamplite router` on a free port, a simulated sensor on a pseudo-terminal unless there is a
device, `wamplite serial` between the two, and `wamplite sub`, which prints.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

TOPIC = "com.example.sensor"
SIMULATED = Path(__file__).with_name("simulated_sensor.py")
QUIET = ("--log-level", "warning")
ENDING = 5.0  # seconds that a program has to end by itself


def main() -> int:
    options = parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        with ExitStack() as programs:
            return show(options, programs)
    except KeyboardInterrupt:
        return 130


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("tools/demo", description=__doc__.partition("\n")[0])
    parser.add_argument("--device", help="a serial device (default: a simulated sensor)")
    parser.add_argument("--baud", type=int, default=9600, help="default: %(default)s")
    parser.add_argument("--decode", choices=("text", "json", "nmea"), default=None)
    parser.add_argument("--count", type=positive, metavar="N", help="end after N readings")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after N seconds")
    return parser.parse_args()


def positive(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, not {text}")
    return number


def show(options: argparse.Namespace, programs: ExitStack) -> int:
    """Start the four programs and wait for the one that prints."""
    router = start(programs, wamplite("router", "--listen", "tcp://127.0.0.1:0", *QUIET))
    url = "rs://" + read_line(router).partition("://")[2]
    device, decode = options.device, options.decode or "text"
    if device is None:
        device = read_line(start(programs, [sys.executable, str(SIMULATED)]))
        decode = options.decode or "json"
    bridge = ["serial", device, "--baud", str(options.baud), "--publish", TOPIC]
    bridge += ["--decode", decode, "--url", url]
    explain(url, device if options.device else f"a simulated sensor at {device}", bridge)
    count = ["-C", str(options.count)] if options.count else []
    printer = start(programs, wamplite("sub", TOPIC, "--url", url, *count), stdout=None)
    start(programs, wamplite(*bridge, *QUIET))
    try:
        return printer.wait(options.seconds)
    except subprocess.TimeoutExpired:
        return 0


def explain(url: str, device: str, bridge: list[str]) -> None:
    """Say what runs, and what to type next."""
    program = Path(sys.executable).with_name("wamplite")
    tell(f"router at {url}:  wamplite router --listen tcp://127.0.0.1:0")
    tell(f"device:  {device}")
    tell(f"bridge from the device to a topic:  wamplite {' '.join(bridge)}")
    tell(f"subscriber, here; in another terminal:  {program} sub {TOPIC} --url {url}")
    tell("Ctrl-C ends. What arrives:")


def wamplite(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "wamplite", *arguments]


def start(
    programs: ExitStack, command: list[str], stdout: int | None = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Start a program that is ended with us, in a session of its own: Ctrl-C reaches us alone."""
    process = subprocess.Popen(command, stdout=stdout, text=True, start_new_session=True)
    programs.callback(end, process)
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def read_line(process: subprocess.Popen[str]) -> str:
    """Return the first line that a program prints: the address it gives."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        sys.exit(f"tools/demo: {' '.join(map(str, process.args))} has ended with {process.wait()}")
    return line


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
