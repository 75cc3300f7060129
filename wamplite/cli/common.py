"""What the client verbs share: options with their environment variables, values, and output."""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from ..client.session import Session

CONNECT_TIMEOUT = 10.0
TIMEOUT = 30.0
# Seconds: Ctrl-C may be given to another thread, and an endless wait of the main one not end by it.
HEARING = 0.5
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029]")  # JSON lets them stand; a terminal might obey


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where and as whom to join."""
    group = parser.add_argument_group(
        "connection", "each also as WAMPLITE_URL, WAMPLITE_REALM, ..."
    )
    group.add_argument(
        "-u",
        "--url",
        default=environment("URL", "ws://127.0.0.1:8080/ws"),
        help="ws, wss, rs, rss or unix URL of the router (default: %(default)s)",
    )
    group.add_argument(
        "-r", "--realm", default=environment("REALM", "realm1"), help="default: %(default)s"
    )
    group.add_argument("--authid", default=environment("AUTHID"), help="who we say we are")
    group.add_argument(
        "--serializer",
        choices=("json", "msgpack", "cbor"),
        default=environment("SERIALIZER"),
        help="default: what suits the transport",
    )
    group.add_argument(
        "--ca", default=environment("CA"), metavar="FILE", help="whom to trust for wss and rss"
    )
    group.add_argument(
        "-W",
        "--timeout",
        type=seconds,
        default=environment("TIMEOUT"),
        metavar="SECONDS",
        help="how long to wait for an answer",
    )


def environment(name: str, default: str | None = None) -> str | None:
    """Return what the environment says for an option."""
    return os.environ.get(f"WAMPLITE_{name}", default)


def connect(options: argparse.Namespace) -> Session:
    """Join the realm that the options name."""
    import logging

    from .. import connect

    logging.getLogger("wamplite").addHandler(logging.NullHandler())  # stderr is for what we say
    return connect(**connection(options))


def connection(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options as keyword arguments of `wamplite.connect` or `wamplite.Component`."""
    given = {
        "url": options.url,
        "realm": options.realm,
        "timeout": options.timeout or TIMEOUT,
        "connect_timeout": min(options.timeout or CONNECT_TIMEOUT, CONNECT_TIMEOUT),
        "authid": options.authid,
        "serializer": options.serializer,
    }
    if options.ca is not None:
        from ..transports.tls import TlsOptions

        given["tls"] = TlsOptions(cafile=options.ca)
    return {key: setting for key, setting in given.items() if setting is not None}


def add_payload(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that become args and kwargs."""
    parser.add_argument(
        "args", nargs="*", type=value, help="JSON where it parses as JSON, else text"
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
    """Return args and kwargs as they were given, before and after `--`."""
    return [*options.args, *map(value, options.rest)], dict(options.kwargs)


def seconds(text: str) -> float:
    """Return a time above 0."""
    number = float(text)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"expected seconds above 0, not {text}")
    return number


def positive(text: str) -> int:
    """Return a whole number above 0."""
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, not {text}")
    return number


def size(text: str) -> int:
    """Return a number of bytes: 65536, 64K, 16M or 1G."""
    found = re.fullmatch(r"([0-9]{1,15})([KMG]?)", text.upper())
    if found is None or not int(found[1]):
        raise argparse.ArgumentTypeError(f"expected a size as 65536, 64K or 16M, not {text!r}")
    return int(found[1]) * UNITS[found[2]]


def value(text: str) -> Any:
    """Return the JSON value that the text is, else the text itself."""
    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return text


def refuse(constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(constant)


def pair(text: str) -> tuple[str, Any]:
    """Return key and value of KEY=VALUE."""
    key, equals, rest = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, not {text!r}")
    return key, value(rest)


def to_json(thing: Any) -> str:
    """Return one line of JSON; bytes stand as WAMP's JSON binding writes them."""
    text = json.dumps(thing, ensure_ascii=False, separators=(",", ":"), default=binary)
    return CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def binary(thing: Any) -> str:
    """Return bytes as a JSON string: NUL and base64 (RFC "Binary conversion of JSON Strings")."""
    if isinstance(thing, (bytes, bytearray)):
        return "\0" + base64.b64encode(thing).decode()
    raise TypeError(f"{type(thing).__name__} is not a JSON value")


def shown(thing: Any) -> str:
    """Return text as it is and anything else as JSON."""
    return thing if isinstance(thing, str) else to_json(thing)


def emit(thing: Any) -> None:
    """Print one JSON value as a line."""
    sys.stdout.write(to_json(thing) + "\n")
