"""What a listener is given, checked: names of web pages and hosts, the files of a certificate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .. import features as by_name
from ..core.errors import UsageError
from ..transports import origins

if TYPE_CHECKING:
    from .shown_certificate import ShownCertificate


def pages(allowed: Iterable[str], hosts: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which origins and hosts are allowed, as given; UsageError where none can be meant."""
    names = tuple(by_name.several("allowed_hosts", hosts))
    given = tuple(by_name.several("allowed_origins", allowed))
    if given:
        origins.allowed(given)
    return given, names


def certificate(cert: str | None, key: str | None, ca: str | None) -> ShownCertificate | None:
    """Return what shows a certificate; UsageError where a file is given without it."""
    if cert is None:
        for what, file in (("private key", key), ("CA file", ca)):
            if file is not None:
                raise UsageError(f"the {what} {file} needs its certificate")
        return None
    from .shown_certificate import ShownCertificate  # ssl is heavy

    return ShownCertificate(cert, key, ca)
