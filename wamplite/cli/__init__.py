"""`wamplite VERB ...`: one file per verb, imported when it is used.

A verb's module has `configure(parser)`, which adds its arguments, and `run(options)`, which returns
the exit code. The words after the first `--` are not parsed and are in `options.rest`, for modules
that set TAKES_REST.

Exit codes: 0 done, 1 WAMP error (its URI on stderr), 2 usage, 3 cannot connect or connection lost,
4 timeout, 130 Ctrl-C, 128 + N signal N where that is not the usual end of the verb.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, NoReturn

from ..core import errors
from ..core.words import printable
from ..version import __version__
from . import streams
from .outcomes import exit_code, in_words, of_system

__all__ = ["main"]

VERBS = {
    "router": "run a router",
    "init": "write a configuration file to begin with",
    "check": "check a configuration file, or ask it who may do what",
    "config": "print the schema of the configuration file, or import another router's",
    "reload": "have a router read its file again",
    "pub": "publish an event",
    "sub": "print events",
    "call": "call a procedure and print its result",
    "register": "serve a procedure by running a command",
    "testament": "have the router publish an event when this ends",
    "history": "print the events that the router has kept",
    "retained": "print the retained event of each topic",
    "sessions": "print who is there",
    "subs": "print the subscriptions that there are",
    "regs": "print the registrations that there are",
    "kill": "end sessions",
    "top": "show how busy a router is, and its sessions",
    "trace": "print the messages of a realm as they pass its router",
    "user": "keep the file of those who may join a router",
    "keygen": "make a key pair for cryptosign",
    "pair": "let a new device in, once, and have it keep a profile",
    "cert": "make certificates for TLS, and renew them",
    "serial": "publish what a serial device sends",
    "bridge": "connect many serial devices to topics and procedures",
    "ports": "list serial devices, their lasting names, and who holds them",
    "micro": "print the client for boards with MicroPython, or compile it",
    "service": "write systemd units for router and bridge, or show them",
    "version": "print the version",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    streams.prepare()
    try:
        return guarded(sys.argv[1:] if argv is None else argv)
    finally:
        streams.settle()


def guarded(argv: list[str]) -> int:
    """Run the command line; report an error in words and by the exit code."""
    try:
        return run(argv)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our stdout has closed it
        return 0
    except errors.WampliteError as error:
        streams.complain(in_words(error))
        return exit_code(error)
    except OSError as error:
        streams.complain(of_system(error))
        return 4 if isinstance(error, TimeoutError) else 1


@contextlib.contextmanager
def hearing_interrupts() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt, where it ends the process before and after."""
    is_deaf = signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    if is_deaf:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if is_deaf:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(argv: list[str]) -> int:
    """Find the verb, let its module parse the rest, and run it."""
    before, after = split_at_dashes(argv)
    if before[:1] == ["help"]:
        before = [*before[1:2], "--help"]
    verb = before[0] if before else ""
    if verb not in VERBS:
        return general(before)
    module = import_module(f".{verb}", __name__)
    parser = VerbParser(f"wamplite {verb}", description=module.__doc__)
    parser.hints = getattr(module, "HINTS", {})
    module.configure(parser)
    options = parser.parse_intermixed_args(before[1:])
    if after and not getattr(module, "TAKES_REST", False):
        parser.error(f"unexpected after `--`: {' '.join(after)}")
    options.rest = after
    with hearing_interrupts():
        code: int = module.run(options)
    with contextlib.suppress(ValueError):  # the verb has closed it
        sys.stdout.flush()
    return code


# What other programs call it: an unknown word -> what to type instead, where the verb has --url.
OF_OTHERS = {
    **dict.fromkeys(
        ("-p", "--port", "-h", "--host", "-H", "--address", "--server"),
        "--url ws://HOST:PORT/ws says where the router is",
    ),
    **dict.fromkeys(("--user", "--username", "--login"), "--authid NAME says who we are"),
    **dict.fromkeys(
        ("-P", "--password", "--pw"), "--secret file:PATH, with --authid, proves who we are"
    ),
    **dict.fromkeys(("-t", "--topic"), "the topic is the first word, without an option"),
    **dict.fromkeys(("-m", "--message"), "arguments follow the topic, without an option"),
}


class VerbParser(argparse.ArgumentParser):
    """A parser that takes every negative number for a value, and has hints for wrong words."""

    hints: Mapping[str, str] = {}  # an unknown word -> what to type instead

    def __init__(self, prog: str, **given: Any) -> None:
        super().__init__(prog, formatter_class=layout, **given)
        # -1e3 too, which argparse's own pattern misses; no option of ours begins with a digit.
        self._negative_number_matcher = re.compile(r"-\.?\d")

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and what was perhaps meant, and exit with 2."""
        _, _, words = message.partition("unrecognized arguments: ")
        others = OF_OTHERS if "--url" in self._option_string_actions else {}
        hints = {**others, **self.hints}
        options = [word.partition("=")[0] for word in words.split()]
        hint = next((hints[option] for option in options if option in hints), "")
        hint = hint or perhaps(words.split(), self._option_string_actions)
        if not hint and words:
            hint = self.hints.get("-" if words.startswith("-") else "", "")
        self.print_usage(sys.stderr)
        text = printable(f"{self.prog}: error: {message}{hint and f'; {hint}'}")
        self.exit(2, f"{text}\n")


def layout(prog: str) -> argparse.HelpFormatter:
    """Return what lays out the help of a program; argparse makes one for each argument."""
    return argparse.RawDescriptionHelpFormatter(prog, width=streams.columns() - 2)


def perhaps(words: Iterable[str], known: Iterable[str]) -> str:
    """Name what was meant by the first of some words that is nearly a known one."""
    from difflib import get_close_matches

    near = (get_close_matches(word.partition("=")[0], known, 1) for word in words)
    return next((f"perhaps {found[0]}" for found in near if found), "")


def split_at_dashes(argv: list[str]) -> tuple[list[str], list[str]]:
    """Return the words before and after the first `--`."""
    if "--" not in argv:
        return argv, []
    at = argv.index("--")
    return argv[:at], argv[at + 1 :]


def general(words: list[str]) -> int:
    """Answer a command line without a verb: --help, --version, or an error."""
    lines = "\n".join(f"  {verb:10}{purpose}" for verb, purpose in VERBS.items())
    parser = argparse.ArgumentParser(
        "wamplite",
        usage="wamplite VERB ...",
        description=f"A small WAMP router and client.\n\nverbs:\n{lines}",
        epilog="`wamplite VERB --help` tells more.",
        formatter_class=layout,
    )
    parser.add_argument("-V", "--version", action="version", version=f"wamplite {__version__}")
    parser.add_argument("verb", choices=VERBS, metavar="VERB", help=argparse.SUPPRESS)
    if not words:
        parser.print_help(sys.stderr)
        return 2
    if words[0].startswith("-") and (verb := next((word for word in words if word in VERBS), "")):
        parser.error(f"the verb comes first: wamplite {verb} {words[0]} ...")
    known = [*VERBS, *parser._option_string_actions]
    if words[0] not in known and (near := perhaps(words[:1], known)):
        parser.error(f"there is no verb {words[0]!r}, {near}")
    parser.parse_args(words)  # ends here
    raise AssertionError(words)
