"""A router as its file says it."""

from __future__ import annotations

from typing import Any

from ..core.errors import UsageError
from ..router import Router
from .files import Configuration
from .household import Household
from .settings import ListenerSettings


class Estate:
    """A router, and what its file has made in it. Made in the program's main thread."""

    def __init__(self, router: Router, configuration: Configuration) -> None:
        self.router = router
        self.configuration = configuration
        self.households: dict[str, Household] = {}
        self.urls: dict[str, str] = {}  # as the file says it -> the real one
        for realm in configuration.realms:
            self.households[realm.name] = open_realm(router, Household(realm))

    def listen(self, listener: ListenerSettings) -> str:
        """Open a listener; return its real URL."""
        self.urls[listener.url] = url = self.router.listen(listener.url, **keywords(listener))
        return url


def open_realm(router: Router, household: Household) -> Household:
    """Open a realm in a router."""
    realm = household.realm
    try:
        router.add_realm(
            realm.name,
            features=household.features(),
            strict=realm.strict,
            authmethods=household.methods(),
        )
    except UsageError as error:
        raise UsageError(f"{realm.at}: realm {realm.name}: {error}") from error
    return household


def keywords(listener: ListenerSettings) -> dict[str, Any]:
    """Return what a listener says, as parameters of Router.listen."""
    told = {
        "cert": listener.cert or None,
        "key": listener.key or None,
        "ca": listener.ca or None,
        "auth": listener.auth,
        "allow_anonymous_network": listener.allow_anonymous_network,
        "allowed_origins": listener.allowed_origins,
        "allowed_hosts": listener.allowed_hosts,
        "longpoll": listener.longpoll,
        "compress": listener.compress,
        "metrics": listener.metrics,
        "proxy_protocol": listener.proxy_protocol,
        "trusted_proxies": listener.trusted_proxies,
    }
    return {name: said for name, said in told.items() if said is not None}
