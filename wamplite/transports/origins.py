"""Which web pages may connect: what stands in Origin, and what is allowed; pure but for our name.

A browser tells by Origin whose page it runs; programs send none, or the URL they connect to. Ours:
http, https, ws or wss with the authority that was asked for, whose name must be known to be ours:
else a name of the attacker's that resolves to our address (DNS rebinding) would pass as well.

    allowed:  http://app.example     that scheme, host and port (80, 443: the same as none)
              http://127.0.0.1:*     any port
              null                   pages from files, and from sandboxes
              *                      every page of every site
"""

from __future__ import annotations

import re
import socket
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import NamedTuple

from ..core.errors import UsageError

ANY = "*"
DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
LONGEST = 100  # characters of what a peer sent, in an answer

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)")
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^][/?#@\\:\s,*]+)(?::([0-9]{1,5}|\*))?")


class Origin(NamedTuple):
    """Scheme, host and port, as they are compared; a default port is no port."""

    scheme: str
    host: str
    port: str


def read(text: str) -> Origin | None:
    """Take an origin apart; None for null, and for what is none."""
    match = _ORIGIN.fullmatch(text.lower())
    authority = match and _AUTHORITY.fullmatch(match[2])
    if not match or not authority:
        return None
    port = authority[2] or ""
    return Origin(match[1], authority[1], "" if port == DEFAULT_PORTS.get(match[1]) else port)


def allowed(origins: Iterable[str]) -> frozenset[str]:
    """Return what is allowed in one spelling; UsageError names what no page could ever be."""
    return frozenset(map(_allowed, origins))


def hosts_in_lower_case(hosts: Iterable[str]) -> frozenset[str]:
    """Return names of hosts as they are compared."""
    return frozenset(host.lower().strip("[]") for host in hosts)


def _allowed(text: str) -> str:
    plain = text.strip().lower().rstrip("/")
    if plain in (ANY, "null", "file:"):
        return "file://" if plain == "file:" else plain
    origin = read(plain)
    if origin is None:
        raise UsageError(
            "an origin is scheme://host or scheme://host:port, like http://app.example:8000"
            f" (port *: any), or null, or * for every page: not {text!r}"
        )
    return _spelt(origin)


def may_connect(text: str, host: str, origins: frozenset[str], hosts: frozenset[str]) -> bool:
    """Tell whether a page of this Origin may connect to us under this Host."""
    judge = _may_connect if len(text) + len(host) <= LONGEST else _may_connect.__wrapped__
    return judge(text, host, origins, hosts, our_name())


@lru_cache(maxsize=64)  # of a page that comes again; short strings only, or it would hold a lot
def _may_connect(
    text: str, host: str, origins: frozenset[str], hosts: frozenset[str], own: str
) -> bool:
    plain = text.lower()
    if ANY in origins or plain in origins:
        return True
    origin = read(plain)
    if origin is None or origin.port == ANY:
        return False
    if _spelt(origin) in origins or _spelt(origin._replace(port=ANY)) in origins:
        return True
    return is_own(origin, host) and _names(host, own, hosts)


def is_own(origin: Origin, host: str) -> bool:
    """Tell whether a page of this origin may come from where it connects to."""
    return origin.scheme in DEFAULT_PORTS and origin == read(f"{origin.scheme}://{host}")


def is_our_name(host: str, hosts: Collection[str]) -> bool:
    """Tell whether a Host (name or address, perhaps a port) names this machine."""
    return _names(host, our_name(), hosts)


def our_name() -> str:
    """Return what this machine calls itself, in lower case."""
    return socket.gethostname().lower()


def _names(host: str, own: str, hosts: Collection[str]) -> bool:
    match = _AUTHORITY.fullmatch(host.lower())
    if match is None:
        return False
    name = match[1].strip("[]")
    if name in ("localhost", own, f"{own}.local") or name in hosts:
        return True
    import ipaddress  # few pages are ours

    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def advice(text: str, host: str) -> str:
    """Say why a page may not connect, and what would allow it."""
    origin = read(text)
    said = f"pages of {text[:LONGEST]!r} may not connect to {host[:LONGEST]!r}"
    if origin is not None and is_own(origin, host):
        name = origin.host.strip("[]")[:LONGEST]
        option, word = f"--allow-host {name}", f"allowed_hosts=[{name!r}]"
    elif (origin is not None or text == "null") and len(text) <= LONGEST:
        option, word = f"--allow-origin {text.lower()}", f"allowed_origins=[{text.lower()!r}]"
    else:
        return said
    return f"{said}; to allow it, start the router with {option}, in Python {word}"


def _spelt(origin: Origin) -> str:
    return f"{origin.scheme}://{origin.host}" + (f":{origin.port}" if origin.port else "")
