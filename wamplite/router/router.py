"""The router as a program or a script holds it.

wamplite-reader         one: accept, shake hands, read, parse and route for many, and never block
wamplite-reader-large   one: read, parse and route for those who send large messages
wamplite-accept-URL     one per listener whose connections may block: accept, have them served
wamplite-conn-N         one per connection that may block, or is one of few that are busy: the same
wamplite-route-REALM    one per realm: routes when a reader has routed long enough for others
wamplite-housekeeper    one: writes for slow connections, keeps deadlines, pings and timers

A connection is a flow (waits.py): it yields what it waits for, and goes from one of those who take
its steps to the other as it is, between two of them, with what it has half received:

    accept ──> reader ── BLOCKING: an authmethod, a disk ──> conn-N ── done ──> reader
               reader ── brings much at once ──> reader-large ── less ──> reader
               reader-large ── takes long to decode ──> conn-N ── less ──> reader, reader-large
               reader ── busy, and few are connected ──> conn-N ── many are ──> reader
    TLS, serial lines, HTTP, this process ──> conn-N, to the end
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from .. import features as by_name
from ..core import uris
from ..core.errors import UsageError
from ..core.handshake import AuthMethod
from ..forks import OfOneProcess, watch
from ..locks import Lock
from ..signals import Gate, with_signals
from . import listen_urls
from .access import Access
from .given import pages
from .limits import LimitKeywords, checked
from .listener import CookieSource, Listener, Settings
from .opening import CertificateFiles, opened, with_metrics, with_proxies
from .realms import begin, end
from .shared import ENDED, Shared

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..client.session import Session
    from ..client.terms import JoiningKeywords
    from .serial_listener import SerialListener

logger = logging.getLogger("wamplite.router")


class Router(OfOneProcess):
    """Realms, and the listeners through which sessions reach them. A context manager.

    realms: their URIs; `add_realm` adds others. features: "basic", "standard", "all", or a list of
    those, of names of wamplite.advanced, of classes and functions that make features, for each
    realm anew. strict: request ids must start at 1 and step by 1. authmethods: how a session may
    say who it is, in a realm or at a listener that has none of its own; None: it need not.
    compress: WebSocket messages may be deflated (RFC 7692). longpoll: sessions over HTTP requests
    at /lp are served. cookies: what `methods(cookies=)` was given, too: browsers come back by one.
    limits: see wamplite.router.limits.Limits, by name; sizes are bytes, times are seconds.
    Raises UsageError where something cannot be meant.
    """

    what = "router"
    again = "make a new one"

    def __init__(
        self,
        realms: Iterable[str] = ("realm1",),
        *,
        features: by_name.Wanted = "standard",
        strict: bool = False,
        authmethods: Mapping[str, AuthMethod] | None = None,
        allow_anonymous_network: bool = False,
        allowed_origins: Iterable[str] = (),
        allowed_hosts: Iterable[str] = (),
        compress: bool = False,
        longpoll: bool = False,
        cookies: CookieSource | None = None,
        **limits: Unpack[LimitKeywords],
    ) -> None:
        self.limits = checked(limits)
        names_of_pages = pages(allowed_origins, allowed_hosts)
        self._settings = Settings(
            self.limits, *names_of_pages, compress=compress, longpoll=longpoll, cookies=cookies
        )
        self._authmethods = authmethods
        self._allow_anonymous_network = allow_anonymous_network
        names = list(dict.fromkeys(by_name.several("realms", realms)))
        if not all(map(uris.is_valid, names)):
            raise UsageError(f"realms must be valid URIs: {names}")
        installed = by_name.for_router(features)
        self._lock = Lock()  # guards the next two, and changes of the realms
        self._listeners: list[Listener | SerialListener] = []
        self._closed = False
        self._shared = Shared(self.limits)  # from here on there are threads
        self.realms = self._shared.realms
        try:
            for name in names:
                self.realms[name] = begin(self._shared, name, installed, strict, authmethods)
        except BaseException:
            self._shared.close()
            raise
        watch(self)

    @property
    def counters(self) -> dict[str, int]:
        """What was refused, dropped or missed so far, by name."""
        return self._shared.counted()

    @property
    def sessions(self) -> int:
        """How many sessions there are, in all realms."""
        return sum(len(routing.realm.members) for routing in list(self.realms.values()))

    def add_realm(
        self,
        name: str,
        *,
        features: by_name.Wanted = "standard",
        strict: bool = False,
        authmethods: Mapping[str, AuthMethod] | None = None,
    ) -> None:
        """Open a realm, at any time; parameters as of the router, but for this realm alone.

        authmethods: None: as the router was told. Raises UsageError where there is one, or cannot
        be.
        """
        self.check_process()
        if not uris.is_valid(name):
            raise UsageError(f"a realm must be a valid URI: {name!r}")
        installed = by_name.for_router(features)
        methods = self._authmethods if authmethods is None else authmethods
        with self._lock:
            if self._closed:
                raise UsageError(f"cannot open the realm {name}: {ENDED}")
            if name in self.realms:
                raise UsageError(f"there is a realm {name} already")
            self.realms[name] = begin(self._shared, name, installed, strict, methods)

    def remove_realm(self, name: str) -> None:
        """Close a realm: GOODBYE `wamp.close.close_realm` to its sessions, and nobody joins it.

        Raises UsageError where there is none.
        """
        self.check_process()
        with self._lock:
            routing = self.realms.pop(name, None)
        if routing is None:
            raise UsageError(f"there is no realm {name}")
        self._shared.traced.pop(name, None)
        end(routing)

    def listen(
        self,
        url: str,
        *,
        cert: str | None = None,
        key: str | None = None,
        ca: str | None = None,
        authmethods: Mapping[str, AuthMethod] | None = None,
        auth: Iterable[str] | None = None,
        metrics: str = "",
        allow_anonymous_network: bool | None = None,
        allowed_origins: Iterable[str] | None = None,
        allowed_hosts: Iterable[str] | None = None,
        compress: bool | None = None,
        longpoll: bool | None = None,
        proxy_protocol: bool = False,
        trusted_proxies: Iterable[str] = (),
    ) -> str:
        """Open a listener and return its real URL (port 0 takes a free port).

        cert and key: files in PEM, for the schemes within TLS, read again when they have changed;
        ca: of those who sign the certificates of clients, for the authmethod tls. authmethods: how
        those who come here may say who they are; None: as their realm was told. auth: which of
        these methods; None: all that are safe here, beyond loopback no `ticket` outside TLS, and
        nobody anonymous. metrics: a realm: who may call `wamplite.router.stats` there reads
        /metrics. trusted_proxies: addresses, networks, "unix", whose X-Forwarded-For tells who
        connects; proxy_protocol: a PROXY header before all else tells it instead. The others: as of
        the router, where they are not None. Raises UsageError where it cannot listen, or must not:
        beyond loopback and behind proxies only with authentication or `allow_anonymous_network`.
        """
        self.check_process()
        names = pages(
            self._settings.allowed_origins if allowed_origins is None else allowed_origins,
            self._settings.allowed_hosts if allowed_hosts is None else allowed_hosts,
        )
        settings = Settings(
            self.limits,
            *names,
            compress=self._settings.compress if compress is None else compress,
            longpoll=self._settings.longpoll if longpoll is None else longpoll,
            cookies=self._settings.cookies,
        )
        settings = with_proxies(url, settings, trusted_proxies, proxy_protocol)
        if not url.startswith("serial:"):
            is_proxied = settings.proxies is not None
            access = self._access(url, authmethods, auth, allow_anonymous_network, is_proxied)
            settings = settings._replace(access=access)
        settings = with_metrics(url, settings, metrics, self._shared)
        listener = opened(url, settings, CertificateFiles(cert, key, ca), self._shared)
        try:
            with self._lock:
                if self._closed:
                    raise UsageError(f"cannot listen on {url}: {ENDED}")
                listener.start()
                self._listeners.append(listener)
        except BaseException:
            listener.close()
            raise
        self._shared.connections.listening(listener.url)
        logger.debug("listening on %s", listener.url)
        return listener.url

    def _access(
        self,
        url: str,
        own: Mapping[str, AuthMethod] | None,
        auth: Iterable[str] | None,
        allow_anonymous: bool | None,
        is_proxied: bool,
    ) -> Access:
        """Return what is offered to those who come to a listener; UsageError where it must not."""
        place = listen_urls.parse(url)
        access = Access(
            own,
            None if auth is None else tuple(by_name.several("auth", auth)),
            place.is_local,
            listen_urls.SCHEMES[place.scheme][1],
            self._allow_anonymous_network if allow_anonymous is None else allow_anonymous,
            is_proxied,
        )
        realms = {name: routing.authmethods for name, routing in list(self.realms.items())}
        access.check(url, realms.values())
        if access.shows_tickets:
            logger.warning("%s asks for tickets, and everybody on the way can read them", url)
        for name, methods in realms.items():
            for method in access.left_out(methods):
                logger.warning("%s does not offer %s, which realm %s has", url, method, name)
        return access

    def close_listener(self, url: str) -> None:
        """Accept no more at a listener, by its real URL; who came there may stay.

        Raises UsageError where there is none.
        """
        self.check_process()
        with self._lock:
            found = next((each for each in self._listeners if each.url == url), None)
            if found is None:
                raise UsageError(f"there is no listener at {url}")
            self._listeners.remove(found)
        found.close()

    def take_limits(self, **limits: Unpack[LimitKeywords]) -> None:
        """Have these limits from now on, and the defaults of the others; who is there stays.

        A session keeps the `max_message_size` that it was told. UsageError where they cannot be.
        """
        self.check_process()
        self.limits = checked(limits)
        with self._lock:
            self._shared.take_limits(self.limits)
            for each in self._listeners:
                if isinstance(each, Listener):
                    each.take_limits(self.limits)

    def renew_certificates(self) -> None:
        """Show what the certificate files of all listeners hold now; who is connected stays so.

        Whoever connects later notices files that have changed, too: this tells at once, by
        UsageError, that they cannot be loaded. Those from before are then still shown.
        """
        self.check_process()
        with self._lock:
            listeners = [each for each in self._listeners if isinstance(each, Listener)]
        for listener in listeners:
            listener.renew()

    def connect(self, realm: str = "realm1", **options: Unpack[JoiningKeywords]) -> Session:
        """Open a session in this process, without a socket; options as of wamplite.connect."""
        from .in_process import connect

        self.check_process()
        return connect(self._shared, realm, options)

    def run_forever(self) -> None:
        """Wait for SIGINT or SIGTERM, then close; a second one acts as it would without us.

        Call it from the main thread.
        """
        self.check_process()
        gate = Gate()
        try:
            with_signals(gate, gate.wait)
        finally:
            self.close()

    def close(self) -> None:
        """Stop accepting, say GOODBYE to all, write all out (bounded), end every thread.

        In a forked child it does nothing: the router is its parent's.
        """
        if self.owner:
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._shared.connections.close()
        for listener in self._listeners:
            listener.close()
        deadline = time.monotonic() + self.limits.shutdown_timeout
        for routing in list(self.realms.values()):
            routing.run(routing.realm.dismiss_all)
        self._shared.end_connections(deadline)
        self._shared.close()

    def disown(self) -> None:
        """Keep no port and no connection open in a forked child."""
        super().disown()
        for listener in self._listeners:
            listener.disown()
        self._shared.connections.disown()

    def __enter__(self) -> Router:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
