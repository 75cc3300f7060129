"""What verbs share: words of the command line as values, signals, and output."""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import math
import os
import re
import signal
import sys
from typing import Any, NoReturn

from .. import signals

TIMEOUT = 30.0
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
DASHES = "put -- before arguments that begin with -, and options before that"
CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029]")  # JSON allows them; a terminal may act on them


def environment(name: str, default: str | None = None) -> str | None:
    """Return the value of an option from the environment."""
    return os.environ.get(f"WAMPLITE_{name}", default)


def hear_signals(code: int | None) -> None:
    """Exit at a signal that kills a program by default, or go on at one without a meaning here.

    code: the exit code, for verbs that end so as a rule; None: 128 and the signal's number.
    """

    def end(number: int, _frame: object) -> NoReturn:
        for other in ours:  # a second one kills; a hangup sends SIGHUP twice
            signal.signal(other, signal.SIG_IGN if other == signal.SIGHUP else signal.SIG_DFL)
        sys.exit(128 + number if code is None else code)

    def go_on(number: int, _frame: object) -> None:
        heard = signal.Signals(number)
        with contextlib.suppress(OSError):  # sys.stderr may be in the middle of a write
            os.write(2, f"wamplite: {heard.name}: {signals.MEANINGS[heard]}\n".encode())

    ours = signals.heard()
    ours.pop(signal.SIGINT)
    for number, ends in ours.items():
        signal.signal(number, end if ends else go_on)


def add_payload(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that become args and kwargs."""
    parser.add_argument(
        "args",
        nargs="*",
        type=value,
        default=[],
        metavar="ARG",
        help="JSON where it parses as JSON, else text",
    )
    parser.add_argument(
        "-k",
        dest="kwargs",
        type=pair,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a keyword argument",
    )


def payload(options: argparse.Namespace) -> tuple[list[Any], dict[str, Any]]:
    """Return args and kwargs, of the words before and after `--`."""
    return [*options.args, *map(value, options.rest)], dict(options.kwargs)


def seconds(word: str) -> float:
    """Return a time above 0."""
    number = float(word)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"expected seconds above 0, not {word}")
    return number


def positive(word: str) -> int:
    """Return a whole number above 0."""
    number = int(word)
    if not 0 < number < 1 << 63:
        raise argparse.ArgumentTypeError(f"expected a number above 0, not {word}")
    return number


def size(word: str) -> int:
    """Return a number of bytes: 65536, 64K, 16M or 1G."""
    found = re.fullmatch(r"([0-9]{1,15})([KMG]?)", word.upper())
    if found is None or not int(found[1]):
        raise argparse.ArgumentTypeError(f"expected a size as 65536, 64K or 16M, not {word!r}")
    return int(found[1]) * UNITS[found[2]]


def text(word: str) -> str:
    """Return a word of the command line, decoded as UTF-8 in any locale."""
    if is_unicode(word):
        return word
    try:
        return os.fsencode(word).decode()
    except UnicodeDecodeError:
        raise argparse.ArgumentTypeError(f"expected UTF-8, not {ascii(word)}") from None


def is_unicode(word: str) -> bool:
    """Tell whether a word holds only characters, no undecodable bytes (surrogates, PEP 383)."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def value(word: str) -> Any:
    """Return the JSON value that a word is, else its text, else its bytes."""
    return value_of(os.fsencode(word)) if not is_unicode(word) else json_or_text(word)


def value_of(data: bytes) -> Any:
    """Return the JSON value that bytes are, else their text, else themselves."""
    try:
        return json_or_text(data.decode())
    except UnicodeDecodeError:
        return data


def json_or_text(word: str) -> Any:
    """Return the JSON value that a text is, else the text itself."""
    try:
        return json.loads(word, parse_constant=refuse, parse_float=finite)
    except (ValueError, RecursionError):
        return word


def refuse(constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which are not JSON."""
    raise ValueError(constant)


def finite(digits: str) -> float:
    """Return a number; refuse one that is too large for a float."""
    number = float(digits)
    return number if math.isfinite(number) else refuse(digits)


def header(given: str) -> tuple[str, str]:
    """Return name and value of NAME: VALUE."""
    name, colon, rest = given.partition(":")
    if not (name and colon):
        raise argparse.ArgumentTypeError(f"expected NAME: VALUE, not {given!a}")
    return name, rest.strip()


def pair(word: str) -> tuple[str, Any]:
    """Return key and value of KEY=VALUE."""
    key, equals, rest = word.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, not {word!r}")
    return text(key), value(rest)


def to_json(data: Any) -> str:
    """Return one line of JSON; bytes as in WAMP's JSON binding."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=binary)
    return CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def binary(data: Any) -> str:
    """Return bytes as a JSON string: NUL and base64 (RFC "Binary conversion of JSON Strings")."""
    if isinstance(data, (bytes, bytearray)):
        return "\0" + base64.b64encode(data).decode()
    raise TypeError(f"{type(data).__name__} is not a JSON value")


def shown(data: Any) -> str:
    """Return text as it is and anything else as JSON."""
    return data if isinstance(data, str) else to_json(data)


def emit(data: Any) -> None:
    """Print one JSON value as a line."""
    sys.stdout.write(to_json(data) + "\n")
