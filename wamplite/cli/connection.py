"""How client verbs connect: options that say where, by which way and as whom; joining."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .. import collector
from ..core.errors import AuthenticationFailed, JoinRefused
from . import profile
from .common import TIMEOUT, environment, header, hear_signals, seconds, text
from .streams import complain

if TYPE_CHECKING:
    from ..client.session import Session

CONNECT_TIMEOUT = 10.0
WHO = (
    "--authid NAME says it, with --secret (scram, wampcra), --ticket, --key FILE (cryptosign)"
    " or --cert FILE (tls) that proves it"
)


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add the options of the connection and of HELLO."""
    group = parser.add_argument_group(
        "connection", "each also as WAMPLITE_URL, WAMPLITE_REALM, ..."
    )
    group.add_argument(
        "-u",
        "--url",
        default=environment("URL"),
        help=f"of the router: ws, wss, rs, rss, tcp, tls, unix, serial (default: {profile.URL}, or"
        " that of `wamplite pair --accept`)",
    )
    group.add_argument(
        "-r",
        "--realm",
        type=text,
        default=environment("REALM"),
        help=f"default: {profile.REALM}",
    )
    _add_identity(group)
    group.add_argument(
        "--serializer",
        choices=("json", "msgpack", "cbor"),
        default=environment("SERIALIZER"),
        help="default: json",
    )
    group.add_argument(
        "--assume-feature",
        dest="assume_features",
        type=text,
        action="append",
        metavar="NAME",
        help="that the router has without announcing it; repeatable",
    )
    _add_way(group)
    group.add_argument(
        "-W",
        "--timeout",
        type=seconds,
        default=environment("TIMEOUT"),
        metavar="SECONDS",
        help=f"how long to wait for an answer (default: {TIMEOUT:g})",
    )


def _add_identity(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--authid", type=text, default=environment("AUTHID"), help="who we say we are"
    )
    seen = "others see it in ps: better file:PATH, env:NAME or WAMPLITE_"
    for name, what in (
        ("secret", "what proves it by scram or wampcra"),
        ("ticket", "what proves it by ticket, which sends it as it is"),
    ):
        group.add_argument(
            f"--{name}",
            type=text,
            default=environment(name.upper()),
            help=f"{what}; {seen}{name.upper()}",
        )
    group.add_argument(
        "--key",
        type=text,
        default=environment("KEY"),
        metavar="FILE",
        help="the private key that proves it by cryptosign: of ssh-keygen -t ed25519 or"
        " hexadecimal; agent: or agent:COMMENT for ssh-agent",
    )
    group.add_argument(
        "--authmethod",
        choices=("scram", "wampcra"),
        default=environment("AUTHMETHOD"),
        help="by which --secret proves it (default: scram, then wampcra)",
    )
    group.add_argument(
        "--channel-binding",
        choices=("tls-unique", "tls-server-end-point", "tls-exporter"),
        default=environment("CHANNEL_BINDING"),
        help="tie the proof of --secret or --key to the connection within TLS",
    )


def _add_way(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--ca", default=environment("CA"), metavar="FILE", help="whom to trust for wss and rss"
    )
    group.add_argument(
        "--fingerprint",
        default=environment("FINGERPRINT"),
        metavar="HEX",
        help="SHA-256 of the router's certificate or of its key: without --ca it is known by that",
    )
    group.add_argument(
        "--cert",
        default=environment("CERT"),
        metavar="FILE",
        help="a certificate to show, with its key or --cert-key: proves who we are by tls",
    )
    group.add_argument("--cert-key", default=environment("CERT_KEY"), metavar="FILE")
    group.add_argument(
        "--header",
        dest="headers",
        type=header,
        action="append",
        metavar="'NAME: VALUE'",
        help="of the HTTP request that asks for a WebSocket, such as Cookie",
    )
    group.add_argument(
        "--proxy",
        type=text,
        default=environment("PROXY"),
        metavar="URL",
        help="an HTTP proxy for ws and wss: http://host:port",
    )


def connect(options: argparse.Namespace, code: int | None = None) -> Session:
    """Join the realm that the options name; `code`: the exit code after a signal."""
    from ..client import faults
    from ..client.connect import connect

    hear_signals(code)
    faults.is_logged = False  # stderr is for our own messages
    given = connection(options)
    with telling_who("auth" in given):
        session = connect(**given)
    collector.settle()
    return session


@contextlib.contextmanager
def telling_who(is_said: bool, how: str = WHO) -> Iterator[None]:
    """Tell how to say who we are where a router refuses us because it was not said, or otherwise.

    is_said: whether something proves who we are.
    """
    try:
        yield
    except JoinRefused as error:
        is_unknown = not is_said and isinstance(error, AuthenticationFailed)
        if is_unknown or "auth_method" in error.error:  # Crossbar: wamp.error.no_auth_method
            complain(f"the router wants to know who we are: {how}")
        raise


def connection(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options as keyword arguments of `wamplite.connect` or `wamplite.Component`."""
    profile.complete(options)
    given = {
        "url": options.url,
        "realm": options.realm,
        "timeout": options.timeout or TIMEOUT,
        "connect_timeout": min(options.timeout or CONNECT_TIMEOUT, CONNECT_TIMEOUT),
        "authid": options.authid,
        "serializer": options.serializer,
        "headers": dict(options.headers) if options.headers else None,
        "proxy": options.proxy,
        "assume_features": options.assume_features,
    }
    if options.ca or options.cert or options.fingerprint:
        from ..transports.tls import TlsOptions

        trust = TlsOptions(options.ca, True, options.cert, options.cert_key, options.fingerprint)
        given["tls"] = trust
    proofs = {name: getattr(options, name) for name in ("key", "secret", "ticket", "cert")}
    if any(proofs.values()):
        from .identity import auth_of  # few say who they are

        how = {"authmethod": options.authmethod, "channel_binding": options.channel_binding}
        given["auth"] = auth_of(options.authid, proofs | how)
    return {key: setting for key, setting in given.items() if setting is not None}
