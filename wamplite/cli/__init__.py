"""`wamplite VERB ...`: one file per verb, imported when it is the one that is asked for.

A verb's module has `configure(parser)`, which adds its arguments, and `run(options)`, which returns
the exit code. What follows the first `--` is not parsed and stands in `options.rest`, for verbs
whose module says TAKES_REST.

Exit codes: 0 done, 1 WAMP error (its URI on stderr), 2 usage, 3 cannot connect or connection lost,
4 timeout, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from importlib import import_module

from ..core import errors, uris

__all__ = ["main"]

VERBS = {
    "router": "run a router",
    "pub": "publish an event",
    "sub": "print events",
    "call": "call a procedure and print its result",
    "register": "serve a procedure by running a command",
    "serial": "publish what a serial device sends",
    "bridge": "connect many serial devices to topics and procedures",
    "ports": "list serial devices, their lasting names, and who holds them",
    "micro": "print the client for boards with MicroPython",
    "service": "write systemd units for router and bridge, or show them",
    "version": "print the version",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        return run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads our stdout has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the interpreter's last flush
        return 0
    except errors.WampliteError as error:
        print(f"wamplite: {in_words(error)}", file=sys.stderr)
        return exit_code(error)
    except OSError as error:
        print(f"wamplite: {error}", file=sys.stderr)
        return 4 if isinstance(error, TimeoutError) else 1


def run(argv: list[str]) -> int:
    """Find the verb, let its module parse the rest, and run it."""
    before, after = split_at_dashes(argv)
    verb = before[0] if before else ""
    if verb not in VERBS:
        general_parser().parse_args(before)  # --help ends here, anything else is an error
    module = import_module(f".{verb}", __name__)
    parser = argparse.ArgumentParser(f"wamplite {verb}", description=module.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.configure(parser)
    options = parser.parse_intermixed_args(before[1:])
    if after and not getattr(module, "TAKES_REST", False):
        parser.error(f"unexpected after `--`: {' '.join(after)}")
    options.rest = after
    code: int = module.run(options)
    with contextlib.suppress(ValueError):  # closed by the verb
        sys.stdout.flush()
    return code


def split_at_dashes(argv: list[str]) -> tuple[list[str], list[str]]:
    """Return what stands before and after the first `--`."""
    if "--" not in argv:
        return argv, []
    at = argv.index("--")
    return argv[:at], argv[at + 1 :]


def general_parser() -> argparse.ArgumentParser:
    """Return the parser that knows the verbs' names alone."""
    lines = "\n".join(f"  {verb:10}{purpose}" for verb, purpose in VERBS.items())
    parser = argparse.ArgumentParser(
        "wamplite",
        description=f"A small WAMP router and client.\n\nverbs:\n{lines}",
        epilog="`wamplite VERB --help` tells more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("verb", choices=VERBS, metavar="VERB")
    return parser


def exit_code(error: errors.WampliteError) -> int:
    """Return the exit code that stands for an error."""
    if isinstance(error, errors.UsageError):
        return 2
    if isinstance(error, errors.TransportLost):
        return 3
    return 4 if isinstance(error, TimeoutError) else 1


def in_words(error: errors.WampliteError) -> str:
    """Return the text for stderr: a WAMP error starts with its URI."""
    if isinstance(error, errors.ProtocolError):
        return f"{uris.PROTOCOL_VIOLATION}: {error}"
    return str(error)
