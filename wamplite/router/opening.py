"""What listens at a URL: a socket, within TLS or not, or a serial port; and what few ask of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from . import listen_urls
from .given import certificate
from .listener import Listener, Settings
from .shared import Shared

if TYPE_CHECKING:
    from .serial_listener import SerialListener


class CertificateFiles(NamedTuple):
    """Files in PEM: the certificate that is shown, its key, and who signs those of clients."""

    cert: str | None
    key: str | None
    ca: str | None


def opened(
    url: str, settings: Settings, files: CertificateFiles, shared: Shared
) -> Listener | SerialListener:
    """Return what listens there, not started yet; UsageError where nothing can."""
    if url.startswith("serial:"):
        from .serial_listener import SerialListener  # few have one: 7 ms

        return SerialListener(url, shared)
    return Listener(listen_urls.parse(url), settings, certificate(*files), shared)


def with_proxies(
    url: str, settings: Settings, trusted: Iterable[str], has_header: bool
) -> Settings:
    """Return the settings with whose word is taken for who connects; see proxied.checked."""
    if not trusted and not has_header:
        return settings
    from .proxied import checked

    return settings._replace(proxies=checked(url, trusted, has_header))


def with_metrics(url: str, settings: Settings, metrics: str, shared: Shared) -> Settings:
    """Return the settings with who may read /metrics; see metrics.checked."""
    if not metrics:
        return settings
    from .metrics import checked

    return settings._replace(metrics=checked(url, metrics, shared))
