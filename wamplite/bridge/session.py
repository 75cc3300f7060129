"""What a bridge publishes through: a Component made from the settings, or a sink instead of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..client.component import Component
from ..client.publishing import Outcome
from ..core.grammar import announces
from .settings import SessionSettings

if TYPE_CHECKING:
    from ..client.session import Session
    from .publisher import ToPublish

__all__ = ["EventSink", "ToSink", "component_of", "heeds_retain"]

# Topic, args and kwargs of each event.
EventSink = Callable[[list[tuple[str, list[Any], dict[str, Any]]]], None]


def component_of(settings: SessionSettings) -> Component:
    """Return a Component that joins as the settings say."""
    words: dict[str, Any] = {
        "serializer": settings.serializer or None,
        "timeout": settings.timeout,
        "connect_timeout": settings.connect_timeout,
        "initial_retry_delay": min(0.2, settings.max_retry_delay),
        "max_retry_delay": settings.max_retry_delay,
    }
    if settings.authid:
        words["authid"] = settings.authid
    if auth := _auth(settings):
        words["auth"] = auth
    if settings.ca:
        from ..transports.tls import TlsOptions

        words["tls"] = TlsOptions(cafile=settings.ca)
    return Component(settings.url, settings.realm, **words)


def _auth(settings: SessionSettings) -> list[Any]:
    """Return what proves who the bridge is, the best first."""
    from .. import auth  # few say who they are

    ways: list[Any] = []
    if settings.key_file:
        ways.append(auth.CryptoSign.of_file(settings.authid or None, settings.key_file))
    if settings.secret_file:
        from ..config import read_secret

        secret = read_secret(settings.secret_file)
        kinds = {"scram": auth.Scram, "wampcra": auth.WampCra, "ticket": auth.Ticket}
        ways += [kinds[name](settings.authid, secret) for name in settings.authmethods]
    return ways


def heeds_retain(session: Session) -> bool:
    """Tell whether the router of a session keeps events for later subscribers."""
    return announces(session.details["roles"], "broker", "event_retention")


class ToSink:
    """Takes the place of a session where there is no router: hands events to a function."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink

    def publish_all(self, events: Iterable[ToPublish]) -> list[Outcome]:
        """Hand the events over."""
        given = [(topic, list(args), dict(kwargs)) for topic, args, kwargs, _ in events]
        self._sink(given)
        return [Outcome(None, None, True) for _ in given]
