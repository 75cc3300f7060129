"""A router as its file says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ..auth.cookie import Cookies
from ..core.errors import UsageError
from ..router import Router
from .files import Configuration
from .household import Household
from .limits import RouterSettings
from .settings import ListenerSettings

Place = tuple[str, int]  # a URL as the file says it, and which one of that: port 0 may be several


class Estate:
    """A router, and what its file has made in it. Made in the program's main thread.

    cookies: of `cookies_of`, which the router was given, too.
    """

    def __init__(self, router: Router, configuration: Configuration, cookies: Cookies) -> None:
        self.router = router
        self.configuration = configuration
        self.cookies = cookies
        self.households: dict[str, Household] = {}
        self.urls: dict[Place, str] = {}  # -> the real one
        for realm in configuration.realms:
            self.households[realm.name] = open_realm(router, Household(realm, cookies))

    def listen(self) -> Iterable[str]:
        """Open the listeners, one after the other; yield the real URL of each."""
        for place, listener in placed(self.configuration.listeners).items():
            self.urls[place] = url = self.router.listen(listener.url, **keywords(listener))
            yield url


def cookies_of(router: RouterSettings) -> Cookies:
    """Return the cookies of a router; of max_age 0 where there are none."""
    return Cookies(max_age=router.cookie_max_age, most=router.max_cookies)


def placed(listeners: Iterable[ListenerSettings]) -> dict[Place, ListenerSettings]:
    """Return listeners by where they are."""
    seen: Counter[str] = Counter()
    found = {}
    for listener in listeners:
        found[listener.url, seen[listener.url]] = listener
        seen[listener.url] += 1
    return found


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
    household.move_in(router.realms[realm.name].realm)
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
