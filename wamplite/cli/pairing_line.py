"""The line that `wamplite pair` prints: all that a new device needs, as one URL.

tls://pi.local:8443?realm=home&authid=lamp&fingerprint=2f4a...&ticket=hJ3x...
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from ..core.errors import UsageError
from ..transports import dial
from ..transports.certificates import normal

WITHIN_TLS = "tls, wss or rss"


class PairingLine(NamedTuple):
    """Where, as whom, how the router is known, and the ticket."""

    url: str
    realm: str
    authid: str
    fingerprint: str
    ticket: str

    def __str__(self) -> str:
        told = self._asdict()
        return f"{told.pop('url')}?{urlencode(told)}"


def parse(line: str) -> PairingLine:
    """Return what a line says; UsageError where it is none."""
    url, _, query = line.strip().partition("?")
    try:
        found = dict(parse_qsl(query, strict_parsing=True))
    except ValueError:
        found = {}
    missing = [name for name in PairingLine._fields[1:] if not found.get(name)]
    if missing or len(found) != len(PairingLine._fields) - 1:
        flaw = f"lacks {', '.join(missing)}" if missing else "has too much"
        raise UsageError(f"expected the line of `wamplite pair` within quotes; this one {flaw}")
    said = PairingLine(checked(url), **found)
    return said._replace(fingerprint=normal(said.fingerprint))


def checked(url: str) -> str:
    """Return the URL of a router that shows a certificate; UsageError for another one."""
    if not dial.parse(url).secure or "?" in url:
        raise UsageError(f"a device pairs within TLS, by {WITHIN_TLS} and without ?, not at {url}")
    return url
